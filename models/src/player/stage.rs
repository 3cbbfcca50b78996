//! The stage: a runtime that takes one step of one task at a time, as it is told.

use std::future::poll_fn;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Wake, Waker};

use hashbrown::HashMap;
use siphasher::sip128::{Hasher128, SipHasher13};
use turnstile::Name;
use turnstile::runtime::{Mark, Runtime, State, Wakes};
use turnstile::view::View;
use turnstile::waits::{Port, Wait};

use crate::schedule::Pick;

/// A place for the state of one task or one cell, by name: the same in every run of an engine.
pub(crate) type Slot = u32;

/// The future of a task.
pub(crate) type Future = Pin<Box<dyn std::future::Future<Output = ()> + Send>>;

/// How a task stands.
#[derive(Clone, Debug)]
pub(crate) enum Status {
    /// About to take a step; at its whim, it may never.
    Turn { whim: bool },
    /// Waiting, if it said so, for something.
    Parked(Option<Wait>),
    /// At an end.
    Done,
}

/// What a step found on its way, in order: with it, the next run of the same step can be foretold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// It accessed a cell, whose content was this.
    Touch(Slot, u32),
    /// It chose among these, and picked that.
    Choose(Vec<Pick>, Pick),
}

/// The stage's runtime handle.
#[derive(Clone)]
pub(crate) struct Stage(Arc<Mutex<Inner>>);

/// What the stage knows; see [`Play`](super::Play) for the order of things.
#[derive(Default)]
pub(crate) struct Inner {
    slots: HashMap<Name, Slot>,
    pub(crate) names: Vec<Name>,
    contents: HashMap<(Slot, u128), u32>,
    /// By content: the ports of a cell with that content.
    pub(crate) ports: Vec<Vec<Port>>,

    /// True while the step is recorded: hashed and its events listed.
    pub(crate) recording: bool,
    /// True while notes are wanted.
    pub(crate) noting: bool,
    /// True if the cells are to be looked at.
    pub(crate) viewing: bool,
    /// The cells, in the order of their making, while they are to be looked at.
    pub(crate) cells: Vec<(Slot, Arc<dyn Viewed>)>,
    /// False while a finished run is torn down.
    pub(crate) live: bool,

    /// True if cells that are only written, and that the model does not look at, may be left out.
    pub(crate) waits_only: bool,
    /// By slot: the cells that somebody has observed. Those belong to the state.
    observed: Vec<bool>,
    /// True while the model looks at the world: what it looks at is observed.
    pub(crate) looking: bool,
    /// Set when a cell was first observed: what was learned before left it out.
    pub(crate) newly_observed: bool,

    pub(crate) current: Option<Slot>,
    pub(crate) granted: bool,
    pub(crate) status: Option<Status>,
    pub(crate) wait: Option<Wait>,
    pub(crate) history: u128,
    within: bool,
    pub(crate) picks: Vec<Pick>,
    pub(crate) picked: usize,
    pub(crate) choices: Vec<Pick>,
    pub(crate) events: Vec<Event>,
    pub(crate) writes: Vec<(Slot, u32)>,
    pub(crate) woken: Vec<Slot>,
    pub(crate) spawned: Vec<(Slot, u128, Future)>,
    pub(crate) notes: Vec<String>,
    /// The rules that the step has broken so far, and how; in words only while notes are wanted.
    pub(crate) breaches: Vec<(&'static str, String)>,
    pub(crate) crashed: Option<String>,
}

/// A cell on the stage.
pub(crate) struct Cell<T> {
    slot: Slot,
    value: Mutex<T>,
}

/// A cell that can be looked at.
pub(crate) trait Viewed: Send + Sync {
    /// What it holds.
    fn view(&self) -> View;
}

impl<T: State> Viewed for Cell<T> {
    fn view(&self) -> View {
        value(self).view()
    }
}

struct Bell {
    stage: Stage,
    slot: Slot,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.stage.lock().woken.push(self.slot);
    }
}

/// Mixes what a task has observed into its history.
pub(crate) fn mix(history: u128, observed: impl Hash) -> u128 {
    let mut hasher = SipHasher13::new_with_keys(history as u64, (history >> 64) as u64);
    observed.hash(&mut hasher);
    let sum = hasher.finish128();
    (u128::from(sum.h1) << 64) | u128::from(sum.h2)
}

