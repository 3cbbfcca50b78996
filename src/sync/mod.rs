//! What can wait, with Go's semantics, written once over the [`Runtime`](crate::Runtime) seam.
//!
//! Each operation takes its [`Task`](crate::Task), is one visible step, and parks the task where Go would. A future
//! that is dropped while parked leaves nothing behind: no waiter, no value, no wake-up is lost.

mod channel;
mod counter;
mod flag;
mod mutex;
mod pool;
mod queues;
mod rwlock;
mod shared;
mod signal;
mod waitgroup;

pub use channel::{Channel, Channels, Closed, Spec};
pub use counter::Counter;
pub use flag::Flag;
pub use mutex::{Guard, Mutex, Unheld};
pub use pool::Pool;
pub use queues::{Case, Chosen, Queues};
pub use rwlock::{ReadGuard, RwLock, WriteGuard};
pub use shared::Shared;
pub use signal::Signal;
pub use waitgroup::WaitGroup;

use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::task::Waker;

use crate::name::Name;

/// A waiting operation: its task, and which of the task's operations on this cell it is (they can be several in
/// production, where one task may poll many futures). Equal tickets mean the same wait in any two runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket {
    task: Name,
    operation: u32,
}

impl Ticket {
    /// All that a task may have.
    fn all_of(task: Name) -> RangeInclusive<Ticket> {
        Ticket { task, operation: 0 }..=Ticket { task, operation: u32::MAX }
    }

    /// The first ticket of the task that is not in use.
    fn next(task: Name, in_use: impl Fn(Ticket) -> bool) -> Ticket {
        let mut ticket = Ticket { task, operation: 0 };
        while in_use(ticket) {
            ticket.operation += 1;
        }
        ticket
    }
}

/// How to wake a parked task. Not part of the state.
#[derive(Clone, Debug)]
struct Waking(Waker);

impl Hash for Waking {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
