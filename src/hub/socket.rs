//! A connection's socket, as hub and peer see it, and a log of what happened to it.

use std::future::poll_fn;
use std::sync::Arc;

use crate::name::Name;
use crate::runtime::{Runtime, Task};
use crate::session::{Connection, Login, Platform, User};
use crate::sync::{Case, Channel, Channels, Chosen, Flag, Shared, Signal, Spec};
use crate::waits::{Kind, Port, Resource, Wait};

use super::client::Client;
use super::outlet::{Outlet, Payload};
use super::version::Write;

/// How many messages a writer's queue holds; `client_conn.go`.
const QUEUE: usize = 256;
const MESSAGES: Channel = Channel(0);
const DONE: Channel = Channel(1);

/// On whose behalf a connection is kicked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// A newer login.
    Login(Login),
    /// An administrator, who kicks a user off a platform.
    Admin(User, Platform),
}

/// Who ends a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum By {
    /// The peer, that left.
    Peer,
    /// The connection's own reader.
    Reader,
    /// A kick.
    Kick(Cause),
    /// The stop signal.
    Stop,
    /// The server, that did not accept it any more.
    Refused,
}

/// What is written to a socket.
#[derive(Clone, Hash, Debug)]
pub enum Message {
    /// That the session has been kicked.
    Kick,
    /// A message for a user.
    Push(User, Payload),
}

impl Message {
    pub(super) fn note<R: Runtime>(&self, me: &Task<R>, client: &Client<R>) {
        me.note(|| match self {
            Message::Kick => format!("write the kick message to {}", client.name()),
            Message::Push(user, _) => format!("write a message for user {} to {}", user.0, client.name()),
        });
    }
}

/// What happened to a connection: written as it happens and read by properties only, so no task's way depends on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Log {
    /// Who ended it first.
    pub ended: Option<By>,
    /// Whom its writer ends it for, once it has written what is queued.
    ending: Option<By>,
    /// The kick message was written to it before it ended.
    pub heard: bool,
    /// It was put into the user table.
    pub registered: bool,
    /// How often it was unregistered.
    pub unregistered: u8,
}

/// A connection's socket, as the hub and the peer see it.
pub struct Socket<R: Runtime> {
    /// Raised once the socket is closed, by either side; in designs where a kick is an order, already with the order.
    pub closed: Signal<R>,
    /// Set with an order to end, for [`By::Kick`].
    ordered: Flag<R>,
    /// How many tasks were started on behalf of the connection.
    started: Shared<R, u8>,
    /// What happened.
    log: Shared<R, Log>,
    writer: Option<Channels<R, Message>>,
    outlet: Option<Arc<dyn Outlet>>,
    number: u32,
}

impl<R: Runtime> Clone for Socket<R> {
    fn clone(&self) -> Self {
        Socket {
            closed: self.closed.clone(),
            ordered: self.ordered.clone(),
            started: self.started.clone(),
            log: self.log.clone(),
            writer: self.writer.clone(),
            outlet: self.outlet.clone(),
            number: self.number,
        }
    }
}

impl<R: Runtime> Socket<R> {
    /// An open socket. With `queued`, what is written to it goes through a queue, that [`writer`] empties. With an outlet, there is
    /// a real one behind it.
    pub fn new(runtime: &R, connection: Connection, queued: bool, outlet: Option<Arc<dyn Outlet>>) -> Self {
        let number = connection.0;
        let specs = [
            Spec::new(Name::of("queue of writer", number), QUEUE).drained_by([Name::of("writer", number)]),
            Spec::new(Name::of("done of writer", number), 0),
        ];
        Socket {
            closed: Signal::new(runtime, Name::of("end of socket", number)),
            ordered: Flag::new(runtime, Name::of("order to end socket", number)),
            started: Shared::new(runtime, Name::of("tasks started for socket", number), 0),
            log: Shared::new(runtime, Name::of("log of socket", number), Log::default()),
            writer: queued.then(|| Channels::new(runtime, Name::of("queues of writer", number), specs)),
            outlet,
            number,
        }
    }

