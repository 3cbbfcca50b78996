//! What goes round for ever: who waits all the way, what is seen on it, and a way once around.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use hashbrown::{HashMap, HashSet};
use turnstile::waits::{Edge, Knot};

use super::claims::Claims;
use super::memo::{Changes, Fired, Stands};
use super::search::{Ended, Here, Search};
use super::{cycles, forever};
use crate::engine::{Ending, Finding, Quest};
use crate::limits::Limits;
use crate::model::Model;
use crate::player::Slot;
use crate::schedule::{Pick, Turn};

/// A step, and what it picks.
type Step = (Slot, Vec<Pick>);

/// Quiescent states that lead to one another, none of them standing for its images.
struct Round {
    /// By state: the obliged steps from it, and the position of the state that each leads to.
    steps: Vec<Vec<(Step, usize)>>,
    /// The tasks that wait in the midst of work, in the same place in each of the states.
    waiting: Vec<Slot>,
}

impl Round {
    /// A way back to the first state by way of each task that can move, with not many steps.
    fn once_around(&self) -> Vec<Step> {
        let mut idle: BTreeSet<Slot> = self.steps.iter().flatten().map(|((task, _), _)| *task).collect();
        let (mut way, mut at) = (Vec::new(), 0);
        while !idle.is_empty() {
            at = self.walk(at, &mut way, |(task, _), _| idle.contains(task));
            for (task, _) in &way {
                idle.remove(task);
            }
        }
        if at != 0 {
            self.walk(at, &mut way, |_, to| to == 0);
        }
        way
    }

    /// Walks the shortest way to the end of a step that `is_last`; returns where that is.
    fn walk(&self, from: usize, way: &mut Vec<Step>, is_last: impl Fn(&Step, usize) -> bool) -> usize {
        // By state: the one before it, and which of that one's steps leads to it.
        let mut before: HashMap<usize, (usize, usize)> = HashMap::new();
        let mut open = vec![from];
        let mut next = 0;
        loop {
            let state = *open.get(next).expect("each state of a round leads to each other one");
            next += 1;
            for (which, (step, to)) in self.steps[state].iter().enumerate() {
                if is_last(step, *to) {
                    let mut steps = vec![step.clone()];
                    let mut at = state;
                    while at != from {
                        let (earlier, which) = before[&at];
                        steps.push(self.steps[earlier][which].0.clone());
                        at = earlier;
                    }
                    way.extend(steps.into_iter().rev());
                    return *to;
                }
                if *to != from && !before.contains_key(to) {
                    before.insert(*to, (state, which));
                    open.push(*to);
                }
            }
        }
    }
}

impl<M: Model> Search<M> {
    /// Looks at all that goes round for ever; what [`rest`](Search::rest) cannot see. The search is complete.
    ///
    /// Where states stand for their images, what goes round among them is what goes round among all: if s leads to an image
    /// gs of itself, that leads to ggs, and so on, and back to s, since the group is finite.
    pub(super) fn look_at_what_recurs(
        &mut self,
        here: &mut Here,
        limits: &Limits,
        claims: &mut Claims<'_, M::Outcome>,
    ) -> ControlFlow<Ended> {
        if !claims.ask(|quest| quest != Quest::Breaches) || cycles::impossible(&self.memo.moves) {
            return ControlFlow::Continue(());
        }
        let mut changes = Changes::default();
        let mut looked = 0u32;
        let sets = forever::recurring(self.parents.len(), |state, next| {
            looked += 1;
            if looked & 0xfff == 0 {
                self.stay_within(limits)?;
            }
            self.store.load(state, &mut here.spread);
            here.state = state;
            for (task, picks) in self.obliged_steps(here, &mut changes) {
                self.fire_known(here, task, &picks, &mut changes);
                if changes.crashed.is_some() {
                    next.push(forever::END);
                } else {
                    self.keep(here, &changes);
                    next.push(self.store.insert(&mut here.spread, &self.scratch.diff).0);
                }
            }
            ControlFlow::Continue(())
        })?;
        for set in sets {
            self.look_at_a_round(here, &set, limits, claims)?;
        }
        ControlFlow::Continue(())
    }

    fn look_at_a_round(
        &mut self,
        here: &mut Here,
        set: &[u32],
        limits: &Limits,
        claims: &mut Claims<'_, M::Outcome>,
    ) -> ControlFlow<Ended> {
        let mut round = self.round(here, set[0], limits)?;
        let mut knot = self.knot_of(set[0], &round);
        if knot.is_some() {
            let ending = Ending { recurring: true, ..Ending::new(None, knot.as_ref(), None) };
            let broken = claims.tell(|quest| quest == Quest::Knots, &ending);
            self.found_round(broken, set[0], &round, knot.clone(), claims)?;
        }
        if !claims.ask(Quest::looks) {
            return ControlFlow::Continue(());
        }
        let (someone_waits, mut entry, mut seen) = (knot.is_some(), set[0], HashSet::new());
        // The claims of progress that each state so far breaks.
        let mut doomed: Option<Vec<usize>> = None;
        for state in set {
            self.store.load(*state, &mut here.spread);
            let is_cell = |(slot, _): &(usize, &u32)| !self.is_task.get(*slot).copied().unwrap_or(false);
            let cells: Vec<u32> =
                here.spread.slots().iter().enumerate().filter(is_cell).map(|(_, content)| *content).collect();
            // A look sees nothing but cells.
            if !seen.insert(cells) {
                continue;
            }
            if someone_waits && *state != entry {
                // It may be an equal that waits.
                (round, entry) = (self.round(here, *state, limits)?, *state);
                knot = self.knot_of(*state, &round);
            }
            self.go_to(*state, 0);
            let outcome = Some(self.look()?);
            let ending = Ending { recurring: true, ..Ending::new(outcome, knot.as_ref(), None) };
            let broken = claims.tell(|quest| quest == Quest::Outcomes, &ending);
            if !broken.is_empty() {
                if *state != entry {
                    (round, entry) = (self.round(here, *state, limits)?, *state);
                }
                self.found_round(broken, *state, &round, knot.clone(), claims)?;
            }
            let broken = claims.tell(|quest| quest == Quest::Progress, &ending);
            doomed = Some(match doomed {
                None => broken,
                Some(doomed) => doomed.into_iter().filter(|claim| broken.contains(claim)).collect(),
            });
            self.stay_within(limits)?;
        }
        let doomed = doomed.unwrap_or_default();
        if doomed.is_empty() {
            return ControlFlow::Continue(());
        }
        let round = self.round(here, set[0], limits)?;
        let knot = self.knot_of(set[0], &round);
        self.found_round(doomed, set[0], &round, knot, claims)
    }

