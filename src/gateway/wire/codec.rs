//! How the binary frames of one connection are encoded, which its handshake decides.

use std::borrow::Cow;

use super::envelope::{Request, Response};
use super::{WireError, gob, gzip, json};

/// The form of an envelope.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Encoding {
    /// Go's `encoding/gob`: the SDKs with a core in Go, and those that imitate it (`sdkType` go).
    Gob,
    /// JSON, in binary frames too (`sdkType` js).
    Json,
}

/// The encoding of envelopes, and whether each is then compressed.
///
/// ```
/// use turnstile::gateway::wire::codec::{Codec, Encoding};
/// use turnstile::gateway::wire::envelope::Request;
///
/// let codec = Codec { encoding: Encoding::Gob, gzip: true };
/// let request = Request { req_identifier: 1001, send_id: "u1".into(), ..Request::default() };
/// let frame = codec.encode_request(&request);
/// assert_eq!(codec.decode_request(&frame, 1 << 20).unwrap(), request);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Codec {
    /// The form of the envelope.
    pub encoding: Encoding,
    /// Whether each binary frame, in both directions, is one gzip member (`compression=gzip`).
    pub gzip: bool,
}

impl Codec {
    /// What a client asks. A frame that inflates to more than `max_inflated` bytes is refused.
    pub fn decode_request(&self, frame: &[u8], max_inflated: usize) -> Result<Request, WireError> {
        let envelope = self.unpack(frame, max_inflated)?;
        match self.encoding {
            Encoding::Gob => gob::decode_request(&envelope),
            Encoding::Json => json::decode_request(&envelope),
        }
    }

    /// What the gateway says. A frame that inflates to more than `max_inflated` bytes is refused.
    pub fn decode_response(&self, frame: &[u8], max_inflated: usize) -> Result<Response, WireError> {
        let envelope = self.unpack(frame, max_inflated)?;
        match self.encoding {
            Encoding::Gob => gob::decode_response(&envelope),
            Encoding::Json => json::decode_response(&envelope),
        }
    }

    /// The frame of a request.
    pub fn encode_request(&self, request: &Request) -> Vec<u8> {
        self.pack(match self.encoding {
            Encoding::Gob => gob::encode_request(request),
            Encoding::Json => json::encode_request(request),
        })
    }

    /// The frame of an answer or a push.
    pub fn encode_response(&self, response: &Response) -> Vec<u8> {
        self.pack(match self.encoding {
            Encoding::Gob => gob::encode_response(response),
            Encoding::Json => json::encode_response(response),
        })
    }

    fn unpack<'a>(&self, frame: &'a [u8], max_inflated: usize) -> Result<Cow<'a, [u8]>, WireError> {
        if self.gzip { gzip::inflate(frame, max_inflated).map(Cow::Owned) } else { Ok(Cow::Borrowed(frame)) }
    }

    fn pack(&self, envelope: Vec<u8>) -> Vec<u8> {
        if self.gzip { gzip::deflate(&envelope) } else { envelope }
    }
}
