//! `sync.Mutex`: not reentrant; unlocking wakes the first in line, who competes with newcomers.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Ticket, Waking};
use crate::name::Name;
use crate::runtime::{Runtime, State, Task, Wakes};
use crate::view::{LockView, View};
use crate::waits::{Kind, Port, Resource, Wait};

/// A lock around nothing: as in Go, what it protects is up to those who take it.
///
/// Semantics: Go's `sync.Mutex` in normal mode (`sync/mutex.go`): an unlock frees the lock and wakes the waiter that
/// came first; whoever comes next may take it before that one does, which then waits again at the head of the line.
/// Starvation mode hands over at once, which is one of these interleavings.
pub struct Mutex<R: Runtime> {
    inner: Arc<Inner<R>>,
}

struct Inner<R: Runtime> {
    runtime: R,
    name: Name,
    cell: R::Cell<Line>,
}

/// The holder and the line behind it.
#[derive(Hash, Debug, Default)]
pub(super) struct Line {
    pub(super) holder: Option<Name>,
    waiting: VecDeque<(Ticket, Waking)>,
    /// Who was woken and has not tried yet: until then no unlock wakes another.
    woken: Option<Ticket>,
}

impl State for Line {
    fn port(&self, _: usize) -> Port {
        // A free lock is not waited for: whoever was woken is on its way.
        Port { helpers: self.holder.map(|h| vec![h]), filled: None }
    }

    fn ports(&self) -> usize {
        1
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        self.waiting.iter().any(|(ticket, _)| ticket.task == who)
    }

    fn view(&self) -> View {
        let waiting = self.waiting.iter().map(|(ticket, _)| ticket.task).collect();
        View::Lock(LockView { holders: self.holder.into_iter().collect(), waiting })
    }
}

impl Line {
    pub(super) fn unlock(&mut self, wakes: &mut Wakes) {
        self.holder = None;
        self.wake_next(wakes);
    }

    fn wake_next(&mut self, wakes: &mut Wakes) {
        if self.woken.is_none()
            && let Some((ticket, waking)) = self.waiting.pop_front()
        {
            self.woken = Some(ticket);
            wakes.push(waking.0);
        }
    }

    /// Takes the lock, or stands in line: a newcomer at the end, one that was woken at the head.
    pub(super) fn take(&mut self, me: Name, ticket: Option<Ticket>, waker: &Waker) -> Option<Ticket> {
        let again = ticket.filter(|t| self.woken == Some(*t));
        if again.is_some() {
            self.woken = None;
        }
        if self.holder.is_none() {
            self.holder = Some(me);
            return None;
        }
        let waking = Waking(waker.clone());
        match again {
            Some(ticket) => {
                self.waiting.push_front((ticket, waking));
                Some(ticket)
            }
            None => {
                let in_use = |t| self.woken == Some(t) || self.waiting.iter().any(|(w, _)| *w == t);
                let ticket = Ticket::next(me, in_use);
                self.waiting.push_back((ticket, waking));
                Some(ticket)
            }
        }
    }

    /// True once the ticket was woken; until then `waker` is who to wake.
    pub(super) fn is_woken(&mut self, ticket: Ticket, waker: &Waker) -> bool {
        if let Some((_, waking)) = self.waiting.iter_mut().find(|(t, _)| *t == ticket) {
            waking.0.clone_from(waker);
        }
        self.woken == Some(ticket)
    }

    pub(super) fn cancel(&mut self, ticket: Ticket, wakes: &mut Wakes) {
        self.waiting.retain(|(t, _)| *t != ticket);
        if self.woken == Some(ticket) {
            self.woken = None;
            if self.holder.is_none() {
                self.wake_next(wakes);
            }
        }
    }
}

impl<R: Runtime> Clone for Mutex<R> {
    fn clone(&self) -> Self {
        Mutex { inner: self.inner.clone() }
    }
}

impl<R: Runtime> Resource for Inner<R> {
    fn look(&self, port: usize) -> Port {
        self.runtime.peek(&self.cell, |line| line.port(port))
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        self.runtime.peek(&self.cell, |line| line.keeps_waiting(who))
    }
}

