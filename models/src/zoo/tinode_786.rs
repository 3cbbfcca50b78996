//! tinode: hubs of a cluster that wait for one another's replies.

use turnstile::sync::{Case, Channel, Channels, Chosen, Spec, WaitGroup};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "tinode-786",
    system: "Tinode (Go), instant messaging, as a cluster",
    links: &["https://github.com/tinode/chat/issues/786", "https://github.com/tinode/chat/pull/787"],
    happened: "To route a message to another node, the hub calls it and waits for the reply; the callee puts the message into its \
               hub's queue `routeSrv` and waits while that is full; and that hub waits for the reply to a call of its own.",
    fix: "The callee does not wait: if its hub is busy, it says so (#787, which also gives the proxies' calls a queue and a sender).",
    simplified: "Two nodes, the thread has three; queues of one, two messages for each node to route. One goroutine serves the calls \
                 of the other node.",
    teaches: "No process is deadlocked, the cluster is: the circle runs through two machines, and neither's stack trace shows it.",
    variants: &[
        Variant {
            name: "bug",
            about: "callee waits",
            expected: Expected::Deadlocks(
                "Route 1 waits to send on routeSrv 1 (1/1 full), which only hub 1 drains; \
                 hub 1 waits for reply from 2, which Route 2 owes; \
                 Route 2 waits to send on routeSrv 2 (1/1 full), which only hub 2 drains; \
                 hub 2 waits for reply from 1, which Route 1 owes",
            ),
            search: |limits| search(&Tinode786::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "#787: or busy",
            expected: Expected::Holds,
            search: |limits| search(&Tinode786::Fix, limits),
        },
    ],
};

/// What the node does that is called while its hub's queue is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tinode786 {
    /// It waits.
    Bug,
    /// It says that it is busy.
    Fix,
}

/// A message, by where it is to go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Message {
    Here,
    There,
}

const ROUTE_SRV: Channel = Channel(0);
const CALL: Channel = Channel(1);
const NODES: u32 = 2;
const MESSAGES: u32 = 2;

impl Model for Tinode786 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let nodes: Vec<Channels<R, Message>> = (1..=NODES)
            .map(|n| {
                let (hub, route) = (Name::of("hub", n), Name::of("Route", n));
                let specs = [
                    Spec::new(Name::of("routeSrv", n), 1).drained_by([hub]),
                    Spec::new(Name::of("call of", n), 0).drained_by([route]),
                ];
                Channels::new(runtime, Name::of("channels of node", n), specs)
            })
            .collect();
        // Made by the caller of a node's `Route`, who alone waits for it.
        let replies: Vec<WaitGroup<R>> =
            (1..=NODES).map(|n| WaitGroup::new(runtime, Name::of("reply from", n), [])).collect();
        for n in 1..=NODES {
            let (variant, other) = (*self, NODES - n);
            let here = &nodes[n as usize - 1];

            let mine = here.clone();
            Task::spawn(runtime, Name::of("topic", n), async move |me| {
                for _ in 0..MESSAGES {
                    mine.send(&me, ROUTE_SRV, Message::There).await.expect("never closed");
                }
            });

            let (mine, reply) = (here.clone(), replies[n as usize - 1].clone());
            Task::spawn(runtime, Name::of("Route", n), async move |me| {
                loop {
                    me.rest();
                    mine.receive(&me, CALL).await;
                    match variant {
                        Tinode786::Bug => {
                            mine.send(&me, ROUTE_SRV, Message::Here).await.expect("never closed");
                        }
                        Tinode786::Fix => {
                            let case = vec![Case::Send(ROUTE_SRV.0, Message::Here)];
                            if mine.select_or_default(&me, case).await == Chosen::Default {
                                me.note(|| "busy".to_owned());
                            }
                        }
                    }
                    reply.done(&me);
                }
            });

            let (mine, there, reply) =
                (here.clone(), nodes[other as usize].clone(), replies[other as usize].clone());
            Task::spawn(runtime, Name::of("hub", n), async move |me| {
                loop {
                    me.rest();
                    if mine.receive(&me, ROUTE_SRV).await == Some(Message::There) {
                        reply.add(Name::of("Route", other + 1));
                        there.send(&me, CALL, Message::Here).await.expect("never closed");
                        reply.wait(&me).await;
                    }
                }
            });
        }
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