struct Hashed<'a, T>(&'a T);

impl<T: Hash> Hash for Hashed<'_, T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Inner {
    pub(crate) fn slot(&mut self, name: Name) -> Slot {
        if let Some(slot) = self.slots.get(&name) {
            return *slot;
        }
        let slot = self.names.len() as Slot;
        self.slots.insert(name, slot);
        self.names.push(name);
        slot
    }

    pub(crate) fn find(&self, name: Name) -> Option<Slot> {
        self.slots.get(&name).copied()
    }

    /// The number of a cell's content: the same for the same content in every run.
    fn content<T: State>(&mut self, slot: Slot, value: &T) -> u32 {
        let hash = mix(u128::from(slot), Hashed(value));
        if self.ports.is_empty() {
            self.ports.push(Vec::new()); // content 0: no such cell yet
        }
        if let Some(content) = self.contents.get(&(slot, hash)) {
            return *content;
        }
        let content = self.ports.len() as u32;
        self.contents.insert((slot, hash), content);
        self.ports.push((0..value.ports()).map(|port| value.port(port)).collect());
        content
    }

    /// Numbers the slots anew, by the numbers in their names; to be called between two runs.
    pub(crate) fn lay_out(&mut self) {
        let mut order: Vec<Slot> = (0..self.names.len() as Slot).collect();
        order.sort_by_key(|slot| (self.names[*slot as usize].number(), *slot));
        self.names = order.iter().map(|slot| self.names[*slot as usize]).collect();
        self.observed.resize(order.len(), false);
        self.observed = order.iter().map(|slot| self.observed[*slot as usize]).collect();
        self.slots = self.names.iter().enumerate().map(|(slot, name)| (*name, slot as Slot)).collect();
        self.contents.clear();
        self.ports.clear();
        self.newly_observed = false;
    }

    /// True if the cell is no part of the state: nobody has been seen to observe it, and only waits are asked about.
    fn leaves_out(&self, slot: Slot) -> bool {
        self.waits_only && !self.observed.get(slot as usize).copied().unwrap_or(false)
    }

    /// True if somebody has been seen to observe the cell.
    pub(crate) fn is_observed(&self, slot: Slot) -> bool {
        self.observed.get(slot as usize).copied().unwrap_or(false)
    }

    /// Takes a cell into the state.
    pub(crate) fn observe(&mut self, slot: Slot) {
        if self.leaves_out(slot) {
            self.observed.resize(self.observed.len().max(slot as usize + 1), false);
            self.observed[slot as usize] = true;
            self.newly_observed = true;
        }
    }

    fn wrote(&mut self, slot: Slot, content: u32) {
        match self.writes.iter_mut().find(|(s, _)| *s == slot) {
            Some(write) => write.1 = content,
            None => self.writes.push((slot, content)),
        }
    }
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage(Arc::default())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the task at `slot`.
    pub(crate) fn waker(&self, slot: Slot) -> Waker {
        Arc::new(Bell { stage: self.clone(), slot }).into()
    }
}

