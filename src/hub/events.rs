//! What comes to a hub's loops, and the channels that it comes on.

use std::hash::{Hash, Hasher};

use super::client::Client;
use super::nodes::Answer;
use super::{Design, Settings};
use crate::runtime::Runtime;
use crate::session::Login;
use crate::sync::{Channel, Spec};

/// The register channel.
pub const REGISTER: Channel = Channel(0);
/// The unregister channel.
pub const UNREGISTER: Channel = Channel(1);
/// The kick-handler channel, on which calls from other nodes come.
pub(super) const KICK: Channel = Channel(2);
/// The channel that is closed when the loops are to end.
pub(super) const DONE: Channel = Channel(3);

/// Something for a loop to do.
pub enum Event<R: Runtime> {
    /// A client has connected.
    Register(Client<R>),
    /// A client is closed.
    Unregister(Client<R>),
    /// A user has logged in on another node, which found these clients of the user here; `kickHandler`.
    Kick(Vec<Client<R>>, Login),
    /// A user has logged in on another node, which waits for the answer; `lanes`.
    Check(Login, Answer<R>),
    /// There is something on the list; `overflow-list`.
    Look,
    /// All connections are to end; `lanes`.
    Stop,
}

impl<R: Runtime> Hash for Event<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Event::Register(client) | Event::Unregister(client) => client.hash(state),
            Event::Kick(clients, login) => (clients, login).hash(state),
            // The answer is the login's own.
            Event::Check(login, _) => login.hash(state),
            Event::Look | Event::Stop => {}
        }
    }
}

/// The channels of a hub of this kind: register, unregister, kick-handler, done.
pub(super) fn specs(settings: &Settings) -> [Spec; 4] {
    let (design, capacity) = (settings.design, settings.capacity);
    let capacity = if design == Design::Unbounded { usize::MAX } else { capacity };
    let (register, unregister) = (design.register_loop(settings.node), design.unregister_loop(settings.node));
    [
        Spec::new(settings.name("register"), capacity).drained_by([register]),
        Spec::new(settings.name("unregister"), capacity).drained_by([unregister]),
        Spec::new(settings.name("kick-handler"), capacity).drained_by([register]),
        Spec::new(settings.name("done"), 1),
    ]
}
