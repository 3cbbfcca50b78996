//! The post's fix: one loop drains register, another drains unregister, nothing else is changed.

use super::events::{DONE, Event, KICK, REGISTER, UNREGISTER};
use super::{Design, Hub};
use crate::runtime::{Runtime, Task};
use crate::sync::{Case, Channel, Chosen};

/// Starts both loops.
pub fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    Task::spawn(runtime, Design::SplitLoops.register_loop(), |me| {
        run(hub.clone(), me, vec![DONE, REGISTER, KICK])
    });
    Task::spawn(runtime, Design::SplitLoops.unregister_loop(), |me| {
        run(hub.clone(), me, vec![DONE, UNREGISTER])
    });
}

async fn run<R: Runtime>(hub: Hub<R>, me: Task<R>, channels: Vec<Channel>) {
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
