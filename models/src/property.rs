//! What is claimed of a hub: each property is a named value with one sentence.

use std::collections::BTreeMap;

use serde::Serialize;
use turnstile::session::{Connection, Login, User};

use crate::engine::Quest;
use crate::scenario::{Scenario, Sight};

/// A claim about a hub.
///
/// *At rest* means that nothing can move except a peer that decides to leave. All but the first two are judged at rest where
/// nobody is stuck and nothing has broken: what a hang or a crash leaves behind is its doing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Property {
    /// No task waits for ever on a send or a lock.
    NoDeadlock,
    /// The program never breaks, as Go does at an unlock of a free mutex or a send on a closed channel.
    NoCrash,
    /// No closed connection is in the table.
    NoGhost,
    /// Every open connection is in the table.
    NoLostSession,
    /// No two open connections break the policy.
    PolicyHolds,
    /// The counters equal the table.
    Counters,
}

impl Property {
    /// All of them.
    pub const ALL: [Property; 6] = [
        Property::NoDeadlock,
        Property::NoCrash,
        Property::NoGhost,
        Property::NoLostSession,
        Property::PolicyHolds,
        Property::Counters,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Property::NoDeadlock => "no-deadlock",
            Property::NoCrash => "no-crash",
            Property::NoGhost => "no-ghost",
            Property::NoLostSession => "no-lost-session",
            Property::PolicyHolds => "policy-holds",
            Property::Counters => "counters",
        }
    }

    /// What it says, in one sentence.
    pub fn about(self) -> &'static str {
        match self {
            Property::NoDeadlock => "no task waits for ever to send or to lock, whoever else still moves",
            Property::NoCrash => {
                "the program never breaks: no unlock of a free mutex, no send on a closed channel"
            }
            Property::NoGhost => "at rest, no closed connection is in the user table",
            Property::NoLostSession => "at rest, every open connection is in the user table",
            Property::PolicyHolds => {
                "at rest, no two open connections of one user break the multi-login policy"
            }
            Property::Counters => {
                "at rest, the counters of users and connections online equal the user table"
            }
        }
    }

    /// What a search has to watch for it.
    pub(crate) fn quest(self) -> Quest {
        match self {
            Property::NoDeadlock | Property::NoCrash => Quest::Knots,
            _ => Quest::Outcomes,
        }
    }

    /// What is wrong with what is seen at rest, if anything.
    pub fn judge(self, scenario: &Scenario, sight: &Sight) -> Option<String> {
        match self {
            Property::NoDeadlock | Property::NoCrash => None,
            Property::NoGhost => {
                let ghost = sight.census.registered().into_iter().find(|c| !sight.open.contains(c))?;
                Some(format!("connection {} is closed, and in the table for ever", ghost.0))
            }
            Property::NoLostSession => {
                let registered = sight.census.registered();
                let lost = sight.open.iter().find(|c| !registered.contains(c))?;
                Some(format!("connection {} is open, and not in the table: no message will reach it", lost.0))
            }
            Property::PolicyHolds => {
                let mut first: BTreeMap<User, Connection> = BTreeMap::new();
                let breaks = |login: &&Login| {
                    scenario.policy.kicks(login.platform) && sight.open.contains(&login.connection)
                };
                sight.logins.iter().filter(breaks).find_map(|login| {
                    let other = first.insert(login.user, login.connection)?;
                    Some(format!(
                        "connections {} and {} of user {} are both open",
                        other.0, login.connection.0, login.user.0
                    ))
                })
            }
            Property::Counters => {
                let (users, connections) = (
                    sight.census.table.len(),
                    sight.census.table.iter().map(|(_, r)| r.len()).sum::<usize>(),
                );
                let believed = (sight.census.online_users, sight.census.online_connections);
                (believed != (users as i64, connections as i64)).then(|| {
                    format!(
                        "the counters say {} users and {} connections, the table has {users} and {connections}",
                        believed.0, believed.1
                    )
                })
            }
        }
    }
}
