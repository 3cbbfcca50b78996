//! What a loop does with a client that has connected.

use super::Hub;
use super::client::Client;
use crate::registry;
use crate::runtime::{Runtime, Task};
use crate::session::Login;

impl<R: Runtime> Hub<R> {
    /// Puts a client into the table, after the policy has had its say; `registerClient`.
    ///
    /// The calls at the end of the Go function, which tell the user service and other nodes, touch nothing that is
    /// modelled; that they take long is in the model, since any step may come any time later.
    pub(super) async fn register_client(&self, me: &Task<R>, client: Client<R>) {
        let user_ok = me.call(self.make_way(me, &client)).await;
        self.add_to_table(me, &client, i64::from(!user_ok)).await;
    }

    /// Looks whether the user is there already, and if so lets the policy have its say.
    async fn make_way(&self, me: &Task<R>, client: &Client<R>) -> bool {
        let (user_ok, old_clients) = self.look_up(me, client).await;
        if user_ok {
            self.multi_terminal_login_checker(me, client, &old_clients).await;
        }
        user_ok
    }

    /// Whether the user has a row, and its clients on the same platform; `UserMap.Get`.
    async fn look_up(&self, me: &Task<R>, client: &Client<R>) -> (bool, Vec<Client<R>>) {
        me.turn().await;
        let Login { user, platform, .. } = client.bound().login;
        me.note(|| format!("look up {} in the table", client.name()));
        match self.users.with(|users| users.load(user)) {
            None => (false, Vec::new()),
            Some(row) => (true, registry::on_platform(row.clients(), platform, |c| c.bound().login.platform)),
        }
    }

    /// Removes and kicks the older sessions that the policy says; `multiTerminalLoginChecker`.
    async fn multi_terminal_login_checker(
        &self,
        me: &Task<R>,
        newcomer: &Client<R>,
        old_clients: &[Client<R>],
    ) {
        // Read here through the object, as everything about a client; the step is the one that looked up the row.
        let Login { platform, .. } = newcomer.bound().login;
        if old_clients.is_empty() || !self.settings.policy.kicks(platform) {
            return;
        }
        if me.call(self.delete_clients(me, newcomer, old_clients)).await {
            self.online_users.add(me, -1);
        }
        for old in old_clients {
            me.call(old.kick_online_message(self, me)).await;
        }
    }

    /// Adds a client at the end of its user's row: a load, a rebuild, a store; `UserMap.Set`. Then counts it.
    async fn add_to_table(&self, me: &Task<R>, client: &Client<R>, new_users: i64) {
        me.turn().await;
        let user = client.bound().login.user;
        me.note(|| format!("load the row of {}", client.name()));
        let row = self.users.with(|users| users.load(user));
        me.turn().await;
        me.note(|| format!("store the row with {}", client.name()));
        self.users.with(|users| users.store(user, registry::with(row.as_ref(), client)));
        if new_users != 0 {
            self.online_users.add(me, new_users);
        }
        self.online_connections.add(me, 1);
    }

    /// Removes the clients that speak for one of the connections that `gone` speak for: a load, a rebuild, a store;
    /// `UserMap.deleteClients`. True if that emptied the row.
    async fn delete_clients(&self, me: &Task<R>, of: &Client<R>, gone: &[Client<R>]) -> bool {
        me.turn().await;
        let user = of.bound().login.user;
        let connections: Vec<_> = gone.iter().map(|c| c.bound().login.connection).collect();
        me.note(|| format!("load the row of {}", of.name()));
        let Some(row) = self.users.with(|users| users.load(user)) else { return false };
        let left = registry::without(row.clients(), &connections, |c| c.bound().login.connection);
        self.store_row(me, user, left).await
    }

    /// Stores what is left of a row; true if that is nothing.
    pub(super) async fn store_row(
        &self,
        me: &Task<R>,
        user: crate::session::User,
        left: Vec<Client<R>>,
    ) -> bool {
        me.turn().await;
        let empty = left.is_empty();
        me.note(
            || if empty { "remove the row".to_owned() } else { "store what is left of the row".to_owned() },
        );
        self.users.with(|users| users.store(user, left));
        empty
    }
}
