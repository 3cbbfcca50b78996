//! Who waits for whom, now: the laboratory's wait-for graph of a gateway that runs, and the watchdog that reads it.
//!
//! The core says of each task when it begins to wait and when it goes on. That is kept ([`Live`]), and nothing else: so it costs
//! nothing while nobody waits. A [`Glance`] is the graph at one moment; whatever it calls a deadlock is one. The watchdog
//! glances four times a second, from a thread of its own, whatever the runtime does.

mod dog;
mod glance;
mod live;
mod report;
mod scenario;
mod steps;
mod view;

pub use dog::{Alarm, Alarms};
pub(super) use dog::{Watchdog, start};
pub use glance::Glance;
pub use live::{Alive, Live};
pub use scenario::command;
pub(super) use view::{Format, view};
