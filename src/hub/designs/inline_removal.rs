//! One loop, which removes those that it kicks itself: it sends nothing to itself. Others report as ever.

use super::super::Hub;
use super::super::client::Client;
use super::super::closing::Held;
use super::super::events::{DONE, Event, KICK, REGISTER, UNREGISTER};
use crate::runtime::{Runtime, Task};

/// Starts the loop.
pub(in crate::hub) fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    Task::spawn(runtime, hub.register_loop(), |me| run(hub.clone(), me));
}

/// Reports the end of a connection: the loop does at once what it would have sent to itself; anybody else sends, with the
/// client's lock held until there is room.
pub(in crate::hub) async fn un_register<R: Runtime>(
    hub: &Hub<R>,
    me: &Task<R>,
    client: &Client<R>,
    held: Held<R>,
) {
    if me.name == hub.register_loop() {
        held.unlock(me);
        hub.unregister_client(me, client.clone()).await;
        return;
    }
    hub.send(me, UNREGISTER, Event::Unregister(client.clone())).await;
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
