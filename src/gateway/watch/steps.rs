//! The last steps of tasks.

use std::collections::{BTreeMap, VecDeque};

use crate::name::Name;

/// How many steps of a task are kept.
const KEPT: usize = 16;
/// Steps of so many tasks are kept, whether they wait or not.
const TASKS: usize = 64;

/// What tasks did, newest last.
#[derive(Default)]
pub(super) struct Steps(BTreeMap<Name, VecDeque<String>>);

impl Steps {
    pub(super) fn add(&mut self, who: Name, what: String) {
        let steps = self.0.entry(who).or_default();
        if steps.len() == KEPT {
            steps.pop_front();
        }
        steps.push_back(what);
    }

    pub(super) fn of(&self, who: Name) -> Vec<String> {
        self.0.get(&who).into_iter().flatten().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Forgets those whose steps need not be kept, if there are too many.
    pub(super) fn prune(&mut self, keeps: impl Fn(Name) -> bool) {
        if self.0.len() > TASKS {
            self.0.retain(|who, _| keeps(*who));
        }
    }
}
