//! What all pictures say, in the same words.

use std::collections::{BTreeMap, BTreeSet};

use super::Story;
use crate::name::Name;
use crate::waits::{Edge, Knot, WaitGraph};

/// How many names are listed before «and so many more».
const NAMES: usize = 4;
/// How many groups of waiting tasks are listed.
const GROUPS: usize = 6;
/// How many waits of a cycle are listed.
const CYCLE: usize = 12;

/// «waits to send on unregister (1/1 full)»: without who could help.
pub(super) fn waits(edge: &Edge) -> String {
    let alone = Edge { helpers: None, ..edge.clone() };
    match alone.why() {
        why if why.is_empty() => format!("waits {}", edge.waits_for()),
        why => format!("waits {} ({why})", edge.waits_for()),
    }
}

/// «a, b, c and 7 more».
pub(super) fn names(names: &[Name]) -> String {
    let shown = if names.len() == NAMES + 1 { names.len() } else { names.len().min(NAMES) };
    let list = names[..shown].iter().map(Name::to_string).collect::<Vec<_>>().join(", ");
    match names.len() - shown {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

/// True if each task of the cycle waits for the next one, and the last for the first.
pub(super) fn closes(knot: &Knot) -> bool {
    let next = knot.cycle.iter().cycle().skip(1);
    knot.cycle.iter().zip(next).all(|(edge, next)| edge.helpers.iter().flatten().any(|h| *h == next.task))
}

/// One sentence for the knot, or else the story's ending.
pub(super) fn ending(story: &Story<'_>) -> String {
    story.knot.map_or_else(|| story.ending.to_owned(), knot)
}

/// One sentence for the knot.
pub(super) fn knot(knot: &Knot) -> String {
    match (closes(knot), knot.cycle.as_slice()) {
        (true, [one]) => format!("Deadlock: {} waits for itself", one.task),
        (true, [a, b]) => format!("Deadlock: {} and {} wait for each other", a.task, b.task),
        (true, all) => format!("Deadlock: {} tasks wait in a circle", all.len()),
        (false, [one]) => format!("Stuck: {} waits for what will never come", one.task),
        (false, all) => format!("Stuck: {} tasks wait for what will never come", all.len()),
    }
}

/// The waits of the cycle, one sentence each.
pub(super) fn cycle(knot: &Knot) -> Vec<String> {
    let all = &knot.cycle;
    if all.len() <= CYCLE {
        return all.iter().map(Edge::to_string).collect();
    }
    let (head, last) = (&all[..CYCLE - 2], &all[all.len() - 1]);
    let gap = format!("… {} more waits …", all.len() - head.len() - 1);
    head.iter().map(Edge::to_string).chain([gap, last.to_string()]).collect()
}

/// Above the waits behind the cycle.
pub(super) fn collateral(knot: &Knot) -> String {
    match knot.collateral.len() {
        1 => "Collateral: 1 task waits behind it".to_owned(),
        n => format!("Collateral: {n} tasks wait behind it"),
    }
}

/// What the tasks do that are not stuck, one sentence each.
pub(super) fn others(story: &Story<'_>) -> Vec<String> {
    let Some(WaitGraph { edges, running }) = story.graph else { return Vec::new() };
    let stuck: BTreeSet<Name> =
        story.knot.iter().flat_map(|k| k.cycle.iter().chain(&k.collateral)).map(|e| e.task).collect();
    let able: Vec<Name> = running.iter().copied().filter(|t| !stuck.contains(t)).collect();
    let goes = (!able.is_empty()).then(|| format!("{} can go on", names(&able)));
    let waiting = groups(edges.iter().filter(|e| !stuck.contains(&e.task)));
    goes.into_iter().chain(sentences(&waiting)).collect()
}

/// Tasks that wait for the same.
pub(super) struct Group<'a> {
    /// The wait of the first of them.
    pub(super) edge: &'a Edge,
    /// All of them.
    pub(super) tasks: Vec<Name>,
    rest: String,
}

/// The waits, together where all is the same but the task: the largest group first.
pub(super) fn groups<'a>(edges: impl IntoIterator<Item = &'a Edge>) -> Vec<Group<'a>> {
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for edge in edges {
        let said = edge.to_string();
        let rest = said.strip_prefix(&format!("{} waits", edge.task)).unwrap_or(&said).to_owned();
        match at.get(&rest) {
            Some(index) => groups[*index].tasks.push(edge.task),
            None => {
                at.insert(rest.clone(), groups.len());
                groups.push(Group { edge, tasks: vec![edge.task], rest });
            }
        }
    }
    groups.sort_by_key(|g| std::cmp::Reverse(g.tasks.len()));
    groups
}

/// One sentence for each group, up to a bound.
pub(super) fn sentences(groups: &[Group<'_>]) -> Vec<String> {
    let shown = if groups.len() == GROUPS + 1 { groups.len() } else { groups.len().min(GROUPS) };
    let said = groups[..shown].iter().map(|group| match group.tasks.as_slice() {
        [one] => format!("{one} waits{}", group.rest),
        many => format!("{} tasks wait{}: {}", many.len(), group.rest, names(many)),
    });
    let left: usize = groups[shown..].iter().map(|g| g.tasks.len()).sum();
    let more = (left > 0).then(|| format!("and {left} more, for {} other things", groups.len() - shown));
    said.chain(more).collect()
}
