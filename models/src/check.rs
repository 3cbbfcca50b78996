//! Asks: does this property hold of this scenario? Or several at once.

use std::time::Duration;

use serde::Serialize;

use crate::claim::retell;
use crate::engine::{End, Ending, Finding, Progress, Quest, Report, exhaustive, loom, shuttle, tokio};
use crate::key;
use crate::limits::Limits;
use crate::model::Model;
use crate::property::Property;
use crate::scenario::{Part, Scenario, Sight};
use crate::shrink::shrink;
use crate::verdict::{Counterexample, Failure, Search, Verdict};

/// Who searches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Every interleaving and choice, breadth first.
    Exhaustive,
    /// loom: every interleaving of a very small world, also within steps.
    Loom,
    /// shuttle: random schedules of worlds of any size.
    Shuttle,
    /// The real multi-threaded runtime, many times.
    Tokio,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 4] = [Engine::Exhaustive, Engine::Loom, Engine::Shuttle, Engine::Tokio];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Exhaustive => "exhaustive",
            Engine::Loom => "loom",
            Engine::Shuttle => "shuttle",
            Engine::Tokio => "tokio",
        }
    }

    /// What it is for, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Engine::Exhaustive => {
                "every interleaving and choice, breadth first: the first counterexample is a shortest one"
            }
            Engine::Loom => {
                "every interleaving of a world of at most 5 threads, or those within a preemption bound"
            }
            Engine::Shuttle => {
                "random schedules of a world of any size: finds fast, never says that a property holds"
            }
            Engine::Tokio => "the real multi-threaded runtime, many runs: never says that a property holds",
        }
    }

    /// Has it search a model.
    pub(crate) fn explore<M: Model>(
        self,
        model: &M,
        quest: Quest,
        limits: &Limits,
        progress: &dyn Progress,
        visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool,
    ) -> Report {
        match self {
            Engine::Exhaustive => exhaustive::explore(model, quest, limits, progress, visit),
            Engine::Loom => loom::explore(model, quest, limits, progress, visit),
            Engine::Shuttle => shuttle::explore(model, quest, limits, progress, visit),
            Engine::Tokio => tokio::explore(model, quest, limits, progress, visit),
        }
    }

    /// The scenario as this engine can run it.
    fn fit(self, scenario: &Scenario) -> Scenario {
        Scenario { one_peer_task: scenario.one_peer_task || self == Engine::Loom, ..*scenario }
    }
}

/// Searches for a schedule under which the property breaks.
///
/// # Errors
/// Says why the scenario cannot be run, or cannot be run by this engine.
pub fn check(
    scenario: &Scenario,
    property: Property,
    engine: Engine,
    limits: &Limits,
    progress: &dyn Progress,
) -> Result<Verdict, String> {
    scenario.validate()?;
    property.validate(scenario)?;
    let scenario = engine.fit(scenario);
    if engine == Engine::Loom {
        scenario.validate_for_loom()?;
    }
    let mut broken = None;
    let mut visit = |ending: Ending<Sight>| {
        broken = broken_by(&scenario, property, &ending);
        broken.is_some()
    };
    let report = run(&scenario, property, engine, limits, progress, &mut visit);
    let symmetry = engine == Engine::Exhaustive && limits.symmetry;
    let search =
        Search { scenario, property, engine, effort: report.effort, symmetry, bound: report.bound.clone() };
    Ok(match report.end {
        End::Exhausted => Verdict::Holds(search),
        End::Stopped(why) => Verdict::Unknown(search, why),
        End::Found(finding) => fails(search, *finding, broken, report.shortest),
    })
}

/// Searches once, exhaustively, for schedules under which any of the properties break. The verdict on each is the one that
/// [`check`] comes to with the same limits, unless they stop one of the two searches and not the other.
///
/// ```
/// use turnstile_models::{Limits, Property, scenario::Scenario, survey};
///
/// let asked = [Property::NoDeadlock, Property::PolicyHolds];
/// let verdicts = survey(&Scenario::default(), &asked, &Limits::default(), &()).unwrap();
/// assert_eq!(verdicts.iter().map(|v| v.name()).collect::<Vec<_>>(), ["fails", "holds"]);
/// ```
///
/// # Errors
/// Says why the scenario cannot be run.
pub fn survey(
    scenario: &Scenario,
    properties: &[Property],
    limits: &Limits,
    progress: &dyn Progress,
) -> Result<Vec<Verdict>, String> {
    scenario.validate()?;
    for property in properties {
        property.validate(scenario)?;
    }
    let scenario = Engine::Exhaustive.fit(scenario);
    let mut broken = vec![None; properties.len()];
    let mut visit = |claim: usize, ending: &Ending<Sight>| {
        broken[claim] = broken_by(&scenario, properties[claim], ending);
        broken[claim].is_some()
    };
    let quests: Vec<Quest> = properties.iter().map(|property| property.quest()).collect();
    let exhaustive::Survey { found, stopped, effort } =
        exhaustive::survey(&part(&scenario, properties), &quests, limits, progress, &mut visit);
    let verdicts = properties.iter().zip(found).zip(broken).map(|((property, found), broken)| {
        let (property, engine) = (*property, Engine::Exhaustive);
        let search = Search { scenario, property, engine, effort, symmetry: limits.symmetry, bound: None };
        match (found, &stopped) {
            (Some(finding), _) => fails(search, finding, broken, true),
            (None, Some(why)) => Verdict::Unknown(search, why.clone()),
            (None, None) => Verdict::Holds(search),
        }
    });
    Ok(verdicts.collect())
}

