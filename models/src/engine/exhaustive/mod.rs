//! Every interleaving and every choice of a small world, breadth first.
//!
//! The engine runs the core itself, one step at a time, on the player. A state is, for each task, what
//! it has observed since it was at rest and how it stands, and, for each cell, its content. What a step does is a
//! function of that; so each distinct step is run once and then remembered (`memo.rs`), and all but a few of the
//! transitions are looked up. A sample of those is run again for real, and must come out the same.
//!
//! The search is breadth first, so the first counterexample is a shortest one. States are stored exactly (`store.rs`),
//! cell contents and histories by 128-bit hashes.

mod claims;
mod cycles;
mod forever;
mod graph;
mod memo;
mod real;
mod round;
mod search;
mod store;
mod symmetry;

use std::collections::BTreeSet;

pub use graph::{Graph, Incident, Mark, Step, graph};
pub(crate) use search::first;
pub use search::{Survey, explore, survey};

use super::{Ending, Quest, Report};
use crate::limits::Limits;
use crate::model::Model;

/// All that can be seen of a model at rest, over all its interleavings.
pub fn outcomes<M: Model>(model: &M, limits: &Limits) -> (BTreeSet<Ending<M::Outcome>>, Report) {
    let mut seen = BTreeSet::new();
    // Each outcome is wanted, also those that differ only in who is who.
    let limits = &Limits { symmetry: false, ..limits.clone() };
    let report = explore(model, Quest::Outcomes, limits, &(), &mut |ending| {
        seen.insert(ending);
        false
    });
    (seen, report)
}
