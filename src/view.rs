//! What a cell holds, seen from outside: for pictures and reports.

use serde::Serialize;

use crate::name::Name;

/// What a cell holds, as far as it shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum View {
    /// It does not show.
    Hidden,
    /// Channels.
    Channels(Vec<ChannelView>),
    /// A lock.
    Lock(LockView),
}

/// One channel, at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ChannelView {
    /// What it is called.
    pub name: Name,
    /// How many values wait in it.
    pub len: usize,
    /// How many it holds; `None` if it is never full.
    pub capacity: Option<usize>,
    /// True once it is closed.
    pub closed: bool,
    /// The only tasks that receive from it; `None` if any task may.
    pub drained_by: Option<Vec<Name>>,
    /// The tasks that wait to send on it, first in line first.
    pub senders: Vec<Name>,
    /// The tasks that wait to receive from it, first in line first.
    pub receivers: Vec<Name>,
}

/// A lock, at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LockView {
    /// Who holds it: one, or several that share it.
    pub holders: Vec<Name>,
    /// Who waits for it, first in line first.
    pub waiting: Vec<Name>,
}
