//! Choices, fixed for a whole loom run.
//!
//! A *question* is: which of `among`, at a task's `nth` choice. A script answers some questions, and all others with 0.
//! A run of a script notes which questions it was asked beyond those it answers, over all its interleavings.
//!
//! Every execution is covered. Take any, and what it picks at each question it asks; no question comes twice in it, since
//! a task's choices are counted. Start at the empty script. If its run, which is of all interleavings, contains the
//! execution, done. Else the two part at some question that the script does not answer and where the execution picks
//! another than 0; up to there they are the same, so the run has asked that question. Its [`others`](Script::others) are,
//! in some order of the questions asked, one script for each question and each answer but 0, with 0 for the questions
//! before it. One of them agrees with the execution on each question that both know: take the first question, in that
//! order, that the execution answers with another than 0, and that answer. It answers more questions than before, and
//! there are finitely many. And nothing is run twice: two scripts among these answer some question differently, unless
//! no execution asks it.
//!
//! A choice among three and one among two are two questions even if they are the same task's first choice, in two
//! interleavings. So each question has a fixed number of answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use turnstile::Name;

/// A question: which of how many, at which choice of which task.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Ask {
    pub(super) task: Name,
    pub(super) nth: usize,
    pub(super) among: usize,
}

/// Answers.
#[derive(Clone, Default, Debug)]
pub(super) struct Script(BTreeMap<Ask, usize>);

/// The questions that a run asked and its script did not answer.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<BTreeSet<Ask>>>);

impl Script {
    /// The answer; 0 where the script does not say.
    pub(super) fn answer(&self, ask: Ask, asked: &Asked) -> usize {
        self.0.get(&ask).copied().unwrap_or_else(|| {
            asked.0.lock().unwrap_or_else(PoisonError::into_inner).insert(ask);
            0
        })
    }

    /// The scripts that, with this one, cover what the questions asked could lead to.
    pub(super) fn others(&self, asked: &[Ask]) -> Vec<Script> {
        let mut so_far = self.clone();
        let mut others = Vec::new();
        for ask in asked {
            for answer in 1..ask.among {
                let mut other = so_far.clone();
                other.0.insert(*ask, answer);
                others.push(other);
            }
            so_far.0.insert(*ask, 0);
        }
        others
    }
}

impl Asked {
    /// The questions, in order.
    pub(super) fn take(&self) -> Vec<Ask> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}
