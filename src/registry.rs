//! The user table as v3.5.1 has it: a map from user to a row of clients, read and written as whole rows.
//!
//! Later versions: [`live`](crate::live).

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::session::{Platform, User};

/// A user's clients, in the order of their registration. Never changed in place: an update stores a new row.
#[derive(Debug)]
pub struct Row<C>(Arc<[C]>);

impl<C> Clone for Row<C> {
    fn clone(&self) -> Self {
        Row(self.0.clone())
    }
}

impl<C: Hash> Hash for Row<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<C> Row<C> {
    /// The clients.
    pub fn clients(&self) -> &[C] {
        &self.0
    }
}

/// Each user's row; v3.5.1's `UserMap`, a `sync.Map` (`user_map.go`).
#[derive(Debug)]
pub struct UserTable<C> {
    rows: BTreeMap<User, Row<C>>,
}

impl<C: Hash> Hash for UserTable<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rows.hash(state);
    }
}

impl<C> Default for UserTable<C> {
    fn default() -> Self {
        UserTable { rows: BTreeMap::new() }
    }
}

impl<C: Clone> UserTable<C> {
    /// A user's row, if the user has one.
    pub fn load(&self, user: User) -> Option<Row<C>> {
        self.rows.get(&user).cloned()
    }

    /// Replaces a user's row; an empty one is removed.
    pub fn store(&mut self, user: User, clients: Vec<C>) {
        if clients.is_empty() {
            self.rows.remove(&user);
        } else {
            self.rows.insert(user, Row(clients.into()));
        }
    }

    /// All rows, by user.
    pub fn rows(&self) -> impl Iterator<Item = (User, &[C])> {
        self.rows.iter().map(|(user, row)| (*user, row.clients()))
    }
}

/// The clients of a row that are on `platform`; `platform_of` reads it through the client.
pub fn on_platform<C: Clone>(row: &[C], platform: Platform, platform_of: impl Fn(&C) -> Platform) -> Vec<C> {
    row.iter().filter(|c| platform_of(c) == platform).cloned().collect()
}

/// A row with a client added at the end.
pub fn with<C: Clone>(row: Option<&Row<C>>, client: &C) -> Vec<C> {
    row.into_iter().flat_map(Row::clients).chain([client]).cloned().collect()
}
