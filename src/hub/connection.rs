//! What a connection's own task does: its handler, then its reader. And its peer, on the other side of the socket.

use super::client::{Binding, Client};
use super::designs::{lanes, locked_table};
use super::socket::{By, Socket};
use super::version::Objects;
use super::{Design, Hub};
use crate::runtime::{Runtime, Task};
use crate::session::Login;

impl<R: Runtime> Hub<R> {
    /// Obtains a client object for an accepted connection and hands it to the hub; `wsHandler`. `None` if the server accepts
    /// nobody any more.
    ///
    /// In Go the handler then starts the reader, in a goroutine of its own, and ends. Here the same task goes on with
    /// [`read_message`](Hub::read_message), which nobody can tell apart.
    pub async fn ws_handler(&self, me: &Task<R>, login: Login, socket: Socket<R>) -> Option<Client<R>> {
        me.turn().await;
        if !self.accepts(me) {
            socket.end(me, By::Refused);
            return None;
        }
        let pools = self.settings.version.steps().objects == Objects::Pooled;
        let used = if pools { self.pool.get(me, Client::name) } else { None };
        let binding = Binding::new(&me.runtime, login, socket);
        let client = match used {
            None => {
                if !pools {
                    me.note(|| "make a client object".to_owned());
                }
                Client::new(&me.runtime, binding)
            }
            Some(client) => {
                client.reset(me, binding);
                client
            }
        };
        me.apart(self.register(me, &client)).await;
        // A step of its own: until it comes, the object may have been kicked, pooled and bound to another connection.
        me.turn().await;
        me.note(|| "start the reader".to_owned());
        Some(client)
    }

    /// Reads until the socket is closed, by whichever side, then closes the client; `readMessage`.
    pub async fn read_message(&self, me: &Task<R>, client: &Client<R>) {
        me.call(async { client.bound().socket.closed.wait(me).await }).await;
        match self.settings.design {
            Design::LockedTable => locked_table::leave(self, me, client).await,
            Design::Lanes => lanes::leave(self, me, client).await,
            _ => me.apart(client.close(self, me, By::Reader)).await,
        }
    }
}

/// The other side of the socket: may leave at any moment, or never. Once the socket is closed there is nothing to leave.
pub async fn peer<R: Runtime>(me: Task<R>, socket: Socket<R>) {
    me.rest();
    if socket.closed.whim_before(&me).await {
        me.note(|| "leave".to_owned());
        socket.end(&me, By::Peer);
    }
}
