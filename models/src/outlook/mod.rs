//! What can still happen from each state of a scenario, about each property: from the graph of all its states.

mod prospect;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::broken_by;
use crate::engine::exhaustive::{self, Graph, Incident, Step};
use crate::engine::{Effort, Ending, Progress, Quest};
use crate::limits::Limits;
use crate::property::Property;
use crate::scenario::{Scenario, Sight};
use crate::schedule::{Schedule, Turn};
use prospect::{Backwards, Prospect};

/// All states of a scenario, and what can still happen from each.
pub struct Outlook {
    graph: Graph<Sight>,
    prospects: Vec<(Property, Prospect)>,
}

/// What can still happen from a state. If the search was [stopped](Outlook::stopped), as far as was searched.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Future {
    /// How many states can still be come to, this one included.
    pub states: usize,
    /// By property: steps on the shortest way to where it is broken, 0 if it is broken there. Of what is not here, no way breaks it.
    pub distances: BTreeMap<&'static str, u32>,
    /// The properties that are broken in the end, or on the way there, however it goes on.
    pub sure: Vec<&'static str>,
}

/// What the graph says of a property.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Ruling {
    /// The property.
    pub name: &'static str,
    /// «holds», «fails», or «unknown» where the search was stopped before it found anything.
    pub verdict: &'static str,
    /// Steps on the shortest way to where it is broken.
    pub shortest: Option<u32>,
    /// In how many states it is broken.
    pub states: usize,
    /// By how many steps, each from one state to another, it is broken.
    pub steps: usize,
}

impl Outlook {
    /// Searches all states of a scenario, for all properties that can be asked about there.
    ///
    /// ```
    /// use turnstile_models::{Limits, Outlook, scenario::Scenario};
    ///
    /// let outlook = Outlook::new(&Scenario::default(), &Limits::default(), &()).unwrap();
    /// assert_eq!(outlook.stopped(), None);
    /// let start = outlook.future(outlook.start());
    /// assert_eq!(start.distances["no-deadlock"], 22);
    /// assert_eq!(start.sure, [""; 0], "at first nothing is lost yet");
    /// ```
    ///
    /// # Errors
    /// Says why the scenario cannot be run.
    pub fn new(scenario: &Scenario, limits: &Limits, progress: &dyn Progress) -> Result<Outlook, String> {
        scenario.validate()?;
        // A state that stood for its images could not tell who is who.
        let limits = Limits { symmetry: false, ..limits.clone() };
        let graph = exhaustive::graph(scenario, &limits, progress);
        let backwards = Backwards::of(&graph);
        let asked = Property::ALL.into_iter().filter(|property| property.validate(scenario).is_ok());
        let prospects = asked.map(|property| (property, prospect(scenario, &graph, &backwards, property)));
        Ok(Outlook { prospects: prospects.collect(), graph })
    }

    /// The states and the steps between them.
    pub fn graph(&self) -> &Graph<Sight> {
        &self.graph
    }

    /// What stopped the search; `None` if it is complete.
    pub fn stopped(&self) -> Option<&str> {
        self.graph.stopped.as_deref()
    }

    /// How much was seen.
    pub fn effort(&self) -> &Effort {
        &self.graph.effort
    }

    /// The state that the world begins in.
    pub fn start(&self) -> u32 {
        1
    }

    /// The state that a schedule leads to; `None` if that was not searched, or if the schedule breaks the program.
    pub fn state(&self, schedule: &[Turn]) -> Option<u32> {
        schedule.iter().try_fold(self.start(), |state, turn| {
            Some(self.graph.find(state, turn)?.to).filter(|to| *to != 0)
        })
    }

    /// What it says of each property.
    pub fn rulings(&self) -> Vec<Ruling> {
        let ruling = |(property, prospect): &(Property, Prospect)| {
            let shortest = prospect.distance(self.start());
            let verdict = match (shortest, self.stopped()) {
                (Some(_), _) => "fails",
                (None, None) => "holds",
                (None, Some(_)) => "unknown",
            };
            Ruling {
                name: property.name(),
                verdict,
                shortest,
                states: prospect.broken.0,
                steps: prospect.broken.1,
            }
        };
        self.prospects.iter().map(ruling).collect()
    }

