//! One loop; the end of a connection is sent by a task of its own, so nobody who closes ever waits: `go func() { ch <- c }()`.

use super::super::Hub;
use super::super::client::Client;
use super::super::closing::Held;
use super::super::events::{DONE, Event, KICK, REGISTER, UNREGISTER};
use crate::runtime::{Runtime, Task};

const SENDERS: [&str; 4] = ["sender", "second sender", "third sender", "fourth sender"];

/// Starts the loop.
pub(in crate::hub) fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    Task::spawn(runtime, hub.register_loop(), |me| run(hub.clone(), me));
}

/// Reports the end of a connection: a task sends it.
pub(in crate::hub) async fn un_register<R: Runtime>(
    hub: &Hub<R>,
    me: &Task<R>,
    client: &Client<R>,
    held: Held<R>,
) {
    let bound = client.bound();
    let name = bound.socket.another(bound.login.connection, &SENDERS);
    me.note(|| format!("start {name}"));
    let (hub, client) = (hub.clone(), client.clone());
    Task::spawn(&me.runtime, name, async move |me| {
        hub.send(&me, UNREGISTER, Event::Unregister(client)).await;
    });
    held.unlock(me);
}

async fn run<R: Runtime>(hub: Hub<R>, me: Task<R>) {
    loop {
        me.rest();
        match hub.next(&me, &[DONE, REGISTER, UNREGISTER, KICK]).await {
            Some(event) => hub.handle(&me, event).await,
            None => return hub.loop_ends(&me),
        }
    }
}
