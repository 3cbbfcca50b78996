//! Which older sessions a new login ends.

use serde::Serialize;

use crate::session::{Class, Classes, Login};

/// OpenIM's multi-login policy (`multiTerminalLoginChecker`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Nobody is kicked.
    NoKick,
    /// A login from a PC kicks nobody; any other kicks the user's other sessions: v3.5.1 those on its own platform, later
    /// versions all that are not from a PC.
    PcAndOther,
    /// A login kicks the user's sessions on the same platform.
    SameTerminal,
    /// A login kicks the user's sessions on platforms of the same class; not in v3.5.1.
    SameClass,
}

/// How a version understands the policies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Rules {
    /// Under `pc-and-other`, a login that is not from a PC kicks those on all platforms but PCs, not just on its own.
    pub pc_and_other_reads_all: bool,
    /// There is `same-class`.
    pub same_class: bool,
    /// A session with the newcomer's own token is not kicked.
    pub spares_same_token: bool,
    /// Which classes platforms are of.
    pub classes: Classes,
}

impl Policy {
    /// OpenIM's number for it, as in its configuration (`multiLogin.policy`).
    pub fn number(self) -> u8 {
        match self {
            Policy::NoKick => 0,
            Policy::SameTerminal => 1,
            Policy::SameClass => 4,
            Policy::PcAndOther => 5,
        }
    }

    /// The policy with OpenIM's number or with this name.
    ///
    /// ```
    /// use turnstile::policy::Policy;
    /// assert_eq!(Policy::parse("4"), Some(Policy::SameClass));
    /// assert_eq!(Policy::parse("no-kick"), Some(Policy::NoKick));
    /// assert_eq!(Policy::parse("2"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Policy> {
        Policy::ALL.into_iter().find(|policy| policy.name() == text || policy.number().to_string() == text)
    }

    /// All of them.
    pub const ALL: [Policy; 4] =
        [Policy::NoKick, Policy::PcAndOther, Policy::SameTerminal, Policy::SameClass];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Policy::NoKick => "no-kick",
            Policy::PcAndOther => "pc-and-other",
            Policy::SameTerminal => "same-terminal",
            Policy::SameClass => "same-class",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Policy::NoKick => "nobody is kicked",
            Policy::PcAndOther => {
                "a login kicks the user's sessions that are not from a PC (v3.5.1: on its own platform), unless it is from one"
            }
            Policy::SameTerminal => "a login kicks the user's sessions on the same platform",
            Policy::SameClass => {
                "a login kicks the user's sessions of the same class of platforms; from v3.8.3 on"
            }
        }
    }

    /// Whether, for this newcomer, it reads the user's sessions on all platforms, rather than those on the newcomer's own.
    pub fn reads_all(self, rules: &Rules, newcomer: &Login) -> bool {
        match self {
            Policy::NoKick | Policy::SameTerminal => false,
            Policy::PcAndOther => {
                rules.pc_and_other_reads_all && newcomer.platform.class(rules.classes) != Class::Pc
            }
            Policy::SameClass => rules.same_class,
        }
    }

    /// Does the login `newcomer` kick the session `old` of the same user?
    ///
    /// ```
    /// use turnstile::hub::Version;
    /// use turnstile::policy::Policy;
    /// use turnstile::session::{Connection, Login, Platform, Token, User};
    /// let login = |n, platform| Login { user: User(1), platform, connection: Connection(n), token: Token(n) };
    /// let (phone, tablet) = (login(1, Platform::Ios), login(2, Platform::Android));
    /// let kicks = |version: Version| Policy::PcAndOther.kicks(&version.steps().rules, &tablet, &phone);
    /// assert!(!kicks(Version::V3_5_1) && kicks(Version::V3_8_3));
    /// ```
    pub fn kicks(self, rules: &Rules, newcomer: &Login, old: &Login) -> bool {
        newcomer.user == old.user && self.picks(rules, newcomer, old)
    }

    /// Does it pick `old`, from the row of the newcomer's user? As OpenIM, this does not look whose session it is.
    pub fn picks(self, rules: &Rules, newcomer: &Login, old: &Login) -> bool {
        let same_platform = newcomer.platform == old.platform;
        let class = |login: &Login| login.platform.class(rules.classes);
        let same_class = class(newcomer) == class(old);
        let is_pc = |login: &Login| class(login) == Class::Pc;
        let said = match self {
            Policy::NoKick => false,
            Policy::PcAndOther if is_pc(newcomer) => false,
            Policy::PcAndOther if rules.pc_and_other_reads_all => !is_pc(old),
            Policy::PcAndOther | Policy::SameTerminal => same_platform,
            Policy::SameClass => same_class && rules.same_class,
        };
        said && !(rules.spares_same_token && newcomer.token == old.token)
    }
}
