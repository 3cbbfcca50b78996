//! The seam on tokio: what ships.

use std::future::{Future, ready};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::runtime::Handle;

use crate::name::Name;
use crate::runtime::{Runtime, State, Wakes};
use crate::waits::Wait;

/// Who looks on while the core runs on tokio: a watchdog, a laboratory, or, with `()`, nobody.
///
/// Each method does nothing unless it is written, so that what nobody looks at costs nothing.
pub trait Probe: Clone + Send + Sync + 'static {
    /// A task comes to the point before a step. It goes on when this is ready.
    fn turn(&self, _who: Name) -> impl Future<Output = ()> + Send {
        ready(())
    }

    /// A task comes to a step at its whim; see [`Runtime::whim`].
    fn whim(&self, _who: Name) -> impl Future<Output = bool> + Send {
        ready(true)
    }

    /// See [`Runtime::call_service`].
    fn call_service(&self, _who: Name, _service: &'static str) -> impl Future<Output = ()> + Send {
        ready(())
    }

    /// The task that is being polled has locked a cell, and is about to look at it.
    fn enters(&self) {}

    /// A task has picked by index.
    fn picks(&self, _who: Name, _pick: usize) {}

    /// A task has picked one of several named things.
    fn picks_named(&self, _who: Name, _pick: Name) {}

    /// A task is about to be spawned: what is returned is spawned in its place.
    fn wraps(
        &self,
        _who: Name,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        task
    }

    /// See [`Runtime::note`].
    fn notes(&self, _who: Name, _text: impl FnOnce() -> String) {}

    /// See [`Runtime::waits`].
    fn waits(&self, _who: Name, _wait: Wait) {}

    /// See [`Runtime::resumes`].
    fn resumes(&self, _who: Name) {}

    /// See [`Runtime::breach`].
    fn breaches(&self, _who: Name, _rule: &'static str, _what: impl FnOnce() -> String) {}

    /// See [`Runtime::crash`].
    ///
    /// # Panics
    /// Unless it is written otherwise: then at least the task ends here.
    fn crashes(&self, who: Name, why: &str) {
        panic!("{who}: {why}");
    }
}

impl Probe for () {}

/// The core's runtime in production: tokio tasks, locked cells, random choices.
///
/// ```
/// use turnstile::gateway::runtime::Tokio;
/// use turnstile::{Name, Task, sync::Counter};
///
/// let tokio = tokio::runtime::Builder::new_multi_thread().build().unwrap();
/// let runtime = Tokio::new(tokio.handle().clone(), ());
/// let visits = Counter::new(&runtime, Name::one("visits"));
/// let counted = visits.clone();
/// let (done, end) = tokio::sync::oneshot::channel();
/// Task::spawn(&runtime, Name::one("visitor"), async move |me| {
///     counted.add(&me, 1);
///     done.send(()).unwrap();
/// });
/// tokio.block_on(end).unwrap();
/// assert_eq!(visits.peek(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Tokio<P: Probe = ()> {
    handle: Handle,
    probe: P,
}

impl<P: Probe> Tokio<P> {
    /// Runs tasks on `handle`, watched by `probe`.
    pub fn new(handle: Handle, probe: P) -> Self {
        Tokio { handle, probe }
    }
}

/// A cell: a value behind a lock that is held for one access at a time, never across an await.
#[derive(Debug)]
pub struct Cell<T>(Mutex<T>);

impl<T> Cell<T> {
    /// An access that panicked has broken a promise of its own; the others go on with what there is.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Probe> Runtime for Tokio<P> {
    type Cell<T: State> = Arc<Cell<T>>;

    fn cell<T: State>(&self, _name: Name, value: T) -> Arc<Cell<T>> {
        Arc::new(Cell(Mutex::new(value)))
    }

    fn with<T: State, O: Hash>(&self, cell: &Arc<Cell<T>>, act: impl FnOnce(&mut T, &mut Wakes) -> O) -> O {
        let mut wakes = Wakes::new();
        let result = {
            let mut value = cell.lock();
            self.probe.enters();
            act(&mut value, &mut wakes)
        };
        // Woken after unlocking: the woken task may want the cell at once.
        wakes.into_iter().for_each(Waker::wake);
        result
    }

    fn peek<T: State, O>(&self, cell: &Arc<Cell<T>>, look: impl FnOnce(&T) -> O) -> O {
        look(&cell.lock())
    }

    fn turn(&self, who: Name) -> impl Future<Output = ()> + Send {
        self.probe.turn(who)
    }

    fn whim(&self, who: Name) -> impl Future<Output = bool> + Send {
        self.probe.whim(who)
    }

    fn call_service(&self, who: Name, service: &'static str) -> impl Future<Output = ()> + Send {
        self.probe.call_service(who, service)
    }

    fn choose(&self, who: Name, among: usize) -> usize {
        let pick = fastrand::usize(..among);
        self.probe.picks(who, pick);
        pick
    }

    fn choose_named(&self, who: Name, among: &[Name]) -> usize {
        let pick = fastrand::usize(..among.len());
        self.probe.picks_named(who, among[pick]);
        pick
    }

    fn spawn(&self, who: Name, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(self.probe.wraps(who, task));
    }

    fn note(&self, who: Name, text: impl FnOnce() -> String) {
        self.probe.notes(who, text);
    }

    fn waits(&self, who: Name, wait: Wait) {
        self.probe.waits(who, wait);
    }

    fn resumes(&self, who: Name) {
        self.probe.resumes(who);
    }

    fn breach(&self, who: Name, rule: &'static str, what: impl FnOnce() -> String) {
        self.probe.breaches(who, rule, what);
    }

    fn crash(&self, who: Name, why: &str) {
        self.probe.crashes(who, why);
    }
}
