//! The states of a model as a map that can be read: what is forced is one link, what comes after a hang is left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use turnstile::Name;

use crate::engine::exhaustive::Graph;

/// A state that is shown.
pub(super) struct Node {
    /// How many steps lead there at least.
    pub(super) depth: usize,
    /// Somebody waits for ever.
    pub(super) dead: bool,
    /// Nobody does yet, but somebody will, however it goes on.
    pub(super) lost: bool,
    /// Nothing can move any more, and nobody waits for ever.
    pub(super) rest: bool,
}

/// One step after another from a state to a state, with no other way to go between them.
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Who moves, and how often in a row: one list for each of several ways between the same two.
    pub(super) moves: Vec<Vec<(&'static str, usize)>>,
    /// Part of the shortest way into a hang.
    pub(super) on_way: bool,
}

/// The states that are shown, the first first.
pub(super) struct Map {
    pub(super) nodes: Vec<Node>,
    pub(super) links: Vec<Link>,
    /// How many states there are, up to where something hangs.
    pub(super) states: usize,
    /// In how many of them something hangs.
    pub(super) dead: usize,
}

/// Which steps are left out that make no difference to anything when they come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Brief {
    /// None.
    Nothing,
    /// Those of tasks of which there are several.
    Numbered,
    /// All.
    All,
}

/// What a state is, as far as it shows.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shows {
    dead: bool,
    rest: bool,
}

/// States and the steps between them, up to where something hangs.
struct Net {
    /// In the order of their distance from the first.
    states: Vec<(u32, Shows)>,
    /// By state: where its steps lead, and who takes each.
    steps: BTreeMap<u32, BTreeMap<u32, Name>>,
}

impl Map {
    /// A map of a graph.
    ///
    /// # Errors
    /// Says why the states make no map.
    pub(super) fn of<O>(graph: &Graph<O>, brief: Brief) -> Result<Map, String> {
        let all = Net::of(graph);
        let (states, dead) = (all.states.len(), all.states.iter().filter(|(_, shows)| shows.dead).count());
        // Of those that are one, the first is the nearest.
        let (depths, _) = all.ways();
        let net = if brief == Brief::Nothing { all } else { all.without(brief) };
        let (_, before) = net.ways();
        let shows: BTreeMap<u32, Shows> = net.states.iter().copied().collect();
        let mut into: BTreeMap<u32, usize> = BTreeMap::new();
        for to in net.steps.values().flat_map(BTreeMap::keys) {
            *into.entry(*to).or_default() += 1;
        }
        let lost = net.lost()?;
        let shown = |state: u32| {
            let turns = lost.contains(&state) && before.get(&state).is_some_and(|from| !lost.contains(from));
            let plain = net.steps[&state].len() == 1 && into.get(&state) == Some(&1);
            state == 1 || shows[&state].dead || turns || !plain
        };
        let drawn: Vec<u32> =
            net.states.iter().map(|(state, _)| *state).filter(|state| shown(*state)).collect();
        let numbers: BTreeMap<u32, usize> = drawn.iter().copied().zip(0..).collect();
        let mut way = BTreeSet::new();
        let nearest =
            net.states.iter().filter(|(_, shows)| shows.dead).min_by_key(|(state, _)| depths[state]);
        let mut at = nearest.map(|(state, _)| *state);
        while let Some((state, from)) = at.and_then(|state| Some((state, *before.get(&state)?))) {
            way.insert((from, state));
            at = Some(from);
        }
        let mut links: BTreeMap<(usize, usize), Link> = BTreeMap::new();
        for (state, number) in &numbers {
            for (first, mover) in &net.steps[state] {
                let (mut moves, mut end) = (vec![mover.role()], *first);
                while !numbers.contains_key(&end) {
                    let (on, mover) =
                        net.steps[&end].first_key_value().expect("what is not shown has a way on");
                    moves.push(mover.role());
                    end = *on;
                }
                let to = numbers[&end];
                let new = || Link { from: *number, to, moves: Vec::new(), on_way: false };
                let link = links.entry((*number, to)).or_insert_with(new);
                let counted = in_a_row(&moves);
                if !link.moves.contains(&counted) {
                    link.moves.push(counted);
                }
                link.on_way |= way.contains(&(*state, *first));
            }
        }
        let node = |state: &u32| Node {
            depth: depths[state],
            dead: shows[state].dead,
            lost: lost.contains(state),
            rest: shows[state].rest,
        };
        Ok(Map {
            nodes: drawn.iter().map(node).collect(),
            links: links.into_values().collect(),
            states,
            dead,
        })
    }
}

