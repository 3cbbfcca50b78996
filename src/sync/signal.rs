//! A signal: raised once, seen by all.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Ticket, Waking};
use crate::name::Name;
use crate::runtime::{Runtime, State, Task, Wakes};
use crate::waits::{Kind, Port, Resource, Wait};

/// Something that happens once and then has happened: a socket that is closed, an order to stop. Like a Go channel that
/// is only ever closed, but raising it twice is fine.
pub struct Signal<R: Runtime> {
    inner: Arc<Inner<R>>,
}

struct Inner<R: Runtime> {
    runtime: R,
    name: Name,
    cell: R::Cell<Raised>,
}

#[derive(Hash, Debug, Default)]
struct Raised {
    raised: bool,
    waiting: BTreeMap<Ticket, Waking>,
}

impl State for Raised {
    fn ports(&self) -> usize {
        1
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        self.waiting.keys().any(|ticket| ticket.task == who)
    }
}

impl Raised {
    fn raise(&mut self, wakes: &mut Wakes) {
        self.raised = true;
        wakes.extend(std::mem::take(&mut self.waiting).into_values().map(|w| w.0));
    }

    /// True if it is raised; else the ticket waits.
    fn seen(&mut self, me: Name, ticket: &mut Option<Ticket>, waker: &Waker) -> bool {
        if !self.raised {
            let ticket = *ticket.get_or_insert_with(|| Ticket::next(me, |t| self.waiting.contains_key(&t)));
            self.waiting.insert(ticket, Waking(waker.clone()));
        }
        self.raised
    }
}

impl<R: Runtime> Clone for Signal<R> {
    fn clone(&self) -> Self {
        Signal { inner: self.inner.clone() }
    }
}

impl<R: Runtime> Resource for Inner<R> {
    fn look(&self, port: usize) -> Port {
        self.runtime.peek(&self.cell, |raised| raised.port(port))
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        self.runtime.peek(&self.cell, |raised| raised.keeps_waiting(who))
    }
}

impl<R: Runtime> Signal<R> {
    /// A signal that is not raised.
    pub fn new(runtime: &R, name: Name) -> Signal<R> {
        let cell = runtime.cell(name, Raised::default());
        Signal { inner: Arc::new(Inner { runtime: runtime.clone(), name, cell }) }
    }

    /// Raises it, within the current step, and wakes all that wait for it.
    pub fn raise(&self, me: &Task<R>) {
        me.note(|| format!("raise {}", self.inner.name));
        self.inner.runtime.with(&self.inner.cell, |raised, wakes| raised.raise(wakes));
    }

    /// Waits until it is raised.
    ///
    /// No step of its own: since a signal stays raised, it cannot be told when exactly it was seen.
    pub async fn wait(&self, me: &Task<R>) {
        let mark = me.runtime.mark(me.name);
        let mut watch = Watch { signal: self, me, ticket: None, busy: false };
        poll_fn(|cx| watch.poll(cx)).await;
        // As of a call: once it is over, it is forgotten whether it had to wait.
        me.runtime.returns(me.name, mark, &());
    }

    /// Comes to a step at the task's whim, or sees the signal raised before it takes it: then false.
    /// See [`Runtime::whim`].
    pub async fn whim_before(&self, me: &Task<R>) -> bool {
        let mut watch = Watch { signal: self, me, ticket: None, busy: true };
        let mut whim = std::pin::pin!(me.whim());
        poll_fn(|cx| match watch.poll(cx) {
            Poll::Ready(()) => Poll::Ready(false),
            Poll::Pending => whim.as_mut().poll(cx),
        })
        .await
    }

    /// True once it was raised, from outside.
    pub fn peek(&self) -> bool {
        self.inner.runtime.peek(&self.inner.cell, |raised| raised.raised)
    }
}

/// A wait in progress. Dropped, it leaves.
struct Watch<'a, R: Runtime> {
    signal: &'a Signal<R>,
    me: &'a Task<R>,
    ticket: Option<Ticket>,
    /// True if the task has something else to do while it waits.
    busy: bool,
}

impl<R: Runtime> Watch<'_, R> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let inner = &self.signal.inner;
        let parked = self.ticket.is_some();
        let (seen, ticket) = inner.runtime.with(&inner.cell, |raised, _| {
            let mut ticket = self.ticket;
            (raised.seen(self.me.name, &mut ticket, cx.waker()), ticket)
        });
        self.ticket = ticket;
        match (seen, parked) {
            (true, false) => Poll::Ready(()),
            (true, true) => {
                self.ticket = None;
                inner.runtime.resumes(self.me.name);
                Poll::Ready(())
            }
            (false, true) => Poll::Pending,
            (false, false) if self.busy => Poll::Pending,
            (false, false) => {
                let wait = Wait {
                    kind: Kind::Signal,
                    on: inner.name,
                    cell: inner.name,
                    port: 0,
                    resource: inner.clone(),
                };
                inner.runtime.waits(self.me.name, wait);
                Poll::Pending
            }
        }
    }
}

impl<R: Runtime> Drop for Watch<'_, R> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let inner = &self.signal.inner;
            inner.runtime.with(&inner.cell, |raised, _| raised.waiting.remove(&ticket).is_some());
            inner.runtime.resumes(self.me.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        /// Each waits, some are polled again with another waker, some go; then it is raised, twice.
        #[test]
        fn a_signal_wakes_all_that_wait_once_and_by_their_last_waker(
            waits in prop::collection::vec((0..3_u32, 0..3_usize, any::<bool>()), 0..20),
        ) {
            let mut signal = Raised::default();
            let mut bells = Vec::new();
            for (task, again, goes) in waits {
                let mut ticket = None;
                let mut mine: Vec<Arc<Bell>> = Vec::new();
                for _ in 0..=again {
                    mine.push(Arc::default());
                    let waker = Waker::from(mine[mine.len() - 1].clone());
                    prop_assert!(!signal.seen(Name::of("task", task), &mut ticket, &waker));
                }
                if goes && let Some(ticket) = ticket {
                    signal.waiting.remove(&ticket);
                }
                bells.push((mine, !goes));
            }
            for _ in 0..2 {
                let mut wakes = Wakes::new();
                signal.raise(&mut wakes);
                wakes.into_iter().for_each(Waker::wake);
                for (mine, stays) in &bells {
                    for (n, bell) in mine.iter().enumerate() {
                        let last = n + 1 == mine.len();
                        prop_assert_eq!(bell.0.load(Ordering::Relaxed), usize::from(*stays && last));
                    }
                }
            }
            prop_assert!(signal.seen(Name::one("late"), &mut None, Waker::noop()));
        }
    }
}
