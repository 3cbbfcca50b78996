//! The probe that a gateway runs with: who waits, since when, and what those did who wait.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use super::steps::Steps;
use crate::gateway::runtime::Probe;
use crate::name::Name;
use crate::waits::Wait;

/// Tasks are spread over so many tables, each with a lock of its own.
const TABLES: usize = 32;

/// The probe of a gateway that runs. A handle; clones are the same probe.
///
/// Tasks that the core has spawned, a hub's loops above all, are known from their beginning to their end, and so are those of
/// connections, of which a gateway says that they are [here](Live::here). Of any other only its waits are known: if it does not wait,
/// it is taken to be able to go on.
///
/// ```
/// use turnstile::gateway::runtime::Tokio;
/// use turnstile::gateway::watch::Live;
/// use turnstile::{Name, Task, sync::Mutex};
///
/// let tokio = tokio::runtime::Builder::new_multi_thread().build().unwrap();
/// let live = Live::default();
/// let runtime = Tokio::new(tokio.handle().clone(), live.clone());
/// let lock = Mutex::new(&runtime, Name::one("lock"));
/// Task::spawn(&runtime, Name::one("twice"), async move |me| {
///     let _once = lock.lock(&me).await;
///     let _again = lock.lock(&me).await;
/// });
/// let knot = loop {
///     if let Some(knot) = live.glance().knot {
///         break knot;
///     }
/// };
/// assert_eq!(knot.cycle[0].to_string(), "twice waits to lock lock, which it holds itself");
/// tokio.shutdown_background();
/// ```
#[derive(Clone, Default)]
pub struct Live(Arc<Inner>);

#[derive(Default)]
struct Inner {
    tables: [Mutex<Table>; TABLES],
    /// How many tasks wait in the midst of work.
    waiting: AtomicUsize,
    /// How many waits there have been: no two have the same number.
    waits: AtomicU64,
    roles: RwLock<Roles>,
    crash: Mutex<Option<String>>,
    /// How long a call to a service takes.
    service: Duration,
}

#[derive(Default)]
struct Table {
    waits: BTreeMap<Name, Begun>,
    steps: Steps,
    /// Those that run, of the tasks that are known from beginning to end; and how many of each name.
    alive: BTreeMap<Name, usize>,
}

/// A wait that has begun.
#[derive(Clone)]
pub(super) struct Begun {
    pub(super) wait: Wait,
    pub(super) since: Instant,
    pub(super) number: u64,
}

/// What tasks are called, without their numbers.
#[derive(Default)]
struct Roles {
    /// Those that the core has spawned: it matters, too, that they are at rest.
    spawned: BTreeSet<&'static str>,
    /// Those that are known from beginning to end.
    known: BTreeSet<&'static str>,
}

impl Live {
    /// A probe under which each call to a service takes so long.
    pub fn with_service(service: Duration) -> Live {
        Live(Arc::new(Inner { service, ..Inner::default() }))
    }