    /// True if somebody waits in the midst of work wherever obliged steps lead to from a quiescent state.
    pub(super) fn waits_all_the_way(
        &mut self,
        here: &mut Here,
        entry: u32,
        limits: &Limits,
    ) -> ControlFlow<Ended, bool> {
        let round = self.round(here, entry, limits)?;
        ControlFlow::Continue(!round.waiting.is_empty())
    }

    /// The states that obliged steps lead to from a quiescent one.
    fn round(&mut self, here: &mut Here, entry: u32, limits: &Limits) -> ControlFlow<Ended, Round> {
        let mut changes = Changes::default();
        let mut position: HashMap<u32, usize> = HashMap::from_iter([(entry, 0)]);
        let mut states = vec![entry];
        let mut round = Round { steps: Vec::new(), waiting: Vec::new() };
        let mut waiting: Option<Vec<(Slot, u32)>> = None;
        while let Some(state) = states.get(round.steps.len()).copied() {
            self.store.load(state, &mut here.spread);
            let mut waits = Vec::new();
            for task in &self.tasks {
                let local = here.spread.slots()[*task as usize];
                let stands = self.memo.locals[local as usize].stands;
                if matches!(stands, Stands::Waits { kind, .. } if kind.is_work()) {
                    waits.push((*task, local));
                }
            }
            waiting = Some(match waiting {
                None => waits,
                Some(waiting) => waiting.into_iter().filter(|wait| waits.contains(wait)).collect(),
            });
            let mut steps = Vec::new();
            for (task, picks) in self.obliged_steps(here, &mut changes) {
                self.fire_known(here, task, &picks, &mut changes);
                // States that were searched keep their numbers; images that were not get further ones.
                let (to, _) = self.store.insert(&mut here.spread, &changes.slots);
                let at = *position.entry(to).or_insert_with(|| {
                    states.push(to);
                    states.len() - 1
                });
                steps.push(((task, picks), at));
            }
            round.steps.push(steps);
            if round.steps.len().is_multiple_of(0x1000) {
                self.stay_within(limits)?;
            }
        }
        round.waiting = waiting.into_iter().flatten().map(|(task, _)| task).collect();
        ControlFlow::Continue(round)
    }

    /// Who waits all the way round.
    fn knot_of(&mut self, state: u32, round: &Round) -> Option<Knot> {
        if round.waiting.is_empty() {
            return None;
        }
        self.go_to(state, 0);
        let waiting: Vec<_> = round.waiting.iter().map(|task| self.play.name(*task)).collect();
        let edges = self.play.graph().edges.into_iter().filter(|edge| waiting.contains(&edge.task));
        Some(Knot { cycle: edges.collect::<Vec<Edge>>(), collateral: Vec::new() })
    }

    fn found_round(
        &self,
        broken: Vec<usize>,
        state: u32,
        round: &Round,
        knot: Option<Knot>,
        claims: &mut Claims<'_, M::Outcome>,
    ) -> ControlFlow<Ended> {
        if broken.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut schedule = self.schedule(state, None);
        let lasso = Some(schedule.len());
        let names = self.play.names();
        let around = round.once_around().into_iter();
        schedule.turns.extend(around.map(|(task, picks)| Turn { task: names[task as usize], picks }));
        claims.close(broken, &Finding { schedule, knot, breaches: Vec::new(), lasso })
    }

    /// All obliged steps that can be taken from a state, with their picks.
    fn obliged_steps(&self, here: &Here, changes: &mut Changes) -> Vec<Step> {
        let slots = here.spread.slots();
        let mut steps = Vec::new();
        let mut open = Vec::new();
        for task in &self.tasks {
            let local = slots.get(*task as usize).copied().unwrap_or(0);
            if self.memo.locals[local as usize].stands != (Stands::Turn { whim: false }) {
                continue;
            }
            open.push(Vec::new());
            while let Some(picks) = open.pop() {
                match self.memo.fire(slots, *task, &picks, changes) {
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

    fn fire_known(&self, here: &Here, task: Slot, picks: &[Pick], changes: &mut Changes) {
        let fired = self.memo.fire(here.spread.slots(), task, picks, changes);
        assert!(matches!(fired, Fired::Known), "the search is complete: each step was taken");
    }
}
