//! Where the search runs the core for real: to go to a state, to learn a step, to check one that was foretold.

use super::memo::Changes;
use super::search::{Action, Here, Search};
use super::symmetry::Element;
use crate::model::Model;
use crate::player::{Breach, Segment, Slot};
use crate::schedule::Pick;

/// How many walks the last audit takes, and how many steps each has.
const WALKS: usize = 16;
const STEPS: usize = 100;

impl<M: Model> Search<M> {
    /// The steps that lead to the image of a state under an element.
    pub(super) fn way_to(&self, mut state: u32, element: Element) -> Vec<(Slot, Vec<Pick>)> {
        let mut way = Vec::new();
        let mut under = element;
        while state > 1 {
            let (parent, action) = self.parents[state as usize];
            let action = &self.actions[action as usize];
            under = self.symmetry.after(under, action.to_kept);
            way.push(self.renumbered(under, action.task, &action.picks));
            state = parent;
        }
        way.reverse();
        way
    }

    fn renumbered(&self, by: Element, task: Slot, picks: &[Pick]) -> (Slot, Vec<Pick>) {
        (self.symmetry.slot(by, task), picks.iter().map(|pick| self.symmetry.pick(by, *pick)).collect())
    }

    /// Runs the core up to the image of a state under an element.
    pub(super) fn go_to(&mut self, state: u32, element: Element) {
        let way = self.way_to(state, element);
        self.play.restart(None);
        for (task, picks) in way {
            self.insist_on_movable(task);
            self.play.step(task, &picks, None);
        }
    }

    /// What could move where the state was found can move in each image of it.
    fn insist_on_movable(&self, task: Slot) {
        assert!(
            self.play.can_move(task),
            "{} cannot move where it, or its equal, could before: the model is not a function of its schedule, or not as \
             symmetric as it says",
            self.play.name(task)
        );
    }

    /// Runs a step that is not known, and learns what it does.
    pub(super) fn run_for_real(&mut self, here: &mut Here, task: Slot, picks: &[Pick]) {
        let mut runs = Vec::new();
        for element in self.symmetry.elements() {
            self.go_to(here.state, element);
            if element == 0 {
                self.insist_on_places(here.spread.slots());
            }
            let (task, picks) = self.renumbered(element, task, picks);
            self.insist_on_movable(task);
            let mut segments = Vec::new();
            self.play.step(task, &picks, Some(&mut segments));
            for segment in &segments {
                self.learn(segment);
            }
            self.learn_slots();
            runs.push(segments);
        }
        let memo = &self.memo;
        if let Err(why) = self.symmetry.learn(&runs, |task, history| memo.number(task, history)) {
            panic!("the model is not as symmetric as it says: a step of {}: {why}", self.play.name(task));
        }
        self.make_room(here);
        self.learned += 1;
    }

    /// The run has led each task to where the state says.
    fn insist_on_places(&self, state: &[u32]) {
        for task in &self.tasks {
            let local = state.get(*task as usize).copied().unwrap_or(0);
            assert_eq!(
                self.memo.locals[local as usize].history,
                self.play.place(*task),
                "{} is elsewhere than the same steps led it before: the model is not a function of its schedule",
                self.play.name(*task)
            );
        }
    }

    fn learn_slots(&mut self) {
        let stage = self.play.stage().clone();
        let mut inner = stage.lock();
        loop {
            let names = inner.names.clone();
            self.symmetry.learn_slots(&names, |name| inner.slot(name));
            if names.len() == inner.names.len() {
                return;
            }
        }
    }

