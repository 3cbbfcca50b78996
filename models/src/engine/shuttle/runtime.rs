//! The seam on shuttle.

use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use shuttle::rand::RngCore;
use turnstile::Name;
use turnstile::runtime::{Runtime, State, Wakes};
use turnstile::waits::Wait;

use crate::engine::pause::pause;
use crate::engine::watch::{Tracked, Watch};

/// The runtime.
#[derive(Clone)]
pub(super) struct Shuttle {
    watch: Watch,
    nursery: Arc<Mutex<Nursery>>,
    mood: Arc<OnceLock<Mood>>,
}

/// How choices are drawn in one execution; itself drawn. Every choice stays possible in each.
///
/// Where each of a thousand tosses is fair, about half of them come out heads, always, and what takes nearly all of them
/// is never seen.
struct Mood {
    /// Whims come so many times in eight.
    eager: u64,
    /// Choices among several are mostly the first, or the last.
    favours: Option<Favours>,
}

#[derive(Clone, Copy)]
enum Favours {
    First,
    Last,
}

impl Mood {
    fn draw() -> Mood {
        let favours = match draw(3) {
            0 => None,
            1 => Some(Favours::First),
            _ => Some(Favours::Last),
        };
        Mood { eager: 1 + draw(8), favours }
    }

    fn has_a_whim(&self) -> bool {
        draw(8) < self.eager
    }

    fn pick(&self, among: u64) -> u64 {
        match self.favours {
            Some(Favours::First) if draw(8) > 0 => 0,
            Some(Favours::Last) if draw(8) > 0 => among - 1,
            _ => draw(among),
        }
    }
}

/// Tasks yet to be spawned. shuttle switches tasks when it spawns one, and that must not happen within a step; so the
/// main task does it.
#[derive(Default)]
struct Nursery {
    tasks: Vec<Tracked>,
    main: Option<Waker>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of `among`, drawn by the scheduler.
fn draw(among: u64) -> u64 {
    // The high half, scaled down: no low bits, no division.
    ((shuttle::rand::thread_rng().next_u64() >> 32) * among) >> 32
}

impl Shuttle {
    pub(super) fn new(watch: Watch) -> Shuttle {
        Shuttle { watch, nursery: Arc::default(), mood: Arc::default() }
    }

    /// One that draws evenly in every execution: whims come so many times in eight, choices are as likely as one another.
    pub(super) fn even(watch: Watch, eager: u64) -> Shuttle {
        let mood = Mood { eager, favours: None };
        Shuttle { watch, nursery: Arc::default(), mood: Arc::new(OnceLock::from(mood)) }
    }

    fn mood(&self) -> &Mood {
        self.mood.get_or_init(Mood::draw)
    }

    /// The main task, which also spawns the others.
    pub(super) async fn host<O>(&self, main: impl Future<Output = O>) -> O {
        let mut main = pin!(main);
        poll_fn(|cx| {
            let polled = main.as_mut().poll(cx);
            if polled.is_pending() {
                loop {
                    let mut nursery = lock(&self.nursery);
                    nursery.main = Some(cx.waker().clone());
                    let tasks = std::mem::take(&mut nursery.tasks);
                    drop(nursery);
                    if tasks.is_empty() {
                        break;
                    }
                    for task in tasks {
                        drop(shuttle::future::spawn(task));
                    }
                }
            }
            polled
        })
        .await
    }
}

impl Runtime for Shuttle {
    type Cell<T: State> = Arc<Mutex<T>>;

    fn cell<T: State>(&self, _name: Name, value: T) -> Arc<Mutex<T>> {
        Arc::new(Mutex::new(value))
    }

    fn with<T: State, O: Hash>(&self, cell: &Arc<Mutex<T>>, act: impl FnOnce(&mut T, &mut Wakes) -> O) -> O {
        let mut wakes = Wakes::new();
        let result = act(&mut lock(cell), &mut wakes);
        wakes.into_iter().for_each(Waker::wake);
        result
    }

    fn peek<T: State, O>(&self, cell: &Arc<Mutex<T>>, look: impl FnOnce(&T) -> O) -> O {
        look(&lock(cell))
    }

    async fn turn(&self, who: Name) {
        pause().await;
        self.watch.pass(who).await;
    }

    async fn whim(&self, who: Name) -> bool {
        if !self.mood().has_a_whim() {
            return false;
        }
        self.turn(who).await;
        true
    }

    fn choose(&self, who: Name, among: usize) -> usize {
        let pick = self.mood().pick(among as u64) as usize;
        self.watch.picks(who, pick);
        pick
    }

    fn choose_named(&self, who: Name, among: &[Name]) -> usize {
        let pick = self.mood().pick(among.len() as u64) as usize;
        self.watch.picks_named(who, among[pick]);
        pick
    }

    fn spawn(&self, who: Name, task: impl Future<Output = ()> + Send + 'static) {
        let Some(task) = self.watch.track(who, task) else { return };
        let mut nursery = lock(&self.nursery);
        nursery.tasks.push(task);
        let main = nursery.main.take();
        drop(nursery);
        if let Some(main) = main {
            main.wake();
        }
    }

    fn waits(&self, who: Name, wait: Wait) {
        self.watch.waits(who, wait);
    }

    fn resumes(&self, who: Name) {
        self.watch.resumes(who);
    }

    fn breach(&self, who: Name, rule: &'static str, what: impl FnOnce() -> String) {
        self.watch.breach(who, rule, what);
    }

    fn crash(&self, who: Name, why: &str) {
        self.watch.crash(who, why);
    }
}
