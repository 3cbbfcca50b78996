//! Text frames: a heartbeat of some SDKs, apart from the pings of RFC 6455.
//!
//! Browsers cannot send those, so OpenIM answers a ping in JSON too (`handlerTextMessage` in
//! `internal/msggateway/client.go`). An SDK with a core in Go stops reading at a text frame that it did not ask for.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::WireError;
use super::json::{or_empty, read};

/// What a text frame is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Text {
    /// To be answered with [`pong`], with the same body.
    Ping {
        /// Any JSON, as it was written, or nothing for `null`.
        body: Option<String>,
    },
    /// The answer to one. A gateway ignores it.
    Pong {
        /// That of the ping.
        body: Option<String>,
    },
    /// Of another type, which is given. OpenIM closes the connection.
    Other(String),
}

impl Text {
    /// Reads one.
    ///
    /// ```
    /// use turnstile::gateway::wire::text::{Text, pong};
    ///
    /// let Ok(Text::Ping { body }) = Text::read(r#"{"type":"ping","body":{"n": 1}}"#) else { panic!() };
    /// assert_eq!(pong(body.as_deref()), r#"{"type":"pong","body":{"n": 1}}"#);
    /// assert_eq!(Text::read(r#"{"type":"ping"}"#), Ok(Text::Ping { body: None }));
    /// ```
    pub fn read(frame: &str) -> Result<Text, WireError> {
        let message: Message = read(frame.as_bytes())?;
        let body = message.body.map(|body| body.get().to_owned());
        Ok(match message.kind.as_str() {
            "ping" => Text::Ping { body },
            "pong" => Text::Pong { body },
            _ => Text::Other(message.kind),
        })
    }
}

/// The answer to a ping with this body, which is JSON.
pub fn pong(body: Option<&str>) -> String {
    format!(r#"{{"type":"pong","body":{}}}"#, body.unwrap_or("null"))
}

/// A ping, as the SDK in JavaScript sends it.
pub fn ping() -> String {
    r#"{"type":"ping"}"#.to_owned()
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type", default, deserialize_with = "or_empty")]
    kind: String,
    #[serde(default)]
    body: Option<Box<RawValue>>,
}
