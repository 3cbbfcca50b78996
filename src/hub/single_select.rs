//! OpenIM's own hub: one loop selects over every channel, so it alone drains what its own kicks send on.

use super::events::{DONE, Event, KICK, REGISTER, UNREGISTER};
use super::{Design, Hub};
use crate::runtime::{Runtime, Task};
use crate::sync::{Case, Chosen};

/// Starts the loop.
pub fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    Task::spawn(runtime, Design::SingleSelect.register_loop(), |me| run(hub.clone(), me));
}

async fn run<R: Runtime>(hub: Hub<R>, me: Task<R>) {
    let channels = [DONE, REGISTER, UNREGISTER, KICK];
    loop {
        me.rest();
        let cases = channels.iter().map(|c| Case::Receive(c.0)).collect();
        let Chosen::Received { case, value } = hub.channels.select(&me, cases).await else {
            unreachable!("every case receives")
        };
        match (channels[case], value.map(Event::client)) {
            (REGISTER, Some(client)) => hub.register_client(&me, client).await,
            (UNREGISTER, Some(client)) => hub.unregister_client(&me, client).await,
            (_, _) => return,
        }
    }
}
