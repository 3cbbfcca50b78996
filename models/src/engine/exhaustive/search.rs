//! The search itself.

use std::time::Instant;

use turnstile::waits::Knot;

use super::memo::{Changes, Fired, Memo, Stands};
use super::store::{Spread, Store};
use super::symmetry::{Element, Symmetry};
use super::{cycles, forever};
use crate::engine::{Effort, End, Ending, Finding, Progress, Quest, Report};
use crate::limits::Limits;
use crate::model::Model;
use crate::player::{Play, Slot};
use crate::schedule::{Pick, Schedule, Turn};

/// So many steps are run again for real from the start of a search.
const AUDITED_AT_FIRST: u64 = 256;

/// Searches a model breadth first. `visit` is asked about each ending that the quest is after; once it says true, the
/// search ends there.
///
/// # Panics
/// If the model is not a function of its schedule: if the same step, from the same place, meeting the same contents,
/// comes out differently. Then no answer would be worth anything.
pub fn explore<M: Model>(
    model: &M,
    quest: Quest,
    limits: &Limits,
    progress: &dyn Progress,
    visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool,
) -> Report {
    let renumberings = if limits.symmetry { model.symmetries() } else { Vec::new() };
    let mut search = Search::new(model, quest, renumberings, limits.audit.max(1));
    search.warm_up(limits);
    let end = loop {
        match search.run(limits, progress, visit) {
            Some(end) => break end,
            // A cell that had been left out turned out to matter.
            None => search.forget(),
        }
    };
    Report { end, effort: search.effort(), bound: None, shortest: true }
}

pub(super) struct Search<M: Model> {
    quest: Quest,
    began: Instant,
    pub(super) play: Play<M>,
    pub(super) memo: Memo,
    pub(super) store: Store,
    /// By state: the state it was first reached from, and by which action.
    pub(super) parents: Vec<(u32, u32)>,
    pub(super) actions: Vec<Action>,
    action_numbers: hashbrown::HashMap<Action, u32>,
    renumberings: Vec<Vec<u32>>,
    pub(super) symmetry: Symmetry,
    scratch: Scratch,
    /// Slots of tasks, in the order of their names' first appearance.
    pub(super) tasks: Vec<Slot>,
    pub(super) is_task: Vec<bool>,
    transitions: u64,
    depth: u64,
    pub(super) learned: u64,
    pub(super) foretold: u64,
    /// One in so many foretold steps is run again for real.
    audit_every: u64,
}

/// A step from a state, and what then leads to the one of its images that is kept.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Action {
    pub(super) task: Slot,
    pub(super) picks: Vec<Pick>,
    pub(super) to_kept: Element,
}

/// What there is on the cycles of the state graph.
enum Cycles {
    /// Nobody waits on them, or there are none.
    Harmless,
    /// From this state on, this task waits for ever while others go round.
    Waiting(u32, Slot),
    /// The search must be done without symmetry.
    CannotSay,
}

#[derive(Default)]
struct Scratch {
    there: Vec<u32>,
    image: Vec<u32>,
    kept: Vec<u32>,
    diff: Vec<(Slot, u32)>,
}

/// Where a state is, for the run of the search.
pub(super) struct Here {
    pub(super) state: u32,
    pub(super) spread: Spread,
}

impl<M: Model> Search<M> {
    fn new(model: &M, quest: Quest, renumberings: Vec<Vec<u32>>, audit_every: u64) -> Self {
        Search {
            quest,
            began: Instant::now(),
            play: Play::new(model.clone(), None),
            memo: Memo::new(),
            store: Store::new(),
            parents: vec![(0, 0)],
            actions: Vec::new(),
            action_numbers: hashbrown::HashMap::new(),
            symmetry: Symmetry::new(renumberings.clone()),
            renumberings,
            scratch: Scratch::default(),
            tasks: Vec::new(),
            is_task: Vec::new(),
            transitions: 0,
            depth: 0,
            learned: 0,
            foretold: 0,
            audit_every,
        }
    }

