//! What can be explored: a program over the seam, and what to see of it when it has come to rest.

use std::fmt::Debug;
use std::hash::Hash;

use turnstile::Runtime;

/// A small world: tasks, what they share, and what to observe of it.
///
/// ```
/// use turnstile::{Name, Runtime, Task, sync::Counter};
/// use turnstile_models::{Limits, Model, engine::exhaustive};
///
/// /// Two tasks count.
/// #[derive(Clone)]
/// struct Count;
///
/// impl Model for Count {
///     type World<R: Runtime> = Counter<R>;
///     type Outcome = i64;
///     fn start<R: Runtime>(&self, runtime: &R) -> Counter<R> {
///         let counter = Counter::new(runtime, Name::one("counter"));
///         for n in 1..=2 {
///             let counter = counter.clone();
///             Task::spawn(runtime, Name::of("task", n), async move |me| {
///                 me.turn().await;
///                 counter.add(&me, 1);
///             });
///         }
///         counter
///     }
///     fn look<R: Runtime>(&self, counter: &Counter<R>) -> i64 {
///         counter.peek()
///     }
/// }
///
/// let (outcomes, report) = exhaustive::outcomes(&Count, &Limits::default());
/// assert!(report.complete());
/// assert_eq!(outcomes.into_iter().map(|o| o.outcome).collect::<Vec<_>>(), [Some(2)]);
/// ```
pub trait Model: Clone + Send + Sync + 'static {
    /// What [`start`](Model::start) makes, to be looked at later.
    type World<R: Runtime>: Send + Sync + 'static;
    /// What can be seen of the world at rest.
    type Outcome: Clone + Ord + Hash + Debug + Send + 'static;

    /// Renumberings of its names under which the model is the same: by each, the new number for each number from 1. Together
    /// with the identity they are a group. The exhaustive engine tries them, and stops if one is not what it says.
    fn symmetries(&self) -> Vec<Vec<u32>> {
        Vec::new()
    }

    /// Makes the world and starts its tasks. It must do the same each time.
    fn start<R: Runtime>(&self, runtime: &R) -> Self::World<R>;

    /// Looks at the world at rest, by `peek` only.
    fn look<R: Runtime>(&self, world: &Self::World<R>) -> Self::Outcome;
}
