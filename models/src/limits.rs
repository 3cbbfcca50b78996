//! How far a search may go.

use std::time::Duration;

use serde::Serialize;

/// Which scheduler shuttle uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheduler {
    /// Each step by a task chosen at random.
    Random,
    /// Probabilistic concurrency testing with this bug depth (Burckhardt and others, ASPLOS 2010).
    Pct(usize),
    /// Uniform random walk (Zhao and others, ASPLOS 2025).
    Urw,
}

impl std::fmt::Display for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scheduler::Random => f.write_str("random"),
            Scheduler::Pct(depth) => write!(f, "pct{depth}"),
            Scheduler::Urw => f.write_str("urw"),
        }
    }
}

/// How far a search may go before it gives up. A search that was cut short never says «holds».
#[derive(Clone, Debug)]
pub struct Limits {
    /// Wall-clock time.
    pub budget: Duration,
    /// Bytes that the exhaustive engine may use for states.
    pub memory: usize,
    /// exhaustive: of states that differ only in who is who, look at one.
    pub symmetry: bool,
    /// loom: at most this many preemptions in one execution.
    pub bound: Option<usize>,
    /// shuttle: how schedules are drawn.
    pub scheduler: Scheduler,
    /// shuttle and tokio: how many runs.
    pub schedules: u64,
    /// Where random engines start.
    pub seed: u64,
    /// shuttle: on how many threads.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            budget: Duration::from_secs(60),
            memory: 2 << 30,
            symmetry: true,
            bound: None,
            scheduler: Scheduler::Random,
            schedules: 10_000,
            seed: 1,
            threads: 2,
        }
    }
}
