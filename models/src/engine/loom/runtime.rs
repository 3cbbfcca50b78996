//! The seam on loom.

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use siphasher::sip128::{Hasher128, SipHasher13};
use turnstile::Name;
use turnstile::runtime::{Runtime, State, Wakes};
use turnstile::waits::Wait;

use super::MOST_SWITCHES;
use super::ordered::Ordered;
use super::script::{Ask, Asked, Script};
use super::stage::drive;
use crate::engine::watch::{Tracked, Watch};

/// loom's threads, the main one among them.
const THREADS: usize = loom::MAX_THREADS;

/// The runtime, for one execution.
#[derive(Clone)]
pub(super) struct Loom(Arc<Inner>);

struct Inner {
    watch: Watch,
    script: Script,
    asked: Asked,
    ordered: Arc<Ordered>,
    choices: Mutex<BTreeMap<Name, usize>>,
    switches: AtomicUsize,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    /// The first task, until the main thread takes it up.
    first: Option<Tracked>,
    started: usize,
}

/// A cell: loom's lock, by which loom knows what depends on what, and the value, which can also be looked at from outside.
pub(super) struct Cell<T> {
    name: Name,
    /// True if accesses are ordered.
    ordered: bool,
    order: loom::sync::Mutex<()>,
    value: Mutex<T>,
}

/// Tells two values apart.
fn fingerprint<T: Hash>(value: &T) -> u128 {
    let mut hasher = SipHasher13::new();
    value.hash(&mut hasher);
    hasher.finish128().as_u128()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loom {
    pub(super) fn new(watch: Watch, script: Script, asked: Asked, ordered: Arc<Ordered>) -> Loom {
        Loom(Arc::new(Inner {
            watch,
            script,
            asked,
            ordered,
            choices: Mutex::default(),
            switches: AtomicUsize::new(0),
            threads: Mutex::default(),
        }))
    }

    /// The task that is to run on the main thread, once.
    pub(super) fn first(&self) -> Option<Tracked> {
        lock(&self.0.threads).first.take()
    }

    fn answer(&self, task: Name, among: usize) -> usize {
        let nth = {
            let mut choices = lock(&self.0.choices);
            let nth = choices.entry(task).or_default();
            *nth += 1;
            *nth
        };
        self.0.script.answer(Ask { task, nth, among }, &self.0.asked)
    }

    fn access<T: State, O>(&self, cell: &Cell<T>, act: impl FnOnce(&mut T, &mut Wakes) -> O) -> O {
        let mut wakes = Wakes::new();
        let result = act(&mut lock(&cell.value), &mut wakes);
        // Nobody runs between the access and this: a wake-up is part of the access.
        wakes.into_iter().for_each(Waker::wake);
        result
    }
}

impl Runtime for Loom {
    type Cell<T: State> = Arc<Cell<T>>;

    fn cell<T: State>(&self, name: Name, value: T) -> Arc<Cell<T>> {
        // What is waited for has wakers in it, which no hash tells of.
        let ordered = value.ports() > 0 || self.0.ordered.has(name);
        Arc::new(Cell { name, ordered, order: loom::sync::Mutex::new(()), value: Mutex::new(value) })
    }

    fn with<T: State, O: Hash>(&self, cell: &Arc<Cell<T>>, act: impl FnOnce(&mut T, &mut Wakes) -> O) -> O {
        // While the execution is torn down, order does not matter, and loom is not to try others.
        if self.0.watch.is_over() {
            return self.access(cell, act);
        }
        if self.0.watch.resumed() {
            // What it was served is its own: nobody can tell when it takes it. So this is no switch point.
            self.0.watch.enters();
            return self.access(cell, act);
        }
        if !cell.ordered {
            self.0.watch.enters();
            self.0.ordered.observes(cell.name);
            return self.access(cell, |value, wakes| {
                let before = fingerprint(value);
                let result = act(value, wakes);
                if fingerprint(value) != before {
                    self.0.ordered.writes(cell.name);
                }
                result
            });
        }
        if self.0.switches.fetch_add(1, Ordering::Relaxed) >= MOST_SWITCHES {
            self.0.watch.cut(format!("an execution of more than {MOST_SWITCHES} switches"));
        }
        let current = Watch::current();
        let order = cell.order.lock();
        Watch::go_on(current);
        self.0.watch.enters();
        let result = self.access(cell, act);
        drop(order);
        result
    }

    fn write<T: State>(&self, cell: &Arc<Cell<T>>, act: impl FnOnce(&mut T)) {
        if cell.ordered || self.0.watch.is_over() {
            return self.with(cell, |value, _| act(value));
        }
        self.0.watch.enters();
        self.0.ordered.writes(cell.name);
        act(&mut lock(&cell.value));
    }

    fn peek<T: State, O>(&self, cell: &Arc<Cell<T>>, look: impl FnOnce(&T) -> O) -> O {
        look(&lock(&cell.value))
    }

    fn turn(&self, who: Name) -> impl Future<Output = ()> + Send {
        // No switch point: the first access of the step is one.
        self.0.watch.come(who)
    }

    async fn whim(&self, who: Name) -> bool {
        if self.answer(who, 2) == 0 {
            return false;
        }
        self.turn(who).await;
        true
    }

    fn choose(&self, who: Name, among: usize) -> usize {
        let pick = self.answer(who, among);
        self.0.watch.picks(who, pick);
        pick
    }

    fn choose_named(&self, who: Name, among: &[Name]) -> usize {
        let pick = self.answer(who, among.len());
        self.0.watch.picks_named(who, among[pick]);
        pick
    }

    fn spawn(&self, who: Name, task: impl Future<Output = ()> + Send + 'static) {
        let Some(task) = self.0.watch.track(who, task) else { return };
        let mut threads = lock(&self.0.threads);
        threads.started += 1;
        if threads.started == 1 {
            threads.first = Some(task);
            return;
        }
        if threads.started > THREADS {
            let why = format!("loom's {THREADS} threads: the model has more tasks than that");
            drop(threads);
            self.0.watch.cut(why);
            // The watch waits for it to end, which it does at once.
            return drive(task);
        }
        drop(threads);
        drop(loom::thread::spawn(move || drive(task)));
    }

    fn waits(&self, who: Name, wait: Wait) {
        self.0.watch.waits(who, wait);
    }

    fn resumes(&self, who: Name) {
        self.0.watch.resumes(who);
    }

    fn breach(&self, who: Name, rule: &'static str, what: impl FnOnce() -> String) {
        self.0.watch.breach(who, rule, what);
    }

    fn crash(&self, who: Name, why: &str) {
        self.0.watch.crash(who, why);
    }
}
