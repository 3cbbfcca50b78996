//! A client that costs little, so that what is measured is the server: frames are made before they are needed.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use prost::Message as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use turnstile::gateway::wire::codec::{Codec, Encoding};
use turnstile::gateway::wire::codes::SUCCESS;
use turnstile::gateway::wire::conversation::SINGLE;
use turnstile::gateway::wire::envelope::{self, Request};
use turnstile::gateway::wire::proto::sdkws::{MsgData, SetAppBackgroundStatusReq};

/// How all of them encode: gob, not compressed, which would be the same work for every server.
pub(crate) const CODEC: Codec = Codec { encoding: Encoding::Gob, gzip: false };

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;

/// What stands in a message where its ID is put, and before the time at which it was due.
const ID: &[u8; 16] = b"<id of the msg.>";
const DUE: &[u8; 8] = b"<due at>";

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    read: Vec<u8>,
    at: usize,
}

impl Client {
    /// Connects, and waits to be told that it is.
    pub(crate) async fn connect(to: SocketAddr, query: &str) -> Result<Client> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let mut client = Client { stream, read: Vec::new(), at: 0 };
        let upgrade = format!(
            "GET /?{query} HTTP/1.1\r\nHost: {to}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        client.send(upgrade.as_bytes()).await?;
        let head = loop {
            if let Some(end) = find(&client.read, b"\r\n\r\n") {
                break end + 4;
            }
            client.more().await?;
        };
        if !client.read.starts_with(b"HTTP/1.1 101 ") {
            return Err(Error::other(String::from_utf8_lossy(&client.read).into_owned()));
        }
        client.at = head;
        match client.next().await? {
            (TEXT, said) if said == SUCCESS.as_bytes() => Ok(client),
            (_, said) => Err(Error::other(String::from_utf8_lossy(said).into_owned())),
        }
    }

    /// Writes frames.
    pub(crate) async fn send(&mut self, frames: &[u8]) -> Result<()> {
        self.stream.write_all(frames).await
    }

    /// The next frame: its opcode and its payload.
    pub(crate) async fn next(&mut self) -> Result<(u8, &[u8])> {
        loop {
            if let Some((opcode, from, to)) = self.whole() {
                self.at = to;
                return Ok((opcode, &self.read[from..to]));
            }
            self.more().await?;
        }
    }

    /// Whether the next frame is here already.
    pub(crate) fn has_next(&self) -> bool {
        self.whole().is_some()
    }

    /// The next frame, if all of it is here: its opcode, and where its payload begins and ends.
    fn whole(&self) -> Option<(u8, usize, usize)> {
        let frame = &self.read[self.at..];
        let (first, short) = (*frame.first()?, *frame.get(1)?);
        let (head, length) = match short {
            126 => (4, usize::from(u16::from_be_bytes(frame.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(frame.get(2..10)?.try_into().ok()?) as usize),
            short => (2, usize::from(short)),
        };
        let (from, to) = (self.at + head, self.at + head + length);
        (to <= self.read.len()).then_some((first & 15, from, to))
    }

    async fn more(&mut self) -> Result<()> {
        self.read.drain(..self.at);
        self.at = 0;
        self.read.reserve(8192);
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Closes, and waits until the server has.
    pub(crate) async fn close(mut self) -> Result<()> {
        self.send(&frame(CLOSE, &1000_u16.to_be_bytes())).await?;
        self.ended().await
    }

    /// Waits until the server has closed, and answers that.
    pub(crate) async fn ended(&mut self) -> Result<()> {
        loop {
            match self.next().await {
                Ok((CLOSE, _)) => {
                    // A server that has closed already does not hear it.
                    let _ = self.send(&frame(CLOSE, &1000_u16.to_be_bytes())).await;
                }
                Ok(_) => {}
                Err(why) if matches!(why.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                    return Ok(());
                }
                Err(why) => return Err(why),
            }
        }
    }

    /// The socket alone.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// A second hold of the socket, to write from another thread; it does not block.
    pub(crate) fn split(self) -> Result<(Client, std::net::TcpStream)> {
        let Client { stream, read, at } = self;
        let stream = stream.into_std()?;
        let writer = stream.try_clone()?;
        Ok((Client { stream: TcpStream::from_std(stream)?, read, at }, writer))
    }
}

/// A frame of a client. Its mask is zero, which leaves the payload as it is; the server applies it all the same.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        short @ ..126 => frame.push(0x80 | short as u8),
        long => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(long).expect("a frame of a few hundred bytes").to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// That the app is in the foreground: a request that touches nothing but the connection.
    Foreground,
    /// To pass on a message that leaves no history.
    PassOn,
    /// To store a message and pass it on.
    Store,
}

/// A request's frame, made once and sent often.
pub(crate) struct Prepared {
    frame: Vec<u8>,
    id: Option<usize>,
    due: Option<usize>,
}

impl Prepared {
    pub(crate) fn new(ask: Ask, from: &str, to: &str) -> Prepared {
        let content = [&DUE[..], &[0; 8], &[b'.'; 84]].concat();
        let message = || MsgData {
            send_id: from.to_owned(),
            recv_id: to.to_owned(),
            client_msg_id: String::from_utf8_lossy(ID).into_owned(),
            sender_platform_id: 7,
            session_type: SINGLE,
            msg_from: 100,
            content_type: 101,
            content,
            options: [("history", ask == Ask::Store), ("senderSync", false)]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            ..MsgData::default()
        };
        let (req_identifier, data) = match ask {
            Ask::Foreground => {
                let foreground = SetAppBackgroundStatusReq { user_id: from.to_owned(), is_background: false };
                (envelope::SET_BACKGROUND_STATUS, foreground.encode_to_vec())
            }
            Ask::PassOn | Ask::Store => (envelope::SEND_MSG, message().encode_to_vec()),
        };
        let request = Request {
            req_identifier,
            send_id: from.to_owned(),
            operation_id: "bench".to_owned(),
            msg_incr: "1".to_owned(),
            data,
            ..Request::default()
        };
        let frame = frame(BINARY, &CODEC.encode_request(&request));
        Prepared { id: find(&frame, ID), due: find(&frame, DUE).map(|at| at + DUE.len()), frame }
    }

    /// The frame, with an ID that no other has, and the time at which it is due.
    pub(crate) fn next(&mut self, id: u64, due: u64) -> &[u8] {
        if let Some(at) = self.id {
            self.frame[at..at + ID.len()].copy_from_slice(format!("{id:016x}").as_bytes());
        }
        if let Some(at) = self.due {
            self.frame[at..at + 8].copy_from_slice(&due.to_le_bytes());
        }
        &self.frame
    }
}

/// When a pushed message was due; `None` in an answer.
pub(crate) fn due(payload: &[u8]) -> Option<u64> {
    let at = find(payload, DUE)? + DUE.len();
    Some(u64::from_le_bytes(payload.get(at..at + 8)?.try_into().ok()?))
}

fn find(all: &[u8], part: &[u8]) -> Option<usize> {
    all.windows(part.len()).position(|window| window == part)
}
