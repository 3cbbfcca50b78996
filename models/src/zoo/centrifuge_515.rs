//! centrifuge: two connections of a user, each of which ends the other before it lets go of its own lock.

use turnstile::sync::{Mutex, Shared, WaitGroup};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "centrifuge-515",
    system: "Centrifuge (Go), the library under Centrifugo",
    links: &[
        "https://github.com/centrifugal/centrifuge/pull/515",
        "https://github.com/centrifugal/centrifugo/issues/1044",
        "https://github.com/centrifugal/centrifugo/pull/1050",
    ],
    happened: "The example for «one connection for each user» disconnects the others in OnConnect, with its own `connectMu` held; \
               closing one takes the `connectMu` of that one, and Disconnect waits until all are closed. Two newcomers do it to \
               each other.",
    fix: "Disconnect no longer waits, and the example does it in OnConnecting, before the lock.",
    simplified: "One node, one user, two connections. Of connecting only the hub's table, the lock and the callback; of closing \
                 only the lock, the status and the table.",
    teaches: "A kick that waits is a lock on somebody else. Mutual kicks cross like any two locks in two orders. What the fix \
              gives up: both newcomers can now stay, since neither is in the table when the other looks.",
    variants: &[
        Variant {
            name: "bug",
            about: "in OnConnect, and wait",
            expected: Expected::Deadlocks(
                "client 1 waits for Disconnect by 1, which close 2 owes; \
                 close 2 waits to lock connectMu 2, which client 2 holds; \
                 client 2 waits for Disconnect by 2, which close 1 owes; \
                 close 1 waits to lock connectMu 1, which client 1 holds",
            ),
            search: |limits| search(&Centrifuge515::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "in OnConnecting, no wait",
            expected: Expected::Holds,
            search: |limits| search(&Centrifuge515::Fix, limits),
        },
    ],
};

/// When a newcomer disconnects the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Centrifuge515 {
    /// With its lock held, and it waits for them to be gone.
    Bug,
    /// Before it takes its lock, and it goes on.
    Fix,
}

const CLIENTS: u32 = 2;

/// What all connections share.
struct Node<R: Runtime> {
    connect_mu: Vec<Mutex<R>>,
    /// Who is connecting or connected.
    hub: Shared<R, Vec<u32>>,
    closed: Shared<R, Vec<u32>>,
}

impl<R: Runtime> Clone for Node<R> {
    fn clone(&self) -> Self {
        let Node { connect_mu, hub, closed } = self;
        Node { connect_mu: connect_mu.clone(), hub: hub.clone(), closed: closed.clone() }
    }
}

impl<R: Runtime> Node<R> {
    /// Starts to close the other connections, each in a goroutine that owes it to `waits`.
    async fn disconnect_others(&self, me: &Task<R>, but: u32, waits: Option<&WaitGroup<R>>) {
        let all = self.hub.step(me, "look who is there", |hub| hub.clone()).await;
        for other in all.into_iter().filter(|other| *other != but) {
            let (node, task, waits) = (self.clone(), Name::of("close", other), waits.cloned());
            if let Some(waits) = &waits {
                waits.add(task);
            }
            Task::spawn(&me.runtime, task, async move |me| {
                node.close(&me, other).await;
                if let Some(waits) = waits {
                    waits.done(&me);
                }
            });
        }
    }

    async fn close(&self, me: &Task<R>, client: u32) {
        let guard = self.connect_mu[client as usize - 1].lock(me).await;
        if !self.closed.with(|closed| closed.contains(&client)) {
            me.note(|| format!("client {client} is closed"));
            self.closed.with(|closed| {
                closed.push(client);
                closed.sort_unstable();
            });
            self.hub.with(|hub| hub.retain(|other| *other != client));
        }
        guard.unlock(me);
    }
}

impl Model for Centrifuge515 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let node = Node {
            connect_mu: (1..=CLIENTS).map(|n| Mutex::new(runtime, Name::of("connectMu", n))).collect(),
            hub: Shared::new(runtime, Name::one("hub"), Vec::new()),
            closed: Shared::new(runtime, Name::one("closed clients"), Vec::new()),
        };
        for n in 1..=CLIENTS {
            let (node, variant) = (node.clone(), *self);
            Task::spawn(runtime, Name::of("client", n), async move |me| {
                if variant == Centrifuge515::Fix {
                    node.disconnect_others(&me, n, None).await;
                }
                let enter = |hub: &mut Vec<u32>| {
                    hub.push(n);
                    hub.sort_unstable();
                };
                node.hub.step(&me, "add the client to the hub", enter).await;
                let guard = node.connect_mu[n as usize - 1].lock(&me).await;
                let closed = node.closed.with(|closed| closed.contains(&n));
                if variant == Centrifuge515::Bug && !closed {
                    let group = WaitGroup::new(&me.runtime, Name::of("Disconnect by", n), []);
                    node.disconnect_others(&me, n, Some(&group)).await;
                    group.wait(&me).await;
                }
                guard.unlock(&me);
            });
        }
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
