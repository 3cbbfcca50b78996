//! The post's fix to the letter of its listing: both loops receive into the one variable that the single loop had.
//!
//! The listing assigns with `=`, to a variable declared before both goroutines. The Go memory model calls that a data
//! race: a loop may go on with the client that the other one has just received.

use super::events::{DONE, Event, KICK, REGISTER, UNREGISTER};
use super::{Client, Design, Hub};
use crate::name::Name;
use crate::runtime::{Runtime, Task};
use crate::sync::{Case, Channel, Chosen, Shared};

/// Starts both loops.
pub fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    let variable = Shared::new(runtime, Name::one("variable client"), None);
    Task::spawn(runtime, Design::SplitLoopsShared.register_loop(), |me| {
        run(hub.clone(), me, vec![DONE, REGISTER, KICK], variable.clone())
    });
    Task::spawn(runtime, Design::SplitLoopsShared.unregister_loop(), |me| {
        run(hub.clone(), me, vec![DONE, UNREGISTER], variable)
    });
}

async fn run<R: Runtime>(
    hub: Hub<R>,
    me: Task<R>,
    channels: Vec<Channel>,
    variable: Shared<R, Option<Client<R>>>,
) {
    loop {
        me.rest();
        let cases = channels.iter().map(|c| Case::Receive(c.0)).collect();
        let Chosen::Received { case, value } = hub.channels.select(&me, cases).await else {
            unreachable!("every case receives")
        };
        let Some(received) = value.map(Event::client) else { return };
        variable.step(&me, "assign the variable client", |it| *it = Some(received)).await;
        let client = variable.step(&me, "read the variable client", |it| it.clone()).await;
        match (channels[case], client) {
            (REGISTER, Some(client)) => hub.register_client(&me, client).await,
            (UNREGISTER, Some(client)) => hub.unregister_client(&me, client).await,
            (_, _) => return,
        }
    }
}
