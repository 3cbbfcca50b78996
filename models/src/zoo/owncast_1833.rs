//! owncast: a broadcast sends under a lock to the loop that needs the lock.

use turnstile::sync::{Channel, Channels, Mutex, RwLock, Shared, Spec};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "owncast-1833",
    system: "Owncast (Go), live streaming with chat",
    links: &["https://github.com/owncast/owncast/pull/1833"],
    happened: "Broadcast holds `mu` and closes a client whose queue is full; closing sends on `unregister`, and Run, which \
               receives there, is on its way to take `mu` for another client.",
    fix: "The client is closed in a goroutine of its own, once: a lock and a flag in each client see to that.",
    simplified: "Two clients. Whether a queue is full is a choice. Broadcast runs in the goroutine of a newcomer; for a chat \
                 message it runs in Run itself, where the first full queue is enough. `inbound` is left out.",
    teaches: "A lock and a channel make a cycle as well as two locks do, and no lock-order checker sees it.",
    variants: &[
        Variant {
            name: "bug",
            about: "close under mu",
            expected: Expected::Deadlocks(
                "Broadcast waits to send on unregister (unbuffered), which only Run drains; \
                 Run waits to lock mu, which Broadcast holds",
            ),
            search: |limits| search(&Owncast1833::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "go close, once",
            expected: Expected::Holds,
            search: |limits| search(&Owncast1833::Fix, limits),
        },
    ],
};

/// How a broadcast closes a client whose queue is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owncast1833 {
    /// At once, under the lock.
    Bug,
    /// In a goroutine.
    Fix,
}

const UNREGISTER: Channel = Channel(0);
const CLIENTS: u32 = 2;

/// A client: what guards its close in the fix.
struct Client<R: Runtime> {
    id: u32,
    server: Channels<R, u32>,
    lock: Mutex<R>,
    closed: Shared<R, bool>,
}

impl<R: Runtime> Clone for Client<R> {
    fn clone(&self) -> Self {
        let Client { id, server, lock, closed } = self;
        Client { id: *id, server: server.clone(), lock: lock.clone(), closed: closed.clone() }
    }
}

impl<R: Runtime> Client<R> {
    async fn close(&self, me: &Task<R>, variant: Owncast1833) {
        if variant == Owncast1833::Bug {
            self.server.send(me, UNREGISTER, self.id).await.expect("never closed");
            return;
        }
        let guard = self.lock.lock(me).await;
        if !self.closed.with(|closed| std::mem::replace(closed, true)) {
            self.server.send(me, UNREGISTER, self.id).await.expect("never closed");
        }
        guard.unlock(me);
    }
}

impl Model for Owncast1833 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let (run, variant) = (Name::one("Run"), *self);
        let channels: Channels<R, u32> = Channels::new(
            runtime,
            Name::one("the server's channels"),
            [Spec::new(Name::one("unregister"), 0).drained_by([run])],
        );
        let mu = RwLock::new(runtime, Name::one("mu"));
        let clients = Shared::new(runtime, Name::one("clients"), (1..=CLIENTS).collect::<Vec<_>>());
        let each: Vec<Client<R>> = (1..=CLIENTS)
            .map(|id| Client {
                id,
                server: channels.clone(),
                lock: Mutex::new(runtime, Name::of("mu of client", id)),
                closed: Shared::new(runtime, Name::of("closed", id), false),
            })
            .collect();

        let leaver = each[0].clone();
        Task::spawn(runtime, Name::of("readPump", 1), async move |me| leaver.close(&me, variant).await);

        let (mine, table) = (mu.clone(), clients.clone());
        Task::spawn(runtime, Name::one("Broadcast"), async move |me| {
            let guard = mine.write(&me).await;
            for id in table.with(|table| table.clone()) {
                me.turn().await;
                if me.choose(2) == 0 {
                    me.note(|| format!("queue for client {id}"));
                    continue;
                }
                me.note(|| format!("the queue of client {id} is full"));
                let client = each[id as usize - 1].clone();
                match variant {
                    Owncast1833::Bug => {
                        client.close(&me, variant).await;
                        table.with(|table| table.retain(|other| *other != id));
                    }
                    Owncast1833::Fix => {
                        Task::spawn(&me.runtime, Name::of("close", id), async move |me| {
                            client.close(&me, variant).await;
                        });
                    }
                }
            }
            guard.unlock(&me);
        });
        Task::spawn(runtime, run, async move |me| {
            loop {
                me.rest();
                let gone = channels.receive(&me, UNREGISTER).await.expect("never closed");
                if clients.step(&me, "look it up", |clients| clients.contains(&gone)).await {
                    let guard = mu.write(&me).await;
                    clients.with(|clients| clients.retain(|id| *id != gone));
                    guard.unlock(&me);
                }
            }
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
