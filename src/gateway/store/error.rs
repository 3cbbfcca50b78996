//! What a store says when it cannot do what it was asked.

use std::error::Error;
use std::fmt;

/// A store could not do what it was asked.
///
/// ```
/// use turnstile::gateway::store::{Fate, StoreError, Why};
///
/// let error = StoreError::new("append a message to si_alice_bob", Why::Full, Fate::NotStored, "disk is full");
/// assert_eq!(
///     error.to_string(),
///     "cannot append a message to si_alice_bob: disk is full; nothing was stored: free some space, then try again",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// What was tried and on what, as in "append a message to si_alice_bob".
    pub tried: String,
    /// Why it failed.
    pub why: Why,
    /// Whether anything was stored.
    pub fate: Fate,
    /// What the storage underneath said.
    pub detail: String,
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is no space left.
    Full,
    /// Another process held the storage for too long.
    Busy,
    /// What is stored cannot be read: it is damaged, or is no store at all.
    Corrupt,
    /// The store was closed, here or by the end of the thread that serves it.
    Closed,
    /// The data was written by a newer version of this program.
    Newer,
    /// Another server uses the same data.
    InUse,
    /// The request names something that does not exist.
    Absent,
    /// The request would create something that exists.
    Exists,
    /// The storage cannot be reached or refuses: permissions, a broken disk, a lost connection.
    Storage,
}

/// What became of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing was stored: the same request may be tried again.
    NotStored,
    /// It may have been stored or not: ask again with the same client message ID, which tells.
    Unknown,
}

impl StoreError {
    /// An error from its parts.
    pub fn new(tried: impl Into<String>, why: Why, fate: Fate, detail: impl Into<String>) -> Self {
        StoreError { tried: tried.into(), why, fate, detail: detail.into() }
    }
}

impl Why {
    fn advice(self) -> &'static str {
        match self {
            Why::Full => "free some space, then try again",
            Why::Busy => "try again; if it stays, look for another process that holds the data",
            Why::Corrupt => "stop the server and restore the data from a backup",
            Why::Closed => "the server is stopping: ask again when it runs",
            Why::Newer => "run the version that wrote the data, or a newer one",
            Why::InUse => "stop the other server, or choose another data folder",
            Why::Absent => "create it first",
            Why::Exists => "choose another name",
            Why::Storage => "check the data folder, its permissions and its disk, then try again",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = match self.fate {
            Fate::NotStored => "nothing was stored",
            Fate::Unknown => "it may have been stored",
        };
        write!(f, "cannot {}: {}; {fate}: {}", self.tried, self.detail, self.why.advice())
    }
}

impl Error for StoreError {}
