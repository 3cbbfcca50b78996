//! The client object.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::socket::Socket;
use crate::name::Name;
use crate::runtime::{Runtime, Task};
use crate::session::{Connection, Login};
use crate::sync::{Flag, Mutex, Shared};

/// The object that speaks for a connection: OpenIM's `Client` (`client.go`).
///
/// v3.5.1 and v3.8.3 pool these objects. After a reset the same object speaks for another connection, also to those that still hold
/// it for the old one; so everything about the connection is read through the object, when it is used.
pub struct Client<R: Runtime>(Arc<Fields<R>>);

struct Fields<R: Runtime> {
    /// The connection it was made for: its identity, whatever it speaks for later.
    made_for: Connection,
    /// The closed flag.
    closed: Flag<R>,
    bound: Shared<R, Binding<R>>,
}

/// What a reset sets: the fields of a client that belong to one connection.
pub struct Binding<R: Runtime> {
    /// User, platform, connection.
    pub login: Login,
    /// The lock `w`: a new one for each connection.
    pub lock: Mutex<R>,
    /// The socket `conn`.
    pub socket: Socket<R>,
}

impl<R: Runtime> Clone for Binding<R> {
    fn clone(&self) -> Self {
        Binding { login: self.login, lock: self.lock.clone(), socket: self.socket.clone() }
    }
}

impl<R: Runtime> Hash for Binding<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Lock and socket are the connection's own.
        self.login.hash(state);
    }
}

impl<R: Runtime> Binding<R> {
    /// What a handler sets for a new connection.
    pub(super) fn new(runtime: &R, login: Login, socket: Socket<R>) -> Self {
        Binding { login, lock: Mutex::new(runtime, Name::of("w of connection", login.connection.0)), socket }
    }
}

impl<R: Runtime> Clone for Client<R> {
    fn clone(&self) -> Self {
        Client(self.0.clone())
    }
}

impl<R: Runtime> PartialEq for Client<R> {
    fn eq(&self, other: &Self) -> bool {
        self.0.made_for == other.0.made_for
    }
}

impl<R: Runtime> Eq for Client<R> {}

impl<R: Runtime> PartialOrd for Client<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R: Runtime> Ord for Client<R> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.made_for.cmp(&other.0.made_for)
    }
}

impl<R: Runtime> Hash for Client<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.made_for.hash(state);
    }
}

impl<R: Runtime> Client<R> {
    /// A new object.
    pub(super) fn new(runtime: &R, binding: Binding<R>) -> Self {
        let made_for = binding.login.connection;
        Client(Arc::new(Fields {
            made_for,
            closed: Flag::new(runtime, Name::of("closed flag of client", made_for.0)),
            bound: Shared::new(runtime, Name::of("client", made_for.0), binding),
        }))
    }

    /// Binds a used object to another connection, within the current step; `ResetClient`.
    pub(super) fn reset(&self, me: &Task<R>, binding: Binding<R>) {
        me.note(|| format!("reset {}", self.name()));
        self.0.bound.with(|bound| *bound = binding);
        self.0.closed.store(me, false);
    }

    /// Its closed flag.
    pub(super) fn closed(&self) -> &Flag<R> {
        &self.0.closed
    }

    /// What it is called.
    pub(super) fn name(&self) -> Name {
        Name::of("client", self.0.made_for.0)
    }

    /// What it speaks for now, within the current step.
    pub(super) fn bound(&self) -> Binding<R> {
        self.0.bound.with(|bound| bound.clone())
    }

    /// What it speaks for now, from outside.
    pub fn binding(&self) -> Binding<R> {
        self.0.bound.peek(Binding::clone)
    }
}
