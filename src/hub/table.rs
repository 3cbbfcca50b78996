//! The user table in a cell, and the operations of `user_map.go` on it, as steps.

use super::Hub;
use super::client::Client;
use super::version::Table;
use crate::live::{Listing, LiveTable};
use crate::registry::{self, UserTable};
use crate::runtime::{Runtime, Task};
use crate::session::{Connection, Login, Platform, User};

/// The user table of a version.
#[derive(Hash)]
pub(super) enum Users<C> {
    /// v3.5.1.
    Rows(UserTable<C>),
    /// Later.
    Live(LiveTable<C>),
}

impl<C: Clone + PartialEq> Users<C> {
    pub(super) fn new(table: Table) -> Users<C> {
        match table {
            Table::LoadAndStore => Users::Rows(UserTable::default()),
            Table::LockedLive => Users::Live(LiveTable::default()),
        }
    }

    /// A copy of a user's row, if there is one.
    pub(super) fn get(&self, user: User) -> Option<Vec<C>> {
        match self {
            Users::Rows(rows) => rows.load(user).map(|row| row.clients().to_vec()),
            Users::Live(live) => live.get(user).map(<[C]>::to_vec),
        }
    }

    /// Adds a client to a user's row.
    pub(super) fn append(&mut self, user: User, client: C) {
        match self {
            Users::Rows(rows) => {
                let row = rows.load(user);
                rows.store(user, registry::with(row.as_ref(), &client));
            }
            Users::Live(live) => live.append(user, client),
        }
    }

    /// Removes clients from a user's row. How many it had, and true if that emptied it.
    pub(super) fn remove(&mut self, user: User, gone: &[C]) -> (usize, bool) {
        let Some(row) = self.get(user) else { return (0, false) };
        let left: Vec<C> = row.iter().filter(|c| !gone.contains(c)).cloned().collect();
        let (removed, emptied) = (row.len() - left.len(), left.is_empty());
        match self {
            Users::Rows(rows) => rows.store(user, left),
            Users::Live(live) => {
                live.remove(user, |c| gone.contains(c));
            }
        }
        (removed, emptied)
    }

    /// All rows, by user.
    pub(super) fn rows(&self) -> Vec<(User, Vec<C>)> {
        match self {
            Users::Rows(rows) => rows.rows().map(|(user, row)| (user, row.to_vec())).collect(),
            Users::Live(live) => live.rows().map(|(user, row)| (user, row.to_vec())).collect(),
        }
    }

    fn load(&self, user: User) -> Option<registry::Row<C>> {
        match self {
            Users::Rows(rows) => rows.load(user),
            Users::Live(_) => unreachable!("a live table is not loaded"),
        }
    }

    fn store(&mut self, user: User, row: Vec<C>) {
        match self {
            Users::Rows(rows) => rows.store(user, row),
            Users::Live(_) => unreachable!("a live table is not stored"),
        }
    }

    fn live(&mut self) -> &mut LiveTable<C> {
        match self {
            Users::Live(live) => live,
            Users::Rows(_) => unreachable!("rows are no live table"),
        }
    }
}

/// All clients of a user, to go through.
pub(super) enum All<R: Runtime> {
    /// A row, that never changes.
    Row(Vec<Client<R>>),
    /// What is in the live array whenever it is read.
    Listing(Listing),
}

impl<R: Runtime> All<R> {
    pub(super) fn len(&self) -> usize {
        match self {
            All::Row(row) => row.len(),
            All::Listing(listing) => listing.len,
        }
    }
}

impl<R: Runtime> Hub<R> {
    /// Whether the user has a row, and its clients on a platform; `UserMap.Get`. Within the current step.
    pub(super) fn get(&self, user: User, platform: Platform) -> (bool, Vec<Client<R>>) {
        match self.users.with(|users| users.get(user)) {
            None => (false, Vec::new()),
            Some(row) => (true, registry::on_platform(&row, platform, |c| c.bound().login.platform)),
        }
    }

