//! tokio.

pub mod runtime;
