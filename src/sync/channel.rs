//! Bounded channels and `select`, over the seam.

use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Ticket;
use super::queues::{Case, Chosen, Queues};
use crate::name::Name;
use crate::runtime::{Runtime, State, Task};
use crate::waits::{Kind, Port, Resource, Wait};

/// One channel of a group, by its index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Channel(pub usize);

/// How to make a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    /// What it is called.
    pub name: Name,
    /// How many values it holds; at 0, a send waits for its receiver.
    pub capacity: usize,
    /// The only tasks that receive from it; `None` if any task may.
    pub drained_by: Option<Vec<Name>>,
}

impl Spec {
    /// A channel that any task may receive from.
    pub fn new(name: Name, capacity: usize) -> Spec {
        Spec { name, capacity, drained_by: None }
    }

    /// Says that only `tasks` receive from it, each started before anybody waits to send. A receive by another task is a bug and
    /// panics.
    pub fn drained_by(self, tasks: impl IntoIterator<Item = Name>) -> Spec {
        Spec { drained_by: Some(tasks.into_iter().collect()), ..self }
    }
}

/// The channel was closed: a panic in Go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("send on closed channel")
    }
}

impl std::error::Error for Closed {}

/// A group of Go channels of one type: those that one `select` may look at together.
///
/// Semantics: Go spec, «Channel types» to «Select statements»; checked against the Go runtime by this project's tests.
/// See [`Queues`] for the state machine.
pub struct Channels<R: Runtime, T: Hash + Send + 'static> {
    inner: Arc<Inner<R, T>>,
}

struct Inner<R: Runtime, T: Hash + Send + 'static> {
    runtime: R,
    name: Name,
    names: Vec<Name>,
    cell: R::Cell<Queues<T>>,
}

impl<R: Runtime, T: Hash + Send + 'static> Clone for Channels<R, T> {
    fn clone(&self) -> Self {
        Channels { inner: self.inner.clone() }
    }
}

impl<R: Runtime, T: Hash + Send + 'static> Resource for Inner<R, T> {
    fn look(&self, port: usize) -> Port {
        self.runtime.peek(&self.cell, |queues| queues.port(port))
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        self.runtime.peek(&self.cell, |queues| queues.keeps_waiting(who))
    }
}

impl<R: Runtime, T: Hash + Send + 'static> Channels<R, T> {
    /// Makes a group of channels called `name`; channel `i` of it is `Channel(i)`.
    pub fn new(runtime: &R, name: Name, specs: impl IntoIterator<Item = Spec>) -> Self {
        let specs: Vec<Spec> = specs.into_iter().collect();
        let names = specs.iter().map(|s| s.name).collect();
        let queues = Queues::new(specs.into_iter().map(|s| (s.name, s.capacity, s.drained_by)));
        let cell = runtime.cell(name, queues);
        Channels { inner: Arc::new(Inner { runtime: runtime.clone(), name, names, cell }) }
    }

    /// Sends a value; waits while the channel is full, or, at capacity 0, for a receiver.
    ///
    /// # Errors
    /// [`Closed`] if the channel is closed before the value is taken; in Go that panics.
    pub async fn send(&self, me: &Task<R>, channel: Channel, value: T) -> Result<(), Closed> {
        match self.select(me, vec![Case::Send(channel.0, value)]).await {
            Chosen::Sent { .. } => Ok(()),
            _ => Err(Closed),
        }
    }

    /// Receives the next value; `None` once the channel is closed and drained.
    pub async fn receive(&self, me: &Task<R>, channel: Channel) -> Option<T> {
        match self.select(me, vec![Case::Receive(channel.0)]).await {
            Chosen::Received { value, .. } => value,
            _ => unreachable!("a receive receives"),
        }
    }

    /// Does one of the ready cases, chosen uniformly at random (a choice that checkers explore), or waits for the
    /// first to become ready.
    pub fn select(&self, me: &Task<R>, cases: Vec<Case<T>>) -> impl Future<Output = Chosen<T>> + Send {
        self.operate(me, cases, false)
    }

    /// As [`select`](Channels::select), but if no case is ready it comes to [`Chosen::Default`] at once.
    pub async fn select_or_default(&self, me: &Task<R>, cases: Vec<Case<T>>) -> Chosen<T> {
        self.operate(me, cases, true).await
    }

    /// Closes a channel.
    ///
    /// # Errors
    /// [`Closed`] if it was closed before; in Go that panics.
    pub async fn close(&self, me: &Task<R>, channel: Channel) -> Result<(), Closed> {
        me.turn().await;
        me.note(|| format!("close {}", self.inner.names[channel.0]));
        let first = self.inner.runtime.with(&self.inner.cell, |q, wakes| q.close(channel.0, wakes));
        if first { Ok(()) } else { Err(Closed) }
    }

    /// What a channel is called.
    pub fn name(&self, channel: Channel) -> Name {
        self.inner.names[channel.0]
    }

    /// Looks at the channels from outside, for reports and properties.
    pub fn peek<O>(&self, look: impl FnOnce(&Queues<T>) -> O) -> O {
        self.inner.runtime.peek(&self.inner.cell, look)
    }

    async fn operate(&self, me: &Task<R>, cases: Vec<Case<T>>, default: bool) -> Chosen<T> {
        let mark = me.runtime.mark(me.name);
        me.turn().await;
        let mut operation = Operation { channels: self, me, begin: Some((cases, default)), ticket: None };
        let chosen = poll_fn(|cx| operation.poll(cx)).await;
        // As of a call: once it is over, it is forgotten whether it had to wait.
        me.runtime.returns(me.name, mark, &chosen);
        chosen
    }

    fn wait(&self, shape: &[Shape]) -> Wait {
        let inner = &self.inner;
        let (kind, port) = match shape {
            [one] if one.sends => (Kind::Send, one.channel),
            [one] => (Kind::Receive, one.channel),
            _ => (Kind::Select, 0),
        };
        let on = if kind == Kind::Select { inner.name } else { inner.names[port] };
        Wait { kind, on, cell: inner.name, port, resource: inner.clone() }
    }

    fn note(&self, me: &Task<R>, shape: &[Shape], chosen: Option<&Chosen<T>>) {
        let say = |one: &Shape| {
            let name = self.inner.names[one.channel];
            if one.sends { format!("send on {name}") } else { format!("receive from {name}") }
        };
        me.note(|| match (shape, chosen, chosen.and_then(Chosen::case)) {
            ([one], Some(Chosen::Default), _) => format!("not now: {}", say(one)),
            ([one], ..) => say(one),
            (_, _, Some(case)) => format!("select: {}", say(&shape[case])),
            (_, _, None) => format!("select: nothing on {}", self.inner.name),
        });
    }
}

