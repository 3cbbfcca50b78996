//! Between the threads that run executions and the visitor, which stays on the caller's thread.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::run::Sighting;
use super::{Effort, End, Ending, Finding, Progress};
use crate::limits::Limits;

/// What the threads of a search share.
pub(crate) struct Relay<O> {
    /// Endings that were told: the visitor hears each once.
    told: Mutex<BTreeSet<Ending<O>>>,
    stop: AtomicBool,
    executions: AtomicU64,
    cut: AtomicU64,
    why_cut: Mutex<Option<String>>,
}

/// A worker's way to the visitor.
pub(crate) struct Line<O> {
    relay: Arc<Relay<O>>,
    sender: SyncSender<(Sighting<O>, SyncSender<()>)>,
}

impl<O> Clone for Line<O> {
    fn clone(&self) -> Self {
        Line { relay: self.relay.clone(), sender: self.sender.clone() }
    }
}

impl<O: Ord + Clone> Line<O> {
    /// True if there is no more to do.
    pub(crate) fn stopped(&self) -> bool {
        self.relay.stop.load(Ordering::Relaxed)
    }

    /// Begins an execution, if fewer than `most` have begun.
    pub(crate) fn begin(&self, most: u64) -> bool {
        !self.stopped()
            && self
                .relay
                .executions
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < most).then_some(n + 1))
                .is_ok()
    }

    /// Tells the visitor what an execution came to, where that is new; waits until it was looked at.
    pub(crate) fn tell(&self, sightings: Vec<Sighting<O>>) {
        for sighting in sightings {
            let new = lock(&self.relay.told).insert(sighting.ending.clone());
            if new && !self.stopped() {
                let (answer, answered) = sync_channel(0);
                // Where nobody listens any more the search is over.
                if self.sender.send((sighting, answer)).is_ok() {
                    let _ = answered.recv();
                }
            }
        }
    }

    /// An execution was cut off.
    pub(crate) fn cut(&self, why: String) {
        self.relay.cut.fetch_add(1, Ordering::Relaxed);
        lock(&self.relay.why_cut).get_or_insert(why);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a search went, before the engine has its say.
pub(crate) struct Went {
    /// What was found, if anything.
    pub(crate) found: Option<Finding>,
    /// True if it ran out of time.
    pub(crate) late: bool,
    /// How many executions were cut off, and why the first of them.
    pub(crate) cut: Option<(u64, String)>,
    /// How much it saw.
    pub(crate) effort: Effort,
}

impl Went {
    /// Why it ended, where an engine has no more to say than `otherwise`.
    pub(crate) fn end(self, limits: &Limits, otherwise: impl FnOnce() -> End) -> End {
        match (self.found, self.cut) {
            (Some(finding), _) => End::Found(Box::new(finding)),
            (None, _) if self.late => {
                End::Stopped(format!("its time budget of {} s", limits.budget.as_secs_f64()))
            }
            (None, cut) => match (otherwise(), cut) {
                (end, None) => end,
                (End::Stopped(why), Some((cut, first))) => {
                    End::Stopped(format!("{why}, {cut} of them cut off: {first}"))
                }
                (_, Some((_, first))) => End::Stopped(first),
            },
        }
    }
}

/// Runs each of `workers` on a thread, and lets the visitor look at what they tell.
///
/// # Panics
/// If a worker does.
pub(crate) fn attend<O: Ord + Clone + Send + 'static>(
    limits: &Limits,
    progress: &dyn Progress,
    visit: &mut dyn FnMut(Ending<O>) -> bool,
    workers: Vec<Box<dyn FnOnce(Line<O>) + Send>>,
) -> Went {
    let began = Instant::now();
    let relay = Arc::new(Relay {
        told: Mutex::new(BTreeSet::new()),
        stop: AtomicBool::new(false),
        executions: AtomicU64::new(0),
        cut: AtomicU64::new(0),
        why_cut: Mutex::new(None),
    });
    let (sender, receiver) = sync_channel(0);
    let line = Line { relay: relay.clone(), sender };
    let threads: Vec<JoinHandle<()>> = workers
        .into_iter()
        .map(|work| {
            let line = line.clone();
            std::thread::spawn(move || work(line))
        })
        .collect();
    drop(line);
    let effort = || Effort {
        schedules: Some(relay.executions.load(Ordering::Relaxed)),
        time: began.elapsed(),
        ..Effort::default()
    };
    let (found, late) = listen(&receiver, limits, &relay, began, visit, &|| progress.tell(&effort()));
    drop(receiver);
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
    progress.tell(&effort());
    let cut = lock(&relay.why_cut).take().map(|why| (relay.cut.load(Ordering::Relaxed), why));
    Went { found, late, cut, effort: effort() }
}

fn listen<O>(
    receiver: &Receiver<(Sighting<O>, SyncSender<()>)>,
    limits: &Limits,
    relay: &Relay<O>,
    began: Instant,
    visit: &mut dyn FnMut(Ending<O>) -> bool,
    tell: &dyn Fn(),
) -> (Option<Finding>, bool) {
    let (mut found, mut late) = (None, false);
    loop {
        let heard = receiver.recv_timeout(Duration::from_millis(50));
        match heard {
            Ok((sighting, _answer)) => {
                if found.is_none() && visit(sighting.ending) {
                    found = Some(sighting.finding);
                    relay.stop.store(true, Ordering::Relaxed);
                }
            }
            Err(RecvTimeoutError::Timeout) => tell(),
            Err(RecvTimeoutError::Disconnected) => return (found, late),
        }
        if began.elapsed() > limits.budget && found.is_none() && !relay.stop.swap(true, Ordering::Relaxed) {
            late = true;
        }
    }
}
