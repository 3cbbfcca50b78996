//! All that a model of your own takes: `use turnstile_models::prelude::*;`.
//!
//! | for | there is |
//! |---|---|
//! | the model | [`Model`], [`Runtime`], [`Task`], [`Name`] |
//! | what tasks share and wait for, with Go's semantics | [`Channels`] with [`Channel`], [`Spec`], [`Case`], [`Chosen`]; [`Mutex`], [`RwLock`], [`Signal`], [`WaitGroup`], [`Flag`], [`Shared`] |
//! | the question | [`Check`], [`Engine`], [`Limits`] |
//! | the answer | [`Verdict`], [`Failure`], [`Searched`]; [`WaitGraph`], [`Knot`], [`Edge`] |
//!
//! From tokio's names to these: `mpsc::channel(n)` is a [`Spec`] of capacity `n`, `select!` is [`Channels::select`] over the channels of one
//! group, `tokio::spawn` is [`Task::spawn`], `Mutex` is [`Mutex`] around nothing, with a [`Shared`] beside it for what it protects,
//! `oneshot` and `CancellationToken` are a [`Signal`], a `JoinHandle` that is awaited is a [`WaitGroup`].

pub use turnstile::sync::{
    Case, Channel, Channels, Chosen, Flag, Mutex, RwLock, Shared, Signal, Spec, WaitGroup,
};
pub use turnstile::waits::{Edge, Knot, WaitGraph};
pub use turnstile::{Name, Runtime, Task};

pub use crate::check::Engine;
pub use crate::limits::Limits;
pub use crate::model::Model;
pub use crate::own::Check;
pub use crate::verdict::{Failure, Searched, Verdict};
