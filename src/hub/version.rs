//! The OpenIM versions, as data: one description each, of which the hub is a function.

use serde::Serialize;

use crate::policy::Rules;
use crate::session::Classes;

/// The OpenIM version whose steps are followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum Version {
    /// The post's.
    #[serde(rename = "v3.5.1")]
    V3_5_1,
    /// v3.5.1 with a new client object for each connection: tells what the pool does from what the loops do.
    #[serde(rename = "v3.5.1-unpooled")]
    V3_5_1Unpooled,
    /// v3.8.3-patch.16.
    #[serde(rename = "v3.8.3")]
    V3_8_3,
    /// The main branch at commit 7848d7c73, of July 2026.
    #[serde(rename = "main")]
    Main,
}

/// Where `close` reads the closed flag.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlagRead {
    /// Before it takes the client's lock.
    BeforeLock,
    /// With the lock held.
    UnderLock,
}

/// Where client objects come from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objects {
    /// From a `sync.Pool`, that the unregistration puts them back into.
    Pooled,
    /// A new one for each connection. What is put back is never taken.
    New,
}

/// How the user table is guarded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// `sync.Map`: an update is a load, a rebuild and a store, so two steps; a row once read never changes.
    LoadAndStore,
    /// One lock around each operation, so one step; a listing of all of a user's clients is the live row, which removal filters
    /// in place.
    LockedLive,
}

/// How a write reaches the socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Write {
    /// Within the step, with the client's lock held.
    Direct,
    /// Queued to a writer task; a close ends the writer, and what is queued is lost.
    QueuedThenLost,
    /// Queued to a writer task; a close lets the writer write what is queued, and then close the socket.
    QueuedThenDrained,
}

/// What a stop signal does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shutdown {
    /// Waits for the loops before it tells them to end.
    AfterLoops,
    /// Tells the loops to end, unless the HTTP server's shutdown says that its deadline is over: that began at start-up.
    DeadlineFromStart,
    /// Tells the loops to end.
    Context,
}

/// What the hub does at a version: read from OpenIM's source at the tag, file by file; `docs/MODEL.md` says where.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Steps {
    /// Tag or commit of `openimsdk/open-im-server`.
    pub tag: &'static str,
    /// Where `close` reads the closed flag.
    pub flag: FlagRead,
    /// Where client objects come from.
    pub objects: Objects,
    /// How the user table is guarded.
    pub table: Table,
    /// How a write reaches the socket.
    pub write: Write,
    /// How the policies are understood.
    pub rules: Rules,
    /// A kick that empties the user's row takes one from the counter of users, which the newcomer does not add again.
    pub kick_counts: bool,
    /// When a login is told to the other nodes, the loop waits for their replies: under which discovery.
    pub tells_other_nodes: &'static str,
    /// The loop tells the user service whenever a client comes or goes, and waits for the reply; `SetUserOnlineStatus`.
    pub tells_user_service: bool,
    /// What the loop calls, one after another, to have the tokens of those invalid whom it has kicked.
    pub invalidates: &'static [&'static str],
    /// What a stop signal does.
    pub shutdown: Shutdown,
}

const OLD_RULES: Rules = Rules {
    pc_and_other_reads_all: false,
    same_class: false,
    spares_same_token: false,
    classes: Classes::Three,
};
const NEW_RULES: Rules = Rules {
    pc_and_other_reads_all: true,
    same_class: true,
    spares_same_token: true,
    classes: Classes::Seven,
};

const V3_5_1: Steps = Steps {
    tag: "v3.5.1",
    flag: FlagRead::BeforeLock,
    objects: Objects::Pooled,
    table: Table::LoadAndStore,
    write: Write::Direct,
    rules: OLD_RULES,
    kick_counts: true,
    tells_other_nodes: "zookeeper",
    tells_user_service: true,
    // `GetTokensWithoutError`, then `SetTokenMapByUidPid`.
    invalidates: &["token cache", "token cache"],
    shutdown: Shutdown::AfterLoops,
};

const V3_8_3: Steps = Steps {
    tag: "v3.8.3-patch.16",
    flag: FlagRead::UnderLock,
    objects: Objects::Pooled,
    table: Table::LockedLive,
    write: Write::QueuedThenLost,
    rules: NEW_RULES,
    kick_counts: false,
    tells_other_nodes: "all but k8s",
    tells_user_service: false,
    // `InvalidateToken` or `KickTokens`.
    invalidates: &["auth service"],
    shutdown: Shutdown::DeadlineFromStart,
};

const UNPOOLED: Steps = Steps { objects: Objects::New, ..V3_5_1 };

const MAIN: Steps = Steps {
    tag: "7848d7c73",
    objects: Objects::New,
    write: Write::QueuedThenDrained,
    shutdown: Shutdown::Context,
    ..V3_8_3
};

impl Version {
    /// All of them.
    pub const ALL: [Version; 4] = [Version::V3_5_1, Version::V3_5_1Unpooled, Version::V3_8_3, Version::Main];

    /// Those that OpenIM has published.
    pub const PUBLISHED: [Version; 3] = [Version::V3_5_1, Version::V3_8_3, Version::Main];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Version::V3_5_1 => "v3.5.1",
            Version::V3_5_1Unpooled => "v3.5.1-unpooled",
            Version::V3_8_3 => "v3.8.3",
            Version::Main => "main",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Version::V3_5_1 => {
                "client objects pooled, closed flag read before the lock, table rows loaded and stored"
            }
            Version::V3_5_1Unpooled => {
                "the same with a new client object for each connection; no release of OpenIM"
            }
            Version::V3_8_3 => {
                "v3.8.3-patch.16: client objects pooled, flag read under the lock, table locked, writes queued"
            }
            Version::Main => {
                "7848d7c73: as v3.8.3 with new client objects, and a close that writes what is queued"
            }
        }
    }

    /// What the hub does at this version.
    pub fn steps(self) -> &'static Steps {
        match self {
            Version::V3_5_1 => &V3_5_1,
            Version::V3_5_1Unpooled => &UNPOOLED,
            Version::V3_8_3 => &V3_8_3,
            Version::Main => &MAIN,
        }
    }
}
