//! The way out to one client: what waits to be written, and how it ends.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio_tungstenite::tungstenite::Message as Frame;

use super::outgoing::Outgoing;
use super::wire::codec::Codec;
use super::wire::envelope::Response;
use super::{Gateway, counts::Count};
use crate::hub::{By, Cause, Message, Outlet};
use crate::session::{Login, Platform};

/// Why the server closes a connection: the close frame's code and reason.
///
/// 4000 and above are ours: 4000 to 4499 may come back at once, 4500 and above may not, or not as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Close {
    /// The peer has left, or asked to.
    Left,
    /// Another login, or an administrator.
    Kicked,
    /// The server ends: come back, perhaps to another.
    Restart,
    /// It did not take what was sent to it.
    Slow,
    /// Nothing came from it for too long.
    Idle,
    /// A frame that cannot be read, or is not expected.
    Protocol,
    /// A message too long.
    TooBig,
}

impl Close {
    /// All of them.
    pub const ALL: [Close; 7] = [
        Close::Left,
        Close::Kicked,
        Close::Restart,
        Close::Slow,
        Close::Idle,
        Close::Protocol,
        Close::TooBig,
    ];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Close::Left => "left",
            Close::Kicked => "kicked",
            Close::Restart => "restart",
            Close::Slow => "slow",
            Close::Idle => "idle",
            Close::Protocol => "protocol",
            Close::TooBig => "too_big",
        }
    }

    /// The code, as RFC 6455 section 7.4.
    pub fn code(self) -> u16 {
        match self {
            Close::Left => 1000,
            Close::Protocol => 1002,
            Close::TooBig => 1009,
            Close::Restart => 1012,
            Close::Idle => 4000,
            Close::Slow => 4001,
            Close::Kicked => 4500,
        }
    }

    /// The reason, in words.
    pub fn reason(self) -> &'static str {
        match self {
            Close::Left => "bye",
            Close::Kicked => "kicked",
            Close::Restart => "the server ends, come back",
            Close::Slow => "too slow to take what is sent",
            Close::Idle => "nothing came for too long",
            Close::Protocol => "a frame that cannot be read",
            Close::TooBig => "a message too long",
        }
    }
}

/// When what was put counts as taken, so that who wrote it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// At once.
    AtOnce,
    /// When there is some room.
    WithRoom,
    /// When it was written.
    Written,
}

/// What became of a frame that was to be queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Queued {
    /// It waits.
    Waits,
    /// The connection has ended, or is about to.
    Ended,
    /// There is no room: the connection is to be closed.
    NoRoom,
}

/// How many frames may wait when there is room.
const ROOM: usize = 64;

/// The way out to one client.
pub(super) struct Line {
    pub(super) login: Login,
    pub(super) user: Arc<str>,
    pub(super) codec: Codec,
    /// Its app is in the background.
    pub(super) background: AtomicBool,
    gateway: Arc<Gateway>,
    taken: Taken,
    out: Mutex<Out>,
}

#[derive(Default)]
struct Out {
    frames: VecDeque<Frame>,
    bytes: usize,
    writing: bool,
    registered: bool,
    close: Option<Close>,
    ended: bool,
    dead: bool,
    /// When the hub was told of the connection, until it has answered.
    told: Option<Instant>,
    /// When the hub was told of its end, until it has dealt with that.
    leaving: Option<Instant>,
    writer: Option<Waker>,
    registering: Option<Waker>,
    reading: Option<Waker>,
    takers: Vec<Waker>,
}

/// What is to be written next.
pub(super) struct Batch {
    pub(super) frames: VecDeque<Frame>,
    /// Then the end.
    pub(super) close: Option<Close>,
}

