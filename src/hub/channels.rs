//! The hub's channels, seen from outside.

use serde::Serialize;

use super::{Design, Hub};
use crate::name::Name;
use crate::runtime::Runtime;
use crate::waits::Port;

/// A channel of a hub at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ChannelState {
    /// What it is called.
    pub name: Name,
    /// How many values wait in it.
    pub len: usize,
    /// How many it holds; `usize::MAX` where it has no bound.
    pub capacity: usize,
    /// The only tasks that receive from it, where that is known.
    pub drained_by: Option<Vec<Name>>,
}

impl<R: Runtime> Hub<R> {
    /// Its channels as they are now: those on which events come, or none where it has no loop.
    ///
    /// ```
    /// use turnstile::gateway::runtime::Tokio;
    /// use turnstile::hub::{Design, Hub, Settings, Version};
    /// use turnstile::policy::Policy;
    ///
    /// let tokio = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    /// let runtime = Tokio::new(tokio.handle().clone(), ());
    /// let settings = Settings { design: Design::SingleSelect, version: Version::V3_5_1, policy: Policy::SameTerminal,
    ///                           capacity: 1000, lanes: 1, stops: false, node: 0 };
    /// let channels = Hub::start(&runtime, settings).channels();
    /// assert_eq!(channels[1].name.to_string(), "unregister");
    /// assert_eq!((channels[1].len, channels[1].capacity), (0, 1000));
    /// ```
    pub fn channels(&self) -> Vec<ChannelState> {
        if self.settings.design == Design::LockedTable {
            return Vec::new();
        }
        let open = self.channels.ports().into_iter().filter(|(name, _)| name.role() != "done");
        let state = |(name, port): (Name, Port)| {
            let (len, capacity) = port.filled.unwrap_or_default();
            ChannelState { name, len, capacity, drained_by: port.helpers }
        };
        open.map(state).collect()
    }
}
