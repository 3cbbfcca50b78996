//! What a check came to.

use serde::Serialize;
use turnstile::trace::Trace;
use turnstile::waits::{Knot, WaitGraph};

use crate::check::Engine;
use crate::engine::Effort;
use crate::property::Property;
use crate::scenario::Scenario;
use crate::schedule::Schedule;

/// What was asked of a hub, and how much was searched.
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

/// What a check came to: for a model of your own a `Verdict<Searched, Failure>`.
#[derive(Clone, Debug)]
pub enum Verdict<S = Search, F = Counterexample> {
    /// Every interleaving and every choice was covered, within the search's bound if it has one; none breaks a claim.
    Holds(S),
    /// One breaks a claim.
    Fails(S, Box<F>),
    /// None that was seen breaks one, and this stopped the search.
    Unknown(S, String),
}

impl<S, F> Verdict<S, F> {
    /// What was asked, and how much was searched.
    pub fn search(&self) -> &S {
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

    /// The counterexample, if there is one.
    pub fn counterexample(&self) -> Option<&F> {
        match self {
            Verdict::Fails(_, counterexample) => Some(counterexample),
            _ => None,
        }
    }
}

impl Verdict {
    /// True only if nothing was left out of the search.
    pub fn complete(&self) -> bool {
        matches!(self, Verdict::Holds(search) if search.bound.is_none())
    }
}

/// A schedule that breaks a property of a hub, and what happens in it.
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

impl Counterexample {
    pub(crate) fn new(
        scenario: Scenario,
        property: Property,
        failure: Failure,
        key: String,
    ) -> Counterexample {
        let Failure { claim: _, schedule, trace, graph, knot, broken, shortest, lasso } = failure;
        Counterexample { scenario, property, schedule, trace, graph, knot, broken, shortest, lasso, key }
    }
}

/// How much was searched of a model of your own.
#[derive(Clone, Debug)]
pub struct Searched {
    /// What the model is called.
    pub model: String,
    /// Who searched.
    pub engine: Engine,
    /// How much was seen.
    pub effort: Effort,
    /// What was left out on purpose; `None` if nothing was.
    pub bound: Option<String>,
}

/// A schedule that breaks a claim about a model of your own, and what happens in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Failure {
    /// What was claimed, in words.
    pub claim: String,
    /// Who goes when.
    #[serde(skip)]
    pub schedule: Schedule,
    /// What happens. Empty where it cannot be played: loom and tokio also interleave within steps.
    pub trace: Trace,
    /// Who waits for whom at its end.
    pub graph: WaitGraph,
    /// Who is stuck, if anybody is.
    pub knot: Option<Knot>,
    /// What is wrong, in a sentence.
    pub broken: String,
    /// True if no shorter schedule breaks a claim in a step or at rest: proven by the order of the search.
    pub shortest: bool,
    /// Where what breaks the claim goes on for ever: after so many steps, the rest of the schedule goes round, back to the same
    /// state; and so again and again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasso: Option<usize>,
}
