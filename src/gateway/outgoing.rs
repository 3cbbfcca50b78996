//! A message to clients, encoded once for each way in which its receivers want it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::wire::codec::{Codec, Encoding};
use super::wire::envelope::Response;
use crate::hub::Payload;

/// An answer, or something that a client did not ask for.
pub(super) struct Outgoing {
    response: Response,
    /// Not to those on iOS whose app is in the background.
    pub(super) foreground: bool,
    frames: [OnceLock<Bytes>; 4],
}

impl Outgoing {
    pub(super) fn payload(response: Response, foreground: bool) -> Payload {
        Payload::new(Arc::new(Outgoing { response, foreground, frames: Default::default() }))
    }

    /// The frame for a connection with this codec.
    pub(super) fn frame(&self, codec: Codec) -> Bytes {
        let way = usize::from(codec.gzip) + 2 * usize::from(codec.encoding == Encoding::Json);
        self.frames[way].get_or_init(|| codec.encode_response(&self.response).into()).clone()
    }
}
