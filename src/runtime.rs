//! The seam: everything the core asks of whatever runs it.
//!
//! Real tokio, loom, shuttle and the exhaustive engine each implement [`Runtime`]; the core is written once over it.
//! A *step* is what a task does between two [`turns`](Runtime::turn): it accesses shared cells and decides; nothing
//! else in the core can be seen by another task. A task that must wait parks itself in a cell, with a [`Waker`].

use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::task::Waker;

use crate::name::Name;
use crate::view::View;
use crate::waits::{Port, Wait};

/// Shared state that lives in a cell: hashed, so that an engine can tell two states of the world apart.
///
/// `Hash` must cover all that can be observed of the value, but no waker and no address.
pub trait State: Hash + Send + 'static {
    /// Who can end a wait at this cell's port `port` (a channel's index; 0 for a lock), for the wait-for graph.
    fn port(&self, _port: usize) -> Port {
        Port::open()
    }

    /// How many ports the cell has.
    fn ports(&self) -> usize {
        0
    }

    /// Whether `who` waits here for what has not come yet.
    fn keeps_waiting(&self, _who: Name) -> bool {
        false
    }

    /// What it holds, for whoever looks on.
    fn view(&self) -> View {
        View::Hidden
    }
}

/// The tasks to wake when the access that ends their wait is over.
pub type Wakes = Vec<Waker>;

/// A point in what a task has observed; see [`Runtime::mark`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub struct Mark(pub u128);

