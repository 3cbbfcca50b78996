//! What hubs do where a kick is an order to the kicked connection's own task: all of it within the current step.
//!
//! Only one task at a time does any of this to a user's row: the one that has the lock, or the user's lane.
//!
//! On one node a login is later than those that are in the table when it comes. Of two logins on two nodes the later one is
//! that with the later token: so both nodes come to the same decision, and two that arrive at once do not both lose. A
//! client that comes back with an older token than its user's newer session on another node loses against that one.

use super::Hub;
use super::client::Client;
use super::socket::{By, Cause};
use super::version::Objects;
use crate::runtime::{Runtime, Task};
use crate::session::{Login, User};

impl<R: Runtime> Hub<R> {
    /// Puts a client into the table, after the policy has had its say.
    pub(super) fn admit(&self, me: &Task<R>, client: &Client<R>) {
        let bound = client.bound();
        let rules = &self.settings.version.steps().rules;
        let policy = self.settings.policy;
        self.kick_all(me, bound.login, |old| policy.picks(rules, &bound.login, old));
        me.note(|| format!("add {} to the row", client.name()));
        let first = self.users.with(|users| {
            let first = users.get(bound.login.user).is_none();
            users.append(bound.login.user, client.clone());
            first
        });
        self.online_users.add(me, i64::from(first));
        self.online_connections.add(me, 1);
        bound.socket.registered();
        if !self.listens() {
            bound.socket.order(me, By::Stop);
        }
    }

    /// Makes way for a login on another node: kicks those with an older token. The newest session here that kicks it in turn, if
    /// there is one.
    pub(super) fn make_way_for(&self, me: &Task<R>, newcomer: Login) -> Option<Login> {
        let (rules, policy) = (&self.settings.version.steps().rules, self.settings.policy);
        self.kick_all(me, newcomer, |old| old.token <= newcomer.token && policy.picks(rules, &newcomer, old));
        let row = self.users.with(|users| users.get(newcomer.user)).unwrap_or_default();
        let newer = |login: &Login| login.token > newcomer.token && policy.picks(rules, login, &newcomer);
        row.iter().map(|client| client.bound().login).filter(newer).max_by_key(|login| login.token)
    }

    /// Removes those of the newcomer's user that it kicks, and orders them to end.
    fn kick_all(&self, me: &Task<R>, newcomer: Login, kicks: impl Fn(&Login) -> bool) {
        let row = self.users.with(|users| users.get(newcomer.user)).unwrap_or_default();
        let kicked: Vec<Client<R>> = row.into_iter().filter(|c| kicks(&c.bound().login)).collect();
        if kicked.is_empty() {
            return;
        }
        self.remove(me, newcomer.user, &kicked);
        for client in &kicked {
            client.order(self, me, Cause::Login(newcomer));
        }
    }

    /// Takes a client that has ended from the table, if nobody has kicked it from there, and pools it.
    pub(super) fn dismiss(&self, me: &Task<R>, client: &Client<R>) {
        let bound = client.bound();
        self.remove(me, bound.login.user, std::slice::from_ref(client));
        bound.socket.unregistered();
        if self.settings.version.steps().objects == Objects::Pooled {
            self.pool.put(me, client.clone(), Client::name);
        }
        self.one_has_left(me);
    }

    fn remove(&self, me: &Task<R>, user: User, gone: &[Client<R>]) {
        let (removed, emptied) = self.users.with(|users| users.remove(user, gone));
        me.note(|| format!("remove {removed} from the row of user {}", user.0));
        self.online_users.add(me, -i64::from(emptied));
        self.online_connections.add(me, -(removed as i64));
    }

    /// Orders all connections to end.
    pub(super) fn order_all(&self, me: &Task<R>, by: By) {
        self.order_all_where(me, by, |_| true);
    }

    /// Orders all connections of some users to end.
    pub(super) fn order_all_where(&self, me: &Task<R>, by: By, whose: impl Fn(User) -> bool) {
        for (_, row) in self.users.with(|users| users.rows()).into_iter().filter(|(user, _)| whose(*user)) {
            for client in row {
                client.bound().socket.order(me, by);
            }
        }
    }
}
