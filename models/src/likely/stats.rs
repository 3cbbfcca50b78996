//! Medians of times of which some are only known to be longer than the longest that was waited for.

use std::time::Duration;

/// A median and the bounds between which it lies with a confidence of at least 95 %; `None` is beyond the longest time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Median {
    /// The lower bound.
    pub low: Option<Duration>,
    /// The median of what was seen.
    pub middle: Option<Duration>,
    /// The upper bound.
    pub high: Option<Duration>,
}

/// The median of `runs` times, of which the `known` ones are given, shortest first, and the others are longer than all of them.
///
/// The bounds are order statistics, by the binomial distribution: nothing is assumed about how the times are distributed. Of five
/// runs or fewer there are none.
///
/// ```
/// use std::time::Duration;
/// use turnstile_models::likely::median;
/// let known: Vec<Duration> = (1..=60).map(Duration::from_secs).collect();
/// // 40 more were longer.
/// let median = median(&known, 100);
/// assert_eq!(median.middle, Some(Duration::from_secs(50)));
/// assert_eq!((median.low, median.high), (Some(Duration::from_secs(40)), None));
/// ```
pub fn median(known: &[Duration], runs: u64) -> Median {
    // From 1, as the nth shortest.
    let nth = |n: u64| n.checked_sub(1).and_then(|at| known.get(at as usize).copied());
    let middle = nth(runs.div_ceil(2));
    let below = below(runs);
    if below == 0 {
        return Median { low: Some(Duration::ZERO), middle, high: None };
    }
    Median { low: nth(below), middle, high: nth(runs + 1 - below) }
}

/// The largest n of which fewer than n of the runs are below the median with a probability of at most 2.5 %; 0 if there is none.
fn below(runs: u64) -> u64 {
    let mut n = 0;
    let mut sum = 0.0;
    // The logarithm of the probability that just `n` are below, since it is tiny.
    let mut log = -(runs as f64) * std::f64::consts::LN_2;
    while n < runs {
        sum += f64::exp(log);
        if sum > 0.025 {
            break;
        }
        log += ((runs - n) as f64 / (n + 1) as f64).ln();
        n += 1;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_of_the_tables() {
        // Of binomial tables: at 10 runs the 2nd and the 9th, at 20 the 6th and the 15th, at 100 the 40th and the 61st.
        assert_eq!((below(5), below(6), below(10), below(20), below(100)), (0, 1, 2, 6, 40));
    }

    #[test]
    fn so_many_bounds_hold_the_true_median_as_are_to() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut held = 0;
        for _ in 0..1000 {
            let mut times: Vec<Duration> = (0..41).map(|_| Duration::from_secs_f64(random.f64())).collect();
            times.sort_unstable();
            let Median { low, high, .. } = median(&times, 41);
            let truth = Some(Duration::from_secs_f64(0.5));
            held += u32::from(low <= truth && truth <= high);
        }
        assert!((940..=990).contains(&held), "{held} of 1000");
    }
}
