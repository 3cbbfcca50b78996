//! How each task stands after each step: the lifelines of a picture.

use std::collections::{BTreeMap, BTreeSet};

use super::Story;
use crate::name::Name;
use crate::trace::After;
use crate::waits::Edge;

/// How a task stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    /// It has not yet been seen.
    Before,
    /// It can go on.
    Goes,
    /// It waits.
    Waits,
    /// It waits, and nothing will ever end that.
    Stuck,
    /// It has ended.
    Ended,
}

/// The lives of a story's tasks.
pub(super) struct Lives<'a> {
    story: Story<'a>,
    /// Who is stuck at the end, on what, and since which step.
    stuck: BTreeMap<Name, (&'a Edge, usize)>,
    now: BTreeMap<Name, Life>,
    /// The next step to be lived.
    next: usize,
}

impl<'a> Lives<'a> {
    pub(super) fn new(story: &Story<'a>) -> Lives<'a> {
        let edges = story.knot.into_iter().flat_map(|k| k.cycle.iter().chain(&k.collateral));
        let mut stuck: BTreeMap<Name, (&Edge, usize)> = edges.map(|e| (e.task, (e, usize::MAX))).collect();
        // Whoever is stuck has neither moved nor been woken since.
        for (index, step) in story.trace.steps.iter().enumerate() {
            for task in step.wakes.iter().chain([&step.task]) {
                if let Some((_, since)) = stuck.get_mut(task) {
                    *since = index;
                }
            }
        }
        Lives { story: *story, stuck, now: BTreeMap::new(), next: 0 }
    }

    /// Lives through the steps up to and with the one at `index`.
    pub(super) fn live_to(&mut self, index: usize) {
        for (at, step) in self.story.trace.steps.iter().enumerate().take(index + 1).skip(self.next) {
            let now = match step.after {
                After::Goes => Life::Goes,
                After::Waits(_) => Life::Waits,
                After::Ends => Life::Ended,
            };
            self.now.insert(step.task, now);
            for woken in &step.wakes {
                self.now.insert(*woken, Life::Goes);
            }
            let moved: BTreeSet<Name> = step.wakes.iter().copied().chain([step.task]).collect();
            for task in moved {
                if self.stuck.get(&task).is_some_and(|(_, since)| *since == at) {
                    self.now.insert(task, Life::Stuck);
                }
            }
        }
        self.next = self.next.max(index + 1);
    }

    /// How a task stands now.
    pub(super) fn of(&self, task: Name) -> Life {
        self.now.get(&task).copied().unwrap_or(Life::Before)
    }

    /// True if the wait that begins with the step at `index` never ends.
    pub(super) fn for_ever(&self, index: usize, wait: &Edge) -> bool {
        self.stuck
            .get(&wait.task)
            .is_some_and(|(edge, since)| *since == index && (edge.kind, edge.on) == (wait.kind, wait.on))
    }
}
