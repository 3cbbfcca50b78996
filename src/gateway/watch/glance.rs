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
    /// The tasks run meanwhile. So each wait that is called hopeless was looked at twice: it is the same wait, and not over, at the
    /// end; thus it was not over at any moment in between, when the others were looked at. Who waits gives nothing back.
    pub fn glance(&self) -> Glance {
        let at = Instant::now();
        let begun = self.begun();
        let spawned = self.spawned();
        // Who has been handed what it waits for can go on.
        let lasting = begun.iter().filter(|(who, it)| it.wait.resource.keeps_waiting(**who));
        let edges: Vec<Edge> = lasting.map(|(who, it)| Edge::of(*who, &it.wait)).collect();
        let waits: BTreeSet<Name> = edges.iter().map(|edge| edge.task).collect();
        let helpers = edges.iter().flat_map(|edge| edge.helpers.iter().flatten().copied());
        // Of a spawned task it is known when it has ended.
        let able = helpers.filter(|who| !spawned.roles.contains(who.role()));
        let running = able.chain(spawned.alive.keys().copied()).filter(|who| !waits.contains(who)).collect();
        let mut graph = WaitGraph { edges, running };
        let knot = loop {
            let Some(knot) = graph.knot() else { break None };
            let over = knot.cycle.iter().chain(&knot.collateral).map(|edge| edge.task);
            let over: BTreeSet<Name> = over.filter(|who| !self.lasts(*who, &begun)).collect();
            if over.is_empty() {
                break Some(knot);
            }
            graph.edges.retain(|edge| !over.contains(&edge.task));
            graph.running.extend(over);
        };
        let began = begun.into_iter().map(|(who, it)| (who, it.since)).collect();
        Glance { at, graph, knot, began }
    }

    /// Whether the task is still in the wait in which it was seen.
    fn lasts(&self, who: Name, seen: &BTreeMap<Name, Begun>) -> bool {
        let Some(seen) = seen.get(&who) else { return false };
        self.wait_number(who) == Some(seen.number) && seen.wait.resource.keeps_waiting(who)
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
