//! The far side of a socket, where it is a real one.

use std::any::Any;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::task::{Context, Poll};

use super::socket::{By, Cause, Message};

/// Where what is written to a socket goes, and who hears what becomes of its connection. Nothing of it reaches the core but how long a
/// write takes and that there is no room; a checker's worlds have none.
///
/// All but [`poll_taken`](Outlet::poll_taken) is called within a step, so it must not wait.
pub trait Outlet: Send + Sync + 'static {
    /// Takes a message; false if there is no room for it, which ends the connection.
    fn put(&self, message: Message) -> bool;

    /// Ready once what was put is taken: a `Write` of the socket in Go returns then.
    fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// The connection is in the user table.
    fn registered(&self) {}

    /// A kick was decided. Its message may follow.
    fn kicked(&self, _cause: Cause) {}

    /// Nothing more is put: what was put is to be written, then the socket closed. May come more than once.
    fn ended(&self, by: By);

    /// The connection was taken from the user table. May come more than once.
    fn unregistered(&self) {}
}

/// What a message carries: the core passes it on and never looks.
#[derive(Clone, Default)]
pub struct Payload(Option<Arc<dyn Any + Send + Sync>>);

impl Payload {
    /// Carries `content`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use turnstile::hub::Payload;
    ///
    /// let payload = Payload::new(Arc::new("hello"));
    /// assert_eq!(payload.get::<&str>(), Some(&"hello"));
    /// assert_eq!(payload.get::<u8>(), None);
    /// ```
    pub fn new(content: Arc<dyn Any + Send + Sync>) -> Payload {
        Payload(Some(content))
    }

    /// What it carries, if that is a `T`.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.as_deref()?.downcast_ref()
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Payload" } else { "no payload" })
    }
}

/// Nothing: whatever it is, the core's way does not depend on it.
impl Hash for Payload {
    fn hash<H: Hasher>(&self, _state: &mut H) {}
}
