//! Whether the state graph can have a cycle at all, told from what the steps do rather than from the states.
//!
//! A cycle of states is a cycle, or a standstill, of each task's local and of each cell's content. So a step that moves
//! some local or some content to where nothing leads back from lies on no cycle; and without that step, others may turn
//! out to lie on none. If that takes away every step, the graph has no cycle: then nobody goes on for ever, and who waits
//! for ever is still waiting when the world is at rest.

use hashbrown::HashMap;

use crate::player::Slot;

/// What one known step moves: each slot, from which number to which.
pub(super) type Moves = Vec<(Slot, u32, u32)>;

/// True if no cycle of states can be made of these steps.
pub(super) fn impossible(steps: &[Moves]) -> bool {
    let mut alive: Vec<&Moves> = steps.iter().collect();
    loop {
        let mut by_slot: HashMap<Slot, Vec<(u32, u32)>> = HashMap::new();
        for (slot, from, to) in alive.iter().copied().flatten() {
            by_slot.entry(*slot).or_default().push((*from, *to));
        }
        let component: HashMap<Slot, HashMap<u32, u32>> =
            by_slot.into_iter().map(|(slot, edges)| (slot, components(&edges))).collect();
        let before = alive.len();
        alive.retain(|moves| moves.iter().all(|(slot, from, to)| component[slot][from] == component[slot][to]));
        if alive.len() == before {
            return alive.is_empty();
        }
    }
}

/// The strongly connected component of each node, by Kosaraju's algorithm.
fn components(edges: &[(u32, u32)]) -> HashMap<u32, u32> {
    let mut out: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut back: HashMap<u32, Vec<u32>> = HashMap::new();
    for (from, to) in edges {
        out.entry(*from).or_default().push(*to);
        back.entry(*to).or_default().push(*from);
        out.entry(*to).or_default();
    }
    let mut finished = Vec::new();
    let mut seen: HashMap<u32, usize> = HashMap::new();
    for node in out.keys() {
        let mut path = vec![*node];
        while let Some(node) = path.last().copied() {
            let at = seen.entry(node).or_insert(0);
            match out[&node].get(*at) {
                Some(next) => {
                    *at += 1;
                    if !seen.contains_key(next) {
                        path.push(*next);
                    }
                }
                None => {
                    path.pop();
                    if *at != usize::MAX {
                        *at = usize::MAX;
                        finished.push(node);
                    }
                }
            }
        }
    }
    let mut component: HashMap<u32, u32> = HashMap::new();
    for root in finished.into_iter().rev() {
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            if component.contains_key(&node) {
                continue;
            }
            component.insert(node, root);
            open.extend(back.get(&node).into_iter().flatten());
        }
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_only_takes_from_a_finite_queue_ends() {
        // Task 0 goes 1 -> 2 -> 1 and takes from queue 9: 3 -> 2 -> 1 -> 0.
        let steps = [vec![(0, 1, 2), (9, 3, 2)], vec![(0, 2, 1)], vec![(0, 1, 2), (9, 2, 1)], vec![(0, 1, 2), (9, 1, 0)]];
        assert!(impossible(&steps));
    }

    #[test]
    fn a_loop_that_is_fed_by_another_may_go_on() {
        let steps = [vec![(0, 1, 1), (9, 1, 0)], vec![(1, 1, 1), (9, 0, 1)]];
        assert!(!impossible(&steps));
    }

    #[test]
    fn a_loop_that_is_fed_by_a_task_that_ends_ends() {
        let steps = [vec![(0, 1, 1), (9, 1, 0)], vec![(1, 1, 2), (9, 0, 1)]];
        assert!(impossible(&steps));
    }

    #[test]
    fn a_loop_that_moves_nothing_else_goes_on_for_ever() {
        assert!(!impossible(&[vec![(0, 1, 2)], vec![(0, 2, 1)]]));
        assert!(!impossible(&[vec![(0, 1, 1)]]));
    }
}
