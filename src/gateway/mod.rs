//! tokio, and the wire that OpenIM's client SDKs speak.

pub mod runtime;
pub mod token;
pub mod wire;
