//! The wait-for graph at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::live::{Begun, Live};
use crate::name::Name;
use crate::waits::{Edge, Knot, WaitGraph};

/// Who waits for whom, at one moment.
#[derive(Clone, Debug)]
pub struct Glance {
    /// When.
    pub at: Instant,
    /// The waits. Of tasks that do not wait, those are in it that the core has spawned or that somebody waits for.
    pub graph: WaitGraph,
    /// The waits that nothing can ever end, if there are any: confirmed, so that it is no matter of the moment.
    pub knot: Option<Knot>,
    began: BTreeMap<Name, Instant>,
}

impl Live {
    /// Looks at all that wait.
    ///
    /// The tasks run meanwhile. So each wait that is called hopeless is looked at twice: at the end it is the same wait, is not over,
    /// and the same tasks could end it. Thus it was not over at any moment in between, when the others were looked at; and who waits
    /// gives nothing back. Who could end it and is said to have ended was looked for after the wait was: had it given back what it
    /// held, others would be able to help at the second look.
    pub fn glance(&self) -> Glance {
        let at = Instant::now();
        let begun = self.begun();
        // Who has been handed what it waits for can go on.
        let lasting = begun.iter().filter(|(who, it)| it.wait.resource.keeps_waiting(**who));
        let edges: Vec<Edge> = lasting.map(|(who, it)| Edge::of(*who, &it.wait)).collect();
        let waits: BTreeSet<Name> = edges.iter().map(|edge| edge.task).collect();
        let helpers: BTreeSet<Name> =
            edges.iter().flat_map(|edge| edge.helpers.iter().flatten().copied()).collect();
        let able = helpers.into_iter().filter(|who| !waits.contains(who) && !self.has_ended(*who));
        let mut running: BTreeSet<Name> = able.collect();
        running.extend(self.spawned().into_iter().filter(|who| !waits.contains(who)));
        let mut graph = WaitGraph { edges, running };
        let knot = loop {
            let Some(knot) = graph.knot() else { break None };
            let all = knot.cycle.iter().chain(&knot.collateral);
            let over: BTreeSet<Name> =
                all.filter(|edge| !self.holds(edge, &begun)).map(|edge| edge.task).collect();
            if over.is_empty() {
                break Some(knot);
            }
            graph.edges.retain(|edge| !over.contains(&edge.task));
            graph.running.extend(over);
        };
        let began = begun.into_iter().map(|(who, it)| (who, it.since)).collect();
        Glance { at, graph, knot, began }
    }

    /// Whether the task is still in the wait in which it was seen, and for the same.
    fn holds(&self, seen: &Edge, begun: &BTreeMap<Name, Begun>) -> bool {
        let Some(first) = begun.get(&seen.task) else { return false };
        self.wait_number(seen.task) == Some(first.number)
            && Edge::of(seen.task, &first.wait).helpers == seen.helpers
            && first.wait.resource.keeps_waiting(seen.task)
    }
}

impl Glance {
    /// How long a task has waited.
    pub fn lasts(&self, edge: &Edge) -> Duration {
        self.began.get(&edge.task).map_or(Duration::ZERO, |since| self.at.saturating_duration_since(*since))
    }

    /// How long the knot's cycle has been closed: as long as the youngest of its waits.
    pub fn knot_lasts(&self) -> Option<Duration> {
        self.knot.as_ref()?.cycle.iter().map(|edge| self.lasts(edge)).min()
    }

    /// The waits in the midst of work, oldest first.
    pub fn working(&self) -> Vec<&Edge> {
        let mut working: Vec<&Edge> = self.graph.edges.iter().filter(|edge| edge.kind.is_work()).collect();
        working.sort_by_key(|edge| (std::cmp::Reverse(self.lasts(edge)), edge.task));
        working
    }

    /// Those that have waited so long in the midst of work and may yet go on, oldest first.
    pub fn starved(&self, after: Duration) -> Vec<&Edge> {
        let stuck: BTreeSet<Name> = self
            .knot
            .iter()
            .flat_map(|knot| knot.cycle.iter().chain(&knot.collateral))
            .map(|e| e.task)
            .collect();
        let long = |edge: &&Edge| self.lasts(edge) >= after && !stuck.contains(&edge.task);
        self.working().into_iter().filter(long).collect()
    }
}
