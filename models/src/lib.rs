//! The laboratory: it searches the interleavings of turnstile's hub, or of your own program over the same seam.

mod check;
pub mod clock;
pub mod engine;
pub mod explore;
pub mod golang;
pub mod key;
pub mod likely;
mod limits;
mod model;
mod odds;
mod outlook;
mod player;
mod property;
pub mod scenario;
mod schedule;
mod shrink;
pub mod smallest;
pub mod spin;
pub mod table;
mod verdict;
pub mod zoo;

pub use check::{Engine, check, replay, survey};
pub use engine::shuttle::{Load, Tally};
pub use limits::{Limits, Scheduler};
pub use model::Model;
pub use odds::{odds, wilson};
pub use outlook::{Future, Outlook, Ruling};
pub use player::{Breach, Played, play};
pub use property::Property;
pub use schedule::{Pick, Schedule, Turn};
pub use shrink::shrink;
pub use verdict::{Counterexample, Search, Verdict};
