//! Who waits for ever while others go on for ever: on a cycle of states that nothing leads out of.
//!
//! A set of states that all lead to one another, and to nothing else, is where a run ends up that never comes to rest
//! (Tarjan, «Depth-first search and linear graph algorithms», 1972). A task that waits in the same place in each of
//! them waits for ever.

use crate::player::Slot;

/// What is seen of a state.
pub(super) enum Seen {
    /// A step leads to this state.
    Next(u32),
    /// This task waits, in this local.
    Waits(Slot, u32),
}

const NEW: u32 = 0;
const DONE: u32 = u32::MAX;

/// The first state of such a set, and a task that waits in all of it. States are numbered from 1 to `count - 1`; `look` tells
/// what is seen of one.
pub(super) fn waiting(count: usize, mut look: impl FnMut(u32, &mut dyn FnMut(Seen))) -> Option<(u32, Slot)> {
    let mut order = vec![NEW; count];
    let mut lowest = vec![0u32; count];
    let mut leaves = vec![false; count];
    let mut circles = vec![false; count];
    let mut stack: Vec<u32> = Vec::new();
    let mut path: Vec<(u32, Vec<u32>)> = Vec::new();
    let mut clock = 0;
    let mut found: Option<(u32, Slot)> = None;
    for root in 1..count as u32 {
        let mut enter = Some(root).filter(|r| order[*r as usize] == NEW);
        loop {
            if let Some(state) = enter.take() {
                clock += 1;
                (order[state as usize], lowest[state as usize]) = (clock, clock);
                stack.push(state);
                let mut next = Vec::new();
                look(state, &mut |seen| {
                    if let Seen::Next(to) = seen {
                        circles[state as usize] |= to == state;
                        next.push(to);
                    }
                });
                path.push((state, next));
            }
            let Some((state, next)) = path.last_mut() else { break };
            let state = *state;
            match next.pop() {
                Some(to) if order[to as usize] == NEW => enter = Some(to),
                Some(to) if order[to as usize] == DONE => leaves[state as usize] = true,
                Some(to) => lowest[state as usize] = lowest[state as usize].min(order[to as usize]),
                None => {
                    path.pop();
                    let (low, leads_out) = (lowest[state as usize], leaves[state as usize]);
                    let is_root = low == order[state as usize];
                    if let Some((parent, _)) = path.last() {
                        let parent = *parent as usize;
                        lowest[parent] = lowest[parent].min(low);
                        leaves[parent] |= is_root || leads_out;
                    }
                    if is_root {
                        let at = stack.iter().rposition(|s| *s == state).expect("a root is on the stack");
                        let set = stack.split_off(at);
                        // A single state that nothing leads on from is at rest, and was judged as such.
                        if !leads_out && (set.len() > 1 || circles[state as usize]) {
                            let task = waits_throughout(&set, &mut look);
                            let first = set.iter().copied().min().expect("a set has a state");
                            found = task.map(|task| (first, task)).into_iter().chain(found).min();
                        }
                        set.iter().for_each(|s| order[*s as usize] = DONE);
                    }
                }
            }
        }
    }
    found
}

fn waits_throughout(set: &[u32], look: &mut impl FnMut(u32, &mut dyn FnMut(Seen))) -> Option<Slot> {
    let mut common: Option<Vec<(Slot, u32)>> = None;
    for state in set {
        let mut waits = Vec::new();
        look(*state, &mut |seen| {
            if let Seen::Waits(task, local) = seen {
                waits.push((task, local));
            }
        });
        common = Some(match common {
            None => waits,
            Some(common) => common.into_iter().filter(|w| waits.contains(w)).collect(),
        });
    }
    common?.first().map(|(task, _)| *task)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph by its edges, and who waits where.
    fn ask(edges: &[(u32, u32)], waits: &[(u32, Slot)]) -> Option<(u32, Slot)> {
        waiting(6, |state, visit| {
            edges.iter().filter(|(from, _)| *from == state).for_each(|(_, to)| visit(Seen::Next(*to)));
            waits.iter().filter(|(at, _)| *at == state).for_each(|(_, task)| visit(Seen::Waits(*task, 7)));
        })
    }

    #[test]
    fn who_waits_all_the_way_round_waits_for_ever() {
        assert_eq!(ask(&[(1, 2), (2, 3), (3, 4), (4, 2)], &[(2, 9), (3, 9), (4, 9)]), Some((2, 9)));
    }

    #[test]
    fn who_waits_while_another_marks_time_waits_for_ever() {
        assert_eq!(ask(&[(1, 2), (2, 2)], &[(2, 9)]), Some((2, 9)));
        assert_eq!(ask(&[(1, 2)], &[(2, 9)]), None, "at rest it is somebody else's to judge");
    }

    #[test]
    fn who_waits_on_a_cycle_that_has_a_way_out_does_not() {
        assert_eq!(ask(&[(1, 2), (2, 3), (3, 2), (3, 4)], &[(2, 9), (3, 9)]), None);
    }

    #[test]
    fn who_waits_only_part_of_the_way_does_not() {
        assert_eq!(ask(&[(1, 2), (2, 3), (3, 4), (4, 2)], &[(2, 9), (3, 9)]), None);
    }

    #[test]
    fn the_way_out_may_be_behind_an_inner_cycle() {
        assert_eq!(ask(&[(1, 2), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5)], &[(2, 9), (3, 9), (4, 9)]), None);
    }
}
