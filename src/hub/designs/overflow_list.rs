//! One loop; what finds the unregister channel full goes onto a list that the loop drains before it waits.
//!
//! The loop may drain the list just before something is put there, and then wait; so who puts something tries to send once
//! more, a word to look. If even that finds the channel full, the loop has something to do and will look after it.

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

/// Reports the end of a connection: a send that never waits; if there is no room, by the list.
pub(in crate::hub) async fn un_register<R: Runtime>(
    hub: &Hub<R>,
    me: &Task<R>,
    client: &Client<R>,
    held: Held<R>,
) {
    if !try_send(hub, me, Event::Unregister(client.clone())).await {
        let what = "put the client on the list";
        hub.overflow.step(me, what, |list| list.push(client.clone())).await;
        try_send(hub, me, Event::Look).await;
    }
    held.unlock(me);
}

async fn try_send<R: Runtime>(hub: &Hub<R>, me: &Task<R>, event: Event<R>) -> bool {
    let case = Case::Send(UNREGISTER.0, event);
    !matches!(hub.channels.select_or_default(me, vec![case]).await, Chosen::Default)
}

async fn run<R: Runtime>(hub: Hub<R>, me: Task<R>) {
    loop {
        me.rest();
        while let Some(client) = hub.overflow.step(&me, "take from the list", take).await {
            hub.unregister_client(&me, client).await;
        }
        match hub.next(&me, &[DONE, REGISTER, UNREGISTER, KICK]).await {
            Some(event) => hub.handle(&me, event).await,
            None => return hub.loop_ends(&me),
        }
    }
}

fn take<C>(list: &mut Vec<C>) -> Option<C> {
    if list.is_empty() { None } else { Some(list.remove(0)) }
}
