//! A schedule: who goes next, and which way at each choice. An input; it can be replayed.

use serde::Serialize;
use turnstile::Name;

/// One step to take: by whom, and what to pick at each of its choices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Turn {
    /// Whose turn it is.
    pub task: Name,
    /// What is picked, in the order of the step's choices; 0 where nothing is said.
    pub picks: Vec<u8>,
}

/// The turns of a run, in order.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Schedule {
    /// The turns.
    pub turns: Vec<Turn>,
}

impl Schedule {
    /// How many steps it has.
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// True if it has no step.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// How often a step is by another task than the step before it.
    pub fn switches(&self) -> usize {
        self.turns.windows(2).filter(|w| w[0].task != w[1].task).count()
    }
}
