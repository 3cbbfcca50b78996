//! Asks one question: does this property hold of this scenario?

use std::time::Duration;

use serde::Serialize;

use crate::engine::{End, Finding, Progress, Report, exhaustive, loom, shuttle, tokio};
use crate::key;
use crate::limits::Limits;
use crate::player::play;
use crate::property::Property;
use crate::scenario::Scenario;
use crate::shrink::shrink;
use crate::verdict::{Counterexample, Search, Verdict};

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
    let mut visit = |ending: crate::engine::Ending<crate::scenario::Sight>| {
        broken = match (&ending.crashed, property, &ending.outcome) {
            (Some(why), Property::NoCrash, _) => Some(format!("the program breaks: {why}")),
            (Some(_), ..) | (None, Property::NoCrash, _) => None,
            (None, Property::NoDeadlock, _) if ending.stuck.is_empty() => None,
            (None, Property::NoDeadlock, _) => Some("tasks wait for ever".to_owned()),
            (None, _, Some(sight)) if ending.stuck.is_empty() || property.judges_the_stuck() => property.judge(&scenario, sight),
            (None, _, _) => None,
        };
        broken.is_some()
    };
    let quest = property.quest();
    let report: Report = match engine {
        Engine::Exhaustive => exhaustive::explore(&scenario, quest, limits, progress, &mut visit),
        Engine::Loom => loom::explore(&scenario, quest, limits, progress, &mut visit),
        Engine::Shuttle => shuttle::explore(&scenario, quest, limits, progress, &mut visit),
        Engine::Tokio => tokio::explore(&scenario, quest, limits, progress, &mut visit),
    };
    let symmetry = engine == Engine::Exhaustive && limits.symmetry;
    let search =
        Search { scenario, property, engine, effort: report.effort, symmetry, bound: report.bound.clone() };
    Ok(match report.end {
        End::Exhausted => Verdict::Holds(search),
        End::Stopped(why) => Verdict::Unknown(search, why),
        End::Found(finding) => {
            let broken = broken.expect("a search that found something says what");
            let counterexample = explain(&search, *finding, broken, report.shortest);
            Verdict::Fails(search, Box::new(counterexample))
        }
    })
}

/// How long a schedule that is not proven to be shortest may be worked on.
const SHRINKING: Duration = Duration::from_secs(15);

fn explain(search: &Search, finding: Finding, broken: String, shortest: bool) -> Counterexample {
    let (scenario, property) = (search.scenario, search.property);
    let shrunk = if shortest { None } else { shrink(&scenario, property, &finding.schedule, SHRINKING) };
    let (scenario, schedule) = shrunk.unwrap_or((scenario, finding.schedule));
    match replay(&scenario, property, &schedule) {
        Ok(counterexample) => Counterexample { shortest, ..counterexample },
        // loom and tokio also interleave within steps, which the player does not: then there is no key.
        Err(_) => Counterexample {
            scenario,
            property,
            schedule,
            trace: turnstile::trace::Trace::default(),
            graph: turnstile::waits::WaitGraph::default(),
            knot: finding.knot,
            broken,
            shortest,
            key: String::new(),
        },
    }
}

/// Plays a schedule and says how it breaks the property.
///
/// # Errors
/// Says which step cannot be taken, or that nothing breaks.
pub fn replay(
    scenario: &Scenario,
    property: Property,
    schedule: &crate::Schedule,
) -> Result<Counterexample, String> {
    let played = play(scenario, schedule)?;
    let knot = if played.crashed.is_some() {
        None
    } else if played.at_rest {
        played.graph.knot_at_rest()
    } else {
        played.graph.knot()
    };
    let broken = match (&played.crashed, property) {
        (Some(why), Property::NoCrash) => Some(format!("the program breaks: {why}")),
        (Some(_), _) | (None, Property::NoCrash) => None,
        (None, Property::NoDeadlock) => knot.as_ref().map(|k| {
            let tasks: Vec<String> = k.cycle.iter().map(|e| e.task.to_string()).collect();
            let verb = if tasks.len() == 1 { "waits" } else { "wait" };
            format!("{} {verb} for ever", tasks.join(" and "))
        }),
        (None, _) if !played.at_rest => None,
        (None, _) => property.judge(scenario, &played.outcome),
    };
    let broken = broken.ok_or_else(|| format!("nothing breaks {} in this schedule", property.name()))?;
    let key = key::write(scenario, property, &played.schedule)?;
    Ok(Counterexample {
        scenario: *scenario,
        property,
        schedule: played.schedule,
        trace: played.trace,
        graph: played.graph,
        knot,
        broken,
        shortest: false,
        key,
    })
}
