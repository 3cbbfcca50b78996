//! Go's channels against a plain model of them: whatever is done, both come to the same, and no value is lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use proptest::prelude::*;
use turnstile::Name;
use turnstile::sync::{Case, Chosen, Queues, Ticket};

/// A value: sent once, so that it can be recognised.
type Value = u32;
/// A select, by its number in order of arrival.
type Id = usize;

/// What a channel is to the language specification: a line of values, and operations that wait in order of arrival.
#[derive(Default)]
struct Model {
    channels: Vec<Line>,
    /// Who waits, first come first, with a lot: of cases that wait alike, the lot says which one is served.
    waiting: Vec<(Id, Vec<Case<Value>>)>,
    lots: BTreeMap<Id, usize>,
    served: BTreeMap<Id, Chosen<Value>>,
    /// What the selects were about, for those that are cancelled after they were served.
    asked: BTreeMap<Id, Vec<usize>>,
    woken: Vec<Id>,
}

#[derive(Default)]
struct Line {
    capacity: usize,
    closed: bool,
    values: VecDeque<Value>,
    /// So many of the values, the first ones, were handed back and take no room.
    handed_back: usize,
}

impl Model {
    fn first(&self, wanted: impl Fn(&Case<Value>) -> bool) -> Option<(usize, usize)> {
        self.waiting.iter().enumerate().find_map(|(at, (id, cases))| {
            let alike: Vec<usize> = (0..cases.len()).filter(|case| wanted(&cases[*case])).collect();
            (!alike.is_empty()).then(|| (at, alike[self.lots[id] % alike.len()]))
        })
    }

    fn receiver(&self, channel: usize) -> Option<(usize, usize)> {
        self.first(|case| *case == Case::Receive(channel))
    }

    fn sender(&self, channel: usize) -> Option<(usize, usize)> {
        self.first(|case| matches!(case, Case::Send(c, _) if *c == channel))
    }

    fn ready(&self, case: &Case<Value>) -> bool {
        let line = &self.channels[case.channel()];
        let has_room = line.values.len() - line.handed_back < line.capacity;
        line.closed
            || match case {
                Case::Receive(channel) => !line.values.is_empty() || self.sender(*channel).is_some(),
                Case::Send(channel, _) => has_room || self.receiver(*channel).is_some(),
            }
    }

    fn serve(&mut self, at: usize, chosen: Chosen<Value>) {
        let (id, _) = self.waiting.remove(at);
        self.woken.push(id);
        self.served.insert(id, chosen);
    }

    fn select(
        &mut self,
        id: Id,
        cases: Vec<Case<Value>>,
        default: bool,
        pick: usize,
    ) -> Option<Chosen<Value>> {
        let ready: Vec<usize> = (0..cases.len()).filter(|i| self.ready(&cases[*i])).collect();
        if ready.is_empty() && default {
            return Some(Chosen::Default);
        }
        if ready.is_empty() {
            self.asked.insert(id, cases.iter().map(Case::channel).collect());
            self.waiting.push((id, cases));
            self.lots.insert(id, pick);
            return None;
        }
        let case = ready[pick % ready.len()];
        Some(match cases[case] {
            Case::Receive(channel) => Chosen::Received { case, value: self.receive(channel) },
            Case::Send(channel, value) if self.channels[channel].closed => {
                Chosen::SentOnClosed { case, value }
            }
            Case::Send(channel, value) => {
                match self.receiver(channel) {
                    Some((at, case)) => self.serve(at, Chosen::Received { case, value: Some(value) }),
                    None => self.channels[channel].values.push_back(value),
                }
                Chosen::Sent { case }
            }
        })
    }

    fn receive(&mut self, channel: usize) -> Option<Value> {
        let first = self.channels[channel].values.pop_front();
        if first.is_some() && self.channels[channel].handed_back > 0 {
            self.channels[channel].handed_back -= 1;
            return first;
        }
        let Some((at, case)) = self.sender(channel) else { return first };
        let Case::Send(_, value) = self.waiting[at].1[case] else { unreachable!("a sender sends") };
        self.serve(at, Chosen::Sent { case });
        if first.is_some() {
            self.channels[channel].values.push_back(value);
        }
        first.or(Some(value))
    }

    fn cancel(&mut self, id: Id) -> Option<Chosen<Value>> {
        self.waiting.retain(|(waiting, _)| *waiting != id);
        let served = self.served.remove(&id);
        if let Some(Chosen::Received { case, value: Some(value) }) = served {
            let channel = self.asked[&id][case];
            match self.receiver(channel) {
                Some((at, case)) => self.serve(at, Chosen::Received { case, value: Some(value) }),
                None => {
                    self.channels[channel].values.push_front(value);
                    self.channels[channel].handed_back += 1;
                }
            }
        }
        served
    }

