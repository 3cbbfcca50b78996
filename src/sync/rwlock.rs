//! `sync.RWMutex`: many readers or one writer; a writer that waits goes before the readers that come after it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::mutex::Line;
use super::{Ticket, Waking};
use crate::name::Name;
use crate::runtime::{Runtime, State, Task, Wakes};
use crate::view::{LockView, View};
use crate::waits::{Kind, Port, Resource, Wait};

/// The port of whoever must wait for a writer: readers, and other writers.
const BEHIND_THE_WRITER: usize = 0;
/// The port of the first writer, who waits for those that read.
const BEHIND_THE_READERS: usize = 1;

/// A lock around nothing that readers share and a writer has alone.
///
/// Semantics: Go's `sync.RWMutex` (`sync/rwmutex.go`); checked against the Go runtime by this project's tests. A writer first claims
/// the lock against other writers, in line as for a [`Mutex`](super::Mutex). From then on readers that come must wait; it has the lock
/// when the last of those that were there has left. When it unlocks, all the readers that came meanwhile have the lock at once, before
/// the next writer. So it is not reentrant in any way: a reader that locks waits for itself, and a reader that reads again waits for
/// itself if a writer came in between.
///
/// A writer waits for all readers, while the wait-for graph asks for one that could help: it calls the writer stuck once all that are
/// left are.
pub struct RwLock<R: Runtime> {
    inner: Arc<Inner<R>>,
}

struct Inner<R: Runtime> {
    runtime: R,
    name: Name,
    cell: R::Cell<Doors>,
}

/// Who is in, and who waits where.
#[derive(Hash, Debug, Default)]
struct Doors {
    /// The writers: the one that has claimed the lock, and the line behind it.
    writers: Line,
    /// Sorted; a task that reads twice is there twice.
    readers: Vec<Name>,
    /// The writer that has claimed the lock and waits for the readers to leave.
    first: Option<(Ticket, Waking)>,
    /// The readers that came after it, and whether they were let in meanwhile.
    later: VecDeque<(Ticket, bool, Waking)>,
}

impl State for Doors {
    fn port(&self, port: usize) -> Port {
        match port {
            BEHIND_THE_WRITER => self.writers.port(0),
            _ => Port { helpers: Some(self.readers.clone()), filled: None },
        }
    }

    fn ports(&self) -> usize {
        2
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        let first = self.first.as_ref().is_some_and(|(ticket, _)| ticket.task == who);
        let later = self.later.iter().any(|(ticket, let_in, _)| ticket.task == who && !let_in);
        (first && !self.readers.is_empty()) || later || self.writers.keeps_waiting(who)
    }

    fn view(&self) -> View {
        let first = self.first.iter().map(|(ticket, _)| ticket.task).filter(|_| !self.readers.is_empty());
        let View::Lock(writers) = self.writers.view() else { return View::Hidden };
        // A writer that waits for the readers to leave has claimed the lock, but does not have it.
        let holder = writers.holders.into_iter().filter(|_| self.readers.is_empty());
        let later = self.later.iter().filter(|(_, let_in, _)| !let_in).map(|(ticket, ..)| ticket.task);
        View::Lock(LockView {
            holders: holder.chain(self.readers.iter().copied()).collect(),
            waiting: first.chain(writers.waiting).chain(later).collect(),
        })
    }
}

impl Doors {
    /// Lets a reader in, or has it wait.
    fn read(&mut self, me: Name, waker: &Waker) -> Option<Ticket> {
        if self.writers.holder.is_none() {
            self.enter(me);
            return None;
        }
        let ticket = Ticket::next(me, |t| self.later.iter().any(|(later, ..)| *later == t));
        self.later.push_back((ticket, false, Waking(waker.clone())));
        Some(ticket)
    }

    fn enter(&mut self, reader: Name) {
        let at = self.readers.partition_point(|other| *other <= reader);
        self.readers.insert(at, reader);
    }

    /// True once the reader was let in, which is said once; until then `waker` is who to wake.
    fn collect_reader(&mut self, ticket: Ticket, waker: &Waker) -> bool {
        let at = self.later.iter().position(|(t, ..)| *t == ticket).expect("who waits has a ticket");
        if self.later[at].1 {
            self.later.remove(at);
            return true;
        }
        self.later[at].2.0.clone_from(waker);
        false
    }

    /// A reader leaves: the last one lets the writer in. False if it does not read.
    fn leave(&mut self, reader: Name, wakes: &mut Wakes) -> bool {
        let Some(at) = self.readers.iter().position(|other| *other == reader) else { return false };
        self.readers.remove(at);
        if self.readers.is_empty()
            && let Some((_, waking)) = &self.first
        {
            wakes.push(waking.0.clone());
        }
        true
    }

