//! What is claimed of a hub: each property is a named value with one sentence.

use serde::Serialize;
use turnstile::hub::{By, Cause, Write};
use turnstile::session::Connection;

use crate::claim::{Claim, Says};
use crate::engine::Quest;
use crate::scenario::{Scenario, Seen, Sight};

/// A claim about a hub.
///
/// *At rest* means that the world is quiescent: whatever the tasks may still do of their own accord leads back to where it is,
/// so that only a peer that decides to leave could change anything. Where nothing goes round for ever, that is a state in
/// which nothing can move but at its whim; a peer that stays for ever does not keep the world from resting. What is judged at
/// rest is judged where nobody is stuck and nothing has broken: what a hang or a crash leaves behind is its doing. `shutdown` and
/// `progress` are judged there all the same: a hang is a way not to come to an end, or not to be served.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Property {
    /// No task waits for ever on a send, a lock or a reply.
    NoDeadlock,
    /// The program never breaks, as Go does at an unlock of a free mutex or a send on a closed channel.
    NoCrash,
    /// No closed connection is in the table.
    NoGhost,
    /// Every open connection is in the table.
    NoLostSession,
    /// No two open connections break the policy.
    PolicyHolds,
    /// Nobody is kicked but by whom the policy lets.
    RightKick,
    /// Of two that kick each other, one stays.
    OneStays,
    /// No message reaches another user.
    NoLeak,
    /// Every connection is unregistered exactly once.
    Once,
    /// The counters equal the table.
    Counters,
    /// After a stop signal everything ends.
    Shutdown,
    /// Who is kicked hears of it.
    KickHeard,
    /// Every accepted connection is registered.
    Progress,
}

impl Property {
    /// All of them.
    pub const ALL: [Property; 13] = [
        Property::NoDeadlock,
        Property::NoCrash,
        Property::NoGhost,
        Property::NoLostSession,
        Property::PolicyHolds,
        Property::RightKick,
        Property::OneStays,
        Property::NoLeak,
        Property::Once,
        Property::Counters,
        Property::Shutdown,
        Property::KickHeard,
        Property::Progress,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Property::NoDeadlock => "no-deadlock",
            Property::NoCrash => "no-crash",
            Property::NoGhost => "no-ghost",
            Property::NoLostSession => "no-lost-session",
            Property::PolicyHolds => "policy-holds",
            Property::RightKick => "right-kick",
            Property::OneStays => "one-stays",
            Property::NoLeak => "no-leak",
            Property::Once => "once",
            Property::Counters => "counters",
            Property::Shutdown => "shutdown",
            Property::KickHeard => "kick-heard",
            Property::Progress => "progress",
        }
    }

    /// What it says, in one sentence.
    pub fn about(self) -> &'static str {
        match self {
            Property::NoDeadlock => {
                "no task waits for ever to send, to lock or for a reply, whoever else still moves"
            }
            Property::NoCrash => {
                "the program never breaks: no unlock of a free mutex, no send on a closed channel"
            }
            Property::NoGhost => "at rest, no closed connection is in the user table",
            Property::NoLostSession => "at rest, every open connection is in the user table",
            Property::PolicyHolds => {
                "at rest, no two open connections of one user break the multi-login policy"
            }
            Property::RightKick => {
                "no connection is kicked but by a login of its user or an administrator that may kick it"
            }
            Property::OneStays => "at rest, no two logins have kicked each other, so that none is left",
            Property::NoLeak => "a message for one user is never written to a connection of another",
            Property::Once => "at rest, every closed connection was unregistered once, and no open one was",
            Property::Counters => {
                "at rest, the counters of users and connections online equal the user table"
            }
            Property::Shutdown => "after a stop signal the loops end and every connection is closed",
            Property::KickHeard => {
                "a kicked connection whose peer is there gets the kick message before the close"
            }
            Property::Progress => "under a fair scheduler every accepted connection is registered in the end",
        }
    }

    /// What a search has to watch for it.
    pub(crate) fn quest(self) -> Quest {
        self.claim(&Scenario::default()).quest()
    }

    /// What it claims of a scenario.
    pub(crate) fn claim(self, scenario: &Scenario) -> Claim<'_, Sight> {
        let judge = move |sight: &Sight| self.judge(scenario, sight);
        let says = match self {
            Property::NoDeadlock => Says::NoHang,
            Property::NoCrash => Says::NoCrash,
            Property::RightKick | Property::NoLeak => Says::Rule,
            Property::Shutdown | Property::Progress => Says::InTheEnd(Box::new(judge)),
            _ => Says::AtRest(Box::new(judge)),
        };
        Claim { name: self.name(), says }
    }

    /// Says whether the scenario has what the property is about.
    ///
    /// # Errors
    /// What is missing.
    pub fn validate(self, scenario: &Scenario) -> Result<(), String> {
        let queues = scenario.version.steps().write != Write::Direct;
        let missing = match self {
            Property::NoLeak if scenario.pushers == 0 => "nobody pushes a message; add --pushers 1",
            Property::Shutdown if !scenario.stop => "no stop signal comes; add --stop",
            Property::KickHeard if queues && !scenario.writers => {
                "this version writes through a queue, that is left out; add --writers"
            }
            _ => return Ok(()),
        };
        Err(format!("{} cannot be judged here: {missing}", self.name()))
    }

    /// Whether it needs to know what happened to the connections.
    pub(crate) fn reads_logs(self) -> bool {
        use Property::{KickHeard, Once, OneStays, Progress};
        matches!(self, OneStays | Once | KickHeard | Progress)
    }

    /// What is wrong with what is seen at rest, if anything. What a step breaks, the core says itself.
    pub fn judge(self, scenario: &Scenario, sight: &Sight) -> Option<String> {
        match self {
            Property::NoDeadlock | Property::NoCrash | Property::RightKick | Property::NoLeak => None,
            Property::NoGhost => no_ghost(sight),
            Property::NoLostSession => no_lost_session(sight),
            Property::PolicyHolds => policy_holds(scenario, sight),
            Property::OneStays => one_stays(sight),
            Property::Once => once(sight),
            Property::Counters => counters(sight),
            Property::Shutdown => shutdown(sight),
            Property::KickHeard => kick_heard(sight),
            Property::Progress => progress(sight),
        }
    }
}

