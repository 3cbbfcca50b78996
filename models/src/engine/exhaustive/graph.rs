//! The graph of all states: what the search went through, kept, and what can be seen in each.

use std::ops::ControlFlow;

use hashbrown::HashMap;

use super::claims::{Claims, Until};
use super::search::{Ended, Here, Search};
use super::store::Spread;
use super::{cycles, forever};
use crate::engine::{Effort, Progress};
use crate::limits::Limits;
use crate::model::Model;
use crate::player::Slot;
use crate::schedule::{Pick, Turn};

/// The states of a model, numbered from 1 in the order of their distance from the first, and the steps between them.
///
/// Without [symmetry](Limits::symmetry) each step leads to the very state; with it, to one that differs from it at most in who is
/// who, and that stands for all of those.
#[derive(Clone, Debug)]
pub struct Graph<O> {
    /// By state: where its steps begin in `steps`. State 0 is none.
    starts: Vec<u32>,
    steps: Vec<Step>,
    /// By number: who moves in a step, and how it picks.
    pub turns: Vec<Turn>,
    /// By state.
    marks: Vec<Mark>,
    /// What can be seen where the world is quiescent, each once.
    pub outcomes: Vec<O>,
    /// What steps broke, each combination once.
    pub incidents: Vec<Incident>,
    /// The sets of states that the world goes round in for ever once it is in one of them, but for whims.
    pub rounds: Vec<Vec<u32>>,
    /// What stopped the search; `None` if it is complete.
    pub stopped: Option<String>,
    /// How much it saw.
    pub effort: Effort,
}

/// A step from one state to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The state that it leads to; 0 if it breaks the program.
    pub to: u32,
    /// Its number in [`Graph::turns`].
    pub turn: u32,
    /// True if it comes at a whim, and so perhaps never.
    pub whim: bool,
    /// What it breaks: its number in [`Graph::incidents`].
    pub incident: Option<u32>,
}

/// What a step breaks.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Incident {
    /// The rules.
    pub breaches: Vec<&'static str>,
    /// The program, if it breaks that.
    pub crashed: Option<String>,
}

/// What can be seen in a state.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Somebody waits, in the midst of work, for what can never come.
    pub dead: bool,
    /// The world has come to rest, or goes round: then what can be seen, by its number in [`Graph::outcomes`].
    pub outcome: Option<u32>,
    /// All its steps are known. Not so only where the search was stopped before it came to them.
    pub known: bool,
}

impl<O> Graph<O> {
    /// How many states there are.
    pub fn len(&self) -> usize {
        self.marks.len() - 1
    }

    /// False: there is a first state at least.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of all states.
    pub fn states(&self) -> impl DoubleEndedIterator<Item = u32> + use<O> {
        1..self.marks.len() as u32
    }

    /// The steps from a state.
    pub fn steps(&self, state: u32) -> &[Step] {
        let at = state as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(from), Some(to)) => &self.steps[*from as usize..*to as usize],
            _ => &[],
        }
    }

    /// What can be seen in a state.
    pub fn mark(&self, state: u32) -> Mark {
        self.marks[state as usize]
    }

    /// The step from a state that is this turn, with all its picks said.
    pub fn find(&self, state: u32, turn: &Turn) -> Option<Step> {
        self.steps(state).iter().copied().find(|step| self.turns[step.turn as usize] == *turn)
    }

    /// How many steps there are.
    pub fn transitions(&self) -> usize {
        self.steps.len()
    }
}

