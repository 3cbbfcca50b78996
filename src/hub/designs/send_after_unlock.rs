//! One loop; the end of a connection is sent once the client's lock is free again.

use super::super::Hub;
use super::super::client::Client;
use super::super::closing::Held;
use super::super::events::{DONE, Event, KICK, REGISTER, UNREGISTER};
use crate::runtime::{Runtime, Task};

/// Starts the loop.
pub(in crate::hub) fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    Task::spawn(runtime, hub.register_loop(), |me| run(hub.clone(), me));
}

/// Reports the end of a connection: a send, without the client's lock.
pub(in crate::hub) async fn un_register<R: Runtime>(
    hub: &Hub<R>,
    me: &Task<R>,
    client: &Client<R>,
    held: Held<R>,
) {
    held.unlock(me);
    hub.send(me, UNREGISTER, Event::Unregister(client.clone())).await;
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
