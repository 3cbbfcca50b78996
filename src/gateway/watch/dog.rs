//! The watchdog: says once that there is a deadlock, and who has waited for too long.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::glance::Glance;
use super::live::Live;
use super::report::{self, Setting};
use crate::gateway::config::{Config, Limits};
use crate::name::Name;
use crate::show;
use crate::waits::{Edge, Knot};

/// How often it looks.
const EVERY: Duration = Duration::from_millis(250);

/// A deadlock that the watchdog has named.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// Who is stuck.
    pub knot: Knot,
    /// In the laboratory's words.
    pub words: Vec<String>,
    /// When it was found.
    pub found: Instant,
}

/// What the watchdog has to say. A handle; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Alarms(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    now: Mutex<Now>,
    gives_up: Notify,
}

#[derive(Debug, Default)]
struct Now {
    deadlock: Option<Alarm>,
    deadlocks: u64,
    starved: usize,
    report: Option<PathBuf>,
}

impl Alarms {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The deadlock there is, if there is one.
    pub fn deadlock(&self) -> Option<Alarm> {
        self.now().deadlock.clone()
    }

    /// How many deadlocks were named so far.
    pub fn deadlocks(&self) -> u64 {
        self.now().deadlocks
    }

    /// How many tasks have waited for too long, and may yet go on.
    pub fn starved(&self) -> usize {
        self.now().starved
    }

    /// Ready once the process is to end for its supervisor, since there is a deadlock; with the report's file, if it could be
    /// written. Only where the configuration says so.
    pub async fn gives_up(&self) -> Option<PathBuf> {
        self.0.gives_up.notified().await;
        self.now().report.clone()
    }
}

/// A watchdog that runs until it is dropped.
pub(in crate::gateway) struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts a watchdog, on a thread of its own: it looks even when the runtime has no thread left for it.
pub(in crate::gateway) fn start(config: &Config, live: Live, alarms: Alarms) -> std::io::Result<Watchdog> {
    let (stop, stopped) = channel();
    let dog = Dog {
        live,
        alarms,
        patience: Limits::time(config.watchdog.starved_ms),
        gives_up: config.watchdog.exit,
        data: config.data.clone(),
        setting: Setting::of(config),
        named: BTreeSet::new(),
    };
    let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || dog.run(&stopped))?;
    Ok(Watchdog { stop: Some(stop), thread: Some(thread) })
}

struct Dog {
    live: Live,
    alarms: Alarms,
    patience: Duration,
    gives_up: bool,
    data: PathBuf,
    setting: Setting,
    /// Who was said to starve, and has waited ever since.
    named: BTreeSet<Name>,
}

impl Dog {
    fn run(mut self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
            let quiet = self.live.waiting() == 0;
            if !quiet || self.alarms.now().deadlock.is_some() || !self.named.is_empty() {
                let glance = self.live.glance();
                self.deadlock(&glance);
                self.starvation(&glance);
            }
            self.live.prune();
        }
    }

    fn deadlock(&mut self, glance: &Glance) {
        let before = self.alarms.deadlock();
        let Some(knot) = &glance.knot else {
            if before.is_some() {
                tracing::warn!("the deadlock is gone: somebody who was on it was ended");
                self.alarms.now().deadlock = None;
            }
            return;
        };
        // Others come to wait behind it; that is no other deadlock.
        if before.is_some_and(|before| ends(&before.knot) == ends(knot)) {
            return;
        }
        let words = show::knot(knot);
        tracing::error!(
            cycle = words[1..].join("; "),
            behind = knot.collateral.len(),
            "{}",
            words[0],
        );
        {
            let mut now = self.alarms.now();
            now.deadlock = Some(Alarm { knot: knot.clone(), words, found: glance.at });
            now.deadlocks += 1;
        }
        if self.gives_up {
            self.give_up(glance);
        }
    }

    fn give_up(&self, glance: &Glance) {
        match report::write(&self.data, &self.setting, &self.live, glance) {
            Ok(path) => {
                tracing::error!(report = %path.display(), "the process ends, as watchdog.exit says");
                self.alarms.now().report = Some(path);
            }
            Err(why) => tracing::error!(%why, "the report of the deadlock could not be written"),
        }
        self.alarms.0.gives_up.notify_one();
    }

    fn starvation(&mut self, glance: &Glance) {
        let starved = glance.starved(self.patience);
        self.alarms.now().starved = starved.len();
        let names: BTreeSet<Name> = starved.iter().map(|edge| edge.task).collect();
        self.named.retain(|task| names.contains(task));
        let new: Vec<&Edge> = starved.into_iter().filter(|edge| !self.named.contains(&edge.task)).collect();
        if let Some(oldest) = new.first() {
            let waits = show::waits(new.iter().copied()).join("; ");
            let seconds = glance.lasts(oldest).as_secs();
            tracing::warn!(tasks = new.len(), seconds, waits, "tasks have waited for long and may yet go on");
        }
        self.named.extend(names);
    }
}

/// Who is on the cycle, and for what each waits.
fn ends(knot: &Knot) -> BTreeSet<(Name, Name)> {
    knot.cycle.iter().map(|edge| (edge.task, edge.on)).collect()
}