    /// Runs a step that was foretold, and insists on what was foretold.
    pub(super) fn audit(&mut self, here: &Here, task: Slot, picks: &[Pick], foretold: &Changes) {
        self.go_to(here.state, 0);
        self.insist_on_places(here.spread.slots());
        let mut segments = Vec::new();
        self.play.step(task, picks, Some(&mut segments));
        let mut real = Changes::default();
        for segment in &segments {
            self.learn(segment);
            self.memo.apply(segment, &mut real);
        }
        let sorted = |changes: &Changes| {
            let mut slots = changes.slots.clone();
            slots.sort_unstable();
            slots
        };
        assert_eq!(
            sorted(foretold),
            sorted(&real),
            "a step of {} came out otherwise than the same step before: the model is not a function of its schedule",
            self.play.names()[task as usize]
        );
    }

    /// Two ways have led to the same state. Comes there by the one that is not remembered, and takes a step further: it must
    /// do what is known of that step. So a task that keeps something it should not is found out.
    pub(super) fn audit_reunion(&mut self, here: &Here, task: Slot, picks: &[Pick], changes: &Changes) {
        self.go_to(here.state, 0);
        self.play.step(task, picks, None);
        let mut there = here.spread.slots().to_vec();
        for (slot, value) in &changes.slots {
            there[*slot as usize] = *value;
        }
        self.insist_on_places(&there);
        let movable: Vec<Slot> = self.play.movable().collect();
        let Some(next) = movable.get(self.foretold as usize % movable.len().max(1)) else { return };
        let mut segments = Vec::new();
        self.play.step(*next, &[], Some(&mut segments));
        for segment in &segments {
            if self.memo.knows(segment) {
                self.learn(segment);
            }
        }
    }

    /// Once the search is complete: plays on, at random, from the start and for longer than any state was gone past. All that a task can do
    /// is known now, so whoever does anything else kept something that it should not.
    pub(super) fn audit_walks(&mut self) {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..WALKS {
            self.play.restart(None);
            for _ in 0..STEPS {
                let movable: Vec<Slot> = self.play.movable().collect();
                let Some(task) = random.choice(movable) else { break };
                let picks: Vec<Pick> = (0..4).map(|_| Pick::decode(random.u32(0..16))).collect();
                let mut segments = Vec::new();
                self.play.step(task, &picks, Some(&mut segments));
                for segment in &segments {
                    assert!(
                        self.memo.knows(segment),
                        "{} does what no search of all states has seen: the model is not a function of its schedule, or the task \
                         keeps something that it neither observed since it was last at rest nor was spawned with",
                        self.play.name(task)
                    );
                    self.learn(segment);
                }
            }
        }
    }

    pub(super) fn learn(&mut self, segment: &Segment) {
        let stage = self.play.stage().clone();
        let mut inner = stage.lock();
        let learned = self.memo.learn(segment, |name| inner.slot(name));
        let task = inner.names[segment.task as usize];
        drop(inner);
        if let Err(why) = learned {
            panic!(
                "{task} {why}: the model is not a function of its schedule, or the task keeps something that it \
                 neither observed since it was last at rest nor was spawned with"
            );
        }
        for slot in std::iter::once(segment.task).chain(segment.spawned.iter().map(|(task, _)| *task)) {
            if self.is_task.len() <= slot as usize {
                self.is_task.resize(slot as usize + 1, false);
            }
            if !std::mem::replace(&mut self.is_task[slot as usize], true) {
                self.tasks.push(slot);
            }
        }
    }

    pub(super) fn make_room(&mut self, here: &mut Here) {
        self.learn_slots();
        let slots = self.play.stage().lock().names.len();
        self.store.widen(slots, &mut here.spread);
    }

    /// The rules that a step breaks, in words.
    pub(super) fn breaches_of(&mut self, state: u32, last: Option<&Action>) -> Vec<Breach> {
        let step = self.way_to(state, 0).len() + usize::from(last.is_some());
        match last {
            None => self.play.restart_noting(None),
            Some(last) => {
                self.go_to(state, 0);
                self.play.narrate(last.task, &last.picks, &mut Vec::new());
            }
        }
        self.play.breaches().into_iter().map(|(rule, what)| Breach { step, rule, what }).collect()
    }
}
