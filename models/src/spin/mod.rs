//! A second opinion: the same hub in Promela (`models/spin/`), searched by SPIN (Holzmann, «The Model Checker SPIN», 1997).
//!
//! The Promela is written by hand from the same table of steps, `docs/MODEL.md`. It shares no line with the core, and SPIN none
//! with the engines. So what both say is not a bug of either.

mod cells;
mod pan;

pub use cells::{Cell, Opinion, Row, WORLDS, World, rows};
pub use pan::{Answer, Error, Order, Planted, ask, versions};