impl<R: Runtime> Mutex<R> {
    /// A free lock.
    pub fn new(runtime: &R, name: Name) -> Mutex<R> {
        let cell = runtime.cell(name, Line::default());
        Mutex { inner: Arc::new(Inner { runtime: runtime.clone(), name, cell }) }
    }

    /// Takes the lock; waits while another has it, or the task itself.
    ///
    /// Taking it is the beginning of a step, which goes on with what the caller does next; unlocking is the end of one.
    /// Nothing is lost by that: taking a lock can always happen later, just before its holder's next act, and freeing it
    /// earlier, just after the last one, since nobody else can do anything with the lock in between (Lipton, «Reduction»,
    /// CACM 1975). loom and tokio do not know of steps and interleave here as well.
    pub async fn lock(&self, me: &Task<R>) -> Guard<R> {
        let mut attempt = Attempt { lock: self, me, ticket: None };
        let mark = me.runtime.mark(me.name);
        loop {
            me.turn().await;
            me.note(|| format!("lock {}", self.inner.name));
            let taken = poll_fn(|cx| attempt.take(cx)).await;
            // As of a call: all that is left of an attempt is the place in line. Once one succeeds it is forgotten whether
            // it had to wait, and before that how often it failed.
            me.runtime.returns(me.name, mark, &attempt.ticket);
            if taken {
                return Guard { lock: Some(self.clone()) };
            }
            poll_fn(|cx| attempt.woken(cx)).await;
            me.runtime.returns(me.name, mark, &attempt.ticket);
        }
    }

    /// Unlocks, whoever has locked, as Go does, within the current step.
    ///
    /// # Errors
    /// [`Unheld`] if it is free: a fatal error in Go, which no `recover` stops.
    pub fn unlock(&self, me: &Task<R>) -> Result<(), Unheld> {
        me.note(|| format!("unlock {}", self.inner.name));
        let held = self.inner.runtime.with(&self.inner.cell, |line, wakes| {
            let held = line.holder.is_some();
            if held {
                line.unlock(wakes);
            }
            held
        });
        if held { Ok(()) } else { Err(Unheld) }
    }

    /// Who holds the lock, for reports and properties.
    pub fn holder(&self) -> Option<Name> {
        self.inner.runtime.peek(&self.inner.cell, |line| line.holder)
    }

    fn unlock_now(&self) {
        self.inner.runtime.with(&self.inner.cell, |line, wakes| line.unlock(wakes));
    }
}

/// A lock being taken. Dropped, it leaves the line, and hands on a wake-up that came for it.
struct Attempt<'a, R: Runtime> {
    lock: &'a Mutex<R>,
    me: &'a Task<R>,
    ticket: Option<Ticket>,
}

impl<R: Runtime> Attempt<'_, R> {
    fn take(&mut self, cx: &Context<'_>) -> Poll<bool> {
        let inner = &self.lock.inner;
        self.ticket =
            inner.runtime.with(&inner.cell, |line, _| line.take(self.me.name, self.ticket, cx.waker()));
        if self.ticket.is_some() {
            let wait =
                Wait { kind: Kind::Lock, on: inner.name, cell: inner.name, port: 0, resource: inner.clone() };
            inner.runtime.waits(self.me.name, wait);
        }
        Poll::Ready(self.ticket.is_none())
    }

    fn woken(&mut self, cx: &Context<'_>) -> Poll<()> {
        let inner = &self.lock.inner;
        let ticket = self.ticket.expect("who waits has a ticket");
        if inner.runtime.with(&inner.cell, |line, _| line.is_woken(ticket, cx.waker())) {
            inner.runtime.resumes(self.me.name);
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl<R: Runtime> Drop for Attempt<'_, R> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let inner = &self.lock.inner;
            inner.runtime.with(&inner.cell, |line, wakes| line.cancel(ticket, wakes));
            inner.runtime.resumes(self.me.name);
        }
    }
}

/// A lock was unlocked that nobody held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Unheld;

impl std::fmt::Display for Unheld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("unlock of unlocked mutex")
    }
}