#[cfg(test)]
impl Graph<()> {
    /// A graph by its steps, each from a state. A state from which no step must come is at rest.
    pub(crate) fn of(states: usize, steps: &[(u32, Step)], incidents: Vec<Incident>) -> Graph<()> {
        let mut graph = Graph {
            starts: vec![0],
            steps: Vec::new(),
            turns: Vec::new(),
            marks: vec![Mark::default()],
            outcomes: vec![()],
            incidents,
            rounds: Vec::new(),
            stopped: None,
            effort: Effort::default(),
        };
        for state in 1..=states as u32 {
            graph.starts.push(graph.steps.len() as u32);
            let own = steps.iter().filter(|(from, _)| *from == state).map(|(_, step)| *step);
            graph.steps.extend(own.clone());
            let outcome = own.clone().all(|step| step.whim).then_some(0);
            graph.marks.push(Mark { dead: false, outcome, known: true });
        }
        graph.starts.push(graph.steps.len() as u32);
        graph
    }
}

/// What a search keeps of its way.
#[derive(Default)]
pub(super) struct Record {
    starts: Vec<u32>,
    steps: Vec<Step>,
    turns: Vec<(Slot, Vec<Pick>)>,
    turn_numbers: HashMap<(Slot, Vec<Pick>), u32>,
    incidents: Vec<Incident>,
}

impl Record {
    /// From now on, steps are from this state.
    pub(super) fn begin(&mut self, state: u32) {
        self.starts.resize(state as usize + 1, self.steps.len() as u32);
    }

    /// A step was taken.
    pub(super) fn step(
        &mut self,
        to: u32,
        turn: (Slot, &[Pick]),
        whim: bool,
        breaches: &[&'static str],
        crashed: Option<&str>,
    ) {
        let next = self.turns.len() as u32;
        let number = *self.turn_numbers.entry((turn.0, turn.1.to_vec())).or_insert(next);
        if number == next {
            self.turns.push((turn.0, turn.1.to_vec()));
        }
        let incident = (crashed.is_some() || !breaches.is_empty()).then(|| {
            let incident = Incident { breaches: breaches.to_vec(), crashed: crashed.map(str::to_owned) };
            let known = self.incidents.iter().position(|known| *known == incident);
            known.unwrap_or_else(|| {
                self.incidents.push(incident);
                self.incidents.len() - 1
            }) as u32
        });
        self.steps.push(Step { to, turn: number, whim, incident });
    }

    /// How much memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.steps.capacity() * size_of::<Step>() + self.starts.capacity() * 4
    }
}

/// Searches all states of a model, and keeps them.
///
/// # Panics
/// As [`explore`](super::explore) does.
pub fn graph<M: Model>(model: &M, limits: &Limits, progress: &dyn Progress) -> Graph<M::Outcome> {
    let mut search = Search::of(model, limits);
    loop {
        search.record = Some(Record::default());
        let mut nobody = |_, _: &_| false;
        let mut stopped = None;
        match search.run(limits, progress, &mut Claims::new(&[], Until::All, &mut nobody)) {
            ControlFlow::Continue(()) => {}
            // Nobody asked anything; so it can only have ended before it began.
            ControlFlow::Break(Ended::Answered) => {
                stopped = Some("a crash before the first step".to_owned());
            }
            ControlFlow::Break(Ended::Stopped(why)) => stopped = Some(why),
            ControlFlow::Break(Ended::Outdated) => {
                search.forget();
                continue;
            }
        }
        match search.seen(limits, stopped) {
            ControlFlow::Continue(graph) => return graph,
            ControlFlow::Break(_) => search.forget(),
        }
    }
}

