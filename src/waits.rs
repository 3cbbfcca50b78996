//! Who waits for whom: the wait-for graph, its cycle, and how to say it in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::name::Name;

/// What a parked task waits to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Send on a channel.
    Send,
    /// Receive from a channel.
    Receive,
    /// Whichever of several channel operations comes first.
    Select,
    /// Take a lock.
    Lock,
    /// Take a lock for reading.
    Read,
    /// Have the peer take what was written.
    Write,
    /// See those done who owe it.
    Owed,
    /// See a signal raised.
    Signal,
}

impl Kind {
    /// A task at rest waits for work: a receive, a select, a signal. A task in the midst of work waits to send, to lock, to
    /// write or for what others owe it: if that never ends, it is stuck.
    pub fn is_work(self) -> bool {
        matches!(self, Kind::Send | Kind::Lock | Kind::Read | Kind::Write | Kind::Owed)
    }
}

/// The state of what a task waits for, seen from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Port {
    /// The tasks that alone can end the wait; `None` where any task may.
    pub helpers: Option<Vec<Name>>,
    /// How full it is and how much it holds, for a channel.
    pub filled: Option<(usize, usize)>,
}

impl Port {
    /// A port that any task may help with.
    pub fn open() -> Port {
        Port { helpers: None, filled: None }
    }
}

/// Something that tasks wait for, as it is now.
pub trait Resource: Send + Sync {
    /// Looks at one of its ports.
    fn look(&self, port: usize) -> Port;

    /// True while what `who` waits for has not come. Once it has come, the wait is over, even if the task has yet to notice.
    fn keeps_waiting(&self, who: Name) -> bool;
}

/// A wait that a task has begun.
#[derive(Clone)]
pub struct Wait {
    /// What it waits to do.
    pub kind: Kind,
    /// What it waits for.
    pub on: Name,
    /// The cell that `on` lives in, by name.
    pub cell: Name,
    /// Which of the cell's ports.
    pub port: usize,
    /// The thing itself.
    pub resource: Arc<dyn Resource>,
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} on {}", self.kind, self.on)
    }
}

/// One edge of the graph: a task, what it waits for, and who alone can help.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Edge {
    /// Who waits.
    pub task: Name,
    /// To do what.
    pub kind: Kind,
    /// On what.
    pub on: Name,
    /// How full it is, and how much it holds.
    pub filled: Option<(usize, usize)>,
    /// Who alone can end the wait; `None` where any task may.
    pub helpers: Option<Vec<Name>>,
}

impl Edge {
    /// The wait, as it is now.
    pub fn of(task: Name, wait: &Wait) -> Edge {
        Edge::at(task, wait.kind, wait.on, wait.resource.look(wait.port))
    }

    /// A wait of this kind at a port in this state.
    pub fn at(task: Name, kind: Kind, on: Name, port: Port) -> Edge {
        // A port's helpers end sends and locks; a task that waits for work may get it from anybody.
        let helpers = if kind.is_work() { port.helpers } else { None };
        let filled = if kind == Kind::Select { None } else { port.filled };
        Edge { task, kind, on, filled, helpers }
    }

    /// What the task waits for: «to send on unregister».
    pub fn waits_for(&self) -> String {
        match self.kind {
            Kind::Send => format!("to send on {}", self.on),
            Kind::Receive => format!("to receive from {}", self.on),
            Kind::Select => format!("for work on {}", self.on),
            Kind::Lock => format!("to lock {}", self.on),
            Kind::Read => format!("to read-lock {}", self.on),
            Kind::Write => format!("to write to {}", self.on),
            Kind::Owed => format!("for {}", self.on),
            Kind::Signal => format!("for {}", self.on),
        }
    }

