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
            if self.gives_up && self.live.crash().is_some() {
                self.give_up(&self.live.glance());
                return;
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
        if before.is_some_and(|before| waits(&before.knot.cycle).is_subset(&all(knot))) {
            return;
        }
        let words = show::knot(knot);
        {
            let mut now = self.alarms.now();
            now.deadlock = Some(Alarm { knot: knot.clone(), words: words.clone(), found: glance.at });
            now.deadlocks += 1;
        }
        tracing::error!(cycle = words[1..].join("; "), behind = knot.collateral.len(), "{}", words[0],);
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
            Err(why) => tracing::error!(%why, "the report could not be written"),
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

/// Who waits, and for what.
fn waits(edges: &[Edge]) -> BTreeSet<(Name, Name)> {
    edges.iter().map(|edge| (edge.task, edge.on)).collect()
}

/// The same of all that are stuck.
fn all(knot: &Knot) -> BTreeSet<(Name, Name)> {
    waits(&knot.cycle).union(&waits(&knot.collateral)).copied().collect()
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::gateway::runtime::Tokio;
    use crate::runtime::Task;
    use crate::sync::{Channel, Channels, Mutex, Spec};

    /// How long anything that is to come may take.
    const SOON: Duration = Duration::from_secs(20);

    fn tokio() -> Runtime {
        Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
    }

    fn watched(starved_ms: u64) -> (Runtime, Tokio<Live>, Live, Alarms, Watchdog) {
        let tokio = tokio();
        let (live, alarms) = (Live::default(), Alarms::default());
        let mut config = Config::default();
        config.watchdog.starved_ms = starved_ms;
        let dog = start(&config, live.clone(), alarms.clone()).unwrap();
        let runtime = Tokio::new(tokio.handle().clone(), live.clone());
        (tokio, runtime, live, alarms, dog)
    }

    fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = found() {
                return found;
            }
            assert!(began.elapsed() < SOON, "{what}: it does not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_planted_lock_cycle_is_named_in_the_words_of_the_laboratory_with_its_last_steps() {
        let (tokio, runtime, live, alarms, _dog) = watched(60_000);
        let [left, right] = ["left", "right"].map(|name| Mutex::new(&runtime, Name::one(name)));
        let both = Arc::new(tokio::sync::Barrier::new(2));
        for (name, first, second) in [("a", &left, &right), ("b", &right, &left)] {
            let (first, second, both) = (first.clone(), second.clone(), both.clone());
            Task::spawn(&runtime, Name::one(name), async move |me| {
                let _held = first.lock(&me).await;
                both.wait().await;
                let _both = second.lock(&me).await;
            });
        }
        // One more, which is behind it and not on it.
        let third = left.clone();
        Task::spawn(&runtime, Name::one("c"), async move |me| drop(third.lock(&me).await));
        let alarm = until("an alarm", || alarms.deadlock());
        assert_eq!(
            alarm.words,
            [
                "Deadlock: a and b wait for each other",
                "a waits to lock right, which b holds",
                "b waits to lock left, which a holds",
            ]
        );
        assert_eq!(alarms.deadlocks(), 1);
        let behind = until("one behind it", || live.glance().knot.filter(|knot| !knot.collateral.is_empty()));
        assert_eq!(behind.collateral[0].to_string(), "c waits to lock left, which a holds");
        // It is named once, whoever comes to wait behind it.
        std::thread::sleep(EVERY * 3);
        assert_eq!(alarms.deadlocks(), 1);
        // The one that waited second did so while somebody waited.
        let steps = [Name::one("a"), Name::one("b")].map(|who| live.steps(who));
        assert!(steps.iter().any(|steps| !steps.is_empty()), "{steps:?}");
        tokio.shutdown_background();
    }

    #[test]
    fn whoever_waits_for_a_task_that_has_ended_is_stuck() {
        let (tokio, runtime, _live, alarms, _dog) = watched(60_000);
        let hub = Name::one("hub");
        let spec = Spec::new(Name::one("work"), 1).drained_by([hub]);
        let channels = Channels::new(&runtime, Name::one("channels"), [spec]);
        Task::spawn(&runtime, hub, async move |_| {});
        Task::spawn(&runtime, Name::one("worker"), async move |me| {
            for n in 0..2 {
                channels.send(&me, Channel(0), n).await.unwrap();
            }
        });
        let alarm = until("an alarm", || alarms.deadlock());
        assert_eq!(alarm.words[0], "Stuck: worker waits for what will never come");
        assert_eq!(alarm.words[1], "worker waits to send on work (1/1 full), which only hub drains");
        tokio.shutdown_background();
    }

    #[test]
    fn a_lock_whose_holder_has_ended_is_held_for_ever() {
        let (tokio, runtime, live, alarms, _dog) = watched(60_000);
        let lock = Mutex::new(&runtime, Name::one("lock"));
        let reader = Name::of("reader", 7);
        let me = Task { runtime: runtime.clone(), name: reader };
        let here = live.here(reader);
        tokio.block_on(async { lock.lock(&me).await.leave() });
        Task::spawn(&runtime, Name::one("next"), async move |me| drop(lock.lock(&me).await));
        until("the wait", || (live.waiting() == 1).then_some(()));
        // As long as the holder runs, it may yet unlock.
        std::thread::sleep(EVERY * 3);
        assert!(alarms.deadlock().is_none());
        drop(here);
        let alarm = until("an alarm", || alarms.deadlock());
        assert_eq!(alarm.words[0], "Stuck: next waits for what will never come");
        assert_eq!(alarm.words[1], "next waits to lock lock, which reader 7 holds");
        tokio.shutdown_background();
    }

    #[test]
    fn a_long_wait_without_a_cycle_is_starvation_and_no_deadlock() {
        let (tokio, runtime, live, alarms, _dog) = watched(300);
        let lock = Mutex::new(&runtime, Name::one("lock"));
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let (held, holds) = tokio::sync::oneshot::channel::<()>();
        let held_lock = lock.clone();
        Task::spawn(&runtime, Name::one("slow"), async move |me| {
            let guard = held_lock.lock(&me).await;
            held.send(()).unwrap();
            let _ = gone.await;
            drop(guard);
        });
        tokio.block_on(holds).unwrap();
        Task::spawn(&runtime, Name::one("patient"), async move |me| drop(lock.lock(&me).await));
        until("starvation", || (alarms.starved() == 1).then_some(()));
        assert!(alarms.deadlock().is_none());
        let glance = live.glance();
        let starved = glance.starved(Duration::from_millis(300));
        assert_eq!(starved[0].to_string(), "patient waits to lock lock, which slow holds");
        go.send(()).unwrap();
        until("the end of it", || (alarms.starved() == 0 && live.waiting() == 0).then_some(()));
        tokio.shutdown_background();
    }

    /// Tasks that hand a lock and full channels to and fro all the time, and never for ever: whatever moment is looked at,
    /// nobody is stuck. Half of what waits has been handed what it waits for by the time it is looked at.
    #[test]
    fn what_moves_is_never_called_a_deadlock() {
        let (tokio, runtime, live, alarms, _dog) = watched(60_000);
        let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let [there, back] = [0, 1].map(|n| Name::of("drainer", n + 1));
        let specs = [
            Spec::new(Name::one("there"), 1).drained_by([there]),
            Spec::new(Name::one("back"), 1).drained_by([back]),
        ];
        let channels = Channels::new(&runtime, Name::one("channels"), specs);
        let locks = [1, 2].map(|n| Mutex::new(&runtime, Name::of("lock", n)));
        for (at, name) in [there, back].into_iter().enumerate() {
            let (channels, locks, over) = (channels.clone(), locks.clone(), over.clone());
            Task::spawn(&runtime, name, async move |me| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    channels.receive(&me, Channel(at)).await;
                    drop(locks[0].lock(&me).await);
                }
            });
        }
        for n in 1..=8 {
            let (channels, locks, over) = (channels.clone(), locks.clone(), over.clone());
            Task::spawn(&runtime, Name::of("sender", n), async move |me| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    let held = locks[0].lock(&me).await;
                    let both = locks[1].lock(&me).await;
                    drop(held);
                    tokio::task::yield_now().await;
                    drop(both);
                    channels.send(&me, Channel(n as usize % 2), n).await.unwrap();
                }
            });
        }
        let began = Instant::now();
        let mut glances = 0;
        let mut waits = 0;
        while began.elapsed() < Duration::from_secs(3) {
            let glance = live.glance();
            assert!(glance.knot.is_none(), "{:?}", glance.knot);
            waits += glance.working().len();
            glances += 1;
        }
        assert!(alarms.deadlock().is_none() && alarms.deadlocks() == 0);
        assert!(glances > 100 && waits > glances, "{waits} waits in {glances} glances");
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        tokio.shutdown_background();
    }
}
