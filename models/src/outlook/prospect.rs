//! What can still happen from each state of a graph, about one claim: told backwards from where it is broken.

use crate::engine::exhaustive::{Graph, Incident};

/// Further than anything.
const FAR: u32 = u32::MAX;

/// The steps of a graph, by where they lead.
pub(super) struct Backwards {
    starts: Vec<u32>,
    /// The number of the state a step comes from, and its position in the steps from there.
    from: Vec<(u32, u32)>,
}

impl Backwards {
    pub(super) fn of<O>(graph: &Graph<O>) -> Backwards {
        let mut starts = vec![0u32; graph.len() + 3];
        for state in graph.states() {
            graph.steps(state).iter().for_each(|step| starts[step.to as usize + 2] += 1);
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut from = vec![(0, 0); graph.transitions()];
        for state in graph.states() {
            for (position, step) in graph.steps(state).iter().enumerate() {
                let at = &mut starts[step.to as usize + 1];
                from[*at as usize] = (state, position as u32);
                *at += 1;
            }
        }
        Backwards { starts, from }
    }

    /// The states that a step leads to this one from, and the positions of those steps.
    fn to(&self, state: u32) -> &[(u32, u32)] {
        &self.from[self.starts[state as usize] as usize..self.starts[state as usize + 1] as usize]
    }
}

/// What can still happen about one claim, by state.
pub(super) struct Prospect {
    /// Steps on the shortest way to where it is broken, by a step or in a state.
    distance: Vec<u32>,
    /// True if there is a way to an end at which it is not broken.
    safe: Vec<bool>,
    /// In how many states it is broken, and by how many steps.
    pub(super) broken: (usize, usize),
}

impl Prospect {
    /// `in_state` says of a state, and `by` of what a step broke, whether the claim is broken.
    pub(super) fn new<O>(
        graph: &Graph<O>,
        backwards: &Backwards,
        in_state: impl Fn(u32) -> bool,
        by: impl Fn(&Incident) -> bool,
    ) -> Prospect {
        let breaks: Vec<bool> = graph.incidents.iter().map(by).collect();
        let breaks = |incident: Option<u32>| incident.is_some_and(|number| breaks[number as usize]);
        let mut distance = vec![FAR; graph.len() + 1];
        let mut safe = vec![false; graph.len() + 1];
        let mut level: Vec<u32> = Vec::new();
        // What is broken by a step is broken one step on from where the step is taken.
        let mut one_off: Vec<u32> = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        let mut broken = (0, 0);
        for state in graph.states() {
            let (mark, is_broken) = (graph.mark(state), in_state(state));
            if is_broken {
                broken.0 += 1;
                distance[state as usize] = 0;
                level.push(state);
            }
            let mut ends_well = !mark.known || (mark.outcome.is_some() && !is_broken);
            for step in graph.steps(state) {
                if breaks(step.incident) {
                    broken.1 += 1;
                    one_off.push(state);
                } else {
                    // The program is at its end, and the claim is not broken.
                    ends_well |= step.to == 0;
                }
            }
            if ends_well {
                safe[state as usize] = true;
                open.push(state);
            }
        }
        let mut steps = 0;
        while !level.is_empty() || steps == 0 {
            let mut next = Vec::new();
            steps += 1;
            let before = level.iter().flat_map(|state| backwards.to(*state)).map(|(state, _)| *state);
            for state in before.chain(std::mem::take(&mut one_off)) {
                if distance[state as usize] == FAR {
                    distance[state as usize] = steps;
                    next.push(state);
                }
            }
            level = next;
        }
        while let Some(state) = open.pop() {
            for (before, position) in backwards.to(state) {
                let step = graph.steps(*before)[*position as usize];
                if !safe[*before as usize] && !breaks(step.incident) {
                    safe[*before as usize] = true;
                    open.push(*before);
                }
            }
        }
        Prospect { distance, safe, broken }
    }

    /// Steps on the shortest way from a state to where the claim is broken; `None` if there is no way.
    pub(super) fn distance(&self, state: u32) -> Option<u32> {
        Some(self.distance[state as usize]).filter(|distance| *distance != FAR)
    }

    /// True if the claim is broken in the end, however it goes on from a state.
    pub(super) fn is_sure(&self, state: u32) -> bool {
        !self.safe[state as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::exhaustive::Step;

    const STATES: usize = 6;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

        /// Against the definitions, forwards, on all ways.
        #[test]
        fn what_can_still_happen_is_what_some_way_leads_to(
            steps in prop::collection::vec((1..=STATES as u32, 0..=STATES as u32, any::<bool>(), prop::option::weighted(0.2, 0..2_u32)), 0..12),
            broken in prop::collection::btree_set(1..=STATES as u32, 0..3),
        ) {
            let incidents = vec![
                Incident { breaches: vec!["it"], crashed: None },
                Incident { breaches: vec!["another"], crashed: None },
            ];
            let steps: Vec<(u32, Step)> =
                steps.into_iter().map(|(from, to, whim, incident)| (from, Step { to, turn: 0, whim, incident })).collect();
            let graph = Graph::of(STATES, &steps, incidents);
            let breaks = |step: &Step| step.incident == Some(0);
            let by = |incident: &Incident| incident.breaches.contains(&"it");
            let prospect = Prospect::new(&graph, &Backwards::of(&graph), |state| broken.contains(&state), by);
            for from in graph.states() {
                // Breadth first; a state is met with, or without, something broken on the way.
                let mut level = vec![(from, false)];
                let mut seen = std::collections::BTreeSet::new();
                let (mut nearest, mut ends_well, mut far) = (None, false, 0);
                while !level.is_empty() {
                    let mut next = Vec::new();
                    for (state, was_broken) in level {
                        if !seen.insert((state, was_broken)) {
                            continue;
                        }
                        let is_broken = state != 0 && broken.contains(&state);
                        if is_broken || was_broken {
                            nearest.get_or_insert(far);
                        }
                        let is_end = state == 0 || graph.mark(state).outcome.is_some();
                        ends_well |= is_end && !is_broken && !was_broken;
                        if state != 0 {
                            next.extend(graph.steps(state).iter().map(|step| (step.to, was_broken || breaks(step))));
                        }
                    }
                    level = next;
                    far += 1;
                }
                prop_assert_eq!(prospect.distance(from), nearest);
                prop_assert_eq!(prospect.is_sure(from), !ends_well);
            }
        }
    }
}
