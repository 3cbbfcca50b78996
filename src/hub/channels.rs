//! The hub's channels, seen from outside.

use serde::Serialize;

use super::events::DONE;
use super::{Hub, Loops};
use crate::name::Name;
use crate::runtime::Runtime;
use crate::sync::Channel;

/// One of a hub's channels, as it is at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ChannelState {
    /// What it is called.
    pub name: Name,
    /// How many events wait in it.
    pub len: usize,
    /// How many it holds; `usize::MAX` if it is never full.
    pub capacity: usize,
    /// How many tasks wait to send on it.
    pub senders: usize,
    /// The only tasks that receive from it; `None` if any task may.
    pub drained_by: Option<Vec<Name>>,
}

impl<R: Runtime> Hub<R> {
    /// The channels on which events come to the hub's loops, all at the same moment; none where a hub has no loop. For reports: it
    /// is no step of any task.
    ///
    /// ```
    /// use turnstile::gateway::runtime::Tokio;
    /// use turnstile::hub::{Design, Hub, Settings, Version};
    /// use turnstile::policy::Policy;
    ///
    /// let tokio = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    /// let runtime = Tokio::new(tokio.handle().clone(), ());
    /// let settings = Settings {
    ///     design: Design::SplitLoops,
    ///     version: Version::Main,
    ///     policy: Policy::SameTerminal,
    ///     capacity: 1000,
    ///     lanes: 1,
    ///     stops: true,
    ///     node: 0,
    /// };
    /// let hub = Hub::start(&runtime, settings);
    /// let said = |c: &turnstile::hub::ChannelState| format!("{} {}/{}", c.name, c.len, c.capacity);
    /// assert_eq!(
    ///     hub.channels().iter().map(said).collect::<Vec<_>>(),
    ///     ["register 0/1000", "unregister 0/1000", "kick-handler 0/1000"],
    /// );
    /// assert_eq!(hub.channels()[1].drained_by.as_ref().unwrap()[0].to_string(), "unregister loop");
    /// ```
    pub fn channels(&self) -> Vec<ChannelState> {
        let count = match self.settings.design.loops() {
            Loops::None => 0,
            Loops::Lanes => self.settings.lanes,
            // Nothing is ever sent on `done`, the last one.
            Loops::One | Loops::Two => DONE.0,
        };
        self.channels.peek(|queues| {
            let state = |channel| ChannelState {
                name: self.channels.name(Channel(channel)),
                len: queues.len(channel),
                capacity: queues.capacity(channel),
                senders: queues.senders(channel),
                drained_by: queues.drained_by(channel).map(<[Name]>::to_vec),
            };
            (0..count).map(state).collect()
        })
    }
}
