//! The laboratory: it searches every interleaving of a small concurrent program, yours or turnstile's hub, and says who waits for whom.
//!
//! # Your own program
//!
//! Write the part that worries you as a [`Model`], over the primitives of the [`prelude`]: a few tasks, the channels and
//! locks between them, nothing else. Then ask. Here, two services that call each other, each with an inbox of one:
//!
//! ```
//! use turnstile_models::prelude::*;
//!
//! #[derive(Clone)]
//! struct Services {
//!     calls: u32, // that each makes before it looks into its inbox
//! }
//!
//! impl Model for Services {
//!     type World<R: Runtime> = ();
//!     type Outcome = ();
//!
//!     fn start<R: Runtime>(&self, runtime: &R) {
//!         let names = [Name::one("billing"), Name::one("orders")];
//!         let inboxes = names.map(|name| Spec::new(name, 1).drained_by([name]));
//!         let channels = Channels::new(runtime, Name::one("inboxes"), inboxes);
//!         for (own, name) in names.into_iter().enumerate() {
//!             let (channels, calls) = (channels.clone(), self.calls);
//!             Task::spawn(runtime, name, async move |me| {
//!                 for call in 0..calls {
//!                     channels.send(&me, Channel(1 - own), call).await.unwrap();
//!                 }
//!                 for _ in 0..calls {
//!                     channels.receive(&me, Channel(own)).await;
//!                 }
//!             });
//!         }
//!     }
//!
//!     fn look<R: Runtime>(&self, (): &()) {}
//! }
//!
//! Check::of(Services { calls: 1 }).run().unwrap_holds(); // every interleaving was searched
//!
//! let failure = Check::of(Services { calls: 2 }).run().unwrap_fails();
//! assert_eq!(turnstile::show::knot(failure.knot.as_ref().unwrap()), [
//!     "Deadlock: billing and orders wait for each other",
//!     "billing waits to send on orders (1/1 full), which only orders drains",
//!     "orders waits to send on billing (1/1 full), which only billing drains",
//! ]);
//! assert_eq!(failure.trace.steps.len(), 4); // and no way there is shorter
//! ```
//!
//! In a test, `Check::of(..).run().unwrap_holds()` is all: if it panics, the message has the steps, one column per task, and who waits
//! for whom. [`Failure::svg`] draws the same.
//!
//! Five rules make a model one that can be searched:
//!
//! * **Everything shared is a primitive** of the prelude, with a [`Name`](turnstile::Name) that no other has; no clocks, no randomness but
//!   [`Task::choose`](turnstile::Task::choose), no other `.await`.
//! * **A step is what happens between two turns.** Each operation that can wait begins one; [`Shared::with`](turnstile::sync::Shared::with) does
//!   not, [`Shared::step`](turnstile::sync::Shared::step) does.
//! * **`me.rest()` at the top of a loop that never ends** says that nothing is carried over into the next round. Without it no two rounds are
//!   alike, and the search does not end.
//! * **Say who drains a channel** with [`drained_by`](turnstile::sync::Spec::drained_by): then a sender can be seen to wait for ever while
//!   others still move, and by whose fault. Start who drains before who sends: on tokio a task runs as soon as it is started, and who waits
//!   for a task that is not there yet looks stuck.
//! * **Keep it small.** Two or three tasks of a kind and capacities of 0 to 2 show what a thousand would.
//!
//! What may go wrong is claimed with [`Check::at_rest`] and [`Check::in_the_end`], or at a step with
//! [`Task::breach`](turnstile::Task::breach). `cargo run -p turnstile-models --example broker` is a whole model with its check.
//!
//! # The engines
//!
//! | engine | says «holds» | for |
//! |---|---|---|
//! | [`Exhaustive`](Engine::Exhaustive) | yes, of every interleaving and choice | the default; its first counterexample is a shortest one |
//! | [`Loom`](Engine::Loom) | yes, or within a bound on preemptions | a second opinion, also within steps; five tasks at most |
//! | [`Shuttle`](Engine::Shuttle) | never | worlds too large to search |
//! | [`Tokio`](Engine::Tokio) | never | to see it happen for real |
//!
//! # The hub
//!
//! [`check`] asks about a [`Property`] of a [`Scenario`](scenario::Scenario) of turnstile's hub, and is what the command `lab` does; so are the other
//! modules. [`zoo`] has kernels of other systems, each a model to learn from.

mod check;
mod claim;
pub mod engine;
mod limits;
mod model;
mod odds;
mod outlook;
mod own;
mod player;
pub mod prelude;
mod property;
pub mod scenario;
mod schedule;
mod shrink;
mod verdict;
pub mod zoo;

// What `lab` and the tests need, and nobody else.
#[doc(hidden)]
pub mod clock;
#[doc(hidden)]
pub mod explore;
#[doc(hidden)]
pub mod golang;
#[doc(hidden)]
pub mod key;
#[doc(hidden)]
pub mod likely;
#[doc(hidden)]
pub mod picture;
#[doc(hidden)]
pub mod smallest;
#[doc(hidden)]
pub mod spin;
#[doc(hidden)]
pub mod table;

pub use check::{Engine, check, replay, survey};
#[doc(hidden)]
pub use engine::shuttle::{Load, Tally};
pub use limits::{Limits, Scheduler};
pub use model::Model;
#[doc(hidden)]
pub use odds::{odds, wilson};
#[doc(hidden)]
pub use outlook::{Future, Outlook, Ruling};
pub use own::Check;
pub use player::{Breach, Played, play};
pub use property::Property;
pub use schedule::{Pick, Schedule, Turn};
#[doc(hidden)]
pub use shrink::shrink;
pub use verdict::{Counterexample, Failure, Search, Searched, Verdict};
