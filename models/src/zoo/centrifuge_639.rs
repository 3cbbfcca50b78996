//! centrifuge: a subscription that is not done yet, a publication into it, and a second subscription in the same shard.

use turnstile::sync::{Mutex, RwLock, Shared, WaitGroup};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "centrifuge-639",
    system: "Centrifuge (Go), the library under Centrifugo",
    links: &[
        "https://github.com/centrifugal/centrifuge/issues/639",
        "https://github.com/centrifugal/centrifuge/pull/640",
    ],
    happened: "A connect subscribes to two channels of one hub shard. The first subscription keeps its recovery buffer locked until \
               the connect is done; a publication waits for that buffer with the shard's read lock held; the second subscription, \
               which the connect waits for, waits for the shard's write lock.",
    fix: "A publication no longer waits for the subscriber: it is put aside, and the subscriber picks it up.",
    simplified: "One connect, one publication. The first subscription is made by the connect itself, which there has a goroutine for \
                 each. Of the buffer only its lock; of the shard only its lock and who is in it.",
    teaches: "Three tasks, two locks and a wait for a goroutine: no two of them are in each other's way. And an RWMutex joins in \
              as if it were a plain lock.",
    variants: &[
        Variant {
            name: "bug",
            about: "publication waits",
            expected: Expected::Deadlocks(
                "Publish waits to lock pubBufferMu, which connectCmd holds; \
                 connectCmd waits for the subscriptions, which subscribe b owes; \
                 subscribe b waits to lock subShard.mu, which Publish holds",
            ),
            search: |limits| search(&Centrifuge639::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "#640: puts it aside",
            expected: Expected::Holds,
            search: |limits| search(&Centrifuge639::Fix, limits),
        },
    ],
};

/// What a publication does that comes while a client subscribes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Centrifuge639 {
    /// It waits for the buffer.
    Bug,
    /// It puts the message aside.
    Fix,
}

impl Model for Centrifuge639 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let variant = *self;
        let shard = RwLock::new(runtime, Name::one("subShard.mu"));
        let subscribed = Shared::new(runtime, Name::one("subscriptions to a"), false);
        let buffer_mu = Mutex::new(runtime, Name::one("pubBufferMu"));
        let buffer = Shared::new(runtime, Name::one("pubBuffer"), 0_u32);
        let subscribing = Shared::new(runtime, Name::one("inSubscribe"), true);
        let second = Name::one("subscribe b");
        let group = WaitGroup::new(runtime, Name::one("the subscriptions"), [second]);

        let (mine, owed) = (shard.clone(), group.clone());
        Task::spawn(runtime, second, async move |me| {
            let guard = mine.write(&me).await;
            me.note(|| "add b".to_owned());
            guard.unlock(&me);
            owed.done(&me);
        });

        let (mine, there, aside, lock, state) =
            (shard.clone(), subscribed.clone(), buffer.clone(), buffer_mu.clone(), subscribing.clone());
        Task::spawn(runtime, Name::one("Publish"), async move |me| {
            let guard = mine.read(&me).await;
            if there.with(|there| *there) {
                match variant {
                    Centrifuge639::Bug => {
                        me.turn().await;
                        if state.with(|subscribing| *subscribing) {
                            let buffer = lock.lock(&me).await;
                            aside.with(|buffer| *buffer += 1);
                            buffer.unlock(&me);
                        }
                    }
                    Centrifuge639::Fix => aside.step(&me, "put it aside", |buffer| *buffer += 1).await,
                }
            }
            guard.unlock(&me);
        });

        Task::spawn(runtime, Name::one("connectCmd"), async move |me| {
            let guard = shard.write(&me).await;
            me.note(|| "add a".to_owned());
            subscribed.with(|there| *there = true);
            guard.unlock(&me);
            let held = match variant {
                Centrifuge639::Bug => Some(buffer_mu.lock(&me).await),
                Centrifuge639::Fix => None,
            };
            buffer.step(&me, "read what is buffered", std::mem::take).await;
            group.wait(&me).await;
            subscribing.step(&me, "reply, and stop buffering", |subscribing| *subscribing = false).await;
            if let Some(held) = held {
                held.unlock(&me);
            }
            buffer.step(&me, "write what was put aside", std::mem::take).await;
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
