//! What a run of a program shows: the same value, whether Go ran it or an engine.

use std::collections::BTreeSet;
use std::fmt;

use super::Program;
use crate::engine::{Ending, exhaustive};
use crate::limits::Limits;

/// Something a goroutine did. A plain send or receive is case 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Event {
    /// It sent.
    Sent {
        /// By which case of a select.
        case: usize,
        /// On which channel.
        channel: usize,
    },
    /// It received.
    Received {
        /// By which case of a select.
        case: usize,
        /// From which channel.
        channel: usize,
        /// What; `None` if the channel is closed and drained.
        value: Option<u8>,
    },
    /// It took the default of a select.
    Default,
    /// It closed this channel.
    Closed(usize),
    /// It has locked this mutex.
    Locked(usize),
    /// It has unlocked this mutex.
    Unlocked(usize),
    /// It has locked this read-write mutex.
    WriteLocked(usize),
    /// It has unlocked this read-write mutex.
    WriteUnlocked(usize),
    /// It has locked this read-write mutex for reading.
    ReadLocked(usize),
    /// It has unlocked this read-write mutex from reading.
    ReadUnlocked(usize),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Sent { case, channel } => write!(f, "sent c{channel} (case {case})"),
            Event::Received { case, channel, value: Some(value) } => {
                write!(f, "c{channel} = {value} (case {case})")
            }
            Event::Received { case, channel, value: None } => write!(f, "c{channel} is closed (case {case})"),
            Event::Default => f.write_str("default"),
            Event::Closed(channel) => write!(f, "closed c{channel}"),
            Event::Locked(mutex) => write!(f, "locked m{mutex}"),
            Event::Unlocked(mutex) => write!(f, "unlocked m{mutex}"),
            Event::WriteLocked(mutex) => write!(f, "locked w{mutex}"),
            Event::WriteUnlocked(mutex) => write!(f, "unlocked w{mutex}"),
            Event::ReadLocked(mutex) => write!(f, "read-locked w{mutex}"),
            Event::ReadUnlocked(mutex) => write!(f, "read-unlocked w{mutex}"),
        }
    }
}

/// What one goroutine did.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Log {
    /// In its order.
    pub events: Vec<Event>,
    /// True once it has come to its end.
    pub finished: bool,
}

/// What a run shows in the end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Shown {
    /// It broke with this message; how far the goroutines were then is not compared.
    Panic(String),
    /// Nothing moves any more. If a goroutine has not finished, that is what Go calls a deadlock.
    Rest(Vec<Log>),
}

impl Shown {
    /// True if it came to rest before all goroutines had finished.
    pub fn is_deadlock(&self) -> bool {
        matches!(self, Shown::Rest(logs) if logs.iter().any(|log| !log.finished))
    }
}

impl From<Ending<Vec<Log>>> for Shown {
    fn from(ending: Ending<Vec<Log>>) -> Shown {
        match (ending.crashed, ending.outcome) {
            (Some(crash), _) => {
                Shown::Panic(crash.split_once(": ").map_or(crash.clone(), |(_, why)| why.to_owned()))
            }
            (None, Some(logs)) => Shown::Rest(logs),
            (None, None) => unreachable!("a search for outcomes tells the outcome of what has not crashed"),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logs = match self {
            Shown::Panic(why) => return write!(f, "panic: {why}"),
            Shown::Rest(logs) => logs,
        };
        f.write_str(if self.is_deadlock() { "deadlock" } else { "finished" })?;
        for (index, log) in logs.iter().enumerate() {
            let events: Vec<String> = log.events.iter().map(ToString::to_string).collect();
            let end = if log.finished { "" } else { ", then waits" };
            write!(f, " | {}: {}{end}", index + 1, events.join(", "))?;
        }
        Ok(())
    }
}

impl Program {
    /// All that the program can show, by the exhaustive engine; and whether that is all, or a limit stopped it.
    pub fn outcomes(&self, limits: &Limits) -> (BTreeSet<Shown>, bool) {
        let (endings, report) = exhaustive::outcomes(self, limits);
        (endings.into_iter().map(Shown::from).collect(), report.complete())
    }
}
