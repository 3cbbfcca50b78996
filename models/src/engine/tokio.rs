//! The real thing, run many times: production's own runtime, on several threads.
//!
//! Never complete, and not repeatable. The order of steps that is reported is the order in which each step first had hold
//! of a cell; where steps ran side by side that is a best effort.

mod probe;

use std::time::Duration;

use tokio::runtime::Builder;
use turnstile::gateway::runtime::Tokio;

use self::probe::Lab;
use super::relay::{Line, attend};
use super::run::run;
use super::watch::{Habits, Watch};
use super::{End, Ending, Progress, Quest, Report};
use crate::limits::Limits;
use crate::model::Model;

/// A run that has neither come to rest nor to anything else by then is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// A run that goes on for longer is taken not to end at all.
const MOST_TURNS: usize = 1_000_000;

/// Runs a model so many times as the limits say, on tokio. `visit` is asked about each ending that the quest is after,
/// once for each that is different; once it says true, the search ends there.
///
/// # Panics
/// If tokio cannot start its threads.
pub fn explore<M: Model>(
    model: &M,
    quest: Quest,
    limits: &Limits,
    progress: &dyn Progress,
    visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool,
) -> Report {
    let (model, runs, threads) = (model.clone(), limits.schedules, limits.threads.max(2));
    let work = move |line| search(&model, quest, runs, threads, &line);
    let went = attend(limits, progress, visit, vec![Box::new(work)]);
    let effort = went.effort;
    let end = went.end(limits, || End::Stopped(format!("its budget of {} schedules", limits.schedules)));
    Report { end, effort, bound: None, shortest: false }
}

/// What the thread does that sees to the runs.
fn search<M: Model>(model: &M, quest: Quest, runs: u64, threads: usize, line: &Line<M::Outcome>) {
    let tokio = Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_time()
        .build()
        .expect("tokio starts its threads");
    let habits = Habits { quest, goes_on: false, most_turns: MOST_TURNS };
    while line.begin(runs) {
        let watch = Watch::new(habits);
        let runtime = Tokio::new(tokio.handle().clone(), Lab::new(watch.clone()));
        let ran = tokio.block_on(async {
            let ran = run(model, &runtime, &watch, quest);
            tokio::time::timeout(PATIENCE, ran).await
        });
        watch.rethrow();
        match ran {
            Ok(sightings) => {
                if let Some(why) = watch.why_cut() {
                    line.cut(why);
                }
                line.tell(sightings);
            }
            Err(_) => {
                watch.tear_down();
                line.cut(format!("a run that neither rested nor ended within {} s", PATIENCE.as_secs()));
            }
        }
    }
    // Whatever hangs is not waited for.
    tokio.shutdown_background();
}
