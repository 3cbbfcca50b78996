//! One session: the core's own functions for it, beside a reader and a writer, all in one task.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::OptionFuture;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tracing::Instrument;

use super::admission::Seat;
use super::config::Limits;
use super::counts::Count;
use super::line::{Batch, Close, Line, Queued, Taken};
use super::service::{self, Then};
use super::tokens::Bearer;
use super::upgrade::Stream;
use super::wire::codes;
use super::wire::handshake::Handshake;
use super::wire::text::{Text, pong};
use super::{Core, Gateway, Live};
use crate::hub::{self, By, Client, Socket, Write};
use crate::session::{Connection, Login, Platform, User};

/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Who has come.
pub(super) struct Arrival {
    pub(super) handshake: Handshake,
    pub(super) user: Arc<str>,
    pub(super) number: u32,
    pub(super) bearer: Bearer,
    pub(super) from: SocketAddr,
    pub(super) seats: (Arc<Seat>, Seat),
}

/// Serves a session to its end.
pub(super) async fn serve(gateway: Arc<Gateway>, stream: Stream, arrival: Arrival) {
    let connection = gateway.number();
    let (user, platform) = (&*arrival.user, arrival.bearer.platform.id());
    let span =
        tracing::debug_span!("connection", user, platform, connection = connection.0, remote = %arrival.from);
    talk(gateway, stream, arrival, connection).instrument(span).await;
}

async fn talk(gateway: Arc<Gateway>, stream: Stream, arrival: Arrival, connection: Connection) {
    let Arrival { handshake, user, number, bearer, seats, .. } = arrival;
    let login = Login { user: User(number), platform: bearer.platform, connection, token: bearer.token };
    let write = gateway.config.version.steps().write;
    let orders = gateway.config.design.orders();
    // Where kicks are orders, the line is the queue. Elsewhere it is the socket, behind what the version has.
    let queued = !orders && write != Write::Direct;
    let taken = match (orders, queued) {
        (true, _) => Taken::AtOnce,
        (false, true) => Taken::WithRoom,
        (false, false) => Taken::Written,
    };
    let line = Arc::new(Line::new(gateway.clone(), login, user.clone(), handshake.codec, taken));
    let socket = Socket::new(&gateway.core, connection, queued, Some(line.clone()));
    gateway.live().insert(connection.0, Live { line: line.clone(), socket: socket.clone(), client: None });
    tracing::debug!("connected");
    if handshake.wants_first_frame {
        line.send(Frame::text(codes::SUCCESS));
    }
    // The token in it is long, and not needed any more.
    drop(handshake);
    let (sink, stream) = stream.split();
    if gateway.is_draining() {
        line.close_with(Close::Restart);
        socket.closed.raise(&gateway.task("end", connection.0));
    }
    let (started, start) = oneshot::channel();
    let (refuse, refused) = oneshot::channel();
    let core = async {
        let me = gateway.task("connection", connection.0);
        let _alive = gateway.watched.here(me.name);
        line.told();
        let client = gateway.hub.ws_handler(&me, login, socket.clone()).await;
        let Some(client) = client else {
            gateway.counts.add(Count::RefusedStopping);
            line.close_with(Close::Restart);
            let _ = refuse.send(());
            return;
        };
        if let Some(live) = gateway.live().get_mut(&connection.0) {
            live.client = Some(client.clone());
        }
        let _ = started.send(client.clone());
        gateway.hub.read_message(&me, &client).await;
    };
    let queue = async {
        let writer = hub::writer(gateway.task("writer", connection.0), socket.clone(), write);
        tokio::select! {
            () = writer => {}
            // Whom the hub does not take, nobody closes.
            Ok(()) = refused => {}
        }
    };
    let queue = if queued { Some(Box::pin(queue)) } else { None };
    let wire = async {
        let mut writer = pin!(writes(&gateway, &line, sink));
        let reader = reads(&gateway, &line, stream, start, orders);
        let mut reader = pin!(reader);
        let stopped = tokio::select! {
            () = &mut writer => {
                // The reader ends by itself: dropped in the midst of a request it would leave a client's lock behind.
                line.die();
                reader.await;
                None
            }
            stopped = &mut reader => Some(stopped),
        };
        match stopped {
            None => {}
            Some(Stopped::Gone) => socket.end(&gateway.task("peer", connection.0), By::Peer),
            Some(Stopped::With(close)) => {
                // The client is closed by its own task, as when OpenIM's reader returns: what is queued may still be written.
                line.close_with(close);
                socket.closed.raise(&gateway.task("reader", connection.0));
                let _ = timeout(LAST_WORDS, writer).await;
            }
        }
        line.die();
        socket.end(&gateway.task("peer", connection.0), By::Peer);
    };
    // From the heap: an idle connection is mostly this.
    tokio::join!(Box::pin(core), OptionFuture::from(queue), Box::pin(wire));
    gateway.followers.forget(connection.0);
    let last = {
        let mut live = gateway.live();
        live.remove(&connection.0);
        live.is_empty()
    };
    if last {
        gateway.empty.notify_waiters();
    }
    gateway.counts.disconnected(line.closed_with());
    tracing::debug!(why = line.closed_with().reason(), "disconnected");
    drop(seats);
}

