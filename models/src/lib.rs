//! The laboratory: it searches the interleavings of turnstile's hub, or of your own program over the same seam.

pub mod engine;
pub mod golang;
mod limits;
mod model;
mod player;
pub mod scenario;
mod schedule;

pub use limits::{Limits, Scheduler};
pub use model::Model;
pub use schedule::{Schedule, Turn};
