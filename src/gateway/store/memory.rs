//! A store that forgets: the plain model of what every store promises.

/// A store in memory.
#[derive(Debug, Default)]
pub struct Memory {}
