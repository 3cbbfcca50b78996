//! What tasks, channels, locks and clients are called: the same name in traces, wait-for graphs and states.

use std::fmt;

/// The name of a task or of something a task can wait for.
///
/// A name is a role and, where there are several of a role, a number from 1. Names are unique within one run: the
/// exhaustive engine recognises the same task and the same lock in two runs by their names, whatever the order in
/// which they came to be.
///
/// ```
/// use turnstile::Name;
/// assert_eq!(Name::one("hub").to_string(), "hub");
/// assert_eq!(Name::of("client", 2).to_string(), "client 2");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Name {
    role: &'static str,
    number: u32,
}

impl Name {
    /// The only one of its role.
    pub const fn one(role: &'static str) -> Name {
        Name { role, number: 0 }
    }

    /// Number `number`, from 1, of its role.
    pub const fn of(role: &'static str, number: u32) -> Name {
        Name { role, number }
    }

    /// What it is, without the number.
    pub const fn role(self) -> &'static str {
        self.role
    }

    /// Its number from 1; 0 for the only one of its role.
    pub const fn number(self) -> u32 {
        self.number
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => f.pad(self.role),
            n => f.pad(&format!("{} {n}", self.role)),
        }
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