    /// How many tasks wait in the midst of work.
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Where the program broke, if it did: in Go, all of it would have ended there.
    pub fn crash(&self) -> Option<String> {
        self.0.crash.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last steps of a task, newest last: those that it took while some task waited in the midst of work.
    pub fn steps(&self, who: Name) -> Vec<String> {
        self.table(who).steps.of(who)
    }

    /// Forgets the steps of those who do not wait, where they have become many.
    pub(super) fn prune(&self) {
        for table in &self.0.tables {
            let mut table = lock(table);
            let Table { waits, steps, .. } = &mut *table;
            match self.waiting() {
                0 => steps.clear(),
                _ => steps.prune(|who| waits.contains_key(&who)),
            }
        }
    }

    pub(super) fn begun(&self) -> BTreeMap<Name, Begun> {
        let tables = self.0.tables.iter();
        tables.flat_map(|table| lock(table).waits.clone()).collect()
    }

    pub(super) fn wait_number(&self, who: Name) -> Option<u64> {
        self.table(who).waits.get(&who).map(|begun| begun.number)
    }

    /// The tasks that the core has spawned and that run.
    pub(super) fn spawned(&self) -> Vec<Name> {
        let roles = self.roles();
        let tables = self.0.tables.iter();
        let all = tables.flat_map(|table| lock(table).alive.keys().copied().collect::<Vec<_>>());
        all.filter(|who| roles.spawned.contains(who.role())).collect()
    }

    /// Whether the task can be known to have ended, and has.
    pub(super) fn has_ended(&self, who: Name) -> bool {
        self.roles().known.contains(who.role()) && !self.table(who).alive.contains_key(&who)
    }

    /// A task that is known to run until what this returns is dropped. Its name is its own, for ever.
    pub fn here(&self, who: Name) -> Alive {
        if !self.roles().known.contains(who.role()) {
            self.0.roles.write().unwrap_or_else(PoisonError::into_inner).known.insert(who.role());
        }
        *self.table(who).alive.entry(who).or_default() += 1;
        Alive(self.clone(), who)
    }

    fn roles(&self) -> RwLockReadGuard<'_, Roles> {
        self.0.roles.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_spawned(&self, who: Name) -> bool {
        self.roles().spawned.contains(who.role())
    }

    fn table(&self, who: Name) -> MutexGuard<'_, Table> {
        // Tasks of one connection are not in one table: they wait for one another.
        lock(&self.0.tables[(who.number() as usize + who.role().len()) % TABLES])
    }

    fn set(&self, who: Name, begun: Option<Begun>) {
        let is_work = |begun: &Option<Begun>| begun.as_ref().is_some_and(|it| it.wait.kind.is_work());
        let works = is_work(&begun);
        let mut table = self.table(who);
        let old = match begun {
            Some(begun) => table.waits.insert(who, begun),
            None => table.waits.remove(&who),
        };
        // Within the lock, so that two changes of one task are counted in their order.
        match (is_work(&old), works) {
            (false, true) => self.0.waiting.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.0.waiting.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
        // Dropped after unlocking: it may be the last to hold what it waited for.
        drop(table);
        drop(old);
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

/// A task that runs, until this is dropped; see [`Live::here`].
#[derive(Debug)]
pub struct Alive(Live, Name);

impl Drop for Alive {
    fn drop(&mut self) {
        let mut table = self.0.table(self.1);
        if let Some(count) = table.alive.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                table.alive.remove(&self.1);
            }
        }
    }
}

impl Probe for Live {
    async fn call_service(&self, _who: Name, _service: &'static str) {
        if !self.0.service.is_zero() {
            tokio::time::sleep(self.0.service).await;
        }
    }

    fn wraps(
        &self,
        who: Name,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        if !self.is_spawned(who) {
            self.0.roles.write().unwrap_or_else(PoisonError::into_inner).spawned.insert(who.role());
        }
        let alive = self.here(who);
        async move {
            task.await;
            drop(alive);
        }
    }

    fn notes(&self, who: Name, text: impl FnOnce() -> String) {
        if self.waiting() > 0 {
            let text = text();
            self.table(who).steps.add(who, text);
        }
    }

    fn waits(&self, who: Name, wait: Wait) {
        // Who is at rest matters only for those whose end would matter too.
        if wait.kind.is_work() || self.is_spawned(who) {
            let number = self.0.waits.fetch_add(1, Ordering::Relaxed);
            self.set(who, Some(Begun { wait, since: Instant::now(), number }));
        }
    }

    fn resumes(&self, who: Name) {
        self.set(who, None);
    }

    fn crashes(&self, who: Name, why: &str) {
        let crash = format!("{who}: {why}");
        tracing::error!(task = %who, why, "the program breaks here: in Go, all of it would end");
        lock(&self.0.crash).get_or_insert(crash.clone());
        panic!("{crash}");
    }
}