    /// Plays at random for a while, to see early which cells are observed.
    fn warm_up(&mut self, limits: &Limits) {
        self.play.stage().lock().waits_only = self.quest == Quest::Knots;
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..64 {
            if self.began.elapsed() > limits.budget / 8 {
                break;
            }
            self.play.restart(None);
            // Bounded: some models never come to rest.
            for _ in 0..1000 {
                let movable: Vec<Slot> = self.play.movable().collect();
                let Some(task) = random.choice(movable) else { break };
                let picks: Vec<Pick> = (0..4).map(|_| Pick::decode(random.u32(0..16))).collect();
                self.play.step(task, &picks, None);
            }
        }
        self.observe_equals();
        // Slots of the same number next to each other: what changes together shares its part of the tree.
        self.play.stage().lock().lay_out();
    }

    /// What is observed of one connection is to be observed of its equals.
    fn observe_equals(&self) {
        let stage = self.play.stage().clone();
        let mut inner = stage.lock();
        for slot in 0..inner.names.len() as Slot {
            let name = inner.names[slot as usize];
            if inner.is_observed(slot) {
                for element in self.symmetry.elements() {
                    let image = inner.slot(self.symmetry.name(element, name));
                    inner.observe(image);
                }
            }
        }
    }

    /// Forgets all that was found, but not which cells are observed.
    fn forget(&mut self) {
        self.observe_equals();
        self.play.stage().lock().newly_observed = false;
        self.memo = Memo::new();
        self.tasks.clear();
        self.is_task.clear();
        self.store = Store::new();
        self.parents = vec![(0, 0)];
        self.actions.clear();
        self.action_numbers.clear();
        self.symmetry = Symmetry::new(self.renumberings.clone());
        (self.transitions, self.depth) = (0, 0);
    }

    fn effort(&self) -> Effort {
        Effort {
            states: Some(self.parents.len() as u64 - 1),
            transitions: Some(self.transitions),
            depth: Some(self.depth),
            schedules: None,
            memory: Some(self.bytes() as u64),
            learned: Some(self.learned),
            time: self.began.elapsed(),
        }
    }

    fn bytes(&self) -> usize {
        self.store.bytes() + self.memo.bytes() + self.parents.capacity() * size_of::<(u32, u32)>()
    }

    fn run(
        &mut self,
        limits: &Limits,
        progress: &dyn Progress,
        visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool,
    ) -> Option<End> {
        let mut here = Here { state: 0, spread: Spread::default() };
        self.store.widen(2, &mut here.spread);
        if let Some(end) = self.begin(&mut here, visit) {
            return Some(end);
        }
        let (mut changes, mut next, mut last_of_level) = (Changes::default(), 1, 1);
        while (next as usize) < self.parents.len() {
            if next & 0xfff == 0 {
                progress.tell(&self.effort());
                if let Some(end) = self.over_a_limit(limits) {
                    return Some(end);
                }
            }
            here.state = next;
            self.store.load(next, &mut here.spread);
            let (moved, found) = self.expand(&mut here, &mut changes, limits, visit);
            if self.play.stage().lock().newly_observed {
                return None;
            }
            if found.is_some() {
                return found;
            }
            if !moved && let Some(end) = self.rest(&here, visit) {
                return Some(end);
            }
            if next == last_of_level {
                last_of_level = self.parents.len() as u32 - 1;
                self.depth += u64::from(next < last_of_level);
            }
            next += 1;
        }
        progress.tell(&self.effort());
        match self.waits_on_a_cycle(&mut here) {
            Cycles::CannotSay => None,
            Cycles::Harmless => Some(End::Exhausted),
            Cycles::Waiting(state, task) => {
                self.go_to(state, 0);
                let edges = self.play.graph().edges.into_iter().filter(|e| e.task == self.play.name(task));
                let knot = Knot { cycle: edges.collect(), collateral: Vec::new() };
                let wanted = visit(Ending::new(None, Some(&knot), None));
                Some(if wanted { self.found(state, None, Some(knot)) } else { End::Exhausted })
            }
        }
    }