    /// Why that does not come: «1/1 full, which only hub drains».
    pub fn why(&self) -> String {
        let mut parts = Vec::new();
        match self.filled {
            Some((0, 0)) => parts.push("unbuffered".to_owned()),
            Some((len, capacity)) if len >= capacity => parts.push(format!("{len}/{capacity} full")),
            Some((len, capacity)) => parts.push(format!("{len}/{capacity}")),
            None => {}
        }
        if let Some(helpers) = &self.helpers {
            let names: Vec<String> = helpers.iter().map(Name::to_string).collect();
            let who = names.join(if self.kind == Kind::Send { " or " } else { " and " });
            match (self.kind, helpers.as_slice()) {
                (Kind::Lock, []) => parts.push("which nobody holds".to_owned()),
                (Kind::Lock, [own]) if *own == self.task => parts.push("which it holds itself".to_owned()),
                (Kind::Lock, [_]) => parts.push(format!("which {who} holds")),
                (Kind::Lock, _) => parts.push(format!("which {who} hold")),
                (Kind::Read, []) => parts.push("behind nobody".to_owned()),
                (Kind::Read, [own]) if *own == self.task => parts.push("behind itself".to_owned()),
                (Kind::Read, _) => parts.push(format!("behind {who}")),
                (Kind::Owed, []) => parts.push("which nobody owes".to_owned()),
                (Kind::Owed, [_]) => parts.push(format!("which {who} owes")),
                (Kind::Owed, _) => parts.push(format!("which {who} owe")),
                (_, []) => parts.push("which nobody drains".to_owned()),
                (_, [own]) if *own == self.task => parts.push(format!("which only {own} drains")),
                (_, [_]) => parts.push(format!("which only {who} drains")),
                (_, _) => parts.push(format!("which only {who} drain")),
            }
        }
        parts.join(", ")
    }
}

impl fmt::Display for Edge {
    /// «hub waits to send on unregister (1/1 full), which only hub drains».
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waits {}", self.task, self.waits_for())?;
        let why = self.why();
        match (self.filled, why.split_once(", ")) {
            (Some(_), Some((filled, rest))) => write!(f, " ({filled}), {rest}"),
            (Some(_), None) => write!(f, " ({why})"),
            (None, _) if why.is_empty() => Ok(()),
            (None, _) => write!(f, ", {why}"),
        }
    }
}

/// Who waits for whom, at one moment.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct WaitGraph {
    /// One edge for each waiting task, in the order of their names.
    pub edges: Vec<Edge>,
    /// The tasks that do not wait and have not ended.
    pub running: BTreeSet<Name>,
}

/// A set of waits that nothing outside it can end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Knot {
    /// The heart of it: each task waits for the next one, the last for the first; or, where the only helper has ended, a
    /// chain up to the one that waits for nobody.
    pub cycle: Vec<Edge>,
    /// The other tasks that cannot go on because of it.
    pub collateral: Vec<Edge>,
}

impl WaitGraph {
    /// The waits that no running task can ever end, if there are any.
    ///
    /// A task is *stuck* when each task that could end its wait is stuck, has ended or never was. The stuck tasks are the
    /// greatest set with that property; it is empty unless somebody waits to send or to lock. What is stuck stays
    /// stuck, whatever the others do.
    ///
    /// ```
    /// use turnstile::{Name, waits::{Edge, Kind, WaitGraph}};
    /// let hub = Name::one("hub");
    /// let edge = Edge { task: hub, kind: Kind::Send, on: Name::one("unregister"),
    ///                   filled: Some((1, 1)), helpers: Some(vec![hub]) };
    /// let knot = WaitGraph { edges: vec![edge], ..WaitGraph::default() }.knot().unwrap();
    /// assert_eq!(knot.cycle[0].to_string(),
    ///            "hub waits to send on unregister (1/1 full), which only hub drains");
    /// ```
    pub fn knot(&self) -> Option<Knot> {
        let mut stuck: BTreeMap<Name, &Edge> =
            self.edges.iter().filter(|e| e.helpers.is_some()).map(|e| (e.task, e)).collect();
        let idle: BTreeSet<Name> = self
            .edges
            .iter()
            .filter(|e| e.helpers.is_none())
            .map(|e| e.task)
            .chain(self.running.iter().copied())
            .collect();
        // Whoever a task that can go on may help can go on too: spread that backwards until it stops.
        let mut helped_by: BTreeMap<Name, Vec<Name>> = BTreeMap::new();
        for edge in stuck.values() {
            for helper in edge.helpers.iter().flatten() {
                helped_by.entry(*helper).or_default().push(edge.task);
            }
        }
        let mut able: Vec<Name> = idle.into_iter().collect();
        while let Some(task) = able.pop() {
            for freed in helped_by.get(&task).into_iter().flatten() {
                if stuck.remove(freed).is_some() {
                    able.push(*freed);
                }
            }
        }
        let first = stuck.values().next()?;
        let mut path: Vec<&Edge> = vec![first];
        let cycle = loop {
            let next = path.last().and_then(|e| e.helpers.iter().flatten().find_map(|h| stuck.get(h)));
            match next {
                None => break path,
                Some(edge) => match path.iter().position(|e| e.task == edge.task) {
                    Some(start) => break path.split_off(start),
                    None => path.push(edge),
                },
            }
        };
        let on_cycle: BTreeSet<Name> = cycle.iter().map(|e| e.task).collect();
        let collateral =
            stuck.values().filter(|e| !on_cycle.contains(&e.task)).map(|e| (*e).clone()).collect();
        Some(Knot { cycle: cycle.into_iter().cloned().collect(), collateral })
    }

