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

/// What a search asks about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quest {
    /// Waits that nothing can end, at any step, whoever else still moves; and crashes.
    Knots,
    /// What the world looks like whenever it has come to rest: when nothing can move but at its whim. And crashes.
    Outcomes,
    /// Rules that a step [breaks](turnstile::Task::breach), at any step; and crashes.
    Breaches,
}

/// A moment that a search came upon.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ending<O> {
    /// What can be seen of the world; for [`Quest::Outcomes`], where nothing crashed.
    pub outcome: Option<O>,
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
        Ending { outcome, stuck, breaches: Vec::new(), crashed: crashed.map(str::to_owned) }
    }

    /// What a step did that broke rules, or the program, or both.
    pub(crate) fn of_step(mut breaches: Vec<&'static str>, crashed: Option<&str>) -> Self {
        breaches.sort_unstable();
        breaches.dedup();
        Ending { outcome: None, stuck: Vec::new(), breaches, crashed: crashed.map(str::to_owned) }
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
#[derive(Clone, Debug)]
pub struct Finding {
    /// The schedule that leads there.
    pub schedule: Schedule,
    /// The knot, if it is one.
    pub knot: Option<Knot>,
    /// The rules that its last step broke, and how.
    pub breaches: Vec<Breach>,
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
}

impl Progress for () {
    fn tell(&self, _: &Effort) {}
}
