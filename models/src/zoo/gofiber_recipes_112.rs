//! gofiber's websocket-chat recipe: one arm of the select sends to another arm of the same select.

use turnstile::sync::{Case, Channel, Channels, Chosen, Shared, Spec};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "gofiber-recipes-112",
    system: "Fiber's websocket-chat recipe (Go), an example that is copied",
    links: &["https://github.com/gofiber/recipes/pull/112"],
    happened: "When a write to a connection fails, the arm that broadcasts sends the connection on `unregister`, an unbuffered \
               channel that only another arm of the same select receives from.",
    fix: "Delete it from the map right there.",
    simplified: "Two connections that each send one message and leave. Whether a write fails is a choice.",
    teaches: "The purest form: one task, one channel, one edge. A loop that needs something done by itself calls a function.",
    variants: &[
        Variant {
            name: "bug",
            about: "unregister <- c",
            expected: Expected::Deadlocks(
                "runHub waits to send on unregister (unbuffered), which only runHub drains",
            ),
            search: |limits| search(&GofiberRecipes112::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "delete inline",
            expected: Expected::Holds,
            search: |limits| search(&GofiberRecipes112::Fix, limits),
        },
    ],
};

/// What is done with a connection that cannot be written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GofiberRecipes112 {
    /// It is sent on `unregister`.
    Bug,
    /// It is deleted.
    Fix,
}

const REGISTER: Channel = Channel(0);
const BROADCAST: Channel = Channel(1);
const UNREGISTER: Channel = Channel(2);
const CONNECTIONS: u32 = 2;

impl Model for GofiberRecipes112 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let (hub, variant) = (Name::one("runHub"), *self);
        let channels: Channels<R, u32> = Channels::new(
            runtime,
            Name::one("the hub's channels"),
            ["register", "broadcast", "unregister"]
                .map(|name| Spec::new(Name::one(name), 0).drained_by([hub])),
        );
        let clients = Shared::new(runtime, Name::one("clients"), Vec::new());
        for n in 1..=CONNECTIONS {
            let channels = channels.clone();
            Task::spawn(runtime, Name::of("handler", n), async move |me| {
                for channel in [REGISTER, BROADCAST, UNREGISTER] {
                    channels.send(&me, channel, n).await.expect("never closed");
                }
            });
        }
        Task::spawn(runtime, hub, async move |me| {
            let delete = |gone: u32| clients.with(|all: &mut Vec<u32>| all.retain(|n| *n != gone));
            loop {
                me.rest();
                let cases = [REGISTER, BROADCAST, UNREGISTER].map(|channel| Case::Receive(channel.0));
                let Chosen::Received { case, value: Some(n) } = channels.select(&me, cases.to_vec()).await
                else {
                    unreachable!("never closed");
                };
                match Channel(case) {
                    REGISTER => clients.with(|all| {
                        all.push(n);
                        all.sort_unstable();
                    }),
                    UNREGISTER => delete(n),
                    _ => {
                        for to in clients.with(|all| all.clone()) {
                            me.turn().await;
                            if me.choose(2) == 0 {
                                me.note(|| format!("write to connection {to}"));
                                continue;
                            }
                            me.note(|| format!("the write to connection {to} fails"));
                            match variant {
                                GofiberRecipes112::Bug => {
                                    channels.send(&me, UNREGISTER, to).await.expect("never closed");
                                }
                                GofiberRecipes112::Fix => delete(to),
                            }
                        }
                    }
                }
            }
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
