//! The client object and its socket.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Hub;
use super::events::{Event, UNREGISTER};
use crate::name::Name;
use crate::runtime::{Runtime, Task};
use crate::session::{Connection, Login};
use crate::sync::{Flag, Mutex, Shared, Signal};

/// The object that speaks for a connection: OpenIM's `Client` (`client.go`).
///
/// v3.5.1 pools these objects. After a reset the same object speaks for another connection, also to those that still hold
/// it for the old one; so everything about the connection is read through the object, when it is used.
pub struct Client<R: Runtime>(Arc<Fields<R>>);

struct Fields<R: Runtime> {
    /// The connection it was made for: its identity, whatever it speaks for later.
    made_for: Connection,
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

/// A connection's socket, as the hub and the peer see it.
pub struct Socket<R: Runtime> {
    /// Raised once the socket is closed, by either side.
    pub closed: Signal<R>,
    /// Set once the kick message was written to it.
    pub kicked: Flag<R>,
}

impl<R: Runtime> Clone for Socket<R> {
    fn clone(&self) -> Self {
        Socket { closed: self.closed.clone(), kicked: self.kicked.clone() }
    }
}

impl<R: Runtime> Socket<R> {
    /// An open socket.
    pub fn new(runtime: &R, connection: Connection) -> Self {
        Socket {
            closed: Signal::new(runtime, Name::of("end of socket", connection.0)),
            kicked: Flag::new(runtime, Name::of("kick message on socket", connection.0)),
        }
    }
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

    /// Kicks it: writes the kick message unless it is closed, then closes it; `KickOnlineMessage`, `writeBinaryMsg`.
    pub(super) async fn kick_online_message(&self, hub: &Hub<R>, me: &Task<R>) {
        me.call(self.write_kick_message(me)).await;
        self.close(hub, me).await;
    }

    async fn write_kick_message(&self, me: &Task<R>) {
        if self.0.closed.load(me).await {
            return;
        }
        let deferred = self.lock(me).await;
        me.note(|| format!("write the kick message to {}", self.name()));
        self.bound().socket.kicked.write(true);
        unlock(&deferred, me);
    }

    /// Closes it and reports its end to the hub, with the lock held until the hub has room for the report; `close`.
    pub(super) async fn close(&self, hub: &Hub<R>, me: &Task<R>) {
        if self.0.closed.load(me).await {
            return;
        }
        let deferred = self.lock(me).await;
        self.0.closed.store(me, true);
        self.bound().socket.closed.raise(me);
        let sent = hub.channels.send(me, UNREGISTER, Event::Client(self.clone())).await;
        if let Err(closed) = sent {
            me.runtime.crash(me.name, &closed.to_string());
        }
        unlock(&deferred, me);
    }

    /// Takes the lock of whatever connection it speaks for now, and returns the one to unlock when done.
    ///
    /// In Go that need not be the same: `defer c.w.Unlock()` reads the lock through the object once more, after it was
    /// taken, and a reset in between has put another there.
    async fn lock(&self, me: &Task<R>) -> Mutex<R> {
        // Read through the object at the end of the step before; see docs/MODEL.md.
        let lock = self.bound().lock;
        lock.lock(me).await.leave();
        self.bound().lock
    }
}

fn unlock<R: Runtime>(lock: &Mutex<R>, me: &Task<R>) {
    if let Err(unheld) = lock.unlock(me) {
        me.runtime.crash(me.name, &unheld.to_string());
    }
}
