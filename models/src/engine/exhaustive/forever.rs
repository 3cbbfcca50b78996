//! Where a run ends up that never comes to rest: in a set of states that all lead to one another, and to nothing else
//! (Tarjan, «Depth-first search and linear graph algorithms», 1972).

use std::ops::ControlFlow;

use super::search::Ended;

/// Stands for whatever ends a run: not a state that leads to others.
pub(super) const END: u32 = 0;

const NEW: u32 = 0;
const DONE: u32 = u32::MAX;

/// All such sets, in the order of their first states; what is at rest is none. States are numbered from 1 to `count - 1`;
/// `look` tells where steps lead from one.
pub(super) fn recurring(
    count: usize,
    mut look: impl FnMut(u32, &mut Vec<u32>) -> ControlFlow<Ended>,
) -> ControlFlow<Ended, Vec<Vec<u32>>> {
    let mut order = vec![NEW; count];
    order[END as usize] = DONE;
    let mut lowest = vec![0u32; count];
    let mut leaves = vec![false; count];
    let mut circles = vec![false; count];
    let mut stack: Vec<u32> = Vec::new();
    let mut path: Vec<(u32, Vec<u32>)> = Vec::new();
    let mut clock = 0;
    let mut found: Vec<Vec<u32>> = Vec::new();
    for root in 1..count as u32 {
        let mut enter = Some(root).filter(|r| order[*r as usize] == NEW);
        loop {
            if let Some(state) = enter.take() {
                clock += 1;
                (order[state as usize], lowest[state as usize]) = (clock, clock);
                stack.push(state);
                let mut next = Vec::new();
                look(state, &mut next)?;
                circles[state as usize] = next.contains(&state);
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
                        let mut set = stack.split_off(at);
                        set.iter().for_each(|s| order[*s as usize] = DONE);
                        // A single state that nothing leads on from is at rest, and was judged as such.
                        if !leads_out && (set.len() > 1 || circles[state as usize]) {
                            set.sort_unstable();
                            found.push(set);
                        }
                    }
                }
            }
        }
    }
    found.sort_unstable();
    ControlFlow::Continue(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A graph by its edges.
    fn ask(edges: &[(u32, u32)]) -> Vec<Vec<u32>> {
        let sets = recurring(7, |state, next| {
            next.extend(edges.iter().filter(|(from, _)| *from == state).map(|(_, to)| *to));
            ControlFlow::Continue(())
        });
        match sets {
            ControlFlow::Continue(sets) => sets,
            ControlFlow::Break(_) => unreachable!("nothing stops it"),
        }
    }

    #[test]
    fn a_cycle_that_nothing_leads_out_of_goes_on_for_ever() {
        assert_eq!(ask(&[(1, 2), (2, 3), (3, 4), (4, 2)]), [[2, 3, 4]]);
        assert_eq!(ask(&[(1, 2), (2, 2)]), [[2]]);
        assert_eq!(ask(&[(1, 5), (5, 1), (3, 6), (6, 4), (4, 3), (2, 3)]), [vec![1, 5], vec![3, 4, 6]]);
    }

    #[test]
    fn what_is_at_rest_does_not() {
        assert_eq!(ask(&[(1, 2)]), [[0; 0]; 0]);
    }

    #[test]
    fn a_cycle_that_has_a_way_out_does_not() {
        assert_eq!(ask(&[(1, 2), (2, 3), (3, 2), (3, 4)]), [[0; 0]; 0]);
        assert_eq!(ask(&[(1, 2), (2, 3), (3, 2), (3, END)]), [[0; 0]; 0]);
        assert_eq!(ask(&[(1, 2), (2, 2), (2, 3), (3, 4), (4, 3)]), [[3, 4]]);
    }

    #[test]
    fn the_way_out_may_be_behind_an_inner_cycle() {
        assert_eq!(ask(&[(1, 2), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5)]), [[0; 0]; 0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        /// Against the definition: from every state that can be reached from one of them, it can be reached.
        #[test]
        fn what_recurs_can_be_come_back_to_from_wherever_it_leads(
            edges in prop::collection::vec((1..7_u32, 0..7_u32), 0..14),
        ) {
            let mut reach = vec![[false; 7]; 7];
            edges.iter().for_each(|(from, to)| reach[*from as usize][*to as usize] = true);
            for by in 0..7 {
                for from in 0..7 {
                    for to in 0..7 {
                        reach[from][to] |= reach[from][by] && reach[by][to];
                    }
                }
            }
            let recurs = |state: &u32| {
                let at = *state as usize;
                reach[at][at] && (0..7).all(|to| !reach[at][to] || reach[to][at])
            };
            let sets = ask(&edges);
            let mut states = sets.concat();
            states.sort_unstable();
            prop_assert_eq!(states, (1..7).filter(recurs).collect::<Vec<u32>>());
            for set in sets {
                prop_assert!(set.iter().all(|to| reach[set[0] as usize][*to as usize]));
            }
        }
    }
}
