//! Plain memory that several tasks use: a Go variable or field.

use std::hash::Hash;
use std::sync::Arc;

use crate::name::Name;
use crate::runtime::{Runtime, State, Task};

/// A value that tasks share. Reading or writing it is no step by itself: the caller takes its turn first, and what it
/// does up to the next turn is one step.
pub struct Shared<R: Runtime, T: Hash + Send + 'static> {
    inner: Arc<Inner<R, T>>,
}

struct Inner<R: Runtime, T: Hash + Send + 'static> {
    runtime: R,
    cell: R::Cell<Memory<T>>,
}

#[derive(Hash)]
struct Memory<T>(T);

impl<T: Hash + Send + 'static> State for Memory<T> {}

impl<R: Runtime, T: Hash + Send + 'static> Clone for Shared<R, T> {
    fn clone(&self) -> Self {
        Shared { inner: self.inner.clone() }
    }
}

impl<R: Runtime, T: Hash + Send + 'static> Shared<R, T> {
    /// Makes a shared value.
    pub fn new(runtime: &R, name: Name, value: T) -> Self {
        let cell = runtime.cell(name, Memory(value));
        Shared { inner: Arc::new(Inner { runtime: runtime.clone(), cell }) }
    }

    /// Reads or writes it, within the current step.
    pub fn with<O: Hash>(&self, act: impl FnOnce(&mut T) -> O) -> O {
        self.inner.runtime.with(&self.inner.cell, |memory, _| act(&mut memory.0))
    }

    /// Writes it without observing it, within the current step.
    pub fn write(&self, act: impl FnOnce(&mut T)) {
        self.inner.runtime.write(&self.inner.cell, |memory| act(&mut memory.0));
    }

    /// Reads or writes it, as a step called `what`.
    pub async fn step<O: Hash>(&self, me: &Task<R>, what: &str, act: impl FnOnce(&mut T) -> O) -> O {
        me.turn().await;
        me.note(|| what.to_owned());
        self.with(act)
    }

    /// Looks at it from outside, for reports and properties.
    pub fn peek<O>(&self, look: impl FnOnce(&T) -> O) -> O {
        self.inner.runtime.peek(&self.inner.cell, |memory| look(&memory.0))
    }
}
