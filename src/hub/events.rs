//! The hub's channels and what they carry.

use std::hash::{Hash, Hasher};

use super::client::Client;
use super::design::Design;
use crate::name::Name;
use crate::runtime::Runtime;
use crate::sync::{Channel, Spec};

/// Clients that have connected; `registerChan`.
pub const REGISTER: Channel = Channel(0);
/// Clients that are closed; `unregisterChan`.
pub const UNREGISTER: Channel = Channel(1);
/// What other nodes ask to be kicked; `kickHandlerChan`. Nobody sends on it where there is one node.
pub(super) const KICK: Channel = Channel(2);
/// Closed to end the loops; `done`. v3.5.1 closes it only after the loop has ended, so it never does.
pub(super) const DONE: Channel = Channel(3);

/// What the hub's channels carry.
pub enum Event<R: Runtime> {
    /// A client, to register or to unregister, by the channel it came on.
    Client(Client<R>),
}

impl<R: Runtime> Hash for Event<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Event::Client(client) = self;
        client.hash(state);
    }
}

impl<R: Runtime> Event<R> {
    pub(super) fn client(self) -> Client<R> {
        let Event::Client(client) = self;
        client
    }
}

pub(super) fn specs(capacity: usize, design: Design) -> [Spec; 4] {
    let (register, unregister) = (design.register_loop(), design.unregister_loop());
    [
        Spec::new(Name::one("register"), capacity).drained_by([register]),
        Spec::new(Name::one("unregister"), capacity).drained_by([unregister]),
        Spec::new(Name::one("kick-handler"), capacity).drained_by([register]),
        Spec::new(Name::one("done"), 1),
    ]
}
