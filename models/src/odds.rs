//! How likely is it? Whole runs under a random scheduler, counted, with an interval around the count.

use crate::check::broken_by;
use crate::engine::shuttle::{Load, Tally, count};
use crate::property::Property;
use crate::scenario::Scenario;

/// Runs a scenario as often as the load says, and counts the runs that break the property.
///
/// A random scheduler is no production: it gives every task that can go on the same chance at every step, so it says which
/// races are wide and which are narrow, and not how often one meets them.
///
/// ```
/// use std::time::Duration;
/// use turnstile_models::{Load, Property, odds, scenario::Scenario};
///
/// let load = Load { runs: 50, seed: 1, threads: 1, eager: 4, budget: Duration::from_secs(60) };
/// let hangs = odds(&Scenario::default(), Property::NoDeadlock, &load).unwrap();
/// assert_eq!(hangs.runs, 50);
/// ```
///
/// # Errors
/// Says why the scenario cannot be run, or the property not be judged in it.
pub fn odds(scenario: &Scenario, property: Property, load: &Load) -> Result<Tally, String> {
    scenario.validate()?;
    property.validate(scenario)?;
    let judged = *scenario;
    let breaks = move |ending: &_| broken_by(&judged, property, ending).is_some();
    Ok(count(scenario, property.quest(), load, breaks))
}

/// The interval in which a frequency lies with a confidence of 95 %, of which `hits` of `runs` were seen; Wilson's.
///
/// ```
/// let (low, high) = turnstile_models::wilson(10, 100);
/// assert!((low - 0.0552).abs() < 1e-4 && (high - 0.1744).abs() < 1e-4);
/// ```
pub fn wilson(hits: u64, runs: u64) -> (f64, f64) {
    if runs == 0 {
        return (0.0, 1.0);
    }
    let (n, p, z) = (runs as f64, hits as f64 / runs as f64, 1.959_964);
    let middle = p + z * z / (2.0 * n);
    let margin = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    // At the ends the bounds are exact, which rounding is not.
    let low = if hits == 0 { 0.0 } else { ((middle - margin) / scale).max(0.0) };
    let high = if hits == runs { 1.0 } else { ((middle + margin) / scale).min(1.0) };
    (low, high)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use turnstile::hub::Design;

    use super::*;

    const LOAD: Load = Load { runs: 200, seed: 7, threads: 2, eager: 4, budget: Duration::from_secs(600) };

    #[test]
    fn what_holds_is_never_seen_and_what_fails_is_seen_the_same_number_of_times_again() {
        let hub = Scenario::default();
        let lanes = Scenario { design: Design::Lanes, ..hub };
        let ghosts = |scenario| odds(&scenario, Property::NoGhost, &LOAD).unwrap();
        assert_eq!(ghosts(lanes), Tally { runs: 200, ..Tally::default() });
        let seen = ghosts(hub);
        assert_eq!(seen, ghosts(hub));
        assert!(seen.broken > 0 && seen.broken + seen.hung < 200, "{seen:?}");
    }

    #[test]
    fn an_interval_holds_its_frequency_and_narrows() {
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        assert_eq!((wilson(0, 10).0, wilson(10, 10).1), (0.0, 1.0));
        let width = |hits, runs| wilson(hits, runs).1 - wilson(hits, runs).0;
        assert!(width(100, 1000) < width(10, 100));
    }
}