    /// The name of another task that is started on the connection's behalf, within the current step. A stale client object can
    /// have the hub do for a connection twice what is done once for each.
    pub(super) fn another(&self, connection: Connection, roles: &[&'static str; 4]) -> Name {
        let nth = self.started.with(|started| {
            *started += 1;
            *started - 1
        });
        let role = roles.get(usize::from(nth)).expect("no connection has that many tasks started for it");
        Name::of(role, connection.0)
    }

    /// Notes in the log.
    pub(super) fn log(&self, note: impl FnOnce(&mut Log)) {
        self.log.write(note);
    }

    /// The log, from outside.
    pub fn look(&self) -> Log {
        self.log.peek(|log| *log)
    }

    /// Ends it, within the current step.
    pub fn end(&self, me: &Task<R>, by: By) {
        self.log(|log| log.ended = log.ended.or(Some(by)));
        self.tell(|outlet| outlet.ended(by));
        self.closed.raise(me);
    }

    /// Orders its own task to end it, within the current step.
    pub(super) fn order(&self, me: &Task<R>, by: By) {
        if matches!(by, By::Kick(_)) {
            self.ordered.store(me, true);
        }
        self.log(|log| log.ending = log.ending.or(Some(by)));
        self.closed.raise(me);
    }

    /// Obeys such an order, or follows the peer that has left: its own task's last act on it, within the current step.
    pub(super) fn obey(&self, me: &Task<R>) {
        if self.ordered.get(me) {
            self.put(Message::Kick);
        }
        self.log(|log| log.ended = log.ended.or(log.ending).or(Some(By::Reader)));
        self.tell(|outlet| outlet.ended(By::Reader));
    }

    /// It is in the user table, since the current step.
    pub(super) fn registered(&self) {
        self.log(|log| log.registered = true);
        self.tell(|outlet| outlet.registered());
    }

    /// It is in the user table no more, since the current step.
    pub(super) fn unregistered(&self) {
        self.log(|log| log.unregistered = log.unregistered.saturating_add(1));
        self.tell(|outlet| outlet.unregistered());
    }

    /// It is to be kicked, as the current step has decided.
    pub(super) fn kicked(&self, cause: Cause) {
        self.tell(|outlet| outlet.kicked(cause));
    }

    fn tell(&self, what: impl FnOnce(&dyn Outlet)) {
        if let Some(outlet) = &self.outlet {
            what(&**outlet);
        }
    }

    /// Writes a message to it, which a queue may delay; `ClientConn.WriteMessage`. A full queue ends the connection.
    pub(super) async fn write(&self, me: &Task<R>, message: Message) {
        let Some(writer) = &self.writer else {
            if self.put(message) {
                self.taken(me).await;
            } else {
                self.end(me, By::Reader);
            }
            return;
        };
        let case = Case::Send(MESSAGES.0, message);
        if let Chosen::Default = writer.select_or_default(me, vec![case]).await {
            self.end(me, By::Reader);
        }
    }

    /// Closes it; `ClientConn.Close`.
    pub(super) async fn close(&self, me: &Task<R>, by: By, write: Write) {
        let Some(writer) = &self.writer else {
            self.end(me, by);
            return;
        };
        self.log(|log| log.ending = log.ending.or(Some(by)));
        // Closing it twice is nothing: in Go only who comes first gets so far.
        let _ = writer.close(me, DONE).await;
        if write == Write::QueuedThenLost {
            me.turn().await;
            self.end(me, by);
        }
    }

    /// True if there was room for it.
    fn put(&self, message: Message) -> bool {
        if matches!(message, Message::Kick) {
            self.log(|log| log.heard |= log.ended.is_none());
        }
        self.outlet.as_ref().is_none_or(|outlet| outlet.put(message))
    }

    /// Waits until the outlet has taken what was put.
    async fn taken(&self, me: &Task<R>) {
        let Some(outlet) = &self.outlet else { return };
        let socket = Name::of("socket", self.number);
        let mut writing = Writing { me, waits: false };
        poll_fn(|cx| {
            let taken = outlet.poll_taken(cx);
            if taken.is_pending() && !std::mem::replace(&mut writing.waits, true) {
                let resource = Arc::new(Outside);
                let wait = Wait { kind: Kind::Write, on: socket, cell: socket, port: 0, resource };
                me.runtime.waits(me.name, wait);
            }
            taken
        })
        .await;
    }
}

/// A write that the outlet has not taken yet, maybe.
struct Writing<'a, R: Runtime> {
    me: &'a Task<R>,
    waits: bool,
}

impl<R: Runtime> Drop for Writing<'_, R> {
    fn drop(&mut self) {
        if self.waits {
            self.me.runtime.resumes(self.me.name);
        }
    }
}

/// What only the peer can help with.
struct Outside;

impl Resource for Outside {
    fn look(&self, _port: usize) -> Port {
        Port::open()
    }

    fn keeps_waiting(&self, _who: Name) -> bool {
        true
    }
}

/// Writes to a socket what is queued for it; `loopSend`, `client_conn.go`.
pub async fn writer<R: Runtime>(me: Task<R>, socket: Socket<R>, write: Write) {
    let Some(queues) = &socket.writer else { return };
    loop {
        me.rest();
        let cases = vec![Case::Receive(DONE.0), Case::Receive(MESSAGES.0)];
        match queues.select(&me, cases).await {
            Chosen::Received { value: Some(message), .. } => {
                socket.put(message);
                socket.taken(&me).await;
            }
            _ => break,
        }
    }
    if write == Write::QueuedThenDrained {
        while let Chosen::Received { value: Some(message), .. } =
            queues.select_or_default(&me, vec![Case::Receive(MESSAGES.0)]).await
        {
            socket.put(message);
            socket.taken(&me).await;
        }
        socket.log(|log| log.ended = log.ended.or(log.ending));
        socket.tell(|outlet| outlet.ended(By::Reader));
        socket.closed.raise(&me);
    }
}
