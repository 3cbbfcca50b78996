//! What a loop does with a client that is closed.

use super::Hub;
use super::client::Client;
use super::version::Objects;
use crate::runtime::{Runtime, Task};

impl<R: Runtime> Hub<R> {
    /// Removes from the table every client that speaks for this one's current connection, counts, and pools the object;
    /// `unregisterClient`.
    ///
    /// Counting and pooling end the step that updates the table. Nothing is lost by that: nobody reads the counters, and
    /// an object that is in the pool earlier need not be taken earlier, since a get may always come to a new one.
    pub(super) async fn unregister_client(&self, me: &Task<R>, client: Client<R>) {
        let gone = std::slice::from_ref(&client);
        if self.delete_clients(me, || client.bound().login, gone).await {
            self.online_users.add(me, -1);
        }
        self.online_connections.add(me, -1);
        client.bound().socket.unregistered();
        if self.settings.version.steps().tells_user_service {
            me.call_service("user service").await;
        }
        if self.settings.version.steps().objects == Objects::Pooled {
            self.pool.put(me, client, Client::name);
        }
    }
}
