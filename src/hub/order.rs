//! What hubs do where a kick is an order to the kicked connection's own task: all of it within the current step.
//!
//! Only one task at a time does any of this to a user's row: the one that has the lock, or the user's lane.
//!
//! Of two logins the later one is that with the later token, wherever and in whatever order they arrive: each node comes to
//! the same decision, so two that arrive on two nodes at once do not both lose. A login that comes late with an older
//! token is kicked at once by the newer session. OpenIM, too, has made that token invalid by then.

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
        let newer = self.make_room(me, bound.login);
        me.note(|| format!("add {} to the row", client.name()));
        let first = self.users.with(|users| {
            let first = users.get(bound.login.user).is_none();
            users.append(bound.login.user, client.clone());
            first
        });
        self.online_users.add(me, i64::from(first));
        self.online_connections.add(me, 1);
        bound.socket.log(|log| log.registered = true);
        if let Some(newer) = newer {
            self.remove(me, bound.login.user, std::slice::from_ref(client));
            client.order(self, me, Cause::Login(newer));
        }
        if !self.listens() {
            bound.socket.order(me, By::Stop);
        }
    }

    /// Removes those whom a login kicks, and orders them to end. The newest session that kicks the newcomer, if there is one.
    pub(super) fn make_room(&self, me: &Task<R>, newcomer: Login) -> Option<Login> {
        let (rules, policy) = (&self.settings.version.steps().rules, self.settings.policy);
        let row = self.users.with(|users| users.get(newcomer.user)).unwrap_or_default();
        let row: Vec<(Client<R>, Login)> = row.into_iter().map(|c| (c.clone(), c.bound().login)).collect();
        let older = |old: &Login| old.token <= newcomer.token && policy.picks(rules, &newcomer, old);
        let kicked: Vec<Client<R>> =
            row.iter().filter(|(_, login)| older(login)).map(|(client, _)| client.clone()).collect();
        if !kicked.is_empty() {
            self.remove(me, newcomer.user, &kicked);
        }
        for client in &kicked {
            client.order(self, me, Cause::Login(newcomer));
        }
        let newer = |login: &Login| login.token > newcomer.token && policy.picks(rules, login, &newcomer);
        row.iter().map(|(_, login)| *login).filter(newer).max_by_key(|login| login.token)
    }

    /// Takes a client that has ended from the table, if nobody has kicked it from there, and pools it.
    pub(super) fn dismiss(&self, me: &Task<R>, client: &Client<R>) {
        let bound = client.bound();
        self.remove(me, bound.login.user, std::slice::from_ref(client));
        bound.socket.log(|log| log.unregistered = log.unregistered.saturating_add(1));
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
