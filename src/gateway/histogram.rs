//! How long something took, counted in buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets but the last, which has none, in microseconds.
const BOUNDS: [u64; 19] = [
    10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// Durations, counted without a lock: the crate's histogram has one, and here all connections count in the same.
///
/// ```
/// use std::time::Duration;
/// use turnstile::gateway::Histogram;
///
/// let histogram = Histogram::default();
/// [40, 40, 90_000_000].map(Duration::from_micros).map(|took| histogram.add(took));
/// let seen = histogram.look();
/// let filled: Vec<(f64, u64)> = seen.buckets.into_iter().filter(|(_, count)| *count > 0).collect();
/// assert_eq!(filled, [(0.00005, 2), (f64::INFINITY, 1)]);
/// assert_eq!((seen.count, seen.seconds), (3, 90.00008));
/// ```
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

/// What a [`Histogram`] has counted so far.
#[derive(Clone, PartialEq, Debug)]
pub struct Durations {
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub seconds: f64,
    /// For each bucket its upper bound in seconds, and how many are in it and in none before.
    pub buckets: Vec<(f64, u64)>,
}

impl Histogram {
    /// Counts one more.
    pub fn add(&self, took: Duration) {
        // As the bounds, which are included.
        let microseconds = took.as_nanos().div_ceil(1000);
        let bucket = BOUNDS.partition_point(|bound| u128::from(*bound) < microseconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Looks at what was counted.
    pub fn look(&self) -> Durations {
        let bounds = BOUNDS.iter().map(|bound| *bound as f64 / 1e6).chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        Durations {
            // The sum of the buckets, so that both fit even while somebody counts.
            count: buckets.iter().map(|(_, count)| count).sum(),
            seconds: self.nanoseconds.load(Ordering::Relaxed) as f64 / 1e9,
            buckets,
        }
    }
}