impl<M: Model> Search<M> {
    /// What was recorded, with what can be seen in each state.
    fn seen(
        &mut self,
        limits: &Limits,
        mut stopped: Option<String>,
    ) -> ControlFlow<Ended, Graph<M::Outcome>> {
        let Record { mut starts, mut steps, turns, incidents, .. } = self.record.take().unwrap_or_default();
        let count = self.parents.len();
        // Where the search was stopped, the state that it was at is not known, nor those after it.
        let known = if stopped.is_some() { starts.len().max(2) - 1 } else { count };
        steps.truncate(starts.get(known).map_or(steps.len(), |end| *end as usize));
        starts.resize(count + 1, steps.len() as u32);
        let names = self.play.names();
        let turns =
            turns.into_iter().map(|(task, picks)| Turn { task: names[task as usize], picks }).collect();
        let mut graph = Graph {
            starts,
            steps,
            turns,
            marks: vec![Mark::default(); count],
            outcomes: Vec::new(),
            incidents,
            rounds: Vec::new(),
            stopped: None,
            effort: self.effort(),
        };
        let mut here = Here { state: 0, spread: Spread::default() };
        self.store.widen(self.store.width(), &mut here.spread);
        let mut looks = Looks::default();
        for state in 1..count as u32 {
            if state & 0xfff == 0
                && stopped.is_none()
                && let ControlFlow::Break(Ended::Stopped(why)) = self.stay_within(limits)
            {
                stopped = Some(why);
            }
            here.state = state;
            self.store.load(state, &mut here.spread);
            let known = (state as usize) < known;
            let mut mark = Mark { dead: self.is_knotted(here.spread.slots()), outcome: None, known };
            if known && graph.steps(state).iter().all(|step| step.whim) {
                mark.dead |= self.someone_works(here.spread.slots());
                mark.outcome = Some(self.glance(&here, &mut looks)?);
            }
            graph.marks[state as usize] = mark;
        }
        if stopped.is_none() && !cycles::impossible(&self.memo.moves) {
            if let ControlFlow::Break(Ended::Stopped(why)) =
                self.go_round(&mut graph, &mut here, &mut looks, limits)
            {
                stopped = Some(why);
            }
            if self.play.stage().lock().newly_observed {
                return ControlFlow::Break(Ended::Outdated);
            }
        }
        graph.outcomes = looks.outcomes;
        graph.stopped = stopped;
        ControlFlow::Continue(graph)
    }

    /// Marks what goes round for ever.
    fn go_round(
        &mut self,
        graph: &mut Graph<M::Outcome>,
        here: &mut Here,
        looks: &mut Looks<M::Outcome>,
        limits: &Limits,
    ) -> ControlFlow<Ended> {
        let sets = forever::recurring(graph.marks.len(), |state, next| {
            next.extend(graph.steps(state).iter().filter(|step| !step.whim).map(|step| step.to));
            ControlFlow::Continue(())
        })?;
        for set in &sets {
            let dead = self.waits_all_the_way(here, set[0], limits)?;
            for state in set {
                here.state = *state;
                self.store.load(*state, &mut here.spread);
                let outcome = Some(self.glance(here, looks)?);
                let mark = &mut graph.marks[*state as usize];
                (mark.outcome, mark.dead) = (outcome, mark.dead || dead);
            }
        }
        graph.rounds = sets;
        ControlFlow::Continue(())
    }

    /// The number of what can be seen in a state.
    fn glance(&mut self, here: &Here, looks: &mut Looks<M::Outcome>) -> ControlFlow<Ended, u32> {
        let is_cell = |(slot, _): &(usize, &u32)| !self.is_task.get(*slot).copied().unwrap_or(false);
        let slots = here.spread.slots().iter().enumerate();
        let cells: Vec<u32> = slots.filter(is_cell).map(|(_, content)| *content).collect();
        // A look sees nothing but cells.
        if let Some(outcome) = looks.by_cells.get(&cells) {
            return ControlFlow::Continue(*outcome);
        }
        self.go_to(here.state, 0);
        let outcome = self.look()?;
        let next = looks.outcomes.len() as u32;
        let number = *looks.by_outcome.entry(outcome.clone()).or_insert(next);
        if number == next {
            looks.outcomes.push(outcome);
        }
        looks.by_cells.insert(cells, number);
        ControlFlow::Continue(number)
    }
}

/// What was seen so far.
struct Looks<O> {
    by_cells: HashMap<Vec<u32>, u32>,
    by_outcome: HashMap<O, u32>,
    outcomes: Vec<O>,
}

impl<O> Default for Looks<O> {
    fn default() -> Self {
        Looks { by_cells: HashMap::new(), by_outcome: HashMap::new(), outcomes: Vec::new() }
    }
}
