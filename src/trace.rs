//! What happened, step by step.

use serde::Serialize;

use crate::name::Name;
use crate::waits::Edge;

/// What became of a task after its step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum After {
    /// It can go on.
    Goes,
    /// It waits.
    Waits(Edge),
    /// It ended.
    Ends,
}

/// One step of one task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Step {
    /// Who took it.
    pub task: Name,
    /// What it did, in words.
    pub what: String,
    /// What became of the task.
    pub after: After,
    /// Whose waits it ended.
    pub wakes: Vec<Name>,
}

/// An interleaving: the steps in the order in which they happened.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Trace {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Trace {
    /// The tasks that take a step, in the order of their first one.
    pub fn tasks(&self) -> Vec<Name> {
        let mut tasks = Vec::new();
        for step in &self.steps {
            if !tasks.contains(&step.task) {
                tasks.push(step.task);
            }
        }
        tasks
    }

    /// Why the step at `index` is by another task than the one before: `None` if it is by the same one.
    ///
    /// ```
    /// use turnstile::{Name, trace::{After, Step, Trace}};
    /// let step = |task, after| Step { task, what: String::new(), after, wakes: vec![] };
    /// let (a, b) = (Name::one("a"), Name::one("b"));
    /// let trace = Trace { steps: vec![step(a, After::Ends), step(b, After::Goes), step(b, After::Goes)] };
    /// assert_eq!(trace.switch(1).as_deref(), Some("a has ended"));
    /// assert_eq!(trace.switch(2), None);
    /// ```
    pub fn switch(&self, index: usize) -> Option<String> {
        let before = self.steps.get(index.checked_sub(1)?)?;
        let now = self.steps.get(index)?;
        (before.task != now.task).then(|| match &before.after {
            After::Goes => format!("{} could go on, {} goes first", before.task, now.task),
            After::Waits(edge) => format!("{} waits {}", before.task, edge.waits_for()),
            After::Ends => format!("{} has ended", before.task),
        })
    }
}
