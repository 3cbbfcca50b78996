//! queued-build-hook: the main loop waits for a worker that waits for the main loop.

use turnstile::sync::{Case, Channel, Channels, Chosen, Spec};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "queued-build-hook-2",
    system: "queued-build-hook (Go), a job queue for Nix; no chat, the same shape",
    links: &["https://github.com/nix-community/queued-build-hook/pull/2"],
    happened: "The main loop puts each request into `workerRequests`, and waits while that is full; a worker that is done sends on \
               `queueCompleted`, which only the main loop receives from.",
    fix: "The worker sends in a goroutine, so that it is there to take the next request.",
    simplified: "One worker, three requests, a queue of one, there 256. Running the hook takes no step.",
    teaches: "Work goes one way, news of it comes back the other: a circle of two channels. It showed only once concurrency was \
              limited, since until then nothing was ever full.",
    variants: &[
        Variant {
            name: "bug",
            about: "worker sends",
            expected: Expected::Deadlocks(
                "main waits to send on workerRequests (1/1 full), which only worker drains; \
                 worker waits to send on queueCompleted (unbuffered), which only main drains",
            ),
            search: |limits| search(&QueuedBuildHook2::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "go send",
            expected: Expected::Holds,
            search: |limits| search(&QueuedBuildHook2::Fix, limits),
        },
    ],
};

/// How a worker says that it is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueuedBuildHook2 {
    /// By itself.
    Bug,
    /// In a goroutine.
    Fix,
}

const QUEUE_REQUESTS: Channel = Channel(0);
const QUEUE_COMPLETED: Channel = Channel(1);
const WORKER_REQUESTS: Channel = Channel(2);
const REQUESTS: u32 = 3;

impl Model for QueuedBuildHook2 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let (main, worker, variant) = (Name::one("main"), Name::one("worker"), *self);
        let channels: Channels<R, u32> = Channels::new(
            runtime,
            Name::one("the daemon's channels"),
            [
                Spec::new(Name::one("queueRequests"), 0).drained_by([main]),
                Spec::new(Name::one("queueCompleted"), 0).drained_by([main]),
                Spec::new(Name::one("workerRequests"), 1).drained_by([worker]),
            ],
        );
        for n in 1..=REQUESTS {
            let channels = channels.clone();
            Task::spawn(runtime, Name::of("client", n), async move |me| {
                channels.send(&me, QUEUE_REQUESTS, n).await.expect("never closed");
            });
        }
        let mine = channels.clone();
        Task::spawn(runtime, worker, async move |me| {
            loop {
                me.rest();
                let request = mine.receive(&me, WORKER_REQUESTS).await.expect("never closed");
                match variant {
                    QueuedBuildHook2::Bug => {
                        mine.send(&me, QUEUE_COMPLETED, request).await.expect("never closed");
                    }
                    QueuedBuildHook2::Fix => {
                        let mine = mine.clone();
                        Task::spawn(&me.runtime, Name::of("completion", request), async move |me| {
                            mine.send(&me, QUEUE_COMPLETED, request).await.expect("never closed");
                        });
                    }
                }
            }
        });
        Task::spawn(runtime, main, async move |me| {
            loop {
                me.rest();
                let cases = vec![Case::Receive(QUEUE_REQUESTS.0), Case::Receive(QUEUE_COMPLETED.0)];
                if let Chosen::Received { case: 0, value: Some(n) } = channels.select(&me, cases).await {
                    channels.send(&me, WORKER_REQUESTS, n).await.expect("never closed");
                }
            }
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