    /// A writer that has claimed the lock has it, or waits for the readers.
    fn write(&mut self, me: Name, waker: &Waker) -> Option<Ticket> {
        if self.readers.is_empty() {
            return None;
        }
        let ticket = Ticket::next(me, |_| false);
        self.first = Some((ticket, Waking(waker.clone())));
        Some(ticket)
    }

    /// True once the last reader has left; until then `waker` is who to wake.
    fn collect_writer(&mut self, waker: &Waker) -> bool {
        if self.readers.is_empty() {
            self.first = None;
            return true;
        }
        if let Some((_, waking)) = &mut self.first {
            waking.0.clone_from(waker);
        }
        false
    }

    /// The writer gives the lock back, or its claim to it: first to the readers, all of them.
    fn release(&mut self, wakes: &mut Wakes) {
        self.first = None;
        let mut entering = Vec::new();
        for (ticket, entered, waking) in self.later.iter_mut().filter(|(_, entered, _)| !entered) {
            *entered = true;
            entering.push(ticket.task);
            wakes.push(waking.0.clone());
        }
        entering.into_iter().for_each(|reader| self.enter(reader));
        self.writers.unlock(wakes);
    }

    /// A reader that waits goes; one that was let in meanwhile leaves.
    fn cancel_reader(&mut self, ticket: Ticket, wakes: &mut Wakes) {
        let Some(at) = self.later.iter().position(|(t, ..)| *t == ticket) else { return };
        if let Some((_, true, _)) = self.later.remove(at) {
            self.leave(ticket.task, wakes);
        }
    }
}

impl<R: Runtime> Clone for RwLock<R> {
    fn clone(&self) -> Self {
        RwLock { inner: self.inner.clone() }
    }
}

impl<R: Runtime> Resource for Inner<R> {
    fn look(&self, port: usize) -> Port {
        self.runtime.peek(&self.cell, |doors| doors.port(port))
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        self.runtime.peek(&self.cell, |doors| doors.keeps_waiting(who))
    }
}

impl<R: Runtime> Inner<R> {
    fn with<O: std::hash::Hash>(&self, act: impl FnOnce(&mut Doors, &mut Wakes) -> O) -> O {
        self.runtime.with(&self.cell, act)
    }

    fn wait(self: &Arc<Self>, kind: Kind, port: usize) -> Wait {
        Wait { kind, on: self.name, cell: self.name, port, resource: self.clone() }
    }
}

impl<R: Runtime> RwLock<R> {
    /// A free lock.
    pub fn new(runtime: &R, name: Name) -> RwLock<R> {
        let cell = runtime.cell(name, Doors::default());
        RwLock { inner: Arc::new(Inner { runtime: runtime.clone(), name, cell }) }
    }

    /// Takes the lock for reading; waits while a writer has it or waits for it. A step, which goes on with what the caller does next.
    /// Go's `RLock`.
    pub async fn read(&self, me: &Task<R>) -> ReadGuard<R> {
        me.turn().await;
        me.note(|| format!("read-lock {}", self.inner.name));
        let mut attempt = Reading { lock: self, me, ticket: None, begun: false };
        poll_fn(|cx| attempt.poll(cx)).await;
        ReadGuard { held: Some((self.clone(), me.name)) }
    }

    /// Takes the lock for writing; waits while any other has it, or the task itself. A step, which goes on with what the caller does
    /// next. Go's `Lock`.
    pub async fn write(&self, me: &Task<R>) -> WriteGuard<R> {
        let mut attempt = Writing { lock: self, me, stage: Stage::New };
        loop {
            me.turn().await;
            me.note(|| format!("lock {}", self.inner.name));
            if poll_fn(|cx| attempt.claim(cx)).await {
                break;
            }
            poll_fn(|cx| attempt.woken(cx)).await;
        }
        poll_fn(|cx| attempt.enter(cx)).await;
        WriteGuard { held: Some(self.clone()) }
    }

    /// Who reads, and which writer has the lock or has claimed it; for reports and properties.
    pub fn peek(&self) -> (Vec<Name>, Option<Name>) {
        self.inner.runtime.peek(&self.inner.cell, |doors| (doors.readers.clone(), doors.writers.holder))
    }
}

/// A reader on its way. Dropped, it goes.
struct Reading<'a, R: Runtime> {
    lock: &'a RwLock<R>,
    me: &'a Task<R>,
    ticket: Option<Ticket>,
    begun: bool,
}

impl<R: Runtime> Reading<'_, R> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let inner = &self.lock.inner;
        if !self.begun {
            self.begun = true;
            self.ticket = inner.with(|doors, _| doors.read(self.me.name, cx.waker()));
            if self.ticket.is_none() {
                return Poll::Ready(());
            }
            inner.runtime.waits(self.me.name, inner.wait(Kind::Read, BEHIND_THE_WRITER));
            return Poll::Pending;
        }
        let ticket = self.ticket.expect("who is polled again has a ticket");
        if !inner.with(|doors, _| doors.collect_reader(ticket, cx.waker())) {
            return Poll::Pending;
        }
        self.ticket = None;
        inner.runtime.resumes(self.me.name);
        Poll::Ready(())
    }
}

