//! A schedule: who goes next, and which way at each choice. An input; it can be replayed.

use serde::Serialize;
use turnstile::Name;

/// What is picked at a choice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum Pick {
    /// The option at this index, from 0.
    Index(u32),
    /// The option whose name has this number.
    Named(u32),
}

impl Pick {
    /// True for what is picked where nothing is said.
    pub fn is_first(self) -> bool {
        matches!(self, Pick::Index(0) | Pick::Named(0))
    }

    /// In one number.
    pub(crate) fn code(self) -> u32 {
        match self {
            Pick::Index(index) => index << 1,
            Pick::Named(number) => number << 1 | 1,
        }
    }

    /// From [`code`](Pick::code).
    pub(crate) fn decode(code: u32) -> Pick {
        if code & 1 == 0 { Pick::Index(code >> 1) } else { Pick::Named(code >> 1) }
    }
}

/// One step to take: by whom, and what to pick at each of its choices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Turn {
    /// Whose turn it is.
    pub task: Name,
    /// What is picked, in the order of the step's choices; the first of what there is where nothing is said.
    pub picks: Vec<Pick>,
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
