//! Against the real Go: small programs of channels, selects and locks that run both as Go and over the seam.
//!
//! What Go shows of a [`Program`] ([`run`]) must be among the outcomes that an engine finds of it ([`Shown`]). So the
//! semantics in [`turnstile::sync`] are checked against Go itself, its deadlock reports and panics included.
//!
//! ```
//! use turnstile::sync::Case;
//! use turnstile_models::golang::{Op, Program};
//!
//! let program = Program {
//!     capacities: vec![0],
//!     mutexes: 0,
//!     goroutines: vec![
//!         vec![Op::Send { channel: 0, value: 1 }],
//!         vec![Op::Select { cases: vec![Case::Receive(0)], default: true }],
//!     ],
//! };
//! assert!(program.to_string().contains("goroutine 1: c0 <- 1"));
//! let (outcomes, complete) = program.outcomes(&Default::default());
//! assert!(complete);
//! assert_eq!(outcomes.len(), 2); // the value arrives, or its sender waits for ever
//! ```

pub mod generate;
mod model;
mod print;
pub mod run;
mod shown;

use std::fmt;

pub use model::World;
pub use print::source;
pub use shown::{Event, Log, Shown};
use turnstile::sync::Case;

/// A program: goroutines that share channels, mutexes and read-write mutexes, each a straight line of operations.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Program {
    /// The capacity of each channel.
    pub capacities: Vec<usize>,
    /// How many mutexes there are, and as many read-write mutexes.
    pub mutexes: usize,
    /// What each goroutine does. None may unlock what it has not locked.
    pub goroutines: Vec<Vec<Op>>,
}

/// An operation. Channels and mutexes are numbered from 0.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// Sends a value.
    Send {
        /// On which channel.
        channel: usize,
        /// What.
        value: u8,
    },
    /// Receives from this channel.
    Receive(usize),
    /// Does one of several.
    Select {
        /// The sends and receives.
        cases: Vec<Case<u8>>,
        /// True if it does not wait.
        default: bool,
    },
    /// Closes this channel.
    Close(usize),
    /// Locks this mutex.
    Lock(usize),
    /// Unlocks this mutex.
    Unlock(usize),
    /// Locks this read-write mutex.
    WriteLock(usize),
    /// Unlocks this read-write mutex.
    WriteUnlock(usize),
    /// Locks this read-write mutex for reading.
    ReadLock(usize),
    /// Unlocks this read-write mutex from reading.
    ReadUnlock(usize),
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Send { channel, value } => write!(f, "c{channel} <- {value}"),
            Op::Receive(channel) => write!(f, "<-c{channel}"),
            Op::Select { cases, default } => {
                let mut cases: Vec<String> = cases.iter().map(case).collect();
                cases.extend(default.then(|| "default".to_owned()));
                write!(f, "select {{ {} }}", cases.join(" | "))
            }
            Op::Close(channel) => write!(f, "close c{channel}"),
            Op::Lock(mutex) => write!(f, "lock m{mutex}"),
            Op::Unlock(mutex) => write!(f, "unlock m{mutex}"),
            Op::WriteLock(mutex) => write!(f, "lock w{mutex}"),
            Op::WriteUnlock(mutex) => write!(f, "unlock w{mutex}"),
            Op::ReadLock(mutex) => write!(f, "read-lock w{mutex}"),
            Op::ReadUnlock(mutex) => write!(f, "read-unlock w{mutex}"),
        }
    }
}

fn case(case: &Case<u8>) -> String {
    match case {
        Case::Send(channel, value) => format!("c{channel} <- {value}"),
        Case::Receive(channel) => format!("<-c{channel}"),
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels =
            self.capacities.iter().enumerate().map(|(i, capacity)| format!("c{i} of capacity {capacity}"));
        write!(f, "{}", channels.collect::<Vec<_>>().join(", "))?;
        for (index, ops) in self.goroutines.iter().enumerate() {
            let ops: Vec<String> = ops.iter().map(ToString::to_string).collect();
            write!(f, "\ngoroutine {}: {}", index + 1, ops.join("; "))?;
        }
        Ok(())
    }
}
