//! superplane: a reader of the lock wants to write.

use turnstile::sync::{Case, Channel, Channels, Chosen, RwLock, Shared, Spec};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "superplane-6427",
    system: "SuperPlane (Go), workflow canvas; go-feature-flag has had the same",
    links: &[
        "https://github.com/superplanehq/superplane/issues/6427",
        "https://github.com/superplanehq/superplane/pull/6428",
        "https://github.com/thomaspoignant/go-feature-flag/issues/3144",
    ],
    happened: "A broadcast holds the read lock and evicts a client whose queue is full; evicting takes the write lock of the same \
               RWMutex, which waits for all readers to leave. From then on everybody waits, and nothing is logged.",
    fix: "Collect the stalled clients under the read lock, give it back, then evict (six proposals did the same).",
    simplified: "Two broadcasts, one client that comes and leaves and one that stays. Whether a queue is full is a choice.",
    teaches: "A read lock cannot be turned into a write lock. Whoever walks a table must not change it: first look, then act.",
    variants: &[
        Variant {
            name: "bug",
            about: "evict under RLock",
            expected: Expected::Deadlocks("Broadcast 1 waits to lock mutex, which it holds itself"),
            search: |limits| search(&Superplane6427::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "collect, unlock, evict",
            expected: Expected::Holds,
            search: |limits| search(&Superplane6427::Fix, limits),
        },
    ],
};

/// When a broadcast evicts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Superplane6427 {
    /// While it reads.
    Bug,
    /// Afterwards.
    Fix,
}

const REGISTER: Channel = Channel(0);
const UNREGISTER: Channel = Channel(1);

/// The hub's table and its lock.
struct Hub<R: Runtime> {
    mutex: RwLock<R>,
    clients: Shared<R, Vec<u32>>,
}

impl<R: Runtime> Clone for Hub<R> {
    fn clone(&self) -> Self {
        Hub { mutex: self.mutex.clone(), clients: self.clients.clone() }
    }
}

impl<R: Runtime> Hub<R> {
    async fn change(&self, me: &Task<R>, change: impl FnOnce(&mut Vec<u32>)) {
        let guard = self.mutex.write(me).await;
        self.clients.with(|clients| {
            change(clients);
            clients.sort_unstable();
        });
        guard.unlock(me);
    }

    async fn unregister(&self, me: &Task<R>, gone: u32) {
        self.change(me, |clients| clients.retain(|n| *n != gone)).await;
    }
}

impl Model for Superplane6427 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let (run, variant) = (Name::one("Run"), *self);
        let channels: Channels<R, u32> = Channels::new(
            runtime,
            Name::one("the hub's channels"),
            ["register", "unregister"].map(|name| Spec::new(Name::one(name), 0).drained_by([run])),
        );
        let hub = Hub {
            mutex: RwLock::new(runtime, Name::one("mutex")),
            clients: Shared::new(runtime, Name::one("clients"), vec![1]),
        };
        for n in 1..=2 {
            let hub = hub.clone();
            Task::spawn(runtime, Name::of("Broadcast", n), async move |me| {
                let guard = hub.mutex.read(&me).await;
                let mut stalled = Vec::new();
                for client in hub.clients.with(|clients| clients.clone()) {
                    me.turn().await;
                    if me.choose(2) == 0 {
                        me.note(|| format!("queue for client {client}"));
                        continue;
                    }
                    me.note(|| format!("the queue of client {client} is full"));
                    match variant {
                        Superplane6427::Bug => hub.unregister(&me, client).await,
                        Superplane6427::Fix => stalled.push(client),
                    }
                }
                guard.unlock(&me);
                for client in stalled {
                    hub.unregister(&me, client).await;
                }
            });
        }
        let mine = channels.clone();
        Task::spawn(runtime, Name::of("readPump", 2), async move |me| {
            mine.send(&me, REGISTER, 2).await.expect("never closed");
            mine.send(&me, UNREGISTER, 2).await.expect("never closed");
        });
        Task::spawn(runtime, run, async move |me| {
            loop {
                me.rest();
                let cases = vec![Case::Receive(REGISTER.0), Case::Receive(UNREGISTER.0)];
                match channels.select(&me, cases).await {
                    Chosen::Received { case: 0, value: Some(n) } => {
                        hub.change(&me, |clients| clients.push(n)).await;
                    }
                    Chosen::Received { value: Some(n), .. } => hub.unregister(&me, n).await,
                    _ => unreachable!("never closed"),
                }
            }
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
