//! The session hub of a chat gateway, written once and run by anything: by tokio as a server, by a checker through every
//! interleaving.
//!
//! The core is generic over a small [`Runtime`]. What tasks share and wait for is in [`sync`], with Go's semantics; the
//! hub and its designs are in [`hub`]. Under a checker the very same code yields a [`trace`] and a wait-for graph
//! ([`waits`]) that says who waits for whom:
//!
//! ```
//! use turnstile::{Name, waits::{Edge, Kind, WaitGraph}};
//!
//! let hub = Name::one("hub");
//! let full = Edge {
//!     task: hub,
//!     kind: Kind::Send,
//!     on: Name::one("unregister"),
//!     filled: Some((1000, 1000)),
//!     helpers: Some(vec![hub]),
//! };
//! let graph = WaitGraph { edges: vec![full], ..WaitGraph::default() };
//! assert_eq!(
//!     graph.knot().unwrap().cycle[0].to_string(),
//!     "hub waits to send on unregister (1000/1000 full), which only hub drains",
//! );
//! ```
//!
//! In reading order: [`session`], [`policy`], [`registry`] and [`live`] are pure values; [`runtime`] is the seam; [`sync`] is all
//! that can wait; [`hub`] is the subject; [`gateway`] is where tokio is named, and what OpenIM's client SDKs speak;
//! [`client`] is its other side, and [`storm`] very many of those.

pub mod client;
pub mod gateway;
pub mod hub;
pub mod live;
mod name;
pub mod policy;
pub mod registry;
pub mod runtime;
pub mod session;
pub mod show;
pub mod storm;
pub mod sync;
pub mod trace;
pub mod view;
pub mod waits;

pub use name::Name;
pub use runtime::{Runtime, Task};
