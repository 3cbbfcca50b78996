//! The designs and the versions there are.

use serde::Serialize;

use crate::name::Name;

/// The shape of the hub: who drains which channel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// OpenIM's own: one loop selects over all channels.
    SingleSelect,
    /// The post's fix: a loop for register and a loop for unregister.
    SplitLoops,
    /// The post's fix to the letter of its listing: both loops receive into one variable.
    SplitLoopsShared,
}

impl Design {
    /// All of them.
    pub const ALL: [Design; 3] = [Design::SingleSelect, Design::SplitLoops, Design::SplitLoopsShared];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Design::SingleSelect => "single-select",
            Design::SplitLoops => "split-loops",
            Design::SplitLoopsShared => "split-loops-shared",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Design::SingleSelect => {
                "OpenIM's hub: one loop selects over register, unregister and kick-handler"
            }
            Design::SplitLoops => {
                "the post's fix: one loop for register, one for unregister, nothing else changed"
            }
            Design::SplitLoopsShared => {
                "the post's fix as listed: both loops receive into one shared variable"
            }
        }
    }

    /// The task that drains the register channel.
    pub fn register_loop(self) -> Name {
        match self {
            Design::SingleSelect => Name::one("hub"),
            Design::SplitLoops | Design::SplitLoopsShared => Name::one("register loop"),
        }
    }

    /// The task that drains the unregister channel.
    pub fn unregister_loop(self) -> Name {
        match self {
            Design::SingleSelect => Name::one("hub"),
            Design::SplitLoops | Design::SplitLoopsShared => Name::one("unregister loop"),
        }
    }
}

/// The OpenIM version whose steps are followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum Version {
    /// The post's.
    #[serde(rename = "v3.5.1")]
    V3_5_1,
    /// v3.5.1 with a new client object for each connection: tells what the pool does from what the loops do.
    #[serde(rename = "v3.5.1-unpooled")]
    V3_5_1Unpooled,
}

impl Version {
    /// All of them.
    pub const ALL: [Version; 2] = [Version::V3_5_1, Version::V3_5_1Unpooled];

    /// Its tag.
    pub fn name(self) -> &'static str {
        match self {
            Version::V3_5_1 => "v3.5.1",
            Version::V3_5_1Unpooled => "v3.5.1-unpooled",
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
        }
    }

    /// Whether client objects are reused.
    pub(super) fn pools(self) -> bool {
        self == Version::V3_5_1
    }
}
