//! The protobuf messages inside envelopes, compiled from `src/gateway/wire/proto/`.
//!
//! Names and numbers of messages and fields are those of OpenIM's protocol; maps are ordered.
//!
//! ```
//! use prost::Message;
//! use turnstile::gateway::wire::proto::sdkws::GetMaxSeqReq;
//!
//! let request = GetMaxSeqReq { user_id: "alice".into() };
//! assert_eq!(request.encode_to_vec(), b"\n\x05alice");
//! ```

/// Messages and what the SDKs ask about them.
#[allow(missing_docs, clippy::all)]
pub mod sdkws {
    include!(concat!(env!("OUT_DIR"), "/openim.sdkws.rs"));
}

/// The answers of the message service.
#[allow(missing_docs, clippy::all)]
pub mod msg {
    include!(concat!(env!("OUT_DIR"), "/openim.msg.rs"));
}

/// Logging out of offline push.
#[allow(missing_docs, clippy::all)]
pub mod push {
    include!(concat!(env!("OUT_DIR"), "/openim.push.rs"));
}

/// What the SDK in JavaScript asks over HTTP.
#[allow(missing_docs, clippy::all)]
pub mod jssdk {
    include!(concat!(env!("OUT_DIR"), "/openim.jssdk.rs"));
}
