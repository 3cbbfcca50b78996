//! Random interleavings of worlds of any size, drawn by shuttle's schedulers.
//!
//! Never complete: what it does not find may be there. Steps are atomic, as the seam says: the only switch points are
//! turns and waits, so what is found can be replayed step by step.

mod count;
mod draw;
mod runtime;

use std::sync::{Arc, Once};

use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

pub use self::count::{Load, Tally, count};
use self::draw::Draw;
use self::runtime::Shuttle;
use super::relay::{Line, attend};
use super::run::run;
use super::watch::{Habits, Watch};
use super::{End, Ending, Progress, Quest, Report};
use crate::limits::{Limits, Scheduler};
use crate::model::Model;

/// A run that has not ended by then is taken not to end at all. A world of 1200 connections takes some 20,000 steps.
const MOST_TURNS: usize = 200_000;

/// Runs a model on so many random schedules as the limits say, on several threads. `visit` is asked about each ending
/// that the quest is after, once for each that is different; once it says true, the search ends there.
pub fn explore<M: Model>(
    model: &M,
    quest: Quest,
    limits: &Limits,
    progress: &dyn Progress,
    visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool,
) -> Report {
    keep_the_panic_hook();
    let workers = (0..limits.threads.max(1) as u64)
        .map(|thread| {
            let (model, schedules, scheduler) = (model.clone(), limits.schedules, limits.scheduler);
            let seed = fastrand::Rng::with_seed(limits.seed.wrapping_add(thread)).u64(..);
            let work = move |line| search(model, quest, scheduler, seed, schedules, line);
            Box::new(work) as Box<dyn FnOnce(Line<M::Outcome>) + Send>
        })
        .collect();
    let went = attend(limits, progress, visit, workers);
    let effort = went.effort;
    let end = went.end(limits, || End::Stopped(format!("its budget of {} schedules", limits.schedules)));
    Report { end, effort, bound: None, shortest: false }
}

/// Lets shuttle install its panic hook, and takes it away again: it would print «test panicked» at whatever unwinds
/// anywhere in the process from then on, as loom's coroutines do when they are put away.
fn keep_the_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        let mut config = Config::new();
        config.failure_persistence = FailurePersistence::None;
        config.silence_warnings = true;
        Runner::new(shuttle::scheduler::RandomScheduler::new_from_seed(0, 1), config).run(|| ());
        std::panic::set_hook(hook);
    });
}

/// What one thread does.
fn search<M: Model>(
    model: M,
    quest: Quest,
    scheduler: Scheduler,
    seed: u64,
    schedules: u64,
    line: Line<M::Outcome>,
) {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::None;
    config.silence_warnings = true;
    let habits = Habits { quest, goes_on: false, most_turns: MOST_TURNS };
    let going = line.clone();
    let draw = Draw::new(scheduler, seed, move || going.begin(schedules));
    let model = Arc::new(model);
    Runner::new(draw, config).run(move || {
        let watch = Watch::new(habits);
        let runtime = Shuttle::new(watch.clone());
        let sightings = shuttle::future::block_on(runtime.host(run(&*model, &runtime, &watch, quest)));
        watch.rethrow();
        if let Some(why) = watch.why_cut() {
            line.cut(why);
        }
        line.tell(sightings);
    });
}