fn no_ghost(sight: &Sight) -> Option<String> {
    let is_open = |connection: &Connection| sight.open().any(|seen| seen.login.connection == *connection);
    let ghost = sight.registered().into_iter().find(|connection| !is_open(connection))?;
    Some(format!("connection {} is closed, and in the table for ever", ghost.0))
}

fn no_lost_session(sight: &Sight) -> Option<String> {
    let registered = sight.registered();
    let lost = sight.open().find(|seen| !registered.contains(&seen.login.connection))?;
    Some(format!(
        "connection {} is open, and not in the table: no message will reach it",
        lost.login.connection.0
    ))
}

fn policy_holds(scenario: &Scenario, sight: &Sight) -> Option<String> {
    let rules = &scenario.version.steps().rules;
    let open: Vec<&Seen> = sight.open().collect();
    let pairs =
        open.iter().enumerate().flat_map(|(at, one)| open[at + 1..].iter().map(move |two| (*one, *two)));
    pairs.map(|(one, two)| (one.login, two.login)).find_map(|(one, two)| {
        // Whichever of the two came later should have kicked the other.
        let breaks = scenario.policy.kicks(rules, &one, &two) && scenario.policy.kicks(rules, &two, &one);
        breaks.then(|| {
            format!(
                "connections {} and {} of user {} are both open",
                one.connection.0, two.connection.0, one.user.0
            )
        })
    })
}

/// Of two that have kicked each other, one was kicked by a login that was not later.
fn one_stays(sight: &Sight) -> Option<String> {
    let kicker = |seen: &Seen| match seen.log.ended {
        Some(By::Kick(Cause::Login(login))) => Some(login.connection),
        _ => None,
    };
    let of =
        |connection: Connection| sight.connections.iter().find(|seen| seen.login.connection == connection);
    sight.connections.iter().find_map(|seen| {
        let own = seen.login.connection;
        let other = kicker(seen)?;
        (own < other && kicker(of(other)?) == Some(own)).then(|| {
            format!("connections {} and {} have kicked each other: no session is left", own.0, other.0)
        })
    })
}

fn once(sight: &Sight) -> Option<String> {
    sight.connections.iter().find_map(|Seen { login, open, log }| {
        let number = login.connection.0;
        match (open, log.unregistered, log.ended) {
            (true, 0, _) | (false, 1, _) | (false, 0, Some(By::Refused)) => None,
            (true, times, _) => {
                Some(format!("connection {number} is open, and was unregistered {times} times"))
            }
            (false, 0, _) => Some(format!("connection {number} is closed, and was never unregistered")),
            (false, times, _) => Some(format!("connection {number} was unregistered {times} times")),
        }
    })
}

fn counters(sight: &Sight) -> Option<String> {
    sight.nodes.iter().find_map(|census| {
        let users = census.table.len() as i64;
        let connections = census.table.iter().map(|(_, row)| row.len()).sum::<usize>() as i64;
        let believed = (census.online_users, census.online_connections);
        (believed != (users, connections)).then(|| {
            let many = |count: i64, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
            format!(
                "the counters say {} and {}, the table has {users} and {connections}",
                many(believed.0, "user"),
                many(believed.1, "connection")
            )
        })
    })
}

fn shutdown(sight: &Sight) -> Option<String> {
    if let Some(loops) = sight.nodes.iter().filter_map(|census| census.loops).find(|loops| *loops > 0) {
        let s = if loops == 1 { " runs" } else { "s run" };
        return Some(format!("after the stop signal, {loops} loop{s} for ever"));
    }
    let open = sight.open().next()?;
    Some(format!("after the stop signal, connection {} stays open", open.login.connection.0))
}

fn kick_heard(sight: &Sight) -> Option<String> {
    let kicked = |seen: &&Seen| matches!(seen.log.ended, Some(By::Kick(_))) && !seen.log.heard;
    let unheard = sight.connections.iter().find(kicked)?;
    Some(format!(
        "connection {} was kicked, and its peer never got the kick message",
        unheard.login.connection.0
    ))
}

fn progress(sight: &Sight) -> Option<String> {
    let waiting = |seen: &&Seen| !seen.log.registered && seen.log.ended != Some(By::Refused);
    let waiting = sight.connections.iter().find(waiting)?;
    Some(format!("connection {} was accepted, and is never registered", waiting.login.connection.0))
}