    /// The knot; or, where nothing moves any more, whoever is left waiting in the midst of work: nobody will come.
    pub fn knot_at_rest(&self) -> Option<Knot> {
        self.knot().or_else(|| {
            let cycle: Vec<Edge> = self.edges.iter().filter(|e| e.kind.is_work()).cloned().collect();
            (!cycle.is_empty()).then_some(Knot { cycle, collateral: Vec::new() })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn a_graph() -> impl Strategy<Value = WaitGraph> {
        let edge = (0..2_usize, prop::option::weighted(0.9, prop::collection::vec(0..9_u32, 0..3)));
        (prop::collection::btree_map(0..9_u32, edge, 0..9), prop::collection::btree_set(0..9_u32, 0..4))
            .prop_map(|(edges, running)| {
                let name = |n: u32| Name::of("task", n);
                let running = running.into_iter().filter(|n| !edges.contains_key(n)).map(name).collect();
                let edges = edges.into_iter().map(|(n, (kind, helpers))| Edge {
                    task: name(n),
                    kind: [Kind::Send, Kind::Lock][kind],
                    on: Name::one("it"),
                    filled: None,
                    helpers: helpers.map(|all| all.into_iter().map(name).collect()),
                });
                WaitGraph { edges: edges.collect(), running }
            })
    }

    /// The greatest set of waits that only its own members, or nobody, could end: throw out what does not belong until
    /// all that is left does.
    fn stuck(graph: &WaitGraph) -> BTreeSet<Name> {
        let mut stuck: BTreeSet<Name> = graph.edges.iter().map(|e| e.task).collect();
        let waits: BTreeSet<Name> = stuck.clone();
        loop {
            let out = graph.edges.iter().find(|e| {
                let can_go =
                    |h: &Name| graph.running.contains(h) || (waits.contains(h) && !stuck.contains(h));
                stuck.contains(&e.task) && e.helpers.as_ref().is_none_or(|all| all.iter().any(can_go))
            });
            match out {
                None => return stuck,
                Some(edge) => stuck.remove(&edge.task),
            };
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn a_knot_is_all_that_is_stuck_and_its_cycle_a_walk_along_the_waits(graph in a_graph()) {
            let stuck = stuck(&graph);
            let Some(knot) = graph.knot() else {
                prop_assert_eq!(stuck, BTreeSet::new());
                return Ok(());
            };
            let all = knot.cycle.iter().chain(&knot.collateral);
            prop_assert_eq!(all.clone().count(), stuck.len());
            prop_assert_eq!(all.map(|e| e.task).collect::<BTreeSet<_>>(), stuck.clone());
            let helps = |edge: &Edge, next: Name| edge.helpers.iter().flatten().any(|h| *h == next);
            for pair in knot.cycle.windows(2) {
                prop_assert!(helps(&pair[0], pair[1].task));
            }
            let (first, last) = (&knot.cycle[0], &knot.cycle[knot.cycle.len() - 1]);
            // It closes, or its end waits for nobody that is left.
            prop_assert!(helps(last, first.task) || !stuck.iter().any(|task| helps(last, *task)));
        }
    }
}
