//! What OpenIM's client SDKs and its gateway say to each other, as values and as bytes.
//!
//! A client's upgrade request is a [`Handshake`](handshake::Handshake), which names the [`Codec`](codec::Codec) of the
//! connection; from then on each binary frame is a [`Request`](envelope::Request) or a [`Response`](envelope::Response)
//! around a protobuf message of [`proto`], and each text frame is a [`Text`](text::Text).
//!
//! ```
//! use turnstile::gateway::wire::{codec::Codec, envelope::Response, handshake::Handshake};
//!
//! let query = "sendID=u1&token=t&platformID=5&operationID=o1&isBackground=false&sdkType=js";
//! let handshake = Handshake::parse(query, None).unwrap();
//! let kick = handshake.codec.encode_response(&Response::kick());
//! assert!(kick.starts_with(br#"{"reqIdentifier":2002,"#));
//! ```
//!
//! Everything here is a function of its arguments. What a peer may get wrong is a [`WireError`], and no input makes
//! these functions panic or take memory beyond a small multiple of its length and of the cap that was given.

pub mod codec;
pub mod codes;
pub mod conversation;
pub mod envelope;
mod error;
pub mod gob;
pub mod gzip;
pub mod handshake;
pub mod json;
pub mod proto;
mod secret;
pub mod text;

pub use error::WireError;
pub use secret::Secret;
