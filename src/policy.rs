//! Which older sessions a new login ends.

use serde::Serialize;

use crate::session::Platform;

/// OpenIM's multi-login policy, as far as v3.5.1 rules it (`multiTerminalLoginChecker`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Nobody is kicked.
    NoKick,
    /// A login from a PC kicks nobody; any other kicks the user's sessions on the same platform.
    PcAndOther,
    /// A login kicks the user's sessions on the same platform.
    SameTerminal,
}

impl Policy {
    /// All of them.
    pub const ALL: [Policy; 3] = [Policy::NoKick, Policy::PcAndOther, Policy::SameTerminal];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Policy::NoKick => "no-kick",
            Policy::PcAndOther => "pc-and-other",
            Policy::SameTerminal => "same-terminal",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Policy::NoKick => "nobody is kicked",
            Policy::PcAndOther => "a login kicks the user's sessions on the same platform, unless it is from a PC",
            Policy::SameTerminal => "a login kicks the user's sessions on the same platform",
        }
    }

    /// Does a login from `newcomer` kick the user's sessions on that same platform?
    ///
    /// ```
    /// use turnstile::{policy::Policy, session::Platform};
    /// assert!(Policy::SameTerminal.kicks(Platform::Web));
    /// assert!(!Policy::PcAndOther.kicks(Platform::Linux));
    /// ```
    pub fn kicks(self, newcomer: Platform) -> bool {
        match self {
            Policy::NoKick => false,
            Policy::PcAndOther => !newcomer.is_pc(),
            Policy::SameTerminal => true,
        }
    }
}