impl Net {
    fn of<O>(graph: &Graph<O>) -> Net {
        let mut net = Net { states: Vec::new(), steps: BTreeMap::new() };
        let mut open = VecDeque::from([1_u32]);
        while let Some(state) = open.pop_front() {
            if net.steps.contains_key(&state) {
                continue;
            }
            let mark = graph.mark(state);
            let dead = mark.dead;
            net.states.push((state, Shows { dead, rest: !dead && mark.outcome.is_some() }));
            let mut steps = BTreeMap::new();
            for step in graph.steps(state).iter().filter(|step| !dead && step.to != 0) {
                steps.entry(step.to).or_insert(graph.turns[step.turn as usize].task);
                open.push_back(step.to);
            }
            net.steps.insert(state, steps);
        }
        net
    }

    /// By state: how many steps lead there at least, and from which other state the last of them does.
    fn ways(&self) -> (BTreeMap<u32, usize>, BTreeMap<u32, u32>) {
        let mut depths = BTreeMap::from([(1_u32, 0_usize)]);
        let mut before = BTreeMap::new();
        let mut open = VecDeque::from([1_u32]);
        while let Some(state) = open.pop_front() {
            for to in self.steps[&state].keys() {
                if !depths.contains_key(to) {
                    depths.insert(*to, depths[&state] + 1);
                    before.insert(*to, state);
                    open.push_back(*to);
                }
            }
        }
        (depths, before)
    }

    /// The states from which each way leads to one where something hangs, and where nothing does yet.
    fn lost(&self) -> Result<BTreeSet<u32>, String> {
        let dead: BTreeSet<u32> =
            self.states.iter().filter(|(_, shows)| shows.dead).map(|(state, _)| *state).collect();
        let mut waits: BTreeMap<u32, usize> =
            self.steps.iter().map(|(state, next)| (*state, next.len())).collect();
        let mut from: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (state, to) in
            self.steps.iter().flat_map(|(state, next)| next.keys().map(move |to| (*state, *to)))
        {
            from.entry(to).or_default().push(state);
        }
        let mut open: Vec<u32> =
            waits.iter().filter(|(_, count)| **count == 0).map(|(state, _)| *state).collect();
        let (mut lost, mut done) = (BTreeSet::new(), 0);
        while let Some(state) = open.pop() {
            done += 1;
            let next = &self.steps[&state];
            if !next.is_empty() && next.keys().all(|to| dead.contains(to) || lost.contains(to)) {
                lost.insert(state);
            }
            for before in from.get(&state).into_iter().flatten() {
                let waits = waits.get_mut(before).expect("it is one of them");
                *waits -= 1;
                if *waits == 0 {
                    open.push(*before);
                }
            }
        }
        if done < self.states.len() {
            return Err(
                "some of its states go round, and a map only leads down; take a world that comes to rest"
                    .to_owned(),
            );
        }
        Ok(lost)
    }

