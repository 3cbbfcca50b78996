//! What a gateway counts.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counts {
    ($($(#[$about:meta])* $variant:ident => $name:literal,)*) => {
        /// Something that is counted.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Count {
            $($(#[$about])* $variant,)*
        }

        impl Count {
            /// All of them.
            pub const ALL: &'static [Count] = &[$(Count::$variant,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Count::$variant => $name,)*
                }
            }
        }
    };
}

counts! {
    /// Sockets accepted.
    Accepted => "accepted",
    /// Sockets closed at once: too many connections in all.
    RefusedFull => "refused_full",
    /// Sockets closed at once: too many from the address.
    RefusedAddress => "refused_address",
    /// Handshakes refused: too many connections of the user.
    RefusedUser => "refused_user",
    /// Handshakes refused for their arguments or their token.
    RefusedHandshake => "refused_handshake",
    /// Connections that the hub was told of.
    Connected => "connected",
    /// Connections that have ended.
    Disconnected => "disconnected",
    /// Sessions put into the user table.
    Registered => "registered",
    /// Kicks.
    Kicked => "kicked",
    /// Requests answered.
    Requests => "requests",
    /// Requests answered with an error.
    RequestErrors => "request_errors",
    /// Messages stored.
    Stored => "stored",
    /// Messages that were handed to the push workers, one for each receiver.
    Pushed => "pushed",
    /// Pushes left out since the app is in the background on iOS.
    BackgroundSkipped => "background_skipped",
    /// Connections closed that did not take what was sent to them.
    SlowConsumers => "slow_consumers",
    /// Connections closed since nothing came from them.
    Idle => "idle",
    /// Changes of a user's status that another change of the same user took the place of.
    StatusMerged => "status_merged",
    /// Changes of status that were dropped since too many were waiting.
    StatusDropped => "status_dropped",
    /// Webhook calls that failed or were dropped.
    WebhooksLost => "webhooks_lost",
    /// Orders to mark tokens that were dropped since too many were waiting.
    TokenMarksDropped => "token_marks_dropped",
}

/// The counters of a gateway.
#[derive(Debug)]
pub struct Counts(Vec<AtomicU64>);

impl Default for Counts {
    fn default() -> Self {
        Counts(Count::ALL.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

impl Counts {
    /// One more.
    pub fn add(&self, count: Count) {
        self.0[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self, count: Count) -> u64 {
        self.0[count as usize].load(Ordering::Relaxed)
    }
}
