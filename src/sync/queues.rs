//! Go's channels as a pure state machine: buffers, parked senders and receivers, select, close.
//!
//! All channels that one `select` may look at live in one value, so that a select is one atomic step, as in Go, which
//! locks every channel of the select. Source of the semantics: Go spec, «Channel types», «Send statements», «Receive
//! operator», «Select statements», «Close»; and the order of service of the Go runtime (`runtime/chan.go`,
//! `runtime/select.go`): first come, first served, with hand-off.

use std::collections::{BTreeMap, VecDeque};
use std::hash::Hash;
use std::task::Waker;

use super::{Ticket, Waking};
use crate::name::Name;
use crate::runtime::{State, Wakes};
use crate::view::{ChannelView, View};
use crate::waits::Port;

/// One case of a select; the number is the channel's index.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Case<T> {
    /// Receive from a channel.
    Receive(usize),
    /// Send a value on a channel.
    Send(usize, T),
}

impl<T> Case<T> {
    /// The channel's index.
    pub fn channel(&self) -> usize {
        match self {
            Case::Receive(channel) | Case::Send(channel, _) => *channel,
        }
    }
}

/// What a select came to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Chosen<T> {
    /// Case `case` received a value; `None` where the channel is closed and drained.
    Received {
        /// Index of the case.
        case: usize,
        /// The value.
        value: Option<T>,
    },
    /// Case `case` sent its value.
    Sent {
        /// Index of the case.
        case: usize,
    },
    /// Case `case` tried to send on a closed channel: a panic in Go.
    SentOnClosed {
        /// Index of the case.
        case: usize,
        /// The value that was not sent.
        value: T,
    },
    /// No case was ready, and there was a default.
    Default,
}

impl<T> Chosen<T> {
    /// Index of the case that was done; `None` for the default.
    pub fn case(&self) -> Option<usize> {
        match self {
            Chosen::Received { case, .. } | Chosen::Sent { case } | Chosen::SentOnClosed { case, .. } => {
                Some(*case)
            }
            Chosen::Default => None,
        }
    }
}

/// Channels that a select may look at together.
#[derive(Clone, Hash, Debug)]
pub struct Queues<T> {
    queues: Vec<Queue<T>>,
    parked: BTreeMap<Ticket, Parked<T>>,
}

#[derive(Clone, Hash, Debug)]
struct Queue<T> {
    name: Name,
    capacity: usize,
    closed: bool,
    drained_by: Option<Vec<Name>>,
    /// Values whose receiver was cancelled after it had been served: first in line.
    returned: VecDeque<T>,
    buffer: VecDeque<T>,
    senders: VecDeque<(Ticket, usize, T)>,
    receivers: VecDeque<(Ticket, usize)>,
}

/// A parked select: on which channels it waits, and, once somebody served it, with what.
#[derive(Clone, Hash, Debug)]
struct Parked<T> {
    channels: Vec<usize>,
    served: Option<Chosen<T>>,
    waking: Waking,
}

impl<T: Hash + Send + 'static> State for Queues<T> {
    fn port(&self, port: usize) -> Port {
        let queue = &self.queues[port];
        Port { helpers: queue.drained_by.clone(), filled: Some((queue.buffer.len(), queue.capacity)) }
    }

    fn ports(&self) -> usize {
        self.queues.len()
    }

    fn keeps_waiting(&self, who: Name) -> bool {
        self.parked.range(Ticket::all_of(who)).any(|(_, parked)| parked.served.is_none())
    }

    fn view(&self) -> View {
        View::Channels(self.queues.iter().map(Queue::view).collect())
    }
}

impl<T> Queue<T> {
    fn view(&self) -> ChannelView {
        ChannelView {
            name: self.name,
            len: self.returned.len() + self.buffer.len(),
            capacity: Some(self.capacity).filter(|capacity| *capacity < usize::MAX),
            closed: self.closed,
            drained_by: self.drained_by.clone(),
            senders: self.senders.iter().map(|(ticket, ..)| ticket.task).collect(),
            receivers: self.receivers.iter().map(|(ticket, _)| ticket.task).collect(),
        }
    }
}