    /// Without the steps that can come any time: whatever else is done first, they are still there and lead to the same. (Strong
    /// confluence: Groote and van de Pol, «State space reduction using partial tau-confluence», 2000.) What such a step leads from and to is
    /// one state then.
    fn without(&self, brief: Brief) -> Net {
        let shows: BTreeMap<u32, Shows> = self.states.iter().copied().collect();
        let mut quiet: BTreeSet<(u32, u32)> = BTreeSet::new();
        for (from, next) in &self.steps {
            let alike = |to: &u32| shows[from] == shows[to];
            quiet.extend(
                next.iter()
                    .filter(|(to, who)| (brief == Brief::All || who.number() > 0) && alike(to))
                    .map(|(to, _)| (*from, *to)),
            );
        }
        loop {
            let leads = |from: &u32, to: &u32| self.steps[from].contains_key(to);
            let holds = |(from, to): &(u32, u32)| {
                self.steps[from].keys().all(|other| {
                    let meets = |end: &u32| (end == to || leads(to, end)) && quiet.contains(&(*other, *end));
                    other == to || leads(to, other) || self.steps[other].keys().any(meets)
                })
            };
            let kept: BTreeSet<(u32, u32)> = quiet.iter().copied().filter(holds).collect();
            if kept == quiet {
                break;
            }
            quiet = kept;
        }
        // Each state goes by the name of the first of those that are one with it.
        let mut names: BTreeMap<u32, u32> = self.steps.keys().map(|state| (*state, *state)).collect();
        loop {
            let mut changed = false;
            for (from, to) in &quiet {
                let name = names[from].min(names[to]);
                changed |= names.insert(*from, name) != Some(name);
                changed |= names.insert(*to, name) != Some(name);
            }
            if !changed {
                break;
            }
        }
        let mut steps: BTreeMap<u32, BTreeMap<u32, Name>> = BTreeMap::new();
        for (from, next) in &self.steps {
            let own = steps.entry(names[from]).or_default();
            for (to, who) in next.iter().filter(|(to, _)| names[*to] != names[from]) {
                own.entry(names[to]).or_insert(*who);
            }
        }
        Net {
            states: self.states.iter().copied().filter(|(state, _)| names[state] == *state).collect(),
            steps,
        }
    }
}

fn in_a_row(movers: &[&'static str]) -> Vec<(&'static str, usize)> {
    movers.chunk_by(|a, b| a == b).map(|chunk| (chunk[0], chunk.len())).collect()
}

#[cfg(test)]
mod tests {
    use turnstile::hub::{Design, Version};

    use super::*;
    use crate::check::{Engine, check};
    use crate::engine::exhaustive::graph;
    use crate::limits::Limits;
    use crate::property::Property;
    use crate::scenario::{Peers, Scenario};

    fn world(design: Design, capacity: u32) -> Scenario {
        Scenario { design, version: Version::Main, capacity, peers: Peers::Stay, ..Scenario::default() }
    }

    fn map(scenario: &Scenario, brief: Brief) -> Map {
        Map::of(&graph(scenario, &Limits::default(), &()), brief).unwrap()
    }

    #[test]
    fn the_marked_way_is_as_long_as_the_shortest_counterexample() {
        let scenario = world(Design::SingleSelect, 0);
        let verdict =
            check(&scenario, Property::NoDeadlock, Engine::Exhaustive, &Limits::default(), &()).unwrap();
        let shortest = verdict.counterexample().expect("it hangs").schedule.len();
        let map = map(&scenario, Brief::Nothing);
        let steps = |link: &&Link| link.moves[0].iter().map(|(_, times)| times).sum::<usize>();
        assert_eq!(
            map.links.iter().filter(|link| link.on_way).map(|link| steps(&link)).sum::<usize>(),
            shortest
        );
        let dead = map.nodes.iter().filter(|node| node.dead).map(|node| node.depth).min();
        assert_eq!(dead, Some(shortest));
        assert!(map.nodes[0].lost, "who sends to itself on an unbuffered channel hangs whatever comes first");
    }

    #[test]
    fn what_is_left_out_changes_nothing_about_who_can_hang() {
        for scenario in [
            world(Design::SingleSelect, 0),
            world(Design::SingleSelect, 1),
            Scenario { logins: 3, ..world(Design::SingleSelect, 1) },
            world(Design::SplitLoops, 0),
            world(Design::Lanes, 0),
        ] {
            let all = map(&scenario, Brief::Nothing);
            for brief in [Brief::Numbered, Brief::All] {
                let map = map(&scenario, brief);
                assert!(map.nodes.len() < all.nodes.len(), "{scenario:?}");
                assert_eq!((map.states, map.dead), (all.states, all.dead));
                assert_eq!(map.nodes[0].lost, all.nodes[0].lost, "{scenario:?}");
                for is in [|node: &Node| node.dead, |node: &Node| node.rest] {
                    let nearest =
                        |map: &Map| map.nodes.iter().filter(|node| is(node)).map(|node| node.depth).min();
                    assert_eq!(nearest(&map), nearest(&all), "{scenario:?}");
                }
                let leads_on = |at: usize| map.links.iter().any(|link| link.from == at);
                let ends = (0..map.nodes.len()).filter(|at| !leads_on(*at));
                assert!(ends.into_iter().all(|at| map.nodes[at].dead || map.nodes[at].rest), "{scenario:?}");
            }
        }
    }
}