    fn close(&mut self, channel: usize) -> bool {
        if std::mem::replace(&mut self.channels[channel].closed, true) {
            return false;
        }
        while let Some((at, case)) = self.receiver(channel) {
            self.serve(at, Chosen::Received { case, value: None });
        }
        while let Some((at, case)) = self.sender(channel) {
            let Case::Send(_, value) = self.waiting[at].1[case] else { unreachable!("a sender sends") };
            self.serve(at, Chosen::SentOnClosed { case, value });
        }
        true
    }
}

/// One thing to do; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Act {
    /// Select among cases: each a channel, and whether it sends.
    Select { task: u32, cases: Vec<(usize, bool)>, default: bool, pick: usize },
    /// Look whether a select was served.
    Collect(usize),
    /// Forget a select.
    Cancel(usize),
    /// Close a channel.
    Close(usize),
}

fn an_act() -> impl Strategy<Value = Act> {
    let case = (0..3_usize, any::<bool>());
    prop_oneof![
        6 => (0..3_u32, prop::collection::vec(case.clone(), 1..2), prop::bool::weighted(0.1), 0..6_usize)
            .prop_map(|(task, cases, default, pick)| Act::Select { task, cases, default, pick }),
        4 => (0..3_u32, prop::collection::vec(case, 1..5), prop::bool::weighted(0.1), 0..60_usize)
            .prop_map(|(task, cases, default, pick)| Act::Select { task, cases, default, pick }),
        4 => (0..40_usize).prop_map(Act::Collect),
        4 => (0..40_usize).prop_map(Act::Cancel),
        1 => (0..3_usize).prop_map(Act::Close),
    ]
}

/// Rings for a select.
struct Bell {
    id: Id,
    rung: Arc<Mutex<Vec<Id>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.lock().expect("no test panics with it").push(self.id);
    }
}

/// The channels and their model, side by side.
struct Both {
    queues: Queues<Value>,
    model: Model,
    /// The selects that wait or were served, with what they asked for.
    open: Vec<(Id, Ticket, Vec<Case<Value>>)>,
    next: Id,
    values: Value,
    rung: Arc<Mutex<Vec<Id>>>,
    sent: BTreeSet<Value>,
    received: Vec<Value>,
}

impl Both {
    fn new(capacities: &[usize]) -> Both {
        let lines = capacities.iter().map(|c| Line { capacity: *c, ..Line::default() });
        Both {
            queues: Queues::new(capacities.iter().map(|c| (Name::one("queue"), *c, None))),
            model: Model { channels: lines.collect(), ..Model::default() },
            open: Vec::new(),
            next: 0,
            values: 0,
            rung: Arc::default(),
            sent: BTreeSet::new(),
            received: Vec::new(),
        }
    }

    fn act(&mut self, act: &Act) -> Result<(), TestCaseError> {
        let channels = self.model.channels.len();
        match act {
            Act::Select { task, cases, default, pick } => {
                let cases: Vec<Case<Value>> = cases
                    .iter()
                    .map(|(channel, sends)| match sends {
                        true => Case::Send(channel % channels, self.value()),
                        false => Case::Receive(channel % channels),
                    })
                    .collect();
                self.select(*task, cases, *default, *pick)?;
            }
            Act::Collect(n) if !self.open.is_empty() => self.collect(n % self.open.len())?,
            Act::Cancel(n) if !self.open.is_empty() => self.cancel(n % self.open.len()),
            Act::Collect(_) | Act::Cancel(_) => {}
            Act::Close(channel) => {
                let mut wakes = Vec::new();
                let first = self.queues.close(channel % channels, &mut wakes);
                wakes.into_iter().for_each(Waker::wake);
                prop_assert_eq!(first, self.model.close(channel % channels));
            }
        }
        let rung = std::mem::take(&mut *self.rung.lock().expect("no test panics with it"));
        prop_assert_eq!(rung, std::mem::take(&mut self.model.woken), "who is woken, in this order");
        for channel in 0..channels {
            let buffered: Vec<Value> = self.queues.buffered(channel).copied().collect();
            prop_assert_eq!(self.queues.len(channel), buffered.len());
            prop_assert_eq!(
                buffered,
                self.model.channels[channel].values.iter().copied().collect::<Vec<_>>()
            );
        }
        Ok(())
    }

    fn value(&mut self) -> Value {
        self.values += 1;
        self.values
    }

