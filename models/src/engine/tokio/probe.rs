//! What looks on while the core runs on tokio, and shakes it.

use std::future::Future;
use std::sync::Arc;

use turnstile::Name;
use turnstile::gateway::runtime::Probe;
use turnstile::waits::Wait;

use crate::engine::pause::pause;
use crate::engine::watch::Watch;

/// The laboratory's probe, for one run.
#[derive(Clone)]
pub(super) struct Lab(Arc<Inner>);

struct Inner {
    watch: Watch,
    /// In this run whims come so many times in [`OF`].
    eager: u32,
    /// In this run a task yields before a turn so many times in [`OF`].
    restless: u32,
}

const OF: u32 = 8;

impl Lab {
    /// How often whims come and how often tasks yield is drawn anew for each run, for diversity.
    pub(super) fn new(watch: Watch) -> Lab {
        Lab(Arc::new(Inner { watch, eager: fastrand::u32(1..=OF), restless: fastrand::u32(1..OF) }))
    }

    async fn shake(&self) {
        while fastrand::u32(..OF) < self.0.restless {
            pause().await;
        }
    }
}

impl Probe for Lab {
    async fn turn(&self, who: Name) {
        self.shake().await;
        self.0.watch.come(who).await;
    }

    async fn whim(&self, who: Name) -> bool {
        if fastrand::u32(..OF) >= self.0.eager {
            return false;
        }
        self.turn(who).await;
        true
    }

    fn enters(&self) {
        self.0.watch.enters();
    }

    fn picks(&self, who: Name, pick: usize) {
        self.0.watch.picks(who, pick);
    }

    fn picks_named(&self, who: Name, pick: Name) {
        self.0.watch.picks_named(who, pick);
    }

    fn wraps(
        &self,
        who: Name,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let tracked = self.0.watch.track(who, task);
        async move {
            // Where the run is over there is nothing left to do.
            if let Some(tracked) = tracked {
                tracked.await;
            }
        }
    }

    fn waits(&self, who: Name, wait: Wait) {
        self.0.watch.waits(who, wait);
    }

    fn resumes(&self, who: Name) {
        self.0.watch.resumes(who);
    }

    fn breaches(&self, who: Name, rule: &'static str, what: impl FnOnce() -> String) {
        self.0.watch.breach(who, rule, what);
    }

    fn crashes(&self, who: Name, why: &str) {
        self.0.watch.crash(who, why);
    }
}
