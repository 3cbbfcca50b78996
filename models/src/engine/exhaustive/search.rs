//! The search itself.

use std::ops::ControlFlow;
use std::time::Instant;

use turnstile::waits::Knot;

use super::claims::{Claims, Until};
use super::graph::Record;
use super::memo::{Changes, Fired, Memo, Stands};
use super::store::{Spread, Store};
use super::symmetry::{Element, Symmetry};
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
    let mut visit = |_, ending: &Ending<M::Outcome>| visit(ending.clone());
    let Survey { mut found, stopped, effort } = survey(model, &[quest], limits, progress, &mut visit);
    let end = match (found.pop().flatten(), stopped) {
        (Some(finding), _) => End::Found(Box::new(finding)),
        (None, Some(why)) => End::Stopped(why),
        (None, None) => End::Exhausted,
    };
    Report { end, effort, bound: None, shortest: true }
}

/// What one search of several claims came to.
#[derive(Clone, Debug)]
pub struct Survey {
    /// By claim: the first thing that breaks it, by a shortest schedule.
    pub found: Vec<Option<Finding>>,
    /// The limit that stopped the search; `None` if nothing that bears on an unbroken claim was left out.
    pub stopped: Option<String>,
    /// How much it saw.
    pub effort: Effort,
}

/// Searches a model breadth first for all that several claims ask about, by their quests. `visit` is asked, for each claim
/// that is not broken yet, about each ending that the claim's quest is after; it says whether that breaks the claim. Once
/// all are broken, the search ends.
///
/// Each claim hears the same endings as if it were alone. Cells that no task observes, and that the model does not look at, are
/// left out of the states.
///
/// # Panics
/// As [`explore`] does.
pub fn survey<M: Model>(
    model: &M,
    quests: &[Quest],
    limits: &Limits,
    progress: &dyn Progress,
    visit: &mut dyn FnMut(usize, &Ending<M::Outcome>) -> bool,
) -> Survey {
    search(model, quests, Until::All, limits, progress, visit)
}

/// As [`survey`], but ends once one claim is broken.
pub(crate) fn first<M: Model>(
    model: &M,
    quests: &[Quest],
    limits: &Limits,
    visit: &mut dyn FnMut(usize, &Ending<M::Outcome>) -> bool,
) -> Survey {
    search(model, quests, Until::One, limits, &(), visit)
}

fn search<M: Model>(
    model: &M,
    quests: &[Quest],
    until: Until,
    limits: &Limits,
    progress: &dyn Progress,
    visit: &mut dyn FnMut(usize, &Ending<M::Outcome>) -> bool,
) -> Survey {
    let mut search = Search::new(model, limits);
    search.warm_up(limits, quests.iter().any(|quest| quest.looks()));
    let mut claims = Claims::new(quests, until, visit);
    let stopped = loop {
        match search.run(limits, progress, &mut claims) {
            ControlFlow::Continue(()) | ControlFlow::Break(Ended::Answered) => break None,
            ControlFlow::Break(Ended::Stopped(why)) => break Some(why),
            ControlFlow::Break(Ended::Outdated) => search.forget(),
        }
    };
    Survey { found: claims.found(), stopped, effort: search.effort() }
}

/// Why a search ends before all is searched.
pub(super) enum Ended {
    /// Each claim is broken.
    Answered,
    /// This limit stopped it.
    Stopped(String),
    /// It has to begin again: it has left out what matters.
    Outdated,
}

pub(super) struct Search<M: Model> {
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
    pub(super) scratch: Scratch,
    /// Slots of tasks, in the order of their names' first appearance.
    pub(super) tasks: Vec<Slot>,
    pub(super) is_task: Vec<bool>,
    transitions: u64,
    depth: u64,
    pub(super) learned: u64,
    pub(super) foretold: u64,
    /// One in so many foretold steps is run again for real.
    audit_every: u64,
    /// What is kept of its way, where that is wanted.
    pub(super) record: Option<Record>,
}

/// A step from a state, and what then leads to the one of its images that is kept.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Action {
    pub(super) task: Slot,
    pub(super) picks: Vec<Pick>,
    pub(super) to_kept: Element,
}

