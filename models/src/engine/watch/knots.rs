//! Knots as they are tied.

use hashbrown::HashSet;
use turnstile::Name;
use turnstile::waits::{Edge, Knot, Wait, WaitGraph};

use super::{Seat, Sight, Stands, Watch, What};
use crate::engine::Quest;

/// How a task stands at one moment.
enum At {
    /// It can go on, or nobody knows what it waits for.
    Able,
    /// It waits.
    Waits(Wait),
    /// It has ended.
    Done,
}

impl Watch {
    /// Looks whether the task at `seat`, which waits in the midst of work, is stuck; if so the knot is noted, and the
    /// execution is over unless it goes on.
    ///
    /// A knot is tied by the last of its tasks to park, or by the end of a task that could have helped.
    pub(super) fn look_for_a_knot(&self, seat: Seat) {
        if self.0.habits.quest != Quest::Knots || self.is_over() || !self.leads_nowhere(seat) {
            return;
        }
        let Some(knot) = self.knot() else { return };
        let mut table = self.table();
        let what = What::Knot(knot);
        let known = table.sights.last().is_some_and(|last| last.what == what);
        if table.settled || table.crashed || known {
            return;
        }
        let turns = table.turns.len();
        table.sights.push(Sight { what, turns });
        drop(table);
        self.settle_unless_it_goes_on();
    }

    /// True if whoever could end the task's wait, or the wait of one of those, and so on, waits too or has ended.
    ///
    /// Cheap where it says no, which it nearly always does: the first who can go on ends the search.
    fn leads_nowhere(&self, seat: Seat) -> bool {
        let mut seen: HashSet<Seat> = HashSet::new();
        let mut open = vec![seat];
        while let Some(seat) = open.pop() {
            if !seen.insert(seat) {
                continue;
            }
            let wait = match self.at(seat) {
                At::Done => continue,
                At::Waits(wait) if wait.kind.is_work() => wait,
                At::Able | At::Waits(_) => return false,
            };
            let Some(helpers) = wait.resource.look(wait.port).helpers else { return false };
            let table = self.table();
            open.extend(helpers.iter().filter_map(|helper| table.seats.get(helper)));
        }
        true
    }

    fn at(&self, seat: Seat) -> At {
        let table = self.table();
        let task = &table.tasks[seat];
        match (task.stands, &task.wait) {
            (Stands::Done, _) => At::Done,
            (Stands::Parked, Some(wait)) => At::Waits(wait.clone()),
            (Stands::Parked, None) | (Stands::Able, _) => At::Able,
        }
    }

    /// The knot, at a glance that is confirmed by a second one: the tasks may run on other threads meanwhile. Whoever
    /// is parked at both and was not polled in between has been parked throughout, and so has held what it holds.
    fn knot(&self) -> Option<Knot> {
        let (before, graph) = self.glance();
        let knot = graph.knot()?;
        let table = self.table();
        let stays = |edge: &Edge| {
            let seat = table.seats[&edge.task];
            table.tasks[seat].stands == Stands::Parked && before[seat] == table.tasks[seat].polls
        };
        knot.cycle.iter().chain(&knot.collateral).all(stays).then_some(knot)
    }

    /// Who waits for whom.
    pub(crate) fn graph(&self) -> WaitGraph {
        self.glance().1
    }

    fn glance(&self) -> (Vec<u64>, WaitGraph) {
        let mut graph = WaitGraph::default();
        let mut waits: Vec<(Name, Wait)> = Vec::new();
        let table = self.table();
        for task in &table.tasks {
            match (task.stands, &task.wait) {
                (Stands::Done, _) => {}
                (Stands::Parked, Some(wait)) => waits.push((task.name, wait.clone())),
                (Stands::Parked, None) | (Stands::Able, _) => {
                    graph.running.insert(task.name);
                }
            }
        }
        let polls = table.tasks.iter().map(|task| task.polls).collect();
        // A cell is never looked at with the table locked: whoever has the cell may want the table.
        drop(table);
        waits.sort_by_key(|(name, _)| *name);
        graph.edges = waits.iter().map(|(name, wait)| Edge::of(*name, wait)).collect();
        (polls, graph)
    }
}