impl<T> Queues<T> {
    /// Open and empty channels, each with its name, its capacity and, where that is known, the only tasks that receive from it.
    pub fn new(channels: impl IntoIterator<Item = (Name, usize, Option<Vec<Name>>)>) -> Queues<T> {
        let queues = channels.into_iter().map(|(name, capacity, drained_by)| Queue {
            name,
            capacity,
            closed: false,
            drained_by,
            returned: VecDeque::new(),
            buffer: VecDeque::new(),
            senders: VecDeque::new(),
            receivers: VecDeque::new(),
        });
        Queues { queues: queues.collect(), parked: BTreeMap::new() }
    }

    /// How many values wait in a channel's buffer.
    pub fn len(&self, channel: usize) -> usize {
        self.queues[channel].returned.len() + self.queues[channel].buffer.len()
    }

    /// True if a channel's buffer has no value.
    pub fn is_empty(&self, channel: usize) -> bool {
        self.len(channel) == 0
    }

    /// How many values a channel's buffer holds.
    pub fn capacity(&self, channel: usize) -> usize {
        self.queues[channel].capacity
    }

    /// How many parked sends stand in line at a channel.
    pub fn senders(&self, channel: usize) -> usize {
        self.queues[channel].senders.len()
    }

    /// The values in a channel's buffer, first in line first.
    pub fn buffered(&self, channel: usize) -> impl Iterator<Item = &T> {
        self.queues[channel].returned.iter().chain(&self.queues[channel].buffer)
    }

    /// Who receives from a channel, where that was said.
    pub fn drained_by(&self, channel: usize) -> Option<&[Name]> {
        self.queues[channel].drained_by.as_deref()
    }

    /// A ticket that `task` may park with.
    pub fn ticket(&self, task: Name) -> Ticket {
        Ticket::next(task, |t| self.parked.contains_key(&t))
    }

    /// Does one of the cases, or parks.
    ///
    /// If some cases are ready, `pick` chooses among them by position. If none is and `default` is set, that is the answer.
    /// Otherwise the select parks under `ticket` until somebody serves it: `None`; then see [`collect`](Queues::collect).
    /// `pick` also decides, as it parks, which of several cases that wait for the same may be served.
    pub fn select(
        &mut self,
        ticket: Ticket,
        mut cases: Vec<Case<T>>,
        default: bool,
        mut pick: impl FnMut(usize) -> usize,
        waker: &Waker,
        wakes: &mut Wakes,
    ) -> Option<Chosen<T>> {
        let ready: Vec<usize> = (0..cases.len()).filter(|i| self.is_ready(&cases[*i])).collect();
        if !ready.is_empty() {
            let case = ready[pick(ready.len())];
            return Some(match cases.swap_remove(case) {
                Case::Receive(channel) => Chosen::Received { case, value: self.take(channel, wakes) },
                Case::Send(channel, value) => match self.put(channel, value, wakes) {
                    Ok(()) => Chosen::Sent { case },
                    Err(value) => Chosen::SentOnClosed { case, value },
                },
            });
        }
        if default {
            return Some(Chosen::Default);
        }
        let channels = cases.iter().map(Case::channel).collect();
        // Of cases that wait in the same line, only the first there is ever served. Go shuffles them; so one, picked now,
        // stands in line for all.
        let lines: Vec<(usize, bool)> =
            cases.iter().map(|c| (c.channel(), matches!(c, Case::Send(..)))).collect();
        let mut stands: BTreeMap<(usize, bool), usize> = BTreeMap::new();
        for line in &lines {
            stands.entry(*line).or_insert_with(|| {
                let alike: Vec<usize> = (0..lines.len()).filter(|i| lines[*i] == *line).collect();
                alike[pick(alike.len())]
            });
        }
        for (case, it) in cases.into_iter().enumerate().filter(|(case, _)| stands[&lines[*case]] == *case) {
            match it {
                Case::Receive(channel) => self.queues[channel].receivers.push_back((ticket, case)),
                Case::Send(channel, value) => self.queues[channel].senders.push_back((ticket, case, value)),
            }
        }
        self.parked.insert(ticket, Parked { channels, served: None, waking: Waking(waker.clone()) });
        None
    }