impl std::error::Error for Unheld {}

/// A lock that is held. A guard that is dropped unlocks too, so that a cancelled task leaves no lock behind.
#[must_use = "a guard that is dropped unlocks at once"]
pub struct Guard<R: Runtime> {
    lock: Option<Mutex<R>>,
}

impl<R: Runtime> Guard<R> {
    /// Leaves the lock held, for somebody to [`unlock`](Mutex::unlock).
    pub fn leave(mut self) {
        self.lock = None;
    }

    /// Unlocks, within the current step.
    pub fn unlock(mut self, me: &Task<R>) {
        if let Some(lock) = self.lock.take() {
            me.note(|| format!("unlock {}", lock.inner.name));
            lock.unlock_now();
        }
    }
}

impl<R: Runtime> Drop for Guard<R> {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            lock.unlock_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Act {
        /// A newcomer tries.
        Come(u32),
        /// The one that was woken tries again.
        TryAgain,
        /// The holder, if any, unlocks.
        Unlock,
        /// One of those in line goes, or the one that was woken.
        Go(usize),
    }

    fn an_act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (0..3_u32).prop_map(Act::Come),
            2 => Just(Act::TryAgain),
            3 => Just(Act::Unlock),
            2 => (0..9_usize).prop_map(Act::Go),
        ]
    }

    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        /// The plain model is who holds the lock and who is in line, first come first; the head may have been woken.
        #[test]
        fn the_head_of_the_line_is_woken_whenever_the_lock_is_free(acts in prop::collection::vec(an_act(), 0..60)) {
            let mut lock = Line::default();
            let mut holder: Option<Name> = None;
            let mut line: Vec<(Ticket, Name, Arc<Bell>)> = Vec::new();
            let mut woken = false;
            for act in acts {
                let mut wakes = Wakes::new();
                match act {
                    Act::Come(n) => {
                        let (name, bell) = (Name::of("task", n), Arc::new(Bell::default()));
                        let ticket = lock.take(name, None, &Waker::from(bell.clone()));
                        // Newcomers compete with the one that was woken.
                        prop_assert_eq!(ticket.is_none(), holder.is_none());
                        holder = holder.or(Some(name));
                        if let Some(ticket) = ticket {
                            prop_assert!(line.iter().all(|(other, ..)| *other != ticket), "a ticket is for one wait");
                            line.push((ticket, name, bell));
                        }
                    }
                    Act::TryAgain if woken => {
                        woken = false;
                        let (ticket, name, _) = line[0].clone();
                        let bell = Arc::new(Bell::default());
                        let again = lock.take(name, Some(ticket), &Waker::from(bell.clone()));
                        match holder {
                            Some(_) => {
                                prop_assert_eq!(again, Some(ticket));
                                line[0].2 = bell;
                            }
                            None => {
                                prop_assert_eq!(again, None);
                                holder = Some(name);
                                line.remove(0);
                            }
                        }
                    }
                    Act::Unlock if holder.is_some() => {
                        holder = None;
                        lock.unlock(&mut wakes);
                    }
                    Act::Go(n) if !line.is_empty() => {
                        let at = n % line.len();
                        lock.cancel(line.remove(at).0, &mut wakes);
                        woken &= at != 0;
                    }
                    Act::TryAgain | Act::Unlock | Act::Go(_) => {}
                }
                let rung = wakes.len();
                wakes.into_iter().for_each(Waker::wake);
                if rung > 0 {
                    prop_assert_eq!(rung, 1, "one is woken at a time");
                    prop_assert!(!woken, "nobody is woken while another is on its way");
                    prop_assert_eq!(line[0].2.0.load(Ordering::Relaxed), 1, "the head of the line is woken");
                    woken = true;
                }
                prop_assert_eq!(lock.holder, holder);
                prop_assert!(holder.is_some() || line.is_empty() || woken, "a free lock with a line wakes somebody");
                for (n, (ticket, _, bell)) in line.iter().enumerate() {
                    prop_assert_eq!(lock.is_woken(*ticket, &Waker::from(bell.clone())), woken && n == 0);
                }
            }
        }
    }
}
