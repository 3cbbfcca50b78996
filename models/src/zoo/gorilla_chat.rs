//! gorilla/websocket's chat example: the hub that does it right, and is copied less often than it is changed.

use turnstile::sync::{Case, Channel, Channels, Chosen, Shared, Spec};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "gorilla-chat",
    system: "The chat example of gorilla/websocket (Go)",
    links: &["https://github.com/gorilla/websocket/tree/main/examples/chat"],
    happened: "Nothing: it is here because many of the others began as this one.",
    fix: "None needed. The hub never waits: a client whose queue is full is deleted and its queue closed, right in the loop, and \
          nothing that the loop calls sends to the loop.",
    simplified: "Two clients, one message each, queues of one, there 256. A write to the socket takes no step and never fails. \
                 The hub never stops; in the example neither.",
    teaches: "Everybody may wait for the hub if the hub waits for nobody.",
    variants: &[Variant {
        name: "as it is",
        about: "delete inline, select default",
        expected: Expected::Holds,
        search: |limits| search(&GorillaChat, limits),
    }],
};

/// The example.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GorillaChat;

const REGISTER: Channel = Channel(0);
const UNREGISTER: Channel = Channel(1);
const BROADCAST: Channel = Channel(2);
/// The only channel of a client.
const QUEUE: Channel = Channel(0);
const CLIENTS: u32 = 2;

impl Model for GorillaChat {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let hub = Name::one("hub");
        let channels: Channels<R, u32> = Channels::new(
            runtime,
            Name::one("the hub's channels"),
            ["register", "unregister", "broadcast"]
                .map(|name| Spec::new(Name::one(name), 0).drained_by([hub])),
        );
        let clients = Shared::new(runtime, Name::one("clients"), Vec::new());
        let queues: Vec<Channels<R, u32>> = (1..=CLIENTS)
            .map(|n| {
                let spec = Spec::new(Name::of("send", n), 1).drained_by([Name::of("writePump", n)]);
                Channels::new(runtime, Name::of("client", n), [spec])
            })
            .collect();
        for n in 1..=CLIENTS {
            let queue = queues[n as usize - 1].clone();
            Task::spawn(runtime, Name::of("writePump", n), async move |me| {
                while queue.receive(&me, QUEUE).await.is_some() {}
            });
            let channels = channels.clone();
            Task::spawn(runtime, Name::of("readPump", n), async move |me| {
                for channel in [REGISTER, BROADCAST, UNREGISTER] {
                    channels.send(&me, channel, n).await.expect("never closed");
                }
            });
        }
        Task::spawn(runtime, hub, async move |me| {
            // Deletes a client that is still there, and closes its queue.
            let delete = async |me: &Task<R>, n: u32| {
                me.turn().await;
                let there = clients.with(|all: &mut Vec<u32>| {
                    let there = all.contains(&n);
                    all.retain(|other| *other != n);
                    there
                });
                if there {
                    queues[n as usize - 1].close(me, QUEUE).await.expect("closed once");
                }
            };
            loop {
                me.rest();
                let cases = [REGISTER, UNREGISTER, BROADCAST].map(|channel| Case::Receive(channel.0));
                let Chosen::Received { case, value: Some(n) } = channels.select(&me, cases.to_vec()).await
                else {
                    unreachable!("never closed");
                };
                match Channel(case) {
                    REGISTER => clients.with(|all| {
                        all.push(n);
                        all.sort_unstable();
                    }),
                    UNREGISTER => delete(&me, n).await,
                    _ => {
                        for to in clients.with(|all| all.clone()) {
                            let queue = &queues[to as usize - 1];
                            if queue.select_or_default(&me, vec![Case::Send(QUEUE.0, n)]).await
                                == Chosen::Default
                            {
                                delete(&me, to).await;
                            }
                        }
                    }
                }
            }
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
