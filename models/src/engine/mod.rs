//! The engines: each a [`Runtime`](turnstile::Runtime) and a search.

pub mod exhaustive;
pub mod loom;
mod pause;
mod relay;
mod run;
pub mod shuttle;
pub mod tokio;
mod watch;

use std::time::Duration;

use turnstile::waits::Knot;

use crate::player::Breach;
use crate::schedule::Schedule;

/// What a search asks about. Each hears of crashes, too.
///
/// A step is *obliged* unless it comes at a [whim](turnstile::Runtime::whim). A state is *quiescent* if it can be come back to,
/// by obliged steps, from every state that obliged steps lead to from it, and none of those steps breaks the program. If
/// no obliged step can be taken there, the world is *at rest*; else it goes round, and what is seen there is *recurring*.
///
/// A run is *fair* if each obliged step, with each way to choose in it, that can be taken infinitely often in the same state
/// is taken infinitely often there; a fair scheduler does that, and a random one, with probability 1. A fair run that does not
/// crash, and in which whims come to an end, ends up in quiescent states that lead to each other, and comes to each
/// of them again and again; and wherever it may end up so, some fair run does. So what is true of fair runs in the end is
/// told from the quiescent states, and no run need be cut off to tell it.
///
/// Only the exhaustive engine sees what is recurring; the others see what is at rest, and cut off what goes round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quest {
    /// Waits that nothing can end, at any step, whoever else still moves.
    Knots,
    /// What the world looks like in each quiescent state: a claim is broken if it is in one of them.
    Outcomes,
    /// Rules that a step [breaks](turnstile::Task::breach), at any step.
    Breaches,
    /// What comes true in every fair run, sooner or later: a claim is broken if a fair run can end up where it is broken
    /// in every state that the run still comes to, be it stuck or not.
    Progress,
}

impl Quest {
    /// True if it is about what the world looks like: then all that the model looks at counts.
    pub(crate) fn looks(self) -> bool {
        matches!(self, Quest::Outcomes | Quest::Progress)
    }
}

/// A moment that a search came upon.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ending<O> {
    /// What can be seen of the world; for [`Quest::Outcomes`] and [`Quest::Progress`], where nothing crashed.
    pub outcome: Option<O>,
    /// True if the world is not at rest: it goes round for ever, and comes back here each time.
    pub recurring: bool,
    /// The tasks that are stuck, and what they wait for, in words; empty if none is.
    pub stuck: Vec<String>,
    /// The rules that the last step broke; for [`Quest::Breaches`]. Such an ending is about that step alone.
    pub breaches: Vec<&'static str>,
    /// What broke the program.
    pub crashed: Option<String>,
}

impl<O> Ending<O> {
    pub(crate) fn new(outcome: Option<O>, knot: Option<&Knot>, crashed: Option<&str>) -> Self {
        let mut stuck: Vec<String> =
            knot.iter().flat_map(|k| k.cycle.iter().chain(&k.collateral)).map(ToString::to_string).collect();
        stuck.sort();
        let crashed = crashed.map(str::to_owned);
        Ending { outcome, recurring: false, stuck, breaches: Vec::new(), crashed }
    }

    /// What a step did that broke rules, or the program, or both.
    pub(crate) fn of_step(mut breaches: Vec<&'static str>, crashed: Option<&str>) -> Self {
        breaches.sort_unstable();
        breaches.dedup();
        Ending { breaches, ..Ending::new(None, None, crashed) }
    }
}

/// How a search went.
#[derive(Clone, Debug)]
pub struct Report {
    /// Why it ended.
    pub end: End,
    /// How much it saw.
    pub effort: Effort,
    /// What was left out even if it ran to its end; `None` if nothing was.
    pub bound: Option<String>,
    /// True if the schedule found is proven to be a shortest one.
    pub shortest: bool,
}

impl Report {
    /// True if nothing was left out.
    pub fn complete(&self) -> bool {
        matches!(self.end, End::Exhausted) && self.bound.is_none()
    }
}

/// Why a search ended.
#[derive(Clone, Debug)]
pub enum End {
    /// There was nothing left to search, within its bound.
    Exhausted,
    /// The visitor had seen what it wanted, after this schedule.
    Found(Box<Finding>),
    /// A limit stopped it.
    Stopped(String),
}

/// What a search found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The schedule that leads there.
    pub schedule: Schedule,
    /// The knot, if it is one.
    pub knot: Option<Knot>,
    /// The rules that its last step broke, and how.
    pub breaches: Vec<Breach>,
    /// Where what is found goes on for ever: after so many steps of the schedule, the rest of it goes round, back to the
    /// same state, by way of each task that is obliged to move; and so again and again.
    pub lasso: Option<usize>,
}

/// How much a search saw.
#[derive(Clone, Copy, Default, Debug)]
pub struct Effort {
    /// Distinct states; the exhaustive engine.
    pub states: Option<u64>,
    /// Transitions between them.
    pub transitions: Option<u64>,
    /// Length of the longest of the shortest ways to a state.
    pub depth: Option<u64>,
    /// Interleavings run: loom, shuttle, tokio.
    pub schedules: Option<u64>,
    /// Bytes for states.
    pub memory: Option<u64>,
    /// Times a step of the core was run, rather than foretold.
    pub learned: Option<u64>,
    /// Wall-clock time.
    pub time: Duration,
}

/// Who is told how a search goes.
pub trait Progress: Sync {
    /// So much was seen so far.
    fn tell(&self, effort: &Effort);

    /// True once nobody wants the answer any more: then an exhaustive search stops.
    fn enough(&self) -> bool {
        false
    }
}

impl Progress for () {
    fn tell(&self, _: &Effort) {}
}