    /// Looks for a task that waits for ever while others go on for ever; what [`rest`](Search::rest) cannot see.
    fn waits_on_a_cycle(&mut self, here: &mut Here) -> Cycles {
        if self.quest == Quest::Outcomes || cycles::impossible(&self.memo.moves) {
            return Cycles::Harmless;
        }
        if !self.symmetry.is_trivial() {
            // On a cycle of images it is another one that waits each time round. Search again without.
            self.renumberings.clear();
            return Cycles::CannotSay;
        }
        let mut changes = Changes::default();
        let found = forever::waiting(self.parents.len(), |state, visit| {
            self.store.load(state, &mut here.spread);
            for (task, picks) in self.steps_from(&here.spread, &mut changes) {
                match self.memo.fire(here.spread.slots(), task, &picks, &mut changes) {
                    Fired::Known if !changes.crashed => {
                        visit(forever::Seen::Next(self.store.insert(&mut here.spread, &changes.slots).0));
                    }
                    _ => {}
                }
            }
            for task in &self.tasks {
                let local = here.spread.slots().get(*task as usize).copied().unwrap_or(0);
                if matches!(self.memo.locals[local as usize].stands, Stands::Waits { kind, .. } if kind.is_work())
                {
                    visit(forever::Seen::Waits(*task, local));
                }
            }
        });
        match found {
            None => Cycles::Harmless,
            Some((state, task)) => Cycles::Waiting(state, task),
        }
    }

    /// All steps, with their picks, that can be taken from a state whose steps are all known.
    fn steps_from(&self, spread: &Spread, changes: &mut Changes) -> Vec<(Slot, Vec<Pick>)> {
        let mut steps = Vec::new();
        for task in &self.tasks {
            let local = spread.slots().get(*task as usize).copied().unwrap_or(0);
            // What may never come ends nobody's wait.
            if self.memo.locals[local as usize].stands != (Stands::Turn { whim: false }) {
                continue;
            }
            let mut open = vec![Vec::new()];
            while let Some(picks) = open.pop() {
                match self.memo.fire(spread.slots(), *task, &picks, changes) {
                    Fired::Chooses(options) => {
                        let options = &self.memo.choices[options as usize];
                        open.extend(options.iter().map(|pick| [picks.as_slice(), &[*pick]].concat()));
                    }
                    Fired::Known | Fired::Unknown => steps.push((*task, picks)),
                }
            }
        }
        steps
    }

    fn over_a_limit(&self, limits: &Limits) -> Option<End> {
        if self.bytes() > limits.memory {
            return Some(End::Stopped(format!("its memory bound of {} MiB", limits.memory >> 20)));
        }
        if self.began.elapsed() > limits.budget {
            return Some(End::Stopped(format!("its time budget of {} s", limits.budget.as_secs_f64())));
        }
        None
    }

    /// Runs the model up to each task's first turn.
    fn begin(&mut self, here: &mut Here, visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool) -> Option<End> {
        let mut segments = Vec::new();
        self.play.restart(Some(&mut segments));
        let mut changes = Changes::default();
        for segment in &segments {
            if segment.task == Slot::MAX {
                for (task, history) in &segment.spawned {
                    self.memo.root(*task, *history);
                }
                changes.slots.extend(segment.writes.iter().copied());
                continue;
            }
            self.learn(segment);
            self.memo.apply(segment, &mut changes);
        }
        self.make_room(here);
        let mut first = vec![0; self.store.width()];
        for (slot, value) in &changes.slots {
            first[*slot as usize] = *value;
        }
        let is_task = &self.is_task;
        let fixed =
            self.symmetry.learn_fixed(&first, |slot| is_task.get(slot as usize).copied().unwrap_or(false));
        assert!(
            fixed.is_ok(),
            "the model is not as symmetric as it says: its beginning is not the same renumbered"
        );
        let (state, _) = self.store.insert(&mut here.spread, &changes.slots);
        assert_eq!(state, 1, "the first state is the first");
        self.parents.push((0, 0));
        here.state = 1;
        self.store.load(1, &mut here.spread);
        let crashed = self.play.crashed().map(str::to_owned);
        if let Some(why) = crashed {
            return visit(Ending::new(None, None, Some(&why)))
                .then(|| self.found(1, None, None))
                .or(Some(End::Exhausted));
        }
        None
    }