impl Line {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        login: Login,
        user: Arc<str>,
        codec: Codec,
        taken: Taken,
    ) -> Line {
        Line { login, user, codec, background: AtomicBool::new(false), gateway, taken, out: Mutex::default() }
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a frame whether there is room or not: the first one, the kick, a ping now and then.
    pub(super) fn send(&self, frame: Frame) {
        let mut out = self.out();
        if !out.dead && !out.ended {
            out.bytes += frame.len();
            out.frames.push_back(frame);
            wake(&mut out.writer);
        }
    }

    /// The next frames, and whether they are the last.
    pub(super) fn poll_batch(&self, cx: &mut Context<'_>) -> Poll<Batch> {
        let mut out = self.out();
        out.writing = false;
        if out.frames.is_empty() && !out.ended {
            out.takers.drain(..).for_each(Waker::wake);
            out.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        out.writing = true;
        out.bytes = 0;
        let frames = std::mem::take(&mut out.frames);
        let close = out.ended.then(|| out.close.unwrap_or(Close::Left));
        if self.taken == Taken::WithRoom {
            out.takers.drain(..).for_each(Waker::wake);
        }
        Poll::Ready(Batch { frames, close })
    }

    /// Ready once the connection is in the user table or has ended.
    pub(super) fn poll_registered(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut out = self.out();
        if out.registered || out.ended || out.dead {
            return Poll::Ready(());
        }
        out.registering = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ready once nobody writes any more.
    pub(super) fn poll_dead(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut out = self.out();
        if out.dead {
            return Poll::Ready(());
        }
        out.reading = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Says why it is going to be closed; the first reason stays.
    pub(super) fn close_with(&self, close: Close) {
        let mut out = self.out();
        out.close = out.close.or(Some(close));
    }

    /// Why it was closed.
    pub(super) fn closed_with(&self) -> Close {
        self.out().close.unwrap_or(Close::Left)
    }

    /// Nobody writes any more: what is put is lost, and nobody waits.
    pub(super) fn die(&self) {
        let mut out = self.out();
        out.dead = true;
        out.frames = VecDeque::new();
        out.takers.drain(..).for_each(Waker::wake);
        wake(&mut out.registering);
        wake(&mut out.reading);
    }

    /// The hub is about to be told of the connection.
    pub(super) fn told(&self) {
        self.out().told = Some(Instant::now());
        self.gateway.counts.add(Count::Connected);
    }

    /// Queues a frame if there is room.
    pub(super) fn queue(&self, frame: Frame) -> Queued {
        let limits = &self.gateway.config.limits;
        let mut out = self.out();
        if out.dead || out.ended {
            return Queued::Ended;
        }
        if out.frames.len() >= limits.queue_messages || out.bytes + frame.len() > limits.queue_bytes {
            out.close = out.close.or(Some(Close::Slow));
            drop(out);
            self.gateway.counts.add(Count::SlowConsumers);
            return Queued::NoRoom;
        }
        out.bytes += frame.len();
        out.frames.push_back(frame);
        wake(&mut out.writer);
        Queued::Waits
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl Outlet for Line {
    fn put(&self, message: Message) -> bool {
        match message {
            Message::Kick => {
                self.close_with(Close::Kicked);
                self.send(Frame::binary(self.codec.encode_response(&Response::kick())));
                true
            }
            Message::Push(_, payload) => {
                let Some(outgoing) = payload.get::<Outgoing>() else { return true };
                let asleep = self.login.platform == Platform::Ios && self.background.load(Ordering::Relaxed);
                if asleep && outgoing.foreground {
                    self.gateway.counts.add(Count::BackgroundSkipped);
                    return true;
                }
                let queued = self.queue(Frame::binary(outgoing.frame(self.codec)));
                match queued {
                    Queued::NoRoom if outgoing.foreground => {
                        self.gateway.counts.add(Count::PushesWithoutRoom)
                    }
                    Queued::Ended if outgoing.foreground => self.gateway.counts.add(Count::PushesToNobody),
                    _ => {}
                }
                queued != Queued::NoRoom
            }
        }
    }

    fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.taken == Taken::AtOnce {
            return Poll::Ready(());
        }
        let mut out = self.out();
        let taken = match self.taken {
            Taken::Written => out.frames.is_empty() && !out.writing,
            _ => out.frames.len() < ROOM,
        };
        if taken || out.dead {
            return Poll::Ready(());
        }
        out.takers.push(cx.waker().clone());
        Poll::Pending
    }

    fn registered(&self) {
        let mut out = self.out();
        out.registered = true;
        let told = out.told.take();
        wake(&mut out.registering);
        drop(out);
        if let Some(told) = told {
            self.gateway.counts.registering.add(told.elapsed());
        }
        self.gateway.came_online(self);
    }

    fn kicked(&self, cause: Cause) {
        self.gateway.was_kicked(self, cause);
    }

    fn ended(&self, by: By) {
        let mut out = self.out();
        if let By::Kick(_) = by {
            out.close = out.close.or(Some(Close::Kicked));
        }
        // Whom the hub has not taken, it does not have to let go.
        if !out.ended && by != By::Refused {
            out.leaving = Some(Instant::now());
            self.gateway.counts.add(Count::Leaving);
        }
        out.ended = true;
        wake(&mut out.writer);
        wake(&mut out.registering);
    }

    fn unregistered(&self) {
        let leaving = self.out().leaving.take();
        if let Some(leaving) = leaving {
            self.gateway.counts.unregistering.add(leaving.elapsed());
            self.gateway.counts.add(Count::Unregistered);
        }
        self.gateway.went_offline(self);
    }
}
