//! `atomic.Bool`.

use super::Shared;
use crate::name::Name;
use crate::runtime::{Runtime, Task};

/// A sequentially consistent flag; Go's `atomic.Bool`.
pub struct Flag<R: Runtime> {
    name: Name,
    value: Shared<R, bool>,
}

impl<R: Runtime> Clone for Flag<R> {
    fn clone(&self) -> Self {
        Flag { name: self.name, value: self.value.clone() }
    }
}

impl<R: Runtime> Flag<R> {
    /// A flag that is not set.
    pub fn new(runtime: &R, name: Name) -> Flag<R> {
        Flag { name, value: Shared::new(runtime, name, false) }
    }

    /// Reads it, as a step.
    pub async fn load(&self, me: &Task<R>) -> bool {
        me.turn().await;
        let value = self.value.with(|value| *value);
        me.note(|| format!("read {}: {value}", self.name));
        value
    }

    /// Reads it, within the current step.
    pub fn get(&self, me: &Task<R>) -> bool {
        let value = self.value.with(|value| *value);
        me.note(|| format!("read {}: {value}", self.name));
        value
    }

    /// Writes it, within the current step.
    pub fn store(&self, me: &Task<R>, value: bool) {
        me.note(|| format!("{} {}", if value { "set" } else { "clear" }, self.name));
        self.write(value);
    }

    /// Writes it within the current step, where what is done has been said already.
    pub fn write(&self, value: bool) {
        self.value.write(|it| *it = value);
    }

    /// Its value, from outside.
    pub fn peek(&self) -> bool {
        self.value.peek(|value| *value)
    }
}
