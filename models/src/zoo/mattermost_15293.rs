//! mattermost: nine calls below its broadcast, the hub sends to itself.

use turnstile::sync::{Case, Channel, Channels, Chosen, Spec};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "mattermost-15293",
    system: "Mattermost (Go), team chat",
    links: &["https://github.com/mattermost/mattermost/pull/15293"],
    happened: "To broadcast, the hub asks whether a user may see the event; that looks up the session, finds it expired, revokes it, \
               and revoking tells the hub to forget the user: a send to itself, nine calls deep.",
    fix: "GetSession revokes in a goroutine of its own: nobody looked at the result anyway.",
    simplified: "One hub, two events, each of which may meet an expired session. `invalidateUser` is a plain send: there it is a \
                 select with an escape that opens at shutdown, and nobody shuts down here. The calls between are one step.",
    teaches: "No function says in its signature that it may send to the loop that calls it. The cycle is one edge long and nine \
              frames deep: only the graph of waits shows it short.",
    variants: &[
        Variant {
            name: "bug",
            about: "revoke in the hub",
            expected: Expected::Deadlocks(
                "hub waits to send on invalidateUser (unbuffered), which only hub drains",
            ),
            search: |limits| search(&Mattermost15293::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "go revoke",
            expected: Expected::Holds,
            search: |limits| search(&Mattermost15293::Fix, limits),
        },
    ],
};

/// Where an expired session is revoked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mattermost15293 {
    /// In the hub.
    Bug,
    /// In a goroutine.
    Fix,
}

const BROADCAST: Channel = Channel(0);
const INVALIDATE_USER: Channel = Channel(1);
const EVENTS: u32 = 2;

impl Model for Mattermost15293 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let (hub, variant) = (Name::one("hub"), *self);
        let channels: Channels<R, u32> = Channels::new(
            runtime,
            Name::one("the hub's channels"),
            [
                Spec::new(Name::one("broadcast"), 1).drained_by([hub]),
                Spec::new(Name::one("invalidateUser"), 0).drained_by([hub]),
            ],
        );
        for n in 1..=EVENTS {
            let channels = channels.clone();
            Task::spawn(runtime, Name::of("Publish", n), async move |me| {
                channels.send(&me, BROADCAST, n).await.expect("never closed");
            });
        }
        Task::spawn(runtime, hub, async move |me| {
            loop {
                me.rest();
                let cases = vec![Case::Receive(BROADCAST.0), Case::Receive(INVALIDATE_USER.0)];
                let Chosen::Received { case: 0, value: Some(event) } = channels.select(&me, cases).await
                else {
                    continue;
                };
                me.turn().await;
                if me.choose(2) == 0 {
                    me.note(|| "the session is good".to_owned());
                    continue;
                }
                me.note(|| "the session has expired".to_owned());
                match variant {
                    Mattermost15293::Bug => {
                        channels.send(&me, INVALIDATE_USER, event).await.expect("never closed");
                    }
                    Mattermost15293::Fix => {
                        let channels = channels.clone();
                        Task::spawn(&me.runtime, Name::of("RevokeSession", event), async move |me| {
                            channels.send(&me, INVALIDATE_USER, event).await.expect("never closed");
                        });
                    }
                }
            }
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
