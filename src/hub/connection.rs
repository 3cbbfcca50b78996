//! A connection's own task: its handler, then its reader. And its peer, on the other side of the socket.

use super::client::{Binding, Client, Socket};
use super::events::{Event, REGISTER};
use super::Hub;
use crate::runtime::{Runtime, Task};
use crate::session::Login;

/// Serves one accepted connection.
///
/// In Go the handler starts the reader as its last act, in a goroutine of its own; here the same task goes on as the
/// reader, which nobody can tell apart.
pub async fn connection<R: Runtime>(hub: Hub<R>, me: Task<R>, login: Login, socket: Socket<R>) {
    let client = me.call(ws_handler(&hub, &me, login, socket)).await;
    read_message(&hub, &me, &client).await;
}

/// Obtains a client object for the connection and sends it to the hub; `wsHandler`.
async fn ws_handler<R: Runtime>(hub: &Hub<R>, me: &Task<R>, login: Login, socket: Socket<R>) -> Client<R> {
    me.turn().await;
    let used = hub.pool.get(me);
    let binding = Binding::new(&me.runtime, login, socket);
    let client = match used {
        None => Client::new(&me.runtime, binding),
        Some(client) => {
            client.reset(me, binding);
            client
        }
    };
    let sent = hub.channels.send(me, REGISTER, Event::Client(client.clone())).await;
    if let Err(closed) = sent {
        me.runtime.crash(me.name, &closed.to_string());
    }
    client
}

/// Reads until the socket is closed, by whichever side, then closes the client; `readMessage`.
async fn read_message<R: Runtime>(hub: &Hub<R>, me: &Task<R>, client: &Client<R>) {
    me.call(async { client.bound().socket.closed.wait(me).await }).await;
    client.close(hub, me).await;
}

/// The other side of the socket: may leave at any moment, or never. Once the socket is closed there is nothing to leave.
pub async fn peer<R: Runtime>(me: Task<R>, socket: Socket<R>) {
    if socket.closed.whim_before(&me).await {
        me.note(|| "leave".to_owned());
        socket.closed.raise(&me);
    }
}
