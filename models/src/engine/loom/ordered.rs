//! Which memory cells loom must order.
//!
//! Accesses that cannot influence each other need no order, and loom, which takes every two accesses to one lock for a
//! conflict, runs many times fewer executions without them. A cell that is never written is one; a cell that is written
//! but never observed is another, where only waits are asked about.
//!
//! Which cells are such is learned from the executions: a run of loom that finds out that a cell it left out matters is
//! begun again, with that cell ordered. In a run that found nothing of the kind none was left out wrongly: the first
//! access that made a cell matter would follow a beginning of an execution in which none does, and the run has one for
//! each such beginning.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use turnstile::Name;

use crate::engine::Quest;

/// What is known of the memory cells of a model.
pub(super) struct Ordered {
    quest: Quest,
    /// What is known so far.
    uses: Mutex<BTreeMap<Name, Use>>,
    /// What was known when the run began. loom's executions must not change their ways in the midst of a run.
    frozen: Mutex<BTreeMap<Name, Use>>,
    outdated: AtomicBool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Use {
    written: bool,
    observed: bool,
}

impl Use {
    fn matters(self, quest: Quest) -> bool {
        self.written && (self.observed || quest.looks())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ordered {
    pub(super) fn new(quest: Quest) -> Ordered {
        Ordered { quest, uses: Mutex::default(), frozen: Mutex::default(), outdated: AtomicBool::new(false) }
    }

    /// A run begins.
    pub(super) fn freeze(&self) {
        *lock(&self.frozen) = lock(&self.uses).clone();
        self.outdated.store(false, Ordering::Relaxed);
    }

    /// True if the run has left out what matters.
    pub(super) fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
    }

    /// True if the accesses to a cell are ordered, in this run.
    pub(super) fn has(&self, cell: Name) -> bool {
        lock(&self.frozen).get(&cell).is_some_and(|it| it.matters(self.quest))
    }

    pub(super) fn observes(&self, cell: Name) {
        self.learn(cell, Use { observed: true, written: false });
    }

    pub(super) fn writes(&self, cell: Name) {
        self.learn(cell, Use { observed: false, written: true });
    }

    fn learn(&self, cell: Name, new: Use) {
        let mut uses = lock(&self.uses);
        let it = uses.entry(cell).or_default();
        *it = Use { written: it.written || new.written, observed: it.observed || new.observed };
        if it.matters(self.quest) && !lock(&self.frozen).get(&cell).is_some_and(|it| it.matters(self.quest)) {
            self.outdated.store(true, Ordering::Relaxed);
        }
    }
}
