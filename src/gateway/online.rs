//! Who is in the user table, by user: what presence and push go by.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::session::{Connection, Login, Platform, User};

/// The sessions of each user who is online.
#[derive(Default)]
pub(super) struct Online(Mutex<Table>);

#[derive(Default)]
struct Table {
    users: BTreeMap<Arc<str>, Vec<Login>>,
    sessions: usize,
}

/// What a new session has changed.
pub(super) struct Came {
    /// The user is now online on another set of platforms.
    pub(super) changed: bool,
    /// There is another session of the user on the same platform.
    pub(super) same_platform: bool,
}

impl Online {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session.
    pub(super) fn add(&self, user: &Arc<str>, login: Login) -> Came {
        let mut table = self.table();
        table.sessions += 1;
        let logins = table.users.entry(user.clone()).or_default();
        let same_platform = logins.iter().any(|other| other.platform == login.platform);
        logins.push(login);
        Came { changed: !same_platform, same_platform }
    }

    /// Removes a session, if it is there; true if that changes the user's platforms.
    pub(super) fn remove(&self, user: &Arc<str>, connection: Connection) -> bool {
        let mut table = self.table();
        let table = &mut *table;
        let Some(logins) = table.users.get_mut(user) else { return false };
        let Some(at) = logins.iter().position(|login| login.connection == connection) else { return false };
        let gone = logins.remove(at);
        table.sessions -= 1;
        let changed = logins.iter().all(|login| login.platform != gone.platform);
        if logins.is_empty() {
            table.users.remove(user);
        }
        changed
    }

    /// How many users are online, and in how many sessions.
    pub(super) fn census(&self) -> (usize, usize) {
        let table = self.table();
        (table.users.len(), table.sessions)
    }

    /// The first users who are online and whose ID has `search` in it, with their sessions, and how many there are in all.
    pub(super) fn find(&self, search: &str, at_most: usize) -> (Vec<(Arc<str>, Vec<Login>)>, usize) {
        let table = self.table();
        let matching = || table.users.iter().filter(|(user, _)| user.contains(search));
        let first = matching().take(at_most).map(|(user, logins)| (user.clone(), logins.clone())).collect();
        (first, matching().count())
    }

    /// The user's number, if online.
    pub(super) fn number(&self, user: &str) -> Option<User> {
        self.table().users.get(user).and_then(|logins| Some(logins.first()?.user))
    }

    /// The user's sessions, by connection.
    pub(super) fn sessions(&self, user: &str) -> Vec<Login> {
        self.table().users.get(user).cloned().unwrap_or_default()
    }

    /// The platforms that a user is online on, by id, each once; none is offline.
    pub(super) fn platforms(&self, user: &str) -> Vec<i32> {
        let mut platforms: Vec<i32> =
            self.sessions(user).iter().map(|login| login.platform).map(Platform::id).collect();
        platforms.sort_unstable();
        platforms.dedup();
        platforms
    }
}
