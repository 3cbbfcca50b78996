//! The scheduler that draws: one of shuttle's, until the search is told to stop.

use fastrand::Rng;
use shuttle::scheduler::{PctScheduler, Schedule, Scheduler, Task, TaskId, UrwRandomScheduler};

use crate::limits;

/// Draws schedules.
pub(super) struct Draw<F> {
    inner: Box<dyn Scheduler>,
    seed: u64,
    /// Asked before each execution.
    going: F,
    executions: u64,
    /// True once two tasks were able to go on at the same time.
    concurrent: bool,
}

impl<F: FnMut() -> bool> Draw<F> {
    pub(super) fn new(scheduler: limits::Scheduler, seed: u64, going: F) -> Self {
        let inner: Box<dyn Scheduler> = match scheduler {
            limits::Scheduler::Random => Box::new(Random(Rng::with_seed(seed))),
            limits::Scheduler::Pct(depth) => {
                Box::new(PctScheduler::new_from_seed(seed, depth.max(1), usize::MAX))
            }
            limits::Scheduler::Urw => Box::new(UrwRandomScheduler::new_from_seed(seed, usize::MAX)),
        };
        Draw { inner, seed, going, executions: 0, concurrent: false }
    }
}

impl<F: FnMut() -> bool> Scheduler for Draw<F> {
    fn new_execution(&mut self) -> Option<Schedule> {
        if !(self.going)() {
            return None;
        }
        self.executions += 1;
        if self.executions == 2 && !self.concurrent {
            // PCT panics where there is nothing to schedule; only choices are left to draw.
            self.inner = Box::new(Random(Rng::with_seed(self.seed)));
        }
        self.inner.new_execution()
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, yields: bool) -> Option<TaskId> {
        self.concurrent |= runnable.len() > 1;
        self.inner.next_task(runnable, current, yields)
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}

/// Each step by a task chosen at random. shuttle's own prints a failing seed whenever it is not run to its end.
struct Random(Rng);

impl Scheduler for Random {
    fn new_execution(&mut self) -> Option<Schedule> {
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], _: Option<TaskId>, _: bool) -> Option<TaskId> {
        self.0.choice(runnable).map(|task| task.id())
    }

    fn next_u64(&mut self) -> u64 {
        self.0.u64(..)
    }
}