    /// All clients of a user, if there are any; `UserMap.GetAll`. Within the current step; to be [`given
    /// back`](Hub::gone_through).
    pub(super) fn get_all(&self, user: User) -> Option<All<R>> {
        match self.table() {
            Table::LoadAndStore => self.users.with(|users| users.get(user)).map(All::Row),
            Table::LockedLive => self.users.with(|users| users.live().list(user)).map(All::Listing),
        }
    }

    /// Client number `at` of all; in a live listing a step of its own.
    pub(super) async fn client_at(&self, me: &Task<R>, all: &All<R>, at: usize) -> Client<R> {
        match all {
            All::Row(row) => row[at].clone(),
            All::Listing(listing) => {
                me.turn().await;
                me.note(|| format!("read number {} of the live row", at + 1));
                self.users.with(|users| users.live().at(listing, at))
            }
        }
    }

    /// Forgets a listing, within the current step.
    pub(super) fn gone_through(&self, all: All<R>) {
        if let All::Listing(listing) = all {
            self.users.with(|users| users.live().release(listing));
        }
    }

    /// Adds a client at the end of its user's row; `UserMap.Set`. Under v3.5.1 a load, a rebuild, a store.
    pub(super) async fn set(&self, me: &Task<R>, client: &Client<R>) {
        me.turn().await;
        let bound = client.bound();
        let user = bound.login.user;
        if self.table() == Table::LoadAndStore {
            me.note(|| format!("load the row of {}", client.name()));
            let row = self.users.with(|users| users.load(user));
            me.turn().await;
            me.note(|| format!("store the row with {}", client.name()));
            self.users.with(|users| users.store(user, registry::with(row.as_ref(), client)));
        } else {
            me.note(|| format!("add {} to the row", client.name()));
            self.users.with(|users| users.append(user, client.clone()));
        }
        bound.socket.registered();
    }

    /// Removes the clients that speak for one of the connections that `gone` speak for; `UserMap.deleteClients` and, for one,
    /// `delete`. True if that emptied the row. Under v3.5.1 a load, a rebuild, a store. Whose row it is, is read through `of`.
    pub(super) async fn delete_clients(
        &self,
        me: &Task<R>,
        of: impl Fn() -> Login,
        gone: &[Client<R>],
    ) -> bool {
        let table = self.table();
        if table == Table::LockedLive && gone.is_empty() {
            return false;
        }
        me.turn().await;
        let user = of().user;
        let connections: Vec<Connection> = gone.iter().map(|c| c.bound().login.connection).collect();
        let is_gone = |c: &Client<R>| connections.contains(&c.bound().login.connection);
        if table == Table::LoadAndStore {
            me.note(|| format!("load the row of user {}", user.0));
            let Some(row) = self.users.with(|users| users.load(user)) else { return false };
            let left: Vec<Client<R>> = row.clients().iter().filter(|c| !is_gone(c)).cloned().collect();
            me.turn().await;
            let empty = left.is_empty();
            me.note(|| if empty { "remove the row" } else { "store what is left of the row" }.to_owned());
            self.users.with(|users| users.store(user, left));
            return empty;
        }
        let Some(row) = self.users.with(|users| users.get(user)) else { return false };
        let gone: Vec<Client<R>> = row.into_iter().filter(is_gone).collect();
        let names = || gone.iter().map(|c| c.name().to_string()).collect::<Vec<_>>();
        me.note(|| match names().as_slice() {
            [] => format!("find nobody to remove from the row of user {}", user.0),
            names => format!("remove {} from the row of user {}", names.join(" and "), user.0),
        });
        // Both accesses hold the lock of `userMap` in Go.
        self.users.with(|users| users.live().remove(user, |c| gone.contains(c)))
    }

    fn table(&self) -> Table {
        self.settings.version.steps().table
    }
}