    /// What a parked select was served with, once; before that, `None`, and `waker` is who to wake.
    pub fn collect(&mut self, ticket: Ticket, waker: &Waker) -> Option<Chosen<T>> {
        let parked = self.parked.get_mut(&ticket)?;
        if parked.served.is_none() {
            parked.waking.0.clone_from(waker);
            return None;
        }
        self.parked.remove(&ticket)?.served
    }

    /// Forgets a parked select. What it had already received goes to the next in line.
    pub fn cancel(&mut self, ticket: Ticket, wakes: &mut Wakes) {
        let Some(parked) = self.parked.remove(&ticket) else { return };
        match parked.served {
            None => self.leave(ticket, &parked.channels),
            Some(Chosen::Received { case, value: Some(value) }) => {
                let channel = parked.channels[case];
                match self.queues[channel].receivers.pop_front() {
                    Some((next, case)) => {
                        self.serve(next, Chosen::Received { case, value: Some(value) }, wakes)
                    }
                    None => self.queues[channel].returned.push_front(value),
                }
            }
            Some(_) => {}
        }
    }

    /// Closes a channel: parked receivers get `None`, parked senders fail. False if it was closed before, a panic in Go.
    pub fn close(&mut self, channel: usize, wakes: &mut Wakes) -> bool {
        if std::mem::replace(&mut self.queues[channel].closed, true) {
            return false;
        }
        while let Some((ticket, case)) = self.queues[channel].receivers.pop_front() {
            self.serve(ticket, Chosen::Received { case, value: None }, wakes);
        }
        while let Some((ticket, case, value)) = self.queues[channel].senders.pop_front() {
            self.serve(ticket, Chosen::SentOnClosed { case, value }, wakes);
        }
        true
    }

    fn is_ready(&self, case: &Case<T>) -> bool {
        let queue = &self.queues[case.channel()];
        match case {
            Case::Receive(_) => queue.closed || self.len(case.channel()) > 0 || !queue.senders.is_empty(),
            Case::Send(..) => {
                queue.closed || !queue.receivers.is_empty() || queue.buffer.len() < queue.capacity
            }
        }
    }

    /// Takes the first value in line from a channel that has one or is closed. A parked sender's value enters the
    /// buffer in the same step, so that nobody overtakes it.
    fn take(&mut self, channel: usize, wakes: &mut Wakes) -> Option<T> {
        let queue = &mut self.queues[channel];
        if let Some(value) = queue.returned.pop_front() {
            return Some(value);
        }
        let first = queue.buffer.pop_front();
        let Some((ticket, case, parked)) = queue.senders.pop_front() else { return first };
        let value = match first {
            None => parked,
            Some(first) => {
                queue.buffer.push_back(parked);
                first
            }
        };
        self.serve(ticket, Chosen::Sent { case }, wakes);
        Some(value)
    }

    /// Gives a value to the first parked receiver, or to the buffer, which has room. Gives it back if the channel is closed.
    fn put(&mut self, channel: usize, value: T, wakes: &mut Wakes) -> Result<(), T> {
        let queue = &mut self.queues[channel];
        if queue.closed {
            return Err(value);
        }
        match queue.receivers.pop_front() {
            Some((ticket, case)) => self.serve(ticket, Chosen::Received { case, value: Some(value) }, wakes),
            None => queue.buffer.push_back(value),
        }
        Ok(())
    }

    /// Ends a parked select: it leaves all its queues, and its task is woken.
    fn serve(&mut self, ticket: Ticket, with: Chosen<T>, wakes: &mut Wakes) {
        let parked = self.parked.get_mut(&ticket).expect("who stands in a queue is parked");
        parked.served = Some(with);
        wakes.push(parked.waking.0.clone());
        if parked.channels.len() > 1 {
            let channels = parked.channels.clone();
            self.leave(ticket, &channels);
        }
    }

    fn leave(&mut self, ticket: Ticket, channels: &[usize]) {
        for channel in channels {
            self.queues[*channel].senders.retain(|(t, ..)| *t != ticket);
            self.queues[*channel].receivers.retain(|(t, _)| *t != ticket);
        }
    }
}