#[derive(Default)]
pub(super) struct Scratch {
    there: Vec<u32>,
    image: Vec<u32>,
    kept: Vec<u32>,
    pub(super) diff: Vec<(Slot, u32)>,
}

/// Where a state is, for the run of the search.
pub(super) struct Here {
    pub(super) state: u32,
    pub(super) spread: Spread,
}

impl<M: Model> Search<M> {
    /// A search that keeps its record and looks at the world, ready to run.
    pub(super) fn of(model: &M, limits: &Limits) -> Self {
        let mut search = Search::new(model, limits);
        search.warm_up(limits, true);
        search
    }

    fn new(model: &M, limits: &Limits) -> Self {
        let renumberings = if limits.symmetry { model.symmetries() } else { Vec::new() };
        Search {
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
            audit_every: limits.audit.max(1),
            record: None,
        }
    }

    /// Plays at random for a while, to see early which cells are observed, by the tasks and, if it `looks`, by the model.
    fn warm_up(&mut self, limits: &Limits, looks: bool) {
        self.play.stage().lock().waits_only = true;
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
            if looks {
                self.play.outcome_observed();
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
    pub(super) fn forget(&mut self) {
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

    pub(super) fn effort(&self) -> Effort {
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
        let record = self.record.as_ref().map_or(0, Record::bytes);
        self.store.bytes() + self.memo.bytes() + self.parents.capacity() * size_of::<(u32, u32)>() + record
    }

    pub(super) fn run(
        &mut self,
        limits: &Limits,
        progress: &dyn Progress,
        claims: &mut Claims<'_, M::Outcome>,
    ) -> ControlFlow<Ended> {
        let mut here = Here { state: 0, spread: Spread::default() };
        self.store.widen(2, &mut here.spread);
        let (mut changes, mut next, mut last_of_level) = (Changes::default(), 1, 1);
        self.begin(&mut here, claims)?;
        while (next as usize) < self.parents.len() {
            if next & 0xfff == 0 {
                progress.tell(&self.effort());
                self.stay_within(limits)?;
                if progress.enough() {
                    return ControlFlow::Break(Ended::Stopped("whoever asked".to_owned()));
                }
            }
            here.state = next;
            self.store.load(next, &mut here.spread);
            if let Some(record) = &mut self.record {
                record.begin(next);
            }
            self.expand(&mut here, &mut changes, limits, claims)?;
            if next == last_of_level {
                last_of_level = self.parents.len() as u32 - 1;
                self.depth += u64::from(next < last_of_level);
            }
            next += 1;
        }
        progress.tell(&self.effort());
        self.audit_walks();
        if self.play.stage().lock().newly_observed {
            return ControlFlow::Break(Ended::Outdated);
        }
        self.look_at_what_recurs(&mut here, limits, claims)
    }

    pub(super) fn stay_within(&self, limits: &Limits) -> ControlFlow<Ended> {
        let over = if self.bytes() > limits.memory {
            format!("its memory bound of {} MiB", limits.memory >> 20)
        } else if self.began.elapsed() > limits.budget {
            format!("its time budget of {} s", limits.budget.as_secs_f64())
        } else {
            return ControlFlow::Continue(());
        };
        ControlFlow::Break(Ended::Stopped(over))
    }

    /// Runs the model up to each task's first turn.
    fn begin(&mut self, here: &mut Here, claims: &mut Claims<'_, M::Outcome>) -> ControlFlow<Ended> {
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
            changes.breaches.extend_from_slice(&segment.breaches);
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
        let crashed = self.play.crashed().map(str::to_owned);
        self.tell_step(1, None, &changes.breaches, crashed.as_deref(), claims)?;
        if crashed.is_some() {
            // There is nothing else to search.
            return ControlFlow::Break(Ended::Answered);
        }
        self.look_at(1, &first, true, claims)
    }

    /// Takes every step that can be taken.
    fn expand(
        &mut self,
        here: &mut Here,
        changes: &mut Changes,
        limits: &Limits,
        claims: &mut Claims<'_, M::Outcome>,
    ) -> ControlFlow<Ended> {
        let mut open: Vec<Vec<Pick>> = Vec::new();
        for index in 0..self.tasks.len() {
            let task = self.tasks[index];
            let local = here.spread.slots().get(task as usize).copied().unwrap_or(0);
            let Stands::Turn { .. } = self.memo.locals[local as usize].stands else { continue };
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
                            return ControlFlow::Break(Ended::Outdated);
                        }
                        // Running the core of a large world takes its time.
                        self.stay_within(limits)?;
                        open.push(picks);
                    }
                    Fired::Known => self.arrive(here, changes, task, picks, claims)?,
                }
            }
        }
        // An audit runs the core, too.
        if self.play.stage().lock().newly_observed {
            return ControlFlow::Break(Ended::Outdated);
        }
        ControlFlow::Continue(())
    }

    /// A step was taken.
    fn arrive(
        &mut self,
        here: &mut Here,
        changes: &Changes,
        task: Slot,
        picks: Vec<Pick>,
        claims: &mut Claims<'_, M::Outcome>,
    ) -> ControlFlow<Ended> {
        self.transitions += 1;
        self.foretold += 1;
        // The first ones, too: a small world has no others.
        let audited = self.foretold <= AUDITED_AT_FIRST || self.foretold.is_multiple_of(self.audit_every);
        if audited {
            self.audit(here, task, &picks, changes);
        }
        let crashed = changes.crashed.as_deref();
        if crashed.is_some() || !changes.breaches.is_empty() {
            let last = Action { task, picks: picks.clone(), to_kept: 0 };
            self.tell_step(here.state, Some(&last), &changes.breaches, crashed, claims)?;
        }
        if crashed.is_some() {
            self.record_step(here, 0, task, &picks, changes);
            return ControlFlow::Continue(());
        }
        let to_kept = self.keep(here, changes);
        let (state, new) = self.store.insert(&mut here.spread, &self.scratch.diff);
        self.record_step(here, state, task, &picks, changes);
        if !new {
            if audited {
                self.audit_reunion(here, task, &picks, changes);
            }
            return ControlFlow::Continue(());
        }
        let action = self.action(Action { task, picks, to_kept });
        self.parents.push((here.state, action));
        debug_assert_eq!(self.parents.len(), state as usize + 1, "states are numbered as they come");
        let goes_on = |(slot, local): &(Slot, u32)| {
            self.is_task.get(*slot as usize).copied().unwrap_or(false)
                && self.memo.locals[*local as usize].stands == Stands::Turn { whim: false }
        };
        let settled = !changes.settled.is_empty();
        if !settled && self.scratch.diff.iter().any(goes_on) {
            return ControlFlow::Continue(());
        }
        let mut there = std::mem::take(&mut self.scratch.there);
        there.clear();
        there.extend_from_slice(here.spread.slots());
        for (slot, value) in &self.scratch.diff {
            there[*slot as usize] = *value;
        }
        let ended = self.look_at(state, &there, settled, claims);
        self.scratch.there = there;
        ended
    }

    /// Keeps a step, if the search keeps its way.
    fn record_step(&mut self, here: &Here, to: u32, task: Slot, picks: &[Pick], changes: &Changes) {
        let whim = self.stands(here.spread.slots(), task) == Stands::Turn { whim: true };
        if let Some(record) = &mut self.record {
            record.step(to, (task, picks), whim, &changes.breaches, changes.crashed.as_deref());
        }
    }

    /// Looks at a state that is new: whether tasks are stuck, and whether all is at rest. Here and not when it is expanded:
    /// by then there are longer ways to other findings.
    fn look_at(
        &mut self,
        state: u32,
        there: &[u32],
        settled: bool,
        claims: &mut Claims<'_, M::Outcome>,
    ) -> ControlFlow<Ended> {
        if settled && claims.ask(|quest| quest == Quest::Knots) && self.is_knotted(there) {
            self.go_to(state, 0);
            let knot = self.play.graph().knot().expect("the state and its run agree on who is stuck");
            let broken = claims.tell(|quest| quest == Quest::Knots, &Ending::new(None, Some(&knot), None));
            self.found(broken, state, Some(knot), claims)?;
        }
        let goes_on = |task: &Slot| self.stands(there, *task) == Stands::Turn { whim: false };
        if self.tasks.iter().any(goes_on) {
            ControlFlow::Continue(())
        } else {
            self.rest(state, there, claims)
        }
    }

    /// How a task stands in a state.
    fn stands(&self, state: &[u32], task: Slot) -> Stands {
        self.memo.locals[state.get(task as usize).copied().unwrap_or(0) as usize].stands
    }

    /// Tells what a step did that broke rules, or the program.
    fn tell_step(
        &mut self,
        from: u32,
        last: Option<&Action>,
        breaches: &[&'static str],
        crashed: Option<&str>,
        claims: &mut Claims<'_, M::Outcome>,
    ) -> ControlFlow<Ended> {
        let concerns = |quest| crashed.is_some() || (quest == Quest::Breaches && !breaches.is_empty());
        if !claims.ask(concerns) {
            return ControlFlow::Continue(());
        }
        let broken = claims.tell(concerns, &Ending::of_step(breaches.to_vec(), crashed));
        if broken.is_empty() {
            return ControlFlow::Continue(());
        }
        let breaches = if breaches.is_empty() { Vec::new() } else { self.breaches_of(from, last) };
        let schedule = self.schedule(from, last);
        claims.close(broken, &Finding { schedule, knot: None, breaches, lasso: None })
    }

    /// Works out how the state that a step leads to, or the one of its images that is kept, differs from `here`.
    pub(super) fn keep(&mut self, here: &Here, changes: &Changes) -> Element {
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
    fn rest(&mut self, state: u32, there: &[u32], claims: &mut Claims<'_, M::Outcome>) -> ControlFlow<Ended> {
        let (knots, outcomes) = (claims.ask(|quest| quest == Quest::Knots), claims.ask(Quest::looks));
        if !(outcomes || (knots && self.someone_works(there))) {
            return ControlFlow::Continue(());
        }
        self.go_to(state, 0);
        let graph = self.play.graph();
        let knot = graph.knot_at_rest();
        // A knot was told when it was tied; what is left are waits that rest alone makes hopeless.
        if knots && knot.is_some() && graph.knot().is_none() {
            let broken = claims.tell(|quest| quest == Quest::Knots, &Ending::new(None, knot.as_ref(), None));
            self.found(broken, state, knot.clone(), claims)?;
        }
        if outcomes {
            let ending = Ending::new(Some(self.look()?), knot.as_ref(), None);
            let broken = claims.tell(Quest::looks, &ending);
            self.found(broken, state, knot, claims)?;
        }
        ControlFlow::Continue(())
    }

    /// What can be seen of the world where the play is now. If the model looks at a cell that had been left out, the search is to
    /// begin anew.
    pub(super) fn look(&self) -> ControlFlow<Ended, M::Outcome> {
        let outcome = self.play.outcome_observed();
        if self.play.stage().lock().newly_observed {
            return ControlFlow::Break(Ended::Outdated);
        }
        ControlFlow::Continue(outcome)
    }

    pub(super) fn someone_works(&self, state: &[u32]) -> bool {
        let works =
            |task: &Slot| matches!(self.stands(state, *task), Stands::Waits { kind, .. } if kind.is_work());
        self.tasks.iter().any(works)
    }

    /// [`WaitGraph::knot`](turnstile::waits::WaitGraph::knot) on a state, without its words.
    pub(super) fn is_knotted(&self, state: &[u32]) -> bool {
        let inner = self.play.stage().lock();
        let mut stuck: Vec<(Slot, Vec<Slot>)> = Vec::new();
        let mut able: Vec<Slot> = Vec::new();
        for task in &self.tasks {
            match self.stands(state, *task) {
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

    /// These claims are broken by what is in a state.
    fn found(
        &self,
        broken: Vec<usize>,
        state: u32,
        knot: Option<Knot>,
        claims: &mut Claims<'_, M::Outcome>,
    ) -> ControlFlow<Ended> {
        if broken.is_empty() {
            return ControlFlow::Continue(());
        }
        let schedule = self.schedule(state, None);
        claims.close(broken, &Finding { schedule, knot, breaches: Vec::new(), lasso: None })
    }

    /// The schedule that leads to a state, and perhaps a step further.
    pub(super) fn schedule(&self, state: u32, last: Option<&Action>) -> Schedule {
        let names = self.play.names();
        let last = last.map(|last| (last.task, last.picks.clone()));
        let turns = self.way_to(state, 0).into_iter().chain(last);
        Schedule { turns: turns.map(|(task, picks)| Turn { task: names[task as usize], picks }).collect() }
    }
}
