//! Why bytes were not understood.

use std::fmt;

/// Why a frame could not be read. OpenIM's gateway closes the connection on any of these, without an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WireError {
    /// The gob stream is not one that holds the envelope.
    Gob(&'static str),
    /// The JSON is not an envelope or a text message.
    Json(String),
    /// The bytes are not one whole gzip member.
    Gzip(String),
    /// The inflated frame is longer than the limit given.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Gob(why) => write!(f, "cannot read gob: {why}"),
            WireError::Json(why) => write!(f, "cannot read JSON: {why}"),
            WireError::Gzip(why) => write!(f, "cannot inflate: {why}"),
            WireError::TooLarge { limit } => write!(f, "inflates to more than {limit} bytes"),
        }
    }
}

impl std::error::Error for WireError {}