/// Writes what waits in the line, all of it with one flush, until the end.
async fn writes(gateway: &Gateway, line: &Line, mut sink: SplitSink<Stream, Frame>) {
    loop {
        let Batch { frames, close } = poll_fn(|cx| line.poll_batch(cx)).await;
        let bytes = frames.iter().map(Frame::len).sum();
        let write = async {
            for frame in frames {
                sink.feed(frame).await?;
            }
            if let Some(close) = close {
                let frame = CloseFrame { code: close.code().into(), reason: close.reason().into() };
                sink.feed(Frame::Close(Some(frame))).await?;
            }
            sink.flush().await
        };
        // On the heap while there is something to write: an idle connection has no need of its room.
        match Box::pin(timeout(Limits::time(gateway.config.limits.write_ms), write)).await {
            Ok(Ok(())) => {
                gateway.counts.add_many(Count::Sent, bytes);
                if close.is_some() {
                    return;
                }
            }
            Ok(Err(_)) => return,
            Err(_) => {
                line.close_with(Close::Slow);
                gateway.counts.add(Count::SlowConsumers);
                return;
            }
        }
    }
}

/// Why nothing more is read.
enum Stopped {
    /// The peer has gone.
    Gone,
    /// The connection is to be closed.
    With(Close),
}

/// Reads and answers, one request after another; `readMessage`. Says why it ended.
async fn reads(
    gateway: &Arc<Gateway>,
    line: &Arc<Line>,
    mut stream: SplitStream<Stream>,
    start: oneshot::Receiver<Client<Core>>,
    registered: bool,
) -> Stopped {
    let limits = &gateway.config.limits;
    let _alive = gateway.watched.here(gateway.task("reader", line.login.connection.0).name);
    let mut over = pin!(poll_fn(|cx| line.poll_dead(cx)));
    // As in Go, nothing is read before the hub was told.
    let client = tokio::select! {
        biased;
        () = &mut over => return Stopped::Gone,
        client = start => client,
    };
    let Ok(client) = client else {
        over.await;
        return Stopped::Gone;
    };
    if registered {
        // So that what is asked first is answered after the session gets pushes, and nothing falls in between.
        poll_fn(|cx| line.poll_registered(cx)).await;
    }
    let pings = line.login.platform == Platform::Web;
    let every = Limits::time(limits.web_ping_ms);
    let mut ping = Instant::now() + every;
    let mut deadline = Instant::now() + Limits::time(limits.first_frame_ms);
    let mut timer = pin!(sleep_until(deadline));
    loop {
        let next = if pings { deadline.min(ping) } else { deadline };
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        let frame = tokio::select! {
            biased;
            () = &mut over => return Stopped::Gone,
            frame = stream.next() => frame,
            () = &mut timer => {
                let now = Instant::now();
                if now >= deadline {
                    gateway.counts.add(Count::Idle);
                    return Stopped::With(Close::Idle);
                }
                ping = now + every;
                line.send(Frame::Ping(bytes::Bytes::new()));
                continue;
            }
        };
        deadline = Instant::now() + Limits::time(limits.idle_ms);
        if let Some(Ok(frame @ (Frame::Text(_) | Frame::Binary(_)))) = &frame {
            gateway.counts.add_many(Count::Received, frame.len());
        }
        match frame {
            None | Some(Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_))) => {
                return Stopped::Gone;
            }
            Some(Ok(Frame::Close(_))) => return Stopped::Gone,
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                return Stopped::With(Close::TooBig);
            }
            Some(Err(_)) => return Stopped::With(Close::Protocol),
            // The library answers pings when it is asked for the next frame.
            Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => {}
            Some(Ok(Frame::Text(text))) => match Text::read(&text) {
                Ok(Text::Ping { body }) => {
                    if line.queue(Frame::text(pong(body.as_deref()))) == Queued::NoRoom {
                        return Stopped::With(Close::Slow);
                    }
                }
                Ok(Text::Pong { .. }) => {}
                Ok(Text::Other(_)) | Err(_) => return Stopped::With(Close::Protocol),
            },
            Some(Ok(Frame::Binary(bytes))) => {
                let Ok(request) = line.codec.decode_request(&bytes, limits.inflated_bytes) else {
                    return Stopped::With(Close::Protocol);
                };
                // On the heap while it is served, as what is written.
                match Box::pin(service::serve(gateway, line, &client, request)).await {
                    Then::Go => {}
                    Then::Leave => return Stopped::With(Close::Left),
                    Then::Break => return Stopped::With(Close::Protocol),
                }
            }
        }
    }
}
