//! The claims that one search is about: each is open until something breaks it.

use std::ops::ControlFlow;

use super::search::Ended;
use crate::engine::{Ending, Finding, Quest};

/// Who is asked whether an ending breaks a claim, by the claim's number.
pub(super) type Visit<'a, O> = &'a mut dyn FnMut(usize, &Ending<O>) -> bool;

/// The claims, and what was first found to break each.
pub(super) struct Claims<'a, O> {
    quests: &'a [Quest],
    found: Vec<Option<Finding>>,
    visit: Visit<'a, O>,
    until: Until,
}

/// When a search has its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Until {
    /// Once one claim is broken.
    One,
    /// Once each is.
    All,
}

impl<'a, O> Claims<'a, O> {
    pub(super) fn new(quests: &'a [Quest], until: Until, visit: Visit<'a, O>) -> Self {
        Claims { quests, found: vec![None; quests.len()], visit, until }
    }

    /// What was found, by claim.
    pub(super) fn found(self) -> Vec<Option<Finding>> {
        self.found
    }

    /// True if some claim is open that has to do with what `concerns` says.
    pub(super) fn ask(&self, concerns: impl Fn(Quest) -> bool) -> bool {
        self.open(concerns).next().is_some()
    }

    fn open(&self, concerns: impl Fn(Quest) -> bool) -> impl Iterator<Item = usize> {
        let claims = self.quests.iter().zip(&self.found).enumerate();
        claims.filter(move |(_, (quest, found))| found.is_none() && concerns(**quest)).map(|(claim, _)| claim)
    }

    /// Tells an ending to the visitor, for each open claim that it concerns; says which are broken.
    pub(super) fn tell(&mut self, concerns: impl Fn(Quest) -> bool, ending: &Ending<O>) -> Vec<usize> {
        let open: Vec<usize> = self.open(concerns).collect();
        open.into_iter().filter(|claim| (self.visit)(*claim, ending)).collect()
    }

    /// These claims are broken: by this. The search may be over then.
    pub(super) fn close(&mut self, broken: Vec<usize>, finding: &Finding) -> ControlFlow<Ended> {
        for claim in broken {
            self.found[claim] = Some(finding.clone());
        }
        let answered = match self.until {
            Until::One => self.found.iter().any(Option::is_some),
            Until::All => self.found.iter().all(Option::is_some),
        };
        if answered {
            return ControlFlow::Break(Ended::Answered);
        }
        ControlFlow::Continue(())
    }
}