    /// What can still happen from a state.
    pub fn future(&self, state: u32) -> Future {
        let named = |(property, prospect): &(Property, Prospect)| {
            prospect.distance(state).map(|distance| (property.name(), distance))
        };
        let sure = self.prospects.iter().filter(|(_, prospect)| prospect.is_sure(state));
        Future {
            states: self.reach(state),
            distances: self.prospects.iter().filter_map(named).collect(),
            sure: sure.map(|(property, _)| property.name()).collect(),
        }
    }

    /// What can still happen once a step was taken; what it breaks is broken then.
    pub fn future_after(&self, step: &Step) -> Future {
        let mut future = match step.to {
            0 => Future { states: 1, distances: BTreeMap::new(), sure: Vec::new() },
            to => self.future(to),
        };
        if let Some(incident) = step.incident {
            let incident = &self.graph.incidents[incident as usize];
            for (property, _) in self.prospects.iter().filter(|(property, _)| breaks(*property, incident)) {
                future.distances.insert(property.name(), 0);
                if !future.sure.contains(&property.name()) {
                    future.sure.push(property.name());
                }
            }
        }
        future
    }

    /// How many states can be come to from one, itself included.
    fn reach(&self, state: u32) -> usize {
        let mut seen = vec![false; self.graph.len() + 1];
        seen[state as usize] = true;
        // Where the program breaks, there is no state.
        seen[0] = true;
        let (mut open, mut count) = (vec![state], 0);
        while let Some(state) = open.pop() {
            count += 1;
            for step in self.graph.steps(state) {
                if !std::mem::replace(&mut seen[step.to as usize], true) {
                    open.push(step.to);
                }
            }
        }
        count
    }

    /// A shortest way from a state to where a property is broken.
    pub fn way(&self, from: u32, property: Property) -> Option<Schedule> {
        let (_, prospect) = self.prospects.iter().find(|(asked, _)| *asked == property)?;
        let (mut at, mut turns) = (from, Vec::new());
        let mut left = prospect.distance(from)?;
        while left > 0 {
            let nearer = |step: &&Step| {
                let breaks_it = step
                    .incident
                    .is_some_and(|number| breaks(property, &self.graph.incidents[number as usize]));
                (left == 1 && breaks_it) || (step.to != 0 && prospect.distance(step.to) == Some(left - 1))
            };
            let step = self.graph.steps(at).iter().find(nearer)?;
            turns.push(self.graph.turns[step.turn as usize].clone());
            at = step.to;
            left -= 1;
        }
        Some(Schedule { turns })
    }
}

/// Whether what a step broke breaks a property.
fn breaks(property: Property, incident: &Incident) -> bool {
    incident.breaches.contains(&property.name())
        || (property == Property::NoCrash && incident.crashed.is_some())
}

fn prospect(
    scenario: &Scenario,
    graph: &Graph<Sight>,
    backwards: &Backwards,
    property: Property,
) -> Prospect {
    // By what is seen, and by whether somebody is stuck.
    let judge = |(outcome, dead): (Option<&Sight>, bool)| {
        let stuck = if dead { vec!["somebody".to_owned()] } else { Vec::new() };
        let (recurring, breaches, crashed) = (false, Vec::new(), None);
        let ending = Ending { outcome: outcome.cloned(), recurring, stuck, breaches, crashed };
        broken_by(scenario, property, &ending).is_some()
    };
    let broken: Vec<[bool; 2]> =
        graph.outcomes.iter().map(|outcome| [false, true].map(|dead| judge((Some(outcome), dead)))).collect();
    let deadlock = judge((None, true));
    let mut broken: Vec<bool> = std::iter::once(false)
        .chain(graph.states().map(|state| {
            let mark = graph.mark(state);
            match mark.outcome {
                Some(outcome) => broken[outcome as usize][usize::from(mark.dead)],
                None => mark.dead && deadlock,
            }
        }))
        .collect();
    if property.quest() == Quest::Progress {
        // What a run does again and again it must fail to do in each state that it comes back to.
        for round in &graph.rounds {
            let all = round.iter().all(|state| broken[*state as usize]);
            round.iter().for_each(|state| broken[*state as usize] = all);
        }
    }
    Prospect::new(graph, backwards, |state| broken[state as usize], |incident| breaks(property, incident))
}
