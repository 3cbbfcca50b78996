//! What a gateway counts: atomics, without a lock, and read by whoever asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::histogram::Histogram;
use super::line::Close;
use super::wire::envelope;

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
    /// Refused: too many connections in all.
    RefusedFull => "refused_full",
    /// Sockets closed at once: too many from the address.
    RefusedAddress => "refused_address",
    /// Handshakes refused: too many connections of the user.
    RefusedUser => "refused_user",
    /// Handshakes refused for their arguments.
    RefusedArguments => "refused_arguments",
    /// Handshakes refused for their token.
    RefusedToken => "refused_token",
    /// Handshakes refused since the store did not answer.
    RefusedStore => "refused_store",
    /// Handshakes refused since the server ends.
    RefusedDraining => "refused_draining",
    /// Connections that the hub did not take since the server ends.
    RefusedStopping => "refused_stopping",
    /// Connections that the hub was told of.
    Connected => "connected",
    /// Connections that have ended.
    Disconnected => "disconnected",
    /// Sessions put into the user table.
    Registered => "registered",
    /// Connections of which the hub was told that they have ended.
    Leaving => "leaving",
    /// Those of them that the hub has dealt with.
    Unregistered => "unregistered",
    /// Kicks by a newer login.
    KickedByLogin => "kicked_by_login",
    /// Kicks by an administrator.
    KickedByAdministrator => "kicked_by_administrator",
    /// Messages stored.
    Stored => "stored",
    /// What the store could not do.
    StoreErrors => "store_errors",
    /// Messages that were handed to the push workers, one for each receiver.
    Pushed => "pushed",
    /// Pushes left out since the app is in the background on iOS.
    BackgroundSkipped => "background_skipped",
    /// Pushes lost since too many wait for the connection, which is closed then.
    PushesWithoutRoom => "pushes_without_room",
    /// Pushes lost since the connection has ended.
    PushesToNobody => "pushes_to_nobody",
    /// Connections closed that did not take what was sent to them.
    SlowConsumers => "slow_consumers",
    /// Connections closed since nothing came from them.
    Idle => "idle",
    /// Bytes of messages that came, as sent.
    Received => "received_bytes",
    /// Bytes of messages that were written.
    Sent => "sent_bytes",
    /// Changes of a user's status that another change of the same user took the place of.
    StatusMerged => "status_merged",
    /// Changes of status that were dropped since too many were waiting.
    StatusDropped => "status_dropped",
    /// Webhook calls that failed or were dropped.
    WebhooksLost => "webhooks_lost",
    /// Orders to mark tokens that were dropped since too many were waiting.
    TokenMarksDropped => "token_marks_dropped",
}

/// What clients ask, as `reqIdentifier`, and what that is called in metrics.
pub(super) const REQUESTS: [(i64, &str); 10] = [
    (envelope::GET_NEWEST_SEQ, "get_newest_seq"),
    (envelope::PULL_MSG_BY_SEQ_LIST, "pull_msg_by_seq_list"),
    (envelope::SEND_MSG, "send_msg"),
    (envelope::SEND_SIGNAL_MSG, "send_signal_msg"),
    (envelope::PULL_MSG, "pull_msg"),
    (envelope::GET_CONV_MAX_READ_SEQ, "get_conv_max_read_seq"),
    (envelope::PULL_CONV_LAST_MESSAGE, "pull_conv_last_message"),
    (envelope::LOGOUT_MSG, "logout_msg"),
    (envelope::SET_BACKGROUND_STATUS, "set_background_status"),
    (envelope::SUB_USER_ONLINE_STATUS, "sub_user_online_status"),
];

/// The counters of a gateway.
#[derive(Debug)]
pub struct Counts {
    counters: Vec<AtomicU64>,
    closed: [AtomicU64; Close::ALL.len()],
    requests: [Requests; REQUESTS.len()],
    began: Instant,
    /// From telling the hub of a connection until it is in the user table.
    pub registering: Histogram,
    /// From telling the hub of a connection's end until it is in no table.
    pub unregistering: Histogram,
    /// Storing a message.
    pub appending: Histogram,
}

/// The requests of one kind.
#[derive(Debug, Default)]
pub struct Requests {
    /// From the request until the answer was handed on.
    pub took: Histogram,
    errors: AtomicU64,
}

impl Requests {
    /// How many were answered with an error.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }
}

impl Default for Counts {
    fn default() -> Self {
        Counts {
            counters: Count::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            closed: Default::default(),
            requests: Default::default(),
            began: Instant::now(),
            registering: Histogram::default(),
            unregistering: Histogram::default(),
            appending: Histogram::default(),
        }
    }
}

impl Counts {
    /// One more.
    pub fn add(&self, count: Count) {
        self.add_many(count, 1);
    }

    /// So many more.
    pub fn add_many(&self, count: Count, more: usize) {
        self.counters[count as usize].fetch_add(more as u64, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self, count: Count) -> u64 {
        self.counters[count as usize].load(Ordering::Relaxed)
    }

    /// A connection has ended.
    pub(super) fn disconnected(&self, close: Close) {
        self.add(Count::Disconnected);
        self.closed[close as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections have ended so.
    pub fn closed(&self, close: Close) -> u64 {
        self.closed[close as usize].load(Ordering::Relaxed)
    }

    /// A request was answered. One that is not known was not.
    pub(super) fn answered(&self, request: i64, took: Duration, failed: bool) {
        if let Some(requests) = self.requests(request) {
            requests.took.add(took);
            requests.errors.fetch_add(u64::from(failed), Ordering::Relaxed);
        }
    }

    /// The requests of a kind, by `reqIdentifier`.
    pub fn requests(&self, request: i64) -> Option<&Requests> {
        let at = REQUESTS.iter().position(|(known, _)| *known == request)?;
        Some(&self.requests[at])
    }

    /// For how long it has been counted.
    pub(super) fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    /// When counting began, in seconds since 1970.
    pub(super) fn since(&self) -> f64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.saturating_sub(self.uptime()).as_secs_f64()
    }
}