fn value<T>(cell: &Cell<T>) -> MutexGuard<'_, T> {
    cell.value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runtime for Stage {
    type Cell<T: State> = Arc<Cell<T>>;

    fn cell<T: State>(&self, name: Name, value: T) -> Arc<Cell<T>> {
        let mut inner = self.lock();
        let slot = inner.slot(name);
        if inner.recording && !inner.leaves_out(slot) {
            let content = inner.content(slot, &value);
            inner.wrote(slot, content);
        }
        let cell = Arc::new(Cell { slot, value: Mutex::new(value) });
        if inner.viewing {
            inner.cells.push((slot, cell.clone()));
        }
        cell
    }

    fn with<T: State, O: Hash>(&self, cell: &Arc<Cell<T>>, act: impl FnOnce(&mut T, &mut Wakes) -> O) -> O {
        let mut wakes = Wakes::new();
        let mut guard = value(cell);
        {
            let mut inner = self.lock();
            inner.within = true;
            if inner.live {
                inner.observe(cell.slot);
            }
            if inner.recording && !inner.writes.iter().any(|(slot, _)| *slot == cell.slot) {
                let content = inner.content(cell.slot, &*guard);
                inner.events.push(Event::Touch(cell.slot, content));
            }
        }
        let out = act(&mut guard, &mut wakes);
        let mut inner = self.lock();
        inner.within = false;
        if inner.recording {
            let content = inner.content(cell.slot, &*guard);
            inner.wrote(cell.slot, content);
        }
        inner.history = mix(inner.history, Hashed(&out));
        drop(inner);
        drop(guard);
        wakes.into_iter().for_each(Waker::wake);
        out
    }

    fn write<T: State>(&self, cell: &Arc<Cell<T>>, act: impl FnOnce(&mut T)) {
        if self.lock().leaves_out(cell.slot) {
            act(&mut value(cell));
        } else {
            self.with(cell, |value, _| act(value));
        }
    }

    fn peek<T: State, O>(&self, cell: &Arc<Cell<T>>, look: impl FnOnce(&T) -> O) -> O {
        let mut inner = self.lock();
        if inner.looking {
            inner.observe(cell.slot);
        }
        drop(inner);
        look(&value(cell))
    }

    async fn turn(&self, _who: Name) {
        self.come(false).await;
    }

    async fn whim(&self, _who: Name) -> bool {
        self.come(true).await;
        true
    }

    fn choose(&self, _who: Name, among: usize) -> usize {
        self.pick((0..among as u32).map(Pick::Index).collect())
    }

    fn choose_named(&self, _who: Name, among: &[Name]) -> usize {
        self.pick(among.iter().map(|name| Pick::Named(name.number())).collect())
    }

    fn rest(&self, who: Name) {
        self.lock().history = mix(1, who);
    }

    fn mark(&self, _who: Name) -> Mark {
        let mut inner = self.lock();
        let mark = inner.history;
        // Within the call is another place than before it, and than after a call within it.
        inner.history = mix(mark, "call");
        Mark(mark)
    }

    fn returns<O: Hash>(&self, _who: Name, mark: Mark, result: &O) {
        self.lock().history = mix(mark.0, Hashed(result));
    }

    fn spawn(&self, who: Name, task: impl std::future::Future<Output = ()> + Send + 'static) {
        let mut inner = self.lock();
        let slot = inner.slot(who);
        let history = if inner.current.is_some() { mix(inner.history, who) } else { mix(0, who) };
        inner.spawned.push((slot, history, Box::pin(task)));
    }

    fn note(&self, _who: Name, text: impl FnOnce() -> String) {
        let noting = self.lock().noting;
        if noting {
            let text = text();
            self.lock().notes.push(text);
        }
    }

    fn waits(&self, _who: Name, wait: Wait) {
        self.lock().wait = Some(wait);
    }

    fn resumes(&self, _who: Name) {
        self.lock().wait = None;
    }

    fn breach(&self, _who: Name, rule: &'static str, what: impl FnOnce() -> String) {
        let noting = self.lock().noting;
        let what = if noting { what() } else { String::new() };
        let mut inner = self.lock();
        if inner.live {
            inner.breaches.push((rule, what));
        }
    }

    fn crash(&self, who: Name, why: &str) {
        let mut inner = self.lock();
        if inner.live && inner.crashed.is_none() {
            inner.crashed = Some(format!("{who}: {why}"));
        }
    }
}

impl Stage {
    /// Picks what the schedule says, if that is among the options; else the first. Returns the position.
    fn pick(&self, options: Vec<Pick>) -> usize {
        let mut inner = self.lock();
        let wanted = inner.picks.get(inner.picked).copied();
        let at = options.iter().position(|option| Some(*option) == wanted).unwrap_or(0);
        inner.picked += 1;
        inner.choices.push(options[at]);
        // Within an access, what the choice led to is in the access's result.
        if !inner.within {
            inner.history = mix(inner.history, options[at]);
        }
        if inner.recording {
            let pick = options[at];
            inner.events.push(Event::Choose(options, pick));
        }
        at
    }

    /// Comes to a turn; goes on once it is granted.
    async fn come(&self, whim: bool) {
        poll_fn(|_| {
            let mut inner = self.lock();
            if std::mem::take(&mut inner.granted) {
                return Poll::Ready(());
            }
            inner.status = Some(Status::Turn { whim });
            Poll::Pending
        })
        .await;
    }
}
