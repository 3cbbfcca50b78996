//! The post's fix to the letter of its listing: both loops receive into the one variable that the single loop had.
//!
//! The listing assigns with `=`, to a variable declared before both goroutines. The Go memory model calls that a data
//! race: a loop may go on with the client that the other one has just received.

use super::super::Hub;
use super::super::client::Client;
use super::super::closing::Held;
use super::super::events::{DONE, Event, KICK, REGISTER, UNREGISTER};
use crate::runtime::{Runtime, Task};
use crate::sync::{Channel, Shared};

/// Starts both loops.
pub(in crate::hub) fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    let variable = Shared::new(runtime, hub.settings.name("variable client"), None);
    Task::spawn(runtime, hub.register_loop(), |me| {
        run(hub.clone(), me, vec![DONE, REGISTER, KICK], variable.clone())
    });
    Task::spawn(runtime, hub.unregister_loop(), |me| run(hub.clone(), me, vec![DONE, UNREGISTER], variable));
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

async fn run<R: Runtime>(
    hub: Hub<R>,
    me: Task<R>,
    channels: Vec<Channel>,
    variable: Shared<R, Option<Client<R>>>,
) {
    loop {
        me.rest();
        let (received, registers) = match hub.next(&me, &channels).await {
            Some(Event::Register(client)) => (client, true),
            Some(Event::Unregister(client)) => (client, false),
            Some(event) => {
                hub.handle(&me, event).await;
                continue;
            }
            None => return hub.loop_ends(&me),
        };
        variable.step(&me, "assign the variable client", |it| *it = Some(received)).await;
        let client = variable.step(&me, "read the variable client", |it| it.clone()).await;
        let client = client.expect("somebody has assigned it");
        hub.handle(&me, if registers { Event::Register(client) } else { Event::Unregister(client) }).await;
    }
}