/// What runs the core: spawns its tasks, holds what they share, and decides who goes next.
///
/// `who` is the calling task. It is passed explicitly, since a checker may run many tasks on one thread.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A piece of shared memory. Accesses to one cell are atomic and totally ordered.
    type Cell<T: State>: Send + Sync + 'static;

    /// Makes a cell. Names are unique within a run.
    fn cell<T: State>(&self, name: Name, value: T) -> Self::Cell<T>;

    /// Reads and writes a cell atomically; then wakes those that `act` says. `act` must not access another cell, and
    /// must be a function of the cell's value and of what the calling task has observed.
    fn with<T: State, O: Hash>(&self, cell: &Self::Cell<T>, act: impl FnOnce(&mut T, &mut Wakes) -> O) -> O;

    /// Writes a cell without observing it. What is only ever written so cannot influence anything: a checker leaves such
    /// cells out of its states, unless it is asked about them.
    fn write<T: State>(&self, cell: &Self::Cell<T>, act: impl FnOnce(&mut T)) {
        self.with(cell, |value, _| act(value));
    }

    /// Looks at a cell from outside the explored world: for reports and properties, never for the core's own decisions.
    fn peek<T: State, O>(&self, cell: &Self::Cell<T>, look: impl FnOnce(&T) -> O) -> O;

    /// The point before a step, where another task may go first.
    fn turn(&self, who: Name) -> impl Future<Output = ()> + Send;

    /// A [`turn`](Runtime::turn) that may also never come: then it returns false, or does not return. For what the
    /// outside may or may not do, such as a peer that leaves.
    fn whim(&self, who: Name) -> impl Future<Output = bool> + Send;

    /// Picks one of `among` (at least 1), from 0: explored by a checker, random in production. Called within a step.
    fn choose(&self, who: Name, among: usize) -> usize;

    /// Picks one of some named things, whose numbers differ; as [`choose`](Runtime::choose). The name tells an engine which
    /// thing it was, whatever its place in the list.
    fn choose_named(&self, who: Name, among: &[Name]) -> usize {
        self.choose(who, among.len())
    }

    /// Says that the task is at the top of its loop and carries nothing but what it was spawned with. The exhaustive
    /// engine forgets the task's history here; it re-runs a sample of steps, and stops at a false claim.
    fn rest(&self, _who: Name) {}

    /// What the task has observed so far, to come back to when a [`call`](Task::call) returns.
    fn mark(&self, _who: Name) -> Mark {
        Mark::default()
    }

    /// A call returns: of what it observed since `mark`, only `result` is left.
    fn returns<O: Hash>(&self, _who: Name, _mark: Mark, _result: &O) {}

    /// A call to a service outside the core that touches nothing in it: all there is to it is how long it takes. To a checker
    /// that is nothing, since any step may come any time later.
    fn call_service(&self, _who: Name, _service: &'static str) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Starts a task.
    fn spawn(&self, who: Name, task: impl Future<Output = ()> + Send + 'static);

    /// Says in words what the step does, for traces. `text` is called only where somebody listens.
    fn note(&self, _who: Name, _text: impl FnOnce() -> String) {}

    /// The task cannot go on before `wait` is over.
    fn waits(&self, who: Name, wait: Wait);

    /// The task's wait is over.
    fn resumes(&self, who: Name);

    /// This step breaks the rule called `rule`, and the run goes on. Whether a step says so must follow from what its task
    /// has observed. `what` is wrong, in words; it is called only where somebody listens.
    fn breach(&self, _who: Name, _rule: &'static str, _what: impl FnOnce() -> String) {}

    /// The program breaks here as a Go program does that panics: all of it ends.
    fn crash(&self, who: Name, why: &str);
}

/// A running task: what runs it, and its name. Each operation that can wait takes its task.
#[derive(Clone)]
pub struct Task<R> {
    /// What runs it.
    pub runtime: R,
    /// Its name.
    pub name: Name,
}

impl<R: Runtime> Task<R> {
    /// Starts `body` as a task called `name`.
    pub fn spawn<F>(runtime: &R, name: Name, body: impl FnOnce(Task<R>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        runtime.spawn(name, body(Task { runtime: runtime.clone(), name }));
    }

    /// See [`Runtime::turn`].
    pub async fn turn(&self) {
        self.runtime.turn(self.name).await;
    }

    /// See [`Runtime::whim`].
    pub async fn whim(&self) -> bool {
        self.runtime.whim(self.name).await
    }

    /// See [`Runtime::choose`].
    pub fn choose(&self, among: usize) -> usize {
        assert!(among > 0, "{} chooses among nothing", self.name);
        if among == 1 { 0 } else { self.runtime.choose(self.name, among) }
    }

    /// See [`Runtime::choose_named`].
    pub fn choose_named(&self, among: &[Name]) -> usize {
        assert!(!among.is_empty(), "{} chooses among nothing", self.name);
        if among.len() == 1 { 0 } else { self.runtime.choose_named(self.name, among) }
    }

    /// Runs a part of the task from the heap, so that what it needs is not part of each caller's own state: loom's threads
    /// have small stacks.
    pub fn apart<'a, O>(
        &self,
        part: impl Future<Output = O> + Send + 'a,
    ) -> Pin<Box<dyn Future<Output = O> + Send + 'a>> {
        Box::pin(part)
    }

    /// See [`Runtime::rest`].
    pub fn rest(&self) {
        self.runtime.rest(self.name);
    }

    /// Runs a part of the task of which only the result is left: it changes no variable of its caller. So two ways
    /// through it with the same result are the same to an engine.
    pub async fn call<O: Hash>(&self, part: impl Future<Output = O>) -> O {
        let mark = self.runtime.mark(self.name);
        let result = part.await;
        self.runtime.returns(self.name, mark, &result);
        result
    }

    /// See [`Runtime::call_service`].
    pub async fn call_service(&self, service: &'static str) {
        self.runtime.call_service(self.name, service).await;
    }

    /// See [`Runtime::note`].
    pub fn note(&self, text: impl FnOnce() -> String) {
        self.runtime.note(self.name, text);
    }

    /// See [`Runtime::breach`].
    pub fn breach(&self, rule: &'static str, what: impl FnOnce() -> String) {
        self.runtime.breach(self.name, rule, what);
    }
}
