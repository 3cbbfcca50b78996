//! `sync.Pool`.

use std::hash::Hash;

use super::Shared;
use crate::name::Name;
use crate::runtime::{Runtime, Task};

/// Objects that are kept for reuse; Go's `sync.Pool`, which says of `Get` only that it returns «an arbitrary item» or
/// none. So each is explored.
pub struct Pool<R: Runtime, T: Hash + Send + 'static> {
    name: Name,
    items: Shared<R, Vec<T>>,
}

impl<R: Runtime, T: Hash + Send + 'static> Clone for Pool<R, T> {
    fn clone(&self) -> Self {
        Pool { name: self.name, items: self.items.clone() }
    }
}

impl<R: Runtime, T: Hash + Ord + Send + 'static> Pool<R, T> {
    /// An empty pool.
    pub fn new(runtime: &R, name: Name) -> Self {
        Pool { name, items: Shared::new(runtime, name, Vec::new()) }
    }

    /// Takes any of the pooled objects, or none: then the caller makes a new one. Within the current step.
    pub fn get(&self, me: &Task<R>, name: impl Fn(&T) -> Name) -> Option<T> {
        let item = self.items.with(|items| {
            let mut options = vec![Name::one("new")];
            // The same object may have been put twice; taking either is the same.
            options.extend(items.iter().map(&name));
            options.dedup();
            let picked = options[me.choose_named(&options)];
            let at = items.iter().position(|item| name(item) == picked)?;
            Some(items.remove(at))
        });
        me.note(|| {
            format!("get from {}: {}", self.name, if item.is_some() { "a used one" } else { "a new one" })
        });
        item
    }

    /// Puts an object back, within the current step.
    pub fn put(&self, me: &Task<R>, item: T, name: impl Fn(&T) -> Name) {
        me.note(|| format!("put {} into {}", name(&item), self.name));
        // Kept sorted, so that pools with the same items are the same state.
        self.items.write(|items| {
            let at = items.partition_point(|other| *other <= item);
            items.insert(at, item);
        });
    }
}