/// Whether an engine comes upon a schedule that breaks the property, and whether it has then seen all there is. Says nothing
/// of how it breaks.
pub(crate) fn tried(
    scenario: &Scenario,
    property: Property,
    engine: Engine,
    limits: &Limits,
) -> Result<(bool, bool), String> {
    let scenario = engine.fit(scenario);
    if engine == Engine::Loom {
        scenario.validate_for_loom()?;
    }
    let mut visit = |ending: Ending<Sight>| broken_by(&scenario, property, &ending).is_some();
    let report = run(&scenario, property, engine, limits, &(), &mut visit);
    Ok((matches!(report.end, End::Found(_)), report.complete()))
}

/// The scenario, as much of it as the properties look at.
fn part(scenario: &Scenario, properties: &[Property]) -> Part {
    Part {
        scenario: *scenario,
        logs: properties.iter().any(|property| property.reads_logs()),
        counters: properties.contains(&Property::Counters),
    }
}

fn run(
    scenario: &Scenario,
    property: Property,
    engine: Engine,
    limits: &Limits,
    progress: &dyn Progress,
    visit: &mut dyn FnMut(Ending<Sight>) -> bool,
) -> Report {
    let quest = property.quest();
    match engine {
        Engine::Exhaustive => engine.explore(&part(scenario, &[property]), quest, limits, progress, visit),
        _ => engine.explore(scenario, quest, limits, progress, visit),
    }
}

/// How an ending breaks a property, if it does.
pub(crate) fn broken_by(scenario: &Scenario, property: Property, ending: &Ending<Sight>) -> Option<String> {
    property.claim(scenario).broken_by(ending)
}

fn fails(search: Search, finding: Finding, broken: Option<String>, shortest: bool) -> Verdict {
    let broken = broken.expect("a search that found something says what");
    let counterexample = explain(&search, finding, broken, shortest);
    Verdict::Fails(search, Box::new(counterexample))
}

/// How long a schedule that is not proven to be shortest may be worked on.
const SHRINKING: Duration = Duration::from_secs(15);

fn explain(search: &Search, finding: Finding, broken: String, shortest: bool) -> Counterexample {
    let (scenario, property) = (search.scenario, search.property);
    // What goes round has no shorter schedule that is known of, and the shrinker knows only what comes to an end.
    let shortest = shortest && finding.lasso.is_none();
    let shrunk = if shortest || finding.lasso.is_some() {
        None
    } else {
        shrink(&scenario, property, &finding.schedule, SHRINKING)
    };
    let (scenario, schedule) = shrunk.unwrap_or((scenario, finding.schedule.clone()));
    match replay(&scenario, property, &schedule) {
        Ok(counterexample) => Counterexample { shortest, ..counterexample },
        Err(_) => {
            let finding = Finding { schedule, ..finding };
            let failure = Failure::untold(property.claim(&scenario).name, finding, broken, shortest);
            Counterexample::new(scenario, property, failure, String::new())
        }
    }
}

/// Plays a schedule and says how it breaks the property: with a step, at rest, or by going round: then the state at its end
/// is one that it had come to before.
///
/// # Errors
/// Says which step cannot be taken, or that nothing breaks.
pub fn replay(
    scenario: &Scenario,
    property: Property,
    schedule: &crate::Schedule,
) -> Result<Counterexample, String> {
    let failure = retell(scenario, &property.claim(scenario), schedule)?;
    let key = key::write(scenario, property, &failure.schedule)?;
    Ok(Counterexample::new(*scenario, property, failure, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_rule_breaks_the_property_of_its_name_and_no_other() {
        let scenario = Scenario::default();
        let ending = Ending::of_step(vec!["counters"], None);
        for property in Property::ALL {
            let broken = broken_by(&scenario, property, &ending);
            assert_eq!(broken.is_some(), property == Property::Counters, "{}", property.name());
        }
        let crash = Ending::of_step(vec!["counters"], Some("hub: no"));
        assert!(broken_by(&scenario, Property::Counters, &crash).is_some());
        assert!(broken_by(&scenario, Property::NoCrash, &crash).is_some());
        assert!(broken_by(&scenario, Property::NoGhost, &crash).is_none());
    }
}
