//! Pictures of what happened and of who waits for whom, as text: for a terminal, in Mermaid, as SVG.
//!
//! Pure functions from values to text; whoever calls decides about colour and where it goes.
//!
//! ```
//! use turnstile::show::{self, Paint, Story};
//! use turnstile::{Name, trace::{After, Step, Trace}};
//! use turnstile::waits::{Edge, Kind, WaitGraph};
//!
//! let hub = Name::one("hub");
//! let full = Edge { task: hub, kind: Kind::Send, on: Name::one("unregister"),
//!                   filled: Some((1, 1)), helpers: Some(vec![hub]) };
//! let step = Step { task: hub, what: "send on unregister".into(), after: After::Waits(full.clone()), wakes: vec![] };
//! let trace = Trace { steps: vec![step] };
//! let graph = WaitGraph { edges: vec![full], ..WaitGraph::default() };
//! let knot = graph.knot();
//! let story = Story { title: "A full channel", trace: &trace, knot: knot.as_ref(), graph: Some(&graph), ending: "" };
//! assert_eq!(show::text(&story, Paint::Plain), "\
//! A full channel
//!
//! Deadlock: hub waits for itself
//!   hub waits to send on unregister (1/1 full), which only hub drains
//!
//!    hub
//! 1  ● send on unregister
//!    ┃ ⏸ waits to send on unregister (1/1 full), for ever
//! ");
//! ```

mod excerpt;
mod lives;
mod mermaid;
mod paint;
mod svg;
mod text;
mod words;
mod wrap;

pub use mermaid::{flowchart, sequence};
pub use paint::{Paint, Tone};
pub use svg::svg;
pub use text::text;

use crate::trace::Trace;
use crate::waits::{Edge, Knot, WaitGraph};

/// What there is to tell.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
    /// What it is called.
    pub title: &'a str,
    /// What happened; with no step in it, the picture is of the waits alone.
    pub trace: &'a Trace,
    /// Who is stuck at the end, if anybody is.
    pub knot: Option<&'a Knot>,
    /// Who waits for whom at the end, stuck or not.
    pub graph: Option<&'a WaitGraph>,
    /// How it ended, where there is no knot.
    pub ending: &'a str,
}

/// A knot in words: what it is, then one sentence for each wait of its cycle.
///
/// ```
/// use turnstile::{Name, show, waits::{Edge, Kind, Knot}};
/// let hub = Name::one("hub");
/// let full = Edge { task: hub, kind: Kind::Send, on: Name::one("unregister"),
///                   filled: Some((1, 1)), helpers: Some(vec![hub]) };
/// let knot = Knot { cycle: vec![full], collateral: vec![] };
/// assert_eq!(show::knot(&knot), [
///     "Deadlock: hub waits for itself",
///     "hub waits to send on unregister (1/1 full), which only hub drains",
/// ]);
/// ```
pub fn knot(knot: &Knot) -> Vec<String> {
    std::iter::once(words::knot(knot)).chain(words::cycle(knot)).collect()
}

/// Waits in words, those for the same together, the largest group first, up to a bound.
pub fn waits<'a>(edges: impl IntoIterator<Item = &'a Edge>) -> Vec<String> {
    words::sentences(&words::groups(edges))
}