impl<R: Runtime> Drop for Reading<'_, R> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let inner = &self.lock.inner;
            inner.with(|doors, wakes| doors.cancel_reader(ticket, wakes));
            inner.runtime.resumes(self.me.name);
        }
    }
}

/// A writer on its way. Dropped, it leaves the line, or gives up its claim.
struct Writing<'a, R: Runtime> {
    lock: &'a RwLock<R>,
    me: &'a Task<R>,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Stage {
    New,
    /// In line behind other writers.
    InLine(Ticket),
    /// The lock is claimed; readers may be left.
    Claimed {
        waits: bool,
    },
    /// It has the lock.
    In,
}

impl<R: Runtime> Writing<'_, R> {
    /// True if the lock is claimed now.
    fn claim(&mut self, cx: &Context<'_>) -> Poll<bool> {
        let inner = &self.lock.inner;
        let ticket = if let Stage::InLine(ticket) = self.stage { Some(ticket) } else { None };
        let (behind, waits) = inner.with(|doors, _| {
            let behind = doors.writers.take(self.me.name, ticket, cx.waker());
            (behind, behind.is_none() && doors.write(self.me.name, cx.waker()).is_some())
        });
        match behind {
            Some(ticket) => {
                self.stage = Stage::InLine(ticket);
                inner.runtime.waits(self.me.name, inner.wait(Kind::Lock, BEHIND_THE_WRITER));
            }
            None => {
                self.stage = Stage::Claimed { waits };
                if waits {
                    inner.runtime.waits(self.me.name, inner.wait(Kind::Lock, BEHIND_THE_READERS));
                }
            }
        }
        Poll::Ready(behind.is_none())
    }

    fn woken(&mut self, cx: &Context<'_>) -> Poll<()> {
        let inner = &self.lock.inner;
        let Stage::InLine(ticket) = self.stage else { unreachable!("who waits to be woken is in line") };
        if inner.with(|doors, _| doors.writers.is_woken(ticket, cx.waker())) {
            inner.runtime.resumes(self.me.name);
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn enter(&mut self, cx: &Context<'_>) -> Poll<()> {
        let inner = &self.lock.inner;
        if let Stage::Claimed { waits: true } = self.stage {
            if !inner.with(|doors, _| doors.collect_writer(cx.waker())) {
                return Poll::Pending;
            }
            inner.runtime.resumes(self.me.name);
        }
        self.stage = Stage::In;
        Poll::Ready(())
    }
}

impl<R: Runtime> Drop for Writing<'_, R> {
    fn drop(&mut self) {
        let inner = &self.lock.inner;
        match self.stage {
            Stage::New | Stage::In => {}
            Stage::InLine(ticket) => {
                inner.with(|doors, wakes| doors.writers.cancel(ticket, wakes));
                inner.runtime.resumes(self.me.name);
            }
            Stage::Claimed { waits } => {
                inner.with(|doors, wakes| doors.release(wakes));
                if waits {
                    inner.runtime.resumes(self.me.name);
                }
            }
        }
    }
}

/// A lock that is held for reading. A guard that is dropped unlocks too.
#[must_use = "a guard that is dropped unlocks at once"]
pub struct ReadGuard<R: Runtime> {
    held: Option<(RwLock<R>, Name)>,
}

impl<R: Runtime> ReadGuard<R> {
    /// Unlocks, within the current step. Go's `RUnlock`.
    pub fn unlock(mut self, me: &Task<R>) {
        if let Some((lock, reader)) = self.held.take() {
            me.note(|| format!("read-unlock {}", lock.inner.name));
            lock.inner.with(|doors, wakes| doors.leave(reader, wakes));
        }
    }
}

impl<R: Runtime> Drop for ReadGuard<R> {
    fn drop(&mut self) {
        if let Some((lock, reader)) = self.held.take() {
            lock.inner.with(|doors, wakes| doors.leave(reader, wakes));
        }
    }
}

/// A lock that is held for writing. A guard that is dropped unlocks too.
#[must_use = "a guard that is dropped unlocks at once"]
pub struct WriteGuard<R: Runtime> {
    held: Option<RwLock<R>>,
}

impl<R: Runtime> WriteGuard<R> {
    /// Unlocks, within the current step. Go's `Unlock`.
    pub fn unlock(mut self, me: &Task<R>) {
        if let Some(lock) = self.held.take() {
            me.note(|| format!("unlock {}", lock.inner.name));
            lock.inner.with(|doors, wakes| doors.release(wakes));
        }
    }
}

impl<R: Runtime> Drop for WriteGuard<R> {
    fn drop(&mut self) {
        if let Some(lock) = self.held.take() {
            lock.inner.with(|doors, wakes| doors.release(wakes));
        }
    }
}
