//! How likely is the hang, and how soon? Time to hang as a function of capacity, accounts, cost inside the loop and rate of logins.
//!
//! By simulation: the core itself on a [virtual clock](crate::clock), thousands of runs ([`simulate`], [`measure`]). And by the
//! real gateway on loopback under the same load ([`real`]). [`chart`] draws both on the same axes.

pub mod chart;
pub mod real;
mod stats;
mod world;

pub use stats::{Median, median};
pub use world::{End, Run, World, simulate};

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use turnstile::hub::{Design, Version};

use crate::odds::wilson;

/// What came of many runs of one world.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    /// The world.
    pub world: World,
    /// How many runs there were.
    pub runs: u64,
    /// After what time each of those hung that did, shortest first.
    pub hung: Vec<Duration>,
    /// How many broke instead; in them the hub can hang no more.
    pub broke: u64,
    /// How many sessions there were in all of them.
    pub logins: u64,
}

impl Point {
    /// The share of runs that hung, with the bounds between which it lies with a confidence of 95 %.
    pub fn share(&self) -> (f64, f64, f64) {
        let (low, high) = wilson(self.hung.len() as u64, self.runs);
        let share = if self.runs == 0 { 0.0 } else { self.hung.len() as f64 / self.runs as f64 };
        (low, share, high)
    }

    /// After what time half of the runs hang.
    pub fn median(&self) -> Median {
        median(&self.hung, self.runs)
    }

    /// The row for a table of values.
    pub fn row(&self, how: &'static str) -> Row {
        let (low, share, high) = self.share();
        let Median { low: soonest, middle, high: latest } = self.median();
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        Row {
            how,
            design: self.world.design,
            version: self.world.version,
            capacity: self.world.capacity,
            accounts: self.world.accounts,
            rate: self.world.rate,
            service_us: self.world.service.as_micros() as u64,
            load: self.world.load(),
            horizon_s: self.world.horizon.as_secs_f64(),
            runs: self.runs,
            hung: self.hung.len() as u64,
            broke: self.broke,
            share,
            share_low: low,
            share_high: high,
            median_s: seconds(middle),
            median_low_s: seconds(soonest),
            median_high_s: seconds(latest),
        }
    }
}

/// A point as a row of values; times in seconds, none where it is beyond the horizon.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[expect(
    missing_docs,
    reason = "the names are the columns of the CSV, and docs/LIKELY.md says what they are"
)]
pub struct Row {
    pub how: &'static str,
    pub design: Design,
    pub version: Version,
    pub capacity: usize,
    pub accounts: u32,
    pub rate: f64,
    pub service_us: u64,
    pub load: f64,
    pub horizon_s: f64,
    pub runs: u64,
    pub hung: u64,
    pub broke: u64,
    pub share: f64,
    pub share_low: f64,
    pub share_high: f64,
    pub median_s: Option<f64>,
    pub median_low_s: Option<f64>,
    pub median_high_s: Option<f64>,
}

impl World {
    /// How many calls to services the loop makes for a session that nobody kicks: when it comes, and when it goes.
    pub fn calls(&self) -> u32 {
        if self.version.steps().tells_user_service { 2 } else { 0 }
    }

    /// The share of its time that the hub would need for sessions that nobody kicks; from 1 on it cannot keep up.
    pub fn load(&self) -> f64 {
        self.rate * f64::from(self.calls()) * self.service.as_secs_f64()
    }

    /// The rate at which the load is this.
    pub fn at_load(self, load: f64) -> World {
        let each = f64::from(self.calls()) * self.service.as_secs_f64();
        World { rate: if each > 0.0 { load / each } else { self.rate }, ..self }
    }

