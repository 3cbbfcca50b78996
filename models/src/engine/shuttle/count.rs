//! How often: whole runs under a random scheduler, each counted, none stopped by what an earlier one has shown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use super::draw::Draw;
use super::runtime::Shuttle;
use super::{MOST_TURNS, keep_the_panic_hook};
use crate::engine::run::run;
use crate::engine::watch::{Habits, Watch};
use crate::engine::{Ending, Quest};
use crate::limits::Scheduler;
use crate::model::Model;

/// What is run, and how often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// How many runs.
    pub runs: u64,
    /// Where random choice starts.
    pub seed: u64,
    /// On how many threads; each has its share of the runs, and a seed of its own.
    pub threads: u64,
    /// Whims come so many times in eight: a peer leaves at some moment, or stays.
    pub eager: u64,
    /// Wall-clock time, after which no run begins.
    pub budget: Duration,
}

/// How the runs came out. Each counts once, where it first fits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// How many were run.
    pub runs: u64,
    /// They broke the claim.
    pub broken: u64,
    /// The program broke in them, and so they ended early.
    pub crashed: u64,
    /// Somebody was stuck in them.
    pub hung: u64,
    /// They did not come to an end.
    pub cut: u64,
}

impl Tally {
    fn and(self, other: Tally) -> Tally {
        Tally {
            runs: self.runs + other.runs,
            broken: self.broken + other.broken,
            crashed: self.crashed + other.crashed,
            hung: self.hung + other.hung,
            cut: self.cut + other.cut,
        }
    }
}

/// Runs a model as often as the load says, and counts the runs in which `breaks` is true of something that was seen.
///
/// The same load comes to the same count, unless the budget cuts it short. Unlike in a search, every run draws alike.
///
/// # Panics
/// If a run does.
pub fn count<M: Model>(
    model: &M,
    quest: Quest,
    load: &Load,
    breaks: impl Fn(&Ending<M::Outcome>) -> bool + Send + Sync + 'static,
) -> Tally {
    keep_the_panic_hook();
    let (threads, until, breaks) = (load.threads.max(1), Instant::now() + load.budget, Arc::new(breaks));
    let workers: Vec<_> = (0..threads)
        .map(|thread| {
            let share = load.runs / threads + u64::from(thread < load.runs % threads);
            let seed = fastrand::Rng::with_seed(load.seed.wrapping_add(thread)).u64(..);
            let (model, breaks, eager) = (model.clone(), breaks.clone(), load.eager);
            std::thread::spawn(move || {
                let one = move |ending: &Ending<M::Outcome>| breaks(ending);
                share_of(model, quest, Share { runs: share, seed, eager, until }, one)
            })
        })
        .collect();
    workers.into_iter().fold(Tally::default(), |tally, worker| match worker.join() {
        Ok(more) => tally.and(more),
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// What one thread runs.
struct Share {
    runs: u64,
    seed: u64,
    eager: u64,
    until: Instant,
}

fn share_of<M: Model>(
    model: M,
    quest: Quest,
    share: Share,
    breaks: impl Fn(&Ending<M::Outcome>) -> bool + Send + Sync + 'static,
) -> Tally {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::None;
    config.silence_warnings = true;
    let habits = Habits { quest, goes_on: false, most_turns: MOST_TURNS };
    let mut left = share.runs;
    let going = move || {
        let goes = left > 0 && Instant::now() < share.until;
        left = left.saturating_sub(1);
        goes
    };
    let draw = Draw::new(Scheduler::Random, share.seed, going);
    let tally = Arc::new(std::sync::Mutex::new(Tally::default()));
    let (model, kept) = (Arc::new(model), tally.clone());
    Runner::new(draw, config).run(move || {
        let watch = Watch::new(habits);
        let runtime = Shuttle::even(watch.clone(), share.eager);
        let sightings = shuttle::future::block_on(runtime.host(run(&*model, &runtime, &watch, quest)));
        watch.rethrow();
        let any = |is: &dyn Fn(&Ending<M::Outcome>) -> bool| sightings.iter().any(|s| is(&s.ending));
        let mut tally = tally.lock().expect("no run panics while it counts");
        tally.runs += 1;
        if any(&|ending| breaks(ending)) {
            tally.broken += 1;
        } else if any(&|ending| ending.crashed.is_some()) {
            tally.crashed += 1;
        } else if any(&|ending| !ending.stuck.is_empty()) {
            tally.hung += 1;
        } else if watch.why_cut().is_some() {
            tally.cut += 1;
        }
    });
    *kept.lock().expect("no run panics while it counts")
}
