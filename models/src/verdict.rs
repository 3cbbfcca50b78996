//! What a check came to.

use serde::Serialize;
use turnstile::trace::Trace;
use turnstile::waits::{Knot, WaitGraph};

use crate::check::Engine;
use crate::engine::Effort;
use crate::property::Property;
use crate::scenario::Scenario;
use crate::schedule::Schedule;

/// What was asked, and how much was searched.
#[derive(Clone, Debug)]
pub struct Search {
    /// The world.
    pub scenario: Scenario,
    /// The claim.
    pub property: Property,
    /// Who searched.
    pub engine: Engine,
    /// How much was seen.
    pub effort: Effort,
    /// True if of states that differ only in who is who, one stood for all.
    pub symmetry: bool,
    /// What was left out on purpose; `None` if nothing was.
    pub bound: Option<String>,
}

/// What a check came to.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Every interleaving and every choice was covered, within the search's bound if it has one; none breaks the claim.
    Holds(Search),
    /// One breaks the claim.
    Fails(Search, Box<Counterexample>),
    /// None that was seen breaks it, and this stopped the search.
    Unknown(Search, String),
}

impl Verdict {
    /// What was asked.
    pub fn search(&self) -> &Search {
        match self {
            Verdict::Holds(search) | Verdict::Fails(search, _) | Verdict::Unknown(search, _) => search,
        }
    }

    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Holds(_) => "holds",
            Verdict::Fails(..) => "fails",
            Verdict::Unknown(..) => "unknown",
        }
    }

    /// True only if nothing was left out of the search.
    pub fn complete(&self) -> bool {
        matches!(self, Verdict::Holds(search) if search.bound.is_none())
    }

    /// The counterexample, if there is one.
    pub fn counterexample(&self) -> Option<&Counterexample> {
        match self {
            Verdict::Fails(_, counterexample) => Some(counterexample),
            _ => None,
        }
    }
}

/// A schedule that breaks a claim, and what happens in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Counterexample {
    /// The world; it may be a smaller one than was asked about.
    #[serde(skip)]
    pub scenario: Scenario,
    /// The claim.
    pub property: Property,
    /// Who goes when.
    #[serde(skip)]
    pub schedule: Schedule,
    /// What happens.
    pub trace: Trace,
    /// Who waits for whom at its end.
    pub graph: WaitGraph,
    /// Who is stuck.
    pub knot: Option<Knot>,
    /// What is wrong, in a sentence.
    pub broken: String,
    /// True if no shorter schedule breaks the claim in a step or at rest: proven by the order of the search.
    pub shortest: bool,
    /// Where what breaks the claim goes on for ever: after so many steps, the rest of the schedule goes round, back to the same
    /// state; and so again and again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasso: Option<usize>,
    /// To be given to `lab replay`.
    pub key: String,
}