    /// Says what is wrong with it, if anything.
    ///
    /// # Errors
    /// The first thing that is wrong, and what would be right.
    pub fn validate(&self) -> Result<(), String> {
        let within = |what: &str, is: f64, least: f64, most: f64| {
            if (least..=most).contains(&is) {
                return Ok(());
            }
            Err(format!("{what} is {is}; it can be {least} to {most}"))
        };
        within("--capacity", self.capacity as f64, 0.0, 100_000.0)?;
        within("--accounts", f64::from(self.accounts), 1.0, 100_000.0)?;
        within("the rate of logins", self.rate, 0.001, 100_000.0)?;
        within("--service-us", self.service.as_micros() as f64, 0.0, 10_000_000.0)?;
        within("--horizon", self.horizon.as_secs_f64(), 1.0, 86_400.0)?;
        if self.calls() == 0 {
            let version = self.version.name();
            return Err(format!(
                "at {version} the loop calls nobody for a session; take v3.5.1 or v3.5.1-unpooled"
            ));
        }
        Ok(())
    }
}

/// Runs a world so many times, with the seeds from `seed` on, on so many threads; fewer times if `deadline` comes before. `each`
/// hears of every run that is over.
pub fn measure(
    world: &World,
    runs: u64,
    seed: u64,
    threads: usize,
    deadline: Instant,
    each: &(dyn Fn() + Sync),
) -> Point {
    let next = AtomicU64::new(0);
    let all: Mutex<Vec<(u64, Run)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while Instant::now() < deadline {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= runs {
                        return;
                    }
                    let run = simulate(world, seed.wrapping_add(nth));
                    all.lock().unwrap_or_else(PoisonError::into_inner).push((nth, run));
                    each();
                }
            });
        }
    });
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut point = Point { world: *world, runs: all.len() as u64, hung: Vec::new(), broke: 0, logins: 0 };
    for (_, run) in all {
        point.logins += run.logins;
        match run.end {
            End::Hangs(when, _) => point.hung.push(when),
            End::Breaks(..) => point.broke += 1,
            End::Goes => {}
        }
    }
    point.hung.sort_unstable();
    point
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNS: u64 = 24;

    fn hangs(world: World) -> Point {
        let deadline = Instant::now() + Duration::from_secs(600);
        let point = measure(&world, RUNS, 1, 2, deadline, &|| {});
        assert_eq!(point.runs, RUNS);
        point
    }

    fn small() -> World {
        World { capacity: 20, accounts: 20, horizon: Duration::from_secs(60), ..World::default() }
    }

    #[test]
    fn a_hub_that_cannot_keep_up_hangs_far_more_often_than_one_that_can() {
        let [over, under] = [1.5, 0.3].map(|load| hangs(small().at_load(load)).hung.len());
        assert!(over as u64 * 10 >= RUNS * 8, "{over} of {RUNS}");
        assert!(under * 4 < over, "{under} and {over} of {RUNS}");
    }

    #[test]
    fn a_larger_buffer_buys_time_and_no_more() {
        let half = |capacity| {
            let point = hangs(World { capacity, ..small() }.at_load(1.5));
            point.median().middle.expect("more than half hang")
        };
        let (short, long) = (half(20), half(200));
        assert!(long > short * 2, "{short:?}, {long:?}");
    }

    /// An account logs in only once it has left, so its last session is closed when the hub kicks it, and nothing is sent. A
    /// pooled object has the kick reach a connection that is open.
    #[test]
    fn accounts_that_leave_before_they_come_again_hang_it_by_the_pool_alone() {
        let pooled = small().at_load(1.5);
        let unpooled = World { version: Version::V3_5_1Unpooled, ..pooled };
        assert_eq!(hangs(unpooled).hung.len(), 0);
        assert!(!hangs(pooled).hung.is_empty());
    }

    /// The planted bug is the design's own; where it is mended the same world goes on to its end.
    #[test]
    fn what_the_laboratory_calls_free_of_deadlock_never_hangs_here() {
        for design in [Design::Lanes, Design::LockedTable, Design::Unbounded, Design::SplitLoops] {
            let world = World { design, version: Version::V3_5_1Unpooled, ..small() }.at_load(1.5);
            let point = hangs(World { horizon: Duration::from_secs(10), ..world });
            assert_eq!((point.hung.len(), point.broke), (0, 0), "{}", design.name());
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_run_whatever_the_threads() {
        let world = small().at_load(1.2);
        let deadline = Instant::now() + Duration::from_secs(600);
        let on = |threads| measure(&world, 20, 7, threads, deadline, &|| {});
        assert_eq!(on(1), on(2));
    }
}
