//! A client of OpenIM's gateway, of this one or of another: a connection over which requests are asked and envelopes come.
//!
//! `turnstile chat` is one and `turnstile storm` is many. The socket is the caller's, so that it decides where to connect.

mod address;
mod http;

pub use address::{Address, Place};
pub use http::Http;

use std::fmt;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::gateway::wire::codes::{self, Refusal};
use crate::gateway::wire::conversation::{GROUP, SINGLE};
use crate::gateway::wire::envelope::{Request, Response};
use crate::gateway::wire::handshake::Handshake;
use crate::gateway::wire::proto::sdkws::MsgData;
use crate::gateway::wire::{WireError, text};

/// Text, as `contentType`.
const TEXT: i32 = 101;
/// How long an inflated answer may be.
const LONGEST: usize = 16 << 20;
/// How much is read at once: what thousands of clients cost.
const BUFFER: usize = 4096;

/// To whom a message goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum To {
    /// A user.
    User(String),
    /// The members of a group.
    Group(String),
}

/// What comes.
#[derive(Debug)]
pub enum Heard {
    /// An answer, or what is pushed.
    Envelope(Response),
    /// The end, with the close frame's code and reason if there was one.
    End(Option<(u16, String)>),
}

/// Why a client cannot go on.
#[derive(Debug)]
pub enum ClientError {
    /// The server says why.
    Refused(Refusal),
    /// The server answers the request for an upgrade with this status.
    Status(u16),
    /// It does not answer as OpenIM's gateway does.
    Stranger(String),
    /// The connection failed.
    Broken(tungstenite::Error),
    /// An envelope that cannot be read.
    Unreadable(WireError),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Refused(refusal) => refusal.fmt(f),
            ClientError::Status(status) => write!(f, "status {status}"),
            ClientError::Stranger(said) => {
                write!(f, "it does not answer as OpenIM's gateway does: {said}")
            }
            ClientError::Broken(why) => why.fmt(f),
            ClientError::Unreadable(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<tungstenite::Error> for ClientError {
    fn from(why: tungstenite::Error) -> ClientError {
        match why {
            tungstenite::Error::Http(answer) => {
                let body = answer.body().as_deref().unwrap_or_default();
                serde_json::from_slice(body)
                    .map_or(ClientError::Status(answer.status().as_u16()), ClientError::Refused)
            }
            why => ClientError::Broken(why),
        }
    }
}

impl From<WireError> for ClientError {
    fn from(why: WireError) -> ClientError {
        ClientError::Unreadable(why)
    }
}

/// A connection.
pub struct Client {
    /// Who this is, as it said in the handshake.
    pub me: Handshake,
    socket: WebSocketStream<TcpStream>,
    asked: u64,
}

impl Client {
    /// Upgrades a socket that is connected to the server of `url`, and waits for the first frame, which the handshake must ask
    /// for.
    ///
    /// # Errors
    /// Says why the server does not take this client; never with the token in it.
    pub async fn connect(url: &str, stream: TcpStream, me: Handshake) -> Result<Client, ClientError> {
        let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(BUFFER);
        let slash = if url.splitn(4, '/').count() > 3 { "" } else { "/" };
        let request = format!("{url}{slash}?{}", me.query());
        let (mut socket, _) = client_async_with_config(request, stream, Some(config)).await?;
        match socket.next().await {
            Some(Ok(Frame::Text(first))) => match codes::first_frame(&first)? {
                Ok(()) => Ok(Client { me, socket, asked: 0 }),
                Err(refusal) => Err(ClientError::Refused(refusal)),
            },
            Some(Err(why)) => Err(why.into()),
            other => Err(ClientError::Stranger(format!("{other:?}"))),
        }
    }

    /// Asks something; the answer, which has the same `msg_incr` as is returned, comes by [`next`](Client::next).
    ///
    /// # Errors
    /// If the connection failed.
    pub async fn ask(&mut self, request: i64, data: Vec<u8>) -> Result<String, ClientError> {
        self.asked += 1;
        let msg_incr = format!("{}_{}", self.me.user, self.asked);
        let request = Request {
            req_identifier: request,
            send_id: self.me.user.clone(),
            operation_id: self.me.operation_id.clone(),
            msg_incr: msg_incr.clone(),
            data,
            ..Request::default()
        };
        self.socket.send(Frame::binary(self.me.codec.encode_request(&request))).await?;
        Ok(msg_incr)
    }

    /// A text of this user's, not sent yet.
    pub fn text(&self, to: &To, text: &str) -> MsgData {
        let (session_type, recv_id, group_id) = match to.clone() {
            To::User(user) => (SINGLE, user, String::new()),
            To::Group(group) => (GROUP, String::new(), group),
        };
        MsgData {
            send_id: self.me.user.clone(),
            recv_id,
            group_id,
            client_msg_id: format!("{:032x}", fastrand::u128(..)),
            sender_platform_id: self.me.platform_id,
            session_type,
            msg_from: 100,
            content_type: TEXT,
            content: serde_json::json!({ "content": text }).to_string().into_bytes(),
            ..MsgData::default()
        }
    }

    /// The next envelope, or the end. Nothing is lost if the caller stops waiting.
    ///
    /// # Errors
    /// If the connection failed, or what came cannot be read.
    pub async fn next(&mut self) -> Result<Heard, ClientError> {
        loop {
            return match self.socket.next().await {
                Some(Ok(Frame::Binary(frame))) => {
                    Ok(Heard::Envelope(self.me.codec.decode_response(&frame, LONGEST)?))
                }
                Some(Ok(Frame::Close(why))) => {
                    Ok(Heard::End(why.map(|why| (why.code.into(), why.reason.as_str().to_owned()))))
                }
                Some(Ok(_)) => continue,
                Some(Err(why)) => Err(why.into()),
                None => Ok(Heard::End(None)),
            };
        }
    }

    /// Says that it is here.
    ///
    /// # Errors
    /// If the connection failed.
    pub async fn ping(&mut self) -> Result<(), ClientError> {
        Ok(self.socket.send(Frame::text(text::ping())).await?)
    }

    /// Sends a close frame, and waits for none.
    ///
    /// # Errors
    /// If the connection failed.
    pub async fn say_bye(&mut self) -> Result<(), ClientError> {
        Ok(self.socket.close(None).await?)
    }

    /// Waits until the server has closed its side, whatever comes before that.
    pub async fn ended(&mut self) {
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// The socket.
    pub fn stream(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    /// The socket alone, with nothing said to the server.
    pub fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }
}