    /// Takes every step that can be taken. True if one was that is at nobody's whim.
    fn expand(
        &mut self,
        here: &mut Here,
        changes: &mut Changes,
        limits: &Limits,
        visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool,
    ) -> (bool, Option<End>) {
        let mut moved = false;
        let mut open: Vec<Vec<Pick>> = Vec::new();
        for index in 0..self.tasks.len() {
            let task = self.tasks[index];
            let local = here.spread.slots().get(task as usize).copied().unwrap_or(0);
            let Stands::Turn { whim } = self.memo.locals[local as usize].stands else { continue };
            moved |= !whim;
            open.push(Vec::new());
            while let Some(picks) = open.pop() {
                match self.memo.fire(here.spread.slots(), task, &picks, changes) {
                    Fired::Chooses(options) => {
                        let options = self.memo.choices[options as usize].iter().rev();
                        open.extend(options.map(|pick| [picks.as_slice(), &[*pick]].concat()));
                    }
                    Fired::Unknown => {
                        self.run_for_real(here, task, &picks);
                        if self.play.stage().lock().newly_observed {
                            return (moved, None);
                        }
                        // Running the core of a large world takes its time.
                        if let Some(end) = self.over_a_limit(limits) {
                            return (moved, Some(end));
                        }
                        open.push(picks);
                    }
                    Fired::Known => {
                        if let Some(end) = self.arrive(here, changes, task, picks, visit) {
                            return (moved, Some(end));
                        }
                    }
                }
            }
        }
        (moved, None)
    }

    /// A step was taken.
    fn arrive(
        &mut self,
        here: &mut Here,
        changes: &Changes,
        task: Slot,
        picks: Vec<Pick>,
        visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool,
    ) -> Option<End> {
        self.transitions += 1;
        self.foretold += 1;
        // The first ones, too: a small world has no others.
        let audited = self.foretold <= AUDITED_AT_FIRST || self.foretold.is_multiple_of(self.audit_every);
        if audited {
            self.audit(here, task, &picks, changes);
        }
        if changes.crashed {
            let last = Action { task, picks, to_kept: 0 };
            let why = self.crash_of(here.state, &last);
            return visit(Ending::new(None, None, Some(&why)))
                .then(|| self.found(here.state, Some(&last), None));
        }
        let to_kept = self.keep(here, changes);
        let (state, new) = self.store.insert(&mut here.spread, &self.scratch.diff);
        if !new {
            if audited {
                self.audit_reunion(here, task, &picks, changes);
            }
            return None;
        }
        let action = self.action(Action { task, picks, to_kept });
        self.parents.push((here.state, action));
        debug_assert_eq!(self.parents.len(), state as usize + 1, "states are numbered as they come");
        if self.quest == Quest::Knots && !changes.settled.is_empty() {
            let mut there = here.spread.slots().to_vec();
            for (slot, value) in &self.scratch.diff {
                there[*slot as usize] = *value;
            }
            if self.is_knotted(&there) {
                self.go_to(state, 0);
                let knot = self.play.graph().knot().expect("the state and its run agree on who is stuck");
                if visit(Ending::new(None, Some(&knot), None)) {
                    return Some(self.found(state, None, Some(knot)));
                }
            }
        }
        None
    }

