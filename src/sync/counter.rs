//! `atomic.Int64`.

use super::Shared;
use crate::name::Name;
use crate::runtime::{Runtime, Task};

/// A sequentially consistent counter; Go's `atomic.Int64`.
pub struct Counter<R: Runtime> {
    name: Name,
    value: Shared<R, i64>,
}

impl<R: Runtime> Clone for Counter<R> {
    fn clone(&self) -> Self {
        Counter { name: self.name, value: self.value.clone() }
    }
}

impl<R: Runtime> Counter<R> {
    /// A counter at 0.
    pub fn new(runtime: &R, name: Name) -> Counter<R> {
        Counter { name, value: Shared::new(runtime, name, 0) }
    }

    /// Adds to it, within the current step.
    pub fn add(&self, me: &Task<R>, by: i64) {
        me.note(|| format!("{} {by:+}", self.name));
        self.value.write(|value| *value += by);
    }

    /// Its value, from outside.
    pub fn peek(&self) -> i64 {
        self.value.peek(|value| *value)
    }
}
