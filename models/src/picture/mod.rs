//! Pictures of models: all states of a small one, one moment of a hub, and a log for ShiViz.
//!
//! What is drawn is what the engines and the real core say; nothing here knows what the hub does. How a counterexample is drawn is
//! turnstile's [`show`](turnstile::show).

mod layout;
mod lock;
mod map;
mod paper;
mod shiviz;
mod states;

pub use lock::{Diagram, lock, unlock};
pub use shiviz::{PARSER, shiviz};
pub use states::states;