/// A case without its value: what notes and waits need to know.
struct Shape {
    channel: usize,
    sends: bool,
}

/// A select in progress. Dropped while parked, it leaves its queues.
struct Operation<'a, R: Runtime, T: Hash + Send + 'static> {
    channels: &'a Channels<R, T>,
    me: &'a Task<R>,
    begin: Option<(Vec<Case<T>>, bool)>,
    ticket: Option<Ticket>,
}

impl<R: Runtime, T: Hash + Send + 'static> Operation<'_, R, T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Chosen<T>> {
        let inner = &self.channels.inner;
        if let Some((cases, default)) = self.begin.take() {
            return self.start(cases, default, cx);
        }
        let ticket = self.ticket.expect("a select is not polled once it is over");
        match inner.runtime.with(&inner.cell, |q, _| q.collect(ticket, cx.waker())) {
            None => Poll::Pending,
            Some(chosen) => {
                self.ticket = None;
                inner.runtime.resumes(self.me.name);
                Poll::Ready(chosen)
            }
        }
    }

    fn start(&mut self, cases: Vec<Case<T>>, default: bool, cx: &Context<'_>) -> Poll<Chosen<T>> {
        let inner = &self.channels.inner;
        let me = self.me;
        let shape: Vec<Shape> = cases
            .iter()
            .map(|case| Shape { channel: case.channel(), sends: matches!(case, Case::Send(..)) })
            .collect();
        let (ticket, chosen) = inner.runtime.with(&inner.cell, |q, wakes| {
            for case in &cases {
                if let (Case::Receive(channel), Some(drainers)) = (case, q.drained_by(case.channel())) {
                    assert!(
                        drainers.contains(&me.name),
                        "{} receives from {}",
                        me.name,
                        inner.names[*channel]
                    );
                }
            }
            let ticket = q.ticket(me.name);
            (ticket, q.select(ticket, cases, default, |among| me.choose(among), cx.waker(), wakes))
        });
        self.channels.note(me, &shape, chosen.as_ref());
        match chosen {
            Some(chosen) => Poll::Ready(chosen),
            None => {
                self.ticket = Some(ticket);
                inner.runtime.waits(me.name, self.channels.wait(&shape));
                Poll::Pending
            }
        }
    }
}

impl<R: Runtime, T: Hash + Send + 'static> Drop for Operation<'_, R, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let inner = &self.channels.inner;
            inner.runtime.with(&inner.cell, |q, wakes| q.cancel(ticket, wakes));
            inner.runtime.resumes(self.me.name);
        }
    }
}
