//! `sync.WaitGroup`, with names: what is owed, and by whom.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Ticket, Waking};
use crate::name::Name;
use crate::runtime::{Runtime, State, Task, Wakes};
use crate::waits::{Kind, Port, Resource, Wait};

/// Something that named tasks owe and others wait for: the end of goroutines (Go's `sync.WaitGroup`, `thread.join`), the
/// reply to a call, a channel that one goroutine closes as its last act.
///
/// Unlike a [`Signal`](super::Signal) it says who alone can end the wait, so a task that waits for it can be seen to be stuck. While
/// several owe it, one of them that can go on is enough for the wait to count as hopeful: it is called stuck once all that are left are.
pub struct WaitGroup<R: Runtime> {
    inner: Arc<Inner<R>>,
}

struct Inner<R: Runtime> {
    runtime: R,
    name: Name,
    cell: R::Cell<Owed>,
}

#[derive(Hash, Debug, Default)]
struct Owed {
    /// Sorted; a task that owes twice is there twice.
    by: Vec<Name>,
    /// Who waits, and whether it was told that nobody owes any more.
    waiting: BTreeMap<Ticket, (bool, Waking)>,
}

impl State for Owed {
    fn port(&self, _: usize) -> Port {
        Port { helpers: Some(self.by.clone()), filled: None }
    }

    fn ports(&self) -> usize {
        1
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        self.waiting.iter().any(|(ticket, (told, _))| ticket.task == who && !told)
    }
}

impl Owed {
    fn add(&mut self, who: Name) {
        let at = self.by.partition_point(|other| *other <= who);
        self.by.insert(at, who);
    }

    /// False if it owed nothing.
    fn done(&mut self, who: Name, wakes: &mut Wakes) -> bool {
        let Some(at) = self.by.iter().position(|other| *other == who) else { return false };
        self.by.remove(at);
        if self.by.is_empty() {
            // Go wakes all that wait, whoever is added after.
            for (told, waking) in self.waiting.values_mut().filter(|(told, _)| !told) {
                *told = true;
                wakes.push(waking.0.clone());
            }
        }
        true
    }
}

impl<R: Runtime> Clone for WaitGroup<R> {
    fn clone(&self) -> Self {
        WaitGroup { inner: self.inner.clone() }
    }
}

impl<R: Runtime> Resource for Inner<R> {
    fn look(&self, port: usize) -> Port {
        self.runtime.peek(&self.cell, |owed| owed.port(port))
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        self.runtime.peek(&self.cell, |owed| owed.keeps_waiting(who))
    }
}

impl<R: Runtime> WaitGroup<R> {
    /// What `by` owe, each started before anybody waits.
    pub fn new(runtime: &R, name: Name, by: impl IntoIterator<Item = Name>) -> WaitGroup<R> {
        let mut owed = Owed::default();
        by.into_iter().for_each(|who| owed.add(who));
        let cell = runtime.cell(name, owed);
        WaitGroup { inner: Arc::new(Inner { runtime: runtime.clone(), name, cell }) }
    }

    /// From now on `who` owes it, or owes it once more; within the current step. Go's `Add`.
    pub fn add(&self, who: Name) {
        self.inner.runtime.write(&self.inner.cell, |owed| owed.add(who));
    }

    /// The task has done what it owed, within the current step. Go's `Done`.
    ///
    /// # Panics
    /// If it owed nothing, as Go does where the counter becomes negative.
    pub fn done(&self, me: &Task<R>) {
        me.note(|| format!("done with {}", self.inner.name));
        let owed = self.inner.runtime.with(&self.inner.cell, |owed, wakes| owed.done(me.name, wakes));
        assert!(owed, "{} does not owe {}", me.name, self.inner.name);
    }

    /// Waits until nobody owes it. A step.
    pub async fn wait(&self, me: &Task<R>) {
        me.turn().await;
        me.note(|| format!("wait for {}", self.inner.name));
        let mut watch = Watch { group: self, me, ticket: None };
        poll_fn(|cx| watch.poll(cx)).await
    }

    /// Who owes it, from outside.
    pub fn peek(&self) -> Vec<Name> {
        self.inner.runtime.peek(&self.inner.cell, |owed| owed.by.clone())
    }
}

/// A wait in progress. Dropped, it leaves.
struct Watch<'a, R: Runtime> {
    group: &'a WaitGroup<R>,
    me: &'a Task<R>,
    ticket: Option<Ticket>,
}

impl<R: Runtime> Watch<'_, R> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let inner = &self.group.inner;
        let Some(ticket) = self.ticket else {
            self.ticket = inner.runtime.with(&inner.cell, |owed, _| {
                (!owed.by.is_empty()).then(|| {
                    let ticket = Ticket::next(self.me.name, |t| owed.waiting.contains_key(&t));
                    owed.waiting.insert(ticket, (false, Waking(cx.waker().clone())));
                    ticket
                })
            });
            if self.ticket.is_none() {
                return Poll::Ready(());
            }
            let wait =
                Wait { kind: Kind::Owed, on: inner.name, cell: inner.name, port: 0, resource: inner.clone() };
            inner.runtime.waits(self.me.name, wait);
            return Poll::Pending;
        };
        let told = inner.runtime.with(&inner.cell, |owed, _| {
            let (told, waking) = owed.waiting.get_mut(&ticket).expect("who waits has a ticket");
            waking.0.clone_from(cx.waker());
            let told = *told;
            if told {
                owed.waiting.remove(&ticket);
            }
            told
        });
        if !told {
            return Poll::Pending;
        }
        self.ticket = None;
        inner.runtime.resumes(self.me.name);
        Poll::Ready(())
    }
}

impl<R: Runtime> Drop for Watch<'_, R> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let inner = &self.group.inner;
            inner.runtime.with(&inner.cell, |owed, _| owed.waiting.remove(&ticket).is_some());
            inner.runtime.resumes(self.me.name);
        }
    }
}
