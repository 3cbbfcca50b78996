//! Tasks on loom's threads.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loom::thread::Thread;

use super::runtime::Loom;
use crate::engine::watch::Tracked;

/// What unwinds out of loom when the search is told to stop. Nobody else's panic.
pub(super) struct Stopped;

/// Wakes one future on one of loom's threads.
///
/// Whether it was woken is kept apart from loom's own token, which loom forgets when the thread waits for a lock
/// meanwhile. No loom `Arc`: it would abort the process where a panic finds it alive.
struct Token {
    woken: AtomicBool,
    thread: Thread,
}

impl Token {
    fn new() -> Arc<Token> {
        Arc::new(Token { woken: AtomicBool::new(true), thread: loom::thread::current() })
    }

    fn take(&self) -> bool {
        self.woken.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Token {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

/// Runs a task on the current thread.
pub(super) fn drive(mut task: Tracked) {
    let token = Token::new();
    let waker = Waker::from(token.clone());
    loop {
        // Nobody else runs between this look and the park, so no wake-up is missed.
        while !token.take() {
            loom::thread::park();
        }
        if Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_ready() {
            return;
        }
    }
}

/// Runs the main task and, since loom has few threads, the first task that it starts, on the current one.
///
/// Each is polled only when it was woken itself: a poll too many would be accesses too many.
pub(super) fn play<O>(runtime: &Loom, main: impl Future<Output = O>) -> O {
    let mut main = pin!(main);
    let (main_token, task_token) = (Token::new(), Token::new());
    let (main_waker, task_waker) = (Waker::from(main_token.clone()), Waker::from(task_token.clone()));
    let mut task: Option<Tracked> = None;
    loop {
        if main_token.take() {
            if let Poll::Ready(result) = main.as_mut().poll(&mut Context::from_waker(&main_waker)) {
                return result;
            }
        } else if task.is_some() && task_token.take() {
            let polled = task.as_mut().map(|task| Pin::new(task).poll(&mut Context::from_waker(&task_waker)));
            if polled.is_some_and(|polled| polled.is_ready()) {
                task = None;
            }
        } else if let Some(first) = runtime.first() {
            task = Some(first);
        } else {
            loom::thread::park();
        }
    }
}
