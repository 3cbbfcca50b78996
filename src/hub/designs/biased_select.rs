//! One loop, which takes from the unregister channel first: `select` with one case and a default, then with all.

use super::super::Hub;
use super::super::client::Client;
use super::super::closing::Held;
use super::super::events::{DONE, Event, KICK, REGISTER, UNREGISTER};
use crate::runtime::{Runtime, Task};
use crate::sync::{Case, Chosen};

/// Starts the loop.
pub(in crate::hub) fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    Task::spawn(runtime, hub.register_loop(), |me| run(hub.clone(), me));
}

/// Reports the end of a connection: a send, with the client's lock held until there is room.
pub(in crate::hub) async fn un_register<R: Runtime>(
    hub: &Hub<R>,
    me: &Task<R>,
    client: &Client<R>,
    held: Held<R>,
) {
    hub.send(me, UNREGISTER, Event::Unregister(client.clone())).await;
    held.unlock(me);
}

async fn run<R: Runtime>(hub: Hub<R>, me: Task<R>) {
    loop {
        me.rest();
        let first = hub.channels.select_or_default(&me, vec![Case::Receive(UNREGISTER.0)]).await;
        let event = match first {
            Chosen::Received { value, .. } => value,
            _ => hub.next(&me, &[DONE, REGISTER, UNREGISTER, KICK]).await,
        };
        match event {
            Some(event) => hub.handle(&me, event).await,
            None => return hub.loop_ends(&me),
        }
    }
}
