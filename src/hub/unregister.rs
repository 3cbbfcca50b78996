//! What a loop does with a client that is closed.

use super::Hub;
use super::client::Client;
use crate::registry;
use crate::runtime::{Runtime, Task};
use crate::session::Login;

impl<R: Runtime> Hub<R> {
    /// Removes from the table every client that speaks for this one's current connection, counts, and pools the object;
    /// `unregisterClient`, `UserMap.delete`.
    ///
    /// Counting and pooling end the step that updates the table. Nothing is lost by that: nobody reads the counters, and
    /// an object that is in the pool earlier need not be taken earlier, since a get may always come to a new one.
    pub(super) async fn unregister_client(&self, me: &Task<R>, client: Client<R>) {
        if self.delete(me, &client).await {
            self.online_users.add(me, -1);
        }
        self.online_connections.add(me, -1);
        if self.settings.version.pools() {
            self.pool.put(me, client, Client::name);
        }
    }

    /// Removes the clients that speak for this one's current connection: a load, a rebuild, a store; `UserMap.delete`.
    /// True if that emptied the row.
    async fn delete(&self, me: &Task<R>, client: &Client<R>) -> bool {
        me.turn().await;
        let Login { user, connection, .. } = client.bound().login;
        me.note(|| format!("load the row of {}", client.name()));
        let Some(row) = self.users.with(|users| users.load(user)) else { return false };
        let left = registry::without(row.clients(), &[connection], |c| c.bound().login.connection);
        self.store_row(me, user, left).await
    }
}
