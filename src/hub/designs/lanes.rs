//! One queue of events for each shard of users, and one loop for each queue. A connection's own task reports its begin and
//! its end on the same queue, so they come in order; a kick is an order to the kicked one's own task, by a signal. A loop
//! never sends, never locks and never waits but for its next event.

use super::super::client::Client;
use super::super::events::Event;
use super::super::nodes::Answer;
use super::super::socket::{By, Cause};
use super::super::{Hub, Settings};
use crate::name::Name;
use crate::runtime::{Runtime, Task};
use crate::session::{Login, Platform, User};
use crate::sync::{Channel, Spec};

/// The names of few lanes. What numbers they have is their node's, so that no engine takes them for something of a connection's.
const FEW: [(&str, &str); 4] =
    [("lane a", "queue a"), ("lane b", "queue b"), ("lane c", "queue c"), ("lane d", "queue d")];

/// The task of a lane, from 0, of a node.
fn name(lane: usize, node: u32) -> Name {
    FEW.get(lane).map_or_else(|| Name::of("lane", lane as u32 + 1), |(lane, _)| Name::of(lane, node))
}

/// The queues, each drained by its own loop.
pub(in crate::hub) fn specs(settings: &Settings) -> Vec<Spec> {
    let queue = |lane: usize| {
        let few = FEW.get(lane).map(|(_, queue)| settings.name(queue));
        few.unwrap_or_else(|| Name::of("queue", lane as u32 + 1))
    };
    let spec = |lane| Spec::new(queue(lane), settings.capacity).drained_by([name(lane, settings.node)]);
    (0..settings.lanes).map(spec).collect()
}

/// Starts the loops.
pub(in crate::hub) fn start<R: Runtime>(hub: &Hub<R>, runtime: &R) {
    for lane in 0..hub.settings.lanes {
        Task::spawn(runtime, name(lane, hub.settings.node), |me| run(hub.clone(), me, Channel(lane)));
    }
}

/// The lane of a user.
fn lane<R: Runtime>(hub: &Hub<R>, user: User) -> Channel {
    Channel(user.0 as usize % hub.settings.lanes)
}

/// Reports a connection's begin.
pub(in crate::hub) async fn register<R: Runtime>(hub: &Hub<R>, me: &Task<R>, client: &Client<R>) {
    let user = client.bound().login.user;
    hub.send(me, lane(hub, user), Event::Register(client.clone())).await;
}

/// Ends a connection, and reports it.
pub(in crate::hub) async fn leave<R: Runtime>(hub: &Hub<R>, me: &Task<R>, client: &Client<R>) {
    me.turn().await;
    let bound = client.bound();
    bound.socket.obey(me);
    hub.send(me, lane(hub, bound.login.user), Event::Unregister(client.clone())).await;
}

/// Kicks a user off a platform.
pub(in crate::hub) async fn kick_user_offline<R: Runtime>(
    hub: &Hub<R>,
    me: &Task<R>,
    user: User,
    platform: Platform,
) {
    me.turn().await;
    me.note(|| format!("look up user {} in the table", user.0));
    for client in hub.get(user, platform).1 {
        client.order(hub, me, Cause::Admin(user, platform));
    }
}

/// Asks the lane about a login on another node. The newest session here that kicks it, if there is one.
pub(in crate::hub) async fn multi_terminal_login_check<R: Runtime>(
    hub: &Hub<R>,
    me: &Task<R>,
    newcomer: Login,
) -> Option<Login> {
    let lane = lane(hub, newcomer.user);
    let answer = Answer::new(me, newcomer, name(lane.0, hub.settings.node));
    hub.send(me, lane, Event::Check(newcomer, answer.clone())).await;
    answer.wait(me).await
}

/// Orders every connection to end, and every one that is still to come.
pub(in crate::hub) async fn stop<R: Runtime>(hub: &Hub<R>, me: &Task<R>) {
    me.turn().await;
    me.note(|| "accept nobody any more".to_owned());
    hub.refuse();
    for lane in 0..hub.settings.lanes {
        hub.send(me, Channel(lane), Event::Stop).await;
    }
}

// ANCHOR: run
async fn run<R: Runtime>(hub: Hub<R>, me: Task<R>, queue: Channel) {
    loop {
        me.rest();
        let Some(event) = hub.next(&me, &[queue]).await else { return hub.loop_ends(&me) };
        me.turn().await;
        match event {
            Event::Register(client) => hub.admit(&me, &client),
            Event::Unregister(client) => hub.dismiss(&me, &client),
            Event::Check(newcomer, answer) => answer.give(&me, hub.make_way_for(&me, newcomer)),
            Event::Stop => hub.order_all_where(&me, By::Stop, |user| lane(&hub, user) == queue),
            Event::Kick(..) | Event::Look => {}
        }
    }
}
// ANCHOR_END: run
