//! The post's fix: one loop drains register, another drains unregister, nothing else is changed.

use super::super::Hub;
use super::super::client::Client;
use super::super::closing::Held;
use super::super::events::{DONE, Event, KICK, REGISTER, UNREGISTER};
use crate::runtime::{Runtime, Task};
use crate::sync::Channel;

/// Starts both loops.
pub(in crate::hub) fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    Task::spawn(runtime, hub.register_loop(), |me| run(hub.clone(), me, vec![DONE, REGISTER, KICK]));
    Task::spawn(runtime, hub.unregister_loop(), |me| run(hub.clone(), me, vec![DONE, UNREGISTER]));
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

async fn run<R: Runtime>(hub: Hub<R>, me: Task<R>, channels: Vec<Channel>) {
    loop {
        me.rest();
        match hub.next(&me, &channels).await {
            Some(event) => hub.handle(&me, event).await,
            None => return hub.loop_ends(&me),
        }
    }
}