    fn select(
        &mut self,
        task: u32,
        cases: Vec<Case<Value>>,
        default: bool,
        pick: usize,
    ) -> Result<Option<Chosen<Value>>, TestCaseError> {
        let id = self.next;
        self.next += 1;
        let waker = Waker::from(Arc::new(Bell { id, rung: self.rung.clone() }));
        let ticket = self.queues.ticket(Name::of("task", task));
        prop_assert!(self.open.iter().all(|(_, open, _)| *open != ticket), "a ticket is for one select");
        let mut wakes = Vec::new();
        let chosen =
            self.queues.select(ticket, cases.clone(), default, |among| pick % among, &waker, &mut wakes);
        wakes.into_iter().for_each(Waker::wake);
        prop_assert_eq!(&chosen, &self.model.select(id, cases.clone(), default, pick));
        match &chosen {
            None => self.open.push((id, ticket, cases)),
            Some(chosen) => self.count(&cases, chosen),
        }
        Ok(chosen)
    }

    fn collect(&mut self, at: usize) -> Result<(), TestCaseError> {
        let (id, ticket) = (self.open[at].0, self.open[at].1);
        let waker = Waker::from(Arc::new(Bell { id, rung: self.rung.clone() }));
        let collected = self.queues.collect(ticket, &waker);
        prop_assert_eq!(&collected, &self.model.served.remove(&id));
        if let Some(chosen) = collected {
            let (_, _, cases) = self.open.remove(at);
            self.count(&cases, &chosen);
        }
        Ok(())
    }

    fn cancel(&mut self, at: usize) {
        let (id, ticket, cases) = self.open.remove(at);
        let mut wakes = Vec::new();
        self.queues.cancel(ticket, &mut wakes);
        wakes.into_iter().for_each(Waker::wake);
        // Whoever goes after it was served has sent, though it never heard of it; it has not received.
        if let Some(chosen @ Chosen::Sent { .. }) = self.model.cancel(id) {
            self.count(&cases, &chosen);
        }
    }

    fn count(&mut self, cases: &[Case<Value>], chosen: &Chosen<Value>) {
        match chosen {
            Chosen::Received { value, .. } => self.received.extend(*value),
            Chosen::Sent { case } => {
                if let Case::Send(_, value) = cases[*case] {
                    self.sent.insert(value);
                }
            }
            Chosen::SentOnClosed { .. } | Chosen::Default => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn channels_do_what_the_model_does(
        capacities in prop::collection::vec(0..4_usize, 1..4),
        acts in prop::collection::vec(an_act(), 0..80),
    ) {
        let mut both = Both::new(&capacities);
        for act in &acts {
            both.act(act)?;
        }
    }

    /// What was sent is received, once.
    #[test]
    fn no_value_is_lost_or_doubled_across_cancellations(
        capacities in prop::collection::vec(0..4_usize, 1..4),
        acts in prop::collection::vec(an_act(), 0..80),
        cancels in prop::collection::vec(any::<bool>(), 80),
    ) {
        let mut both = Both::new(&capacities);
        for act in &acts {
            both.act(act)?;
        }
        // Whoever is still there goes, one way or the other.
        for cancel in cancels.iter().take(both.open.len()) {
            let at = both.open.len() - 1;
            match cancel {
                true => both.act(&Act::Cancel(at))?,
                false => {
                    both.act(&Act::Collect(at))?;
                    if both.open.len() > at {
                        both.act(&Act::Cancel(at))?;
                    }
                }
            }
        }
        for channel in 0..capacities.len() {
            both.act(&Act::Close(channel))?;
            while let Some(Chosen::Received { value: Some(_), .. }) =
                both.select(9, vec![Case::Receive(channel)], true, 0)?
            {}
            prop_assert!(both.queues.is_empty(channel));
        }
        let once: BTreeSet<Value> = both.received.iter().copied().collect();
        prop_assert_eq!(once.len(), both.received.len(), "nothing is received twice");
        prop_assert!(both.sent.is_subset(&once), "lost: {:?}", both.sent.difference(&once));
    }
}

#[test]
fn a_value_whose_receiver_goes_is_the_next_receivers() {
    let mut both = Both::new(&[0]);
    let receive = || Act::Select { task: 1, cases: vec![(0, false)], default: false, pick: 0 };
    let send = Act::Select { task: 2, cases: vec![(0, true)], default: false, pick: 0 };
    for act in [receive(), receive(), send, Act::Cancel(0), Act::Collect(0)] {
        both.act(&act).expect("both agree");
    }
    assert_eq!((both.received, both.open), (vec![1], vec![]));
}
