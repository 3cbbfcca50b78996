//! tinode: the hub sends to a topic that sends to the hub.

use turnstile::sync::{Case, Channel, Channels, Chosen, Spec};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "tinode-534",
    system: "Tinode (Go), instant messaging",
    links: &["https://github.com/tinode/chat/issues/534", "https://github.com/tinode/chat/pull/552"],
    happened: "Many sessions join one topic at once: the hub waits to put a join into the topic's full queue `reg`, and the topic, \
               which tells others of each join, waits to put that into the hub's full queue `route`.",
    fix: "The hub never waits: if `reg` is full, the session is told 503. The queues are larger as well (#552).",
    simplified: "One topic, four joins; both queues hold one, there 32 and 4096, `join` holds none. A join makes one notice, there one \
                 for each contact. The thread shows the hub's side; the topic's is what its source at v0.16.6 sends to the hub.",
    teaches: "Two queues between two loops are a circle. One of the directions must be able to say no; size only sets how much load \
              it takes.",
    variants: &[
        Variant {
            name: "bug",
            about: "reg <- join",
            expected: Expected::Deadlocks(
                "hub waits to send on topic.reg (1/1 full), which only topic drains; \
                 topic waits to send on hub.route (1/1 full), which only hub drains",
            ),
            search: |limits| search(&Tinode534::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "#552: or 503",
            expected: Expected::Holds,
            search: |limits| search(&Tinode534::Fix, limits),
        },
    ],
};

/// How the hub hands a join to its topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tinode534 {
    /// It waits.
    Bug,
    /// It does not.
    Fix,
}

const JOIN: Channel = Channel(0);
const ROUTE: Channel = Channel(1);
const REG: Channel = Channel(2);
const SESSIONS: u32 = 4;

impl Model for Tinode534 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let (hub, topic, variant) = (Name::one("hub"), Name::one("topic"), *self);
        // Nobody looks at who joins, so all joins are the same.
        let channels: Channels<R, ()> = Channels::new(
            runtime,
            Name::one("the hub's channels"),
            [
                Spec::new(Name::one("hub.join"), 0).drained_by([hub]),
                Spec::new(Name::one("hub.route"), 1).drained_by([hub]),
                Spec::new(Name::one("topic.reg"), 1).drained_by([topic]),
            ],
        );
        for n in 1..=SESSIONS {
            let channels = channels.clone();
            Task::spawn(runtime, Name::of("session", n), async move |me| {
                channels.send(&me, JOIN, ()).await.expect("never closed");
            });
        }
        let mine = channels.clone();
        Task::spawn(runtime, topic, async move |me| {
            loop {
                me.rest();
                mine.receive(&me, REG).await;
                mine.send(&me, ROUTE, ()).await.expect("never closed");
            }
        });
        Task::spawn(runtime, hub, async move |me| {
            loop {
                me.rest();
                let cases = vec![Case::Receive(JOIN.0), Case::Receive(ROUTE.0)];
                let Chosen::Received { case: 0, .. } = channels.select(&me, cases).await else { continue };
                match variant {
                    Tinode534::Bug => channels.send(&me, REG, ()).await.expect("never closed"),
                    Tinode534::Fix => {
                        let join = vec![Case::Send(REG.0, ())];
                        if channels.select_or_default(&me, join).await == Chosen::Default {
                            me.note(|| "503".to_owned());
                        }
                    }
                }
            }
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