    /// Works out how the state that a step leads to, or the one of its images that is kept, differs from `here`.
    fn keep(&mut self, here: &Here, changes: &Changes) -> Element {
        let Scratch { there, image, kept, diff } = &mut self.scratch;
        diff.clear();
        if self.symmetry.is_trivial() {
            diff.extend_from_slice(&changes.slots);
            return 0;
        }
        let slots = here.spread.slots();
        there.clear();
        there.extend_from_slice(slots);
        for (slot, value) in &changes.slots {
            there[*slot as usize] = *value;
        }
        let to_kept = self.symmetry.canonical(there, &self.is_task, image, kept);
        let differs = kept.iter().zip(slots).enumerate().filter(|(_, (new, old))| new != old);
        diff.extend(differs.map(|(slot, (new, _))| (slot as Slot, *new)));
        to_kept
    }

    /// Nothing moves here any more but at its whim.
    fn rest(&mut self, here: &Here, visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool) -> Option<End> {
        if self.quest == Quest::Knots && !self.someone_works(here.spread.slots()) {
            return None;
        }
        self.go_to(here.state, 0);
        let knot = self.play.graph().knot_at_rest();
        let outcome = match self.quest {
            Quest::Knots => {
                // A knot was told when it was tied; what is left are waits that rest alone makes hopeless.
                if self.play.graph().knot().is_some() || knot.is_none() {
                    return None;
                }
                None
            }
            Quest::Outcomes => Some(self.play.outcome()),
        };
        let ending = Ending::new(outcome, knot.as_ref(), None);
        visit(ending).then(|| self.found(here.state, None, knot))
    }

    fn someone_works(&self, state: &[u32]) -> bool {
        self.tasks.iter().any(|task| {
            let local = state.get(*task as usize).copied().unwrap_or(0);
            matches!(self.memo.locals[local as usize].stands, Stands::Waits { kind, .. } if kind.is_work())
        })
    }

    /// [`WaitGraph::knot`](turnstile::waits::WaitGraph::knot) on a state, without its words.
    fn is_knotted(&self, state: &[u32]) -> bool {
        let inner = self.play.stage().lock();
        let stands = |task: Slot| {
            let local = state.get(task as usize).copied().unwrap_or(0);
            self.memo.locals[local as usize].stands
        };
        let mut stuck: Vec<(Slot, Vec<Slot>)> = Vec::new();
        let mut able: Vec<Slot> = Vec::new();
        for task in &self.tasks {
            match stands(*task) {
                Stands::Waits { kind, cell, port, .. } if kind.is_work() => {
                    let content = state[cell as usize] as usize;
                    match &inner.ports[content][port].helpers {
                        Some(helpers) => {
                            stuck.push((*task, helpers.iter().filter_map(|h| inner.find(*h)).collect()));
                        }
                        None => able.push(*task),
                    }
                }
                Stands::Waits { .. } | Stands::Lost | Stands::Turn { .. } => able.push(*task),
                Stands::Done | Stands::Nowhere => {}
            }
        }
        while let Some(task) = able.pop() {
            let mut index = 0;
            while index < stuck.len() {
                if stuck[index].1.contains(&task) {
                    able.push(stuck.swap_remove(index).0);
                } else {
                    index += 1;
                }
            }
        }
        !stuck.is_empty()
    }

    fn action(&mut self, action: Action) -> u32 {
        let next = self.actions.len() as u32;
        let number = *self.action_numbers.entry(action.clone()).or_insert(next);
        if number == next {
            self.actions.push(action);
        }
        number
    }

    fn found(&self, state: u32, last: Option<&Action>, knot: Option<Knot>) -> End {
        let names = self.play.names();
        let turns = self
            .way_to(state, 0)
            .into_iter()
            .chain(last.map(|last| (last.task, last.picks.clone())))
            .map(|(task, picks)| Turn { task: names[task as usize], picks })
            .collect();
        End::Found(Box::new(Finding { schedule: Schedule { turns }, knot }))
    }
}
