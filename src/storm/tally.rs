//! What is counted while a storm goes on: who waits in which phase, how long each took, what failed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest time that is told apart, in microseconds: beyond every patience.
const LONGEST: u64 = 3_600_000_000;

/// What an account does, one after another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Connects: TCP, the upgrade, the first frame.
    Connect,
    /// Sends a message, and waits for the server's answer to it.
    Reply,
    /// Says that it leaves, and waits until the server has closed its side.
    Disconnect,
    /// All of that; in open loop from the moment when it was to begin.
    Cycle,
}

impl Phase {
    /// All of them.
    pub const ALL: [Phase; 4] = [Phase::Connect, Phase::Reply, Phase::Disconnect, Phase::Cycle];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Connect => "connect",
            Phase::Reply => "reply",
            Phase::Disconnect => "disconnect",
            Phase::Cycle => "cycle",
        }
    }
}

/// Why something did not come to its end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Failure {
    /// Where.
    pub phase: Phase,
    /// What, in words that are the same each time.
    pub kind: String,
}

/// Who waits in a phase.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Waiting {
    /// How many.
    pub accounts: u64,
    /// How many milliseconds the one who has waited longest waits.
    pub longest_ms: u64,
}

/// What is counted.
#[derive(Default)]
pub(super) struct Tally(Mutex<Counted>);

#[derive(Default)]
pub(super) struct Counted {
    next: u64,
    waiting: BTreeMap<u64, (Phase, Instant)>,
    pub(super) took: BTreeMap<Phase, Took>,
    pub(super) failures: BTreeMap<Failure, u64>,
    pub(super) kicked: u64,
    pub(super) resets: u64,
    pub(super) tokens: u64,
    pub(super) pushes: u64,
    /// When something last came to its end.
    pub(super) moved: Option<Instant>,
    /// When the server last showed that it lives: a cycle came to its end, or somebody was kicked.
    pub(super) alive: Option<Instant>,
    /// What has failed since then.
    pub(super) since: BTreeMap<Failure, u64>,
}

/// How long a phase took, each time.
pub(super) struct Took(pub(super) Histogram<u64>);

impl Default for Took {
    fn default() -> Took {
        Took(Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds that a histogram can have"))
    }
}

/// Somebody in a phase; it ends when this is dropped, and counts if it is said to be done.
pub(super) struct Within<'a> {
    tally: &'a Tally,
    id: u64,
    phase: Phase,
    began: Instant,
}

impl Tally {
    pub(super) fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody enters a phase, which has begun at `began`: later than it should have, if it was not now.
    pub(super) fn enter(&self, phase: Phase, began: Instant) -> Within<'_> {
        let mut counted = self.counted();
        counted.next += 1;
        let id = counted.next;
        if phase != Phase::Cycle {
            // A wait that began when it should have is no wait for the server before it has begun.
            counted.waiting.insert(id, (phase, Instant::now()));
        }
        Within { tally: self, id, phase, began }
    }

    pub(super) fn fail(&self, phase: Phase, kind: impl Into<String>) {
        let failure = Failure { phase, kind: kind.into() };
        let mut counted = self.counted();
        *counted.since.entry(failure.clone()).or_default() += 1;
        *counted.failures.entry(failure).or_default() += 1;
    }

    /// Who waits now, by phase.
    pub(super) fn waiting(&self) -> BTreeMap<Phase, Waiting> {
        let now = Instant::now();
        let mut by_phase: BTreeMap<Phase, Waiting> = BTreeMap::new();
        for (phase, since) in self.counted().waiting.values() {
            let waiting = by_phase.entry(*phase).or_default();
            waiting.accounts += 1;
            let ms = now.duration_since(*since).as_millis() as u64;
            waiting.longest_ms = waiting.longest_ms.max(ms);
        }
        by_phase
    }

    /// How often a phase came to its end.
    pub(super) fn done(&self, phase: Phase) -> u64 {
        self.counted().took.get(&phase).map_or(0, |took| took.0.len())
    }
}

impl Counted {
    /// The server shows that it lives.
    pub(super) fn lives(&mut self) {
        self.alive = Some(Instant::now());
        self.since.clear();
    }
}

impl Within<'_> {
    /// It has come to its end.
    pub(super) fn done(self) {
        let took = self.began.elapsed();
        let mut counted = self.tally.counted();
        counted.took.entry(self.phase).or_default().add(took);
        if self.phase == Phase::Cycle {
            counted.moved = Some(Instant::now());
            counted.lives();
        }
    }
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        self.tally.counted().waiting.remove(&self.id);
    }
}

impl Took {
    fn add(&mut self, took: Duration) {
        self.0.saturating_record((took.as_micros() as u64).max(1));
    }
}
