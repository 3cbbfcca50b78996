//! What the hub believes and what became of the connections, in small tables.

use turnstile::hub::{By, Cause};
use turnstile::session::{Connection, Platform};

use super::moment::Fact;
use crate::scenario::{Seen, Sight};

/// The user table, the counters and the connections.
pub(super) fn of(sight: &Sight) -> Vec<Fact> {
    let several = sight.nodes.len() > 1;
    let title = |what: &str, node: usize| {
        if several { format!("{what} of node {}", node + 1) } else { what.to_owned() }
    };
    let is_open = |connection: Connection| sight.open().any(|seen| seen.login.connection == connection);
    let mut facts = Vec::new();
    for (node, census) in sight.nodes.iter().enumerate() {
        let row = |(user, row): &(turnstile::session::User, Vec<Connection>)| {
            let each = row.iter().map(|connection| {
                let ghost = if is_open(*connection) { "" } else { " (closed)" };
                format!("connection {}{ghost}", connection.0)
            });
            (format!("user {}", user.0), each.collect::<Vec<_>>().join(", "))
        };
        facts.push(Fact { title: title("User table", node), rows: census.table.iter().map(row).collect() });
        let mut counters = vec![
            ("users online".to_owned(), census.online_users.to_string()),
            ("connections online".to_owned(), census.online_connections.to_string()),
        ];
        if let Some(loops) = census.loops {
            counters.push(("loops that run".to_owned(), loops.to_string()));
        }
        facts.push(Fact { title: title("Counters", node), rows: counters });
    }
    facts.push(Fact {
        title: "Connections".to_owned(),
        rows: sight.connections.iter().map(connection).collect(),
    });
    facts
}

fn connection(seen: &Seen) -> (String, String) {
    let log = &seen.log;
    let ended = match log.ended {
        None => String::new(),
        Some(By::Peer) => "its peer left".to_owned(),
        Some(By::Reader) => "its reader closed it".to_owned(),
        Some(By::Kick(Cause::Login(login))) => format!("kicked by connection {}", login.connection.0),
        Some(By::Kick(Cause::Admin(..))) => "kicked by an administrator".to_owned(),
        Some(By::Stop) => "closed by the stop signal".to_owned(),
        Some(By::Refused) => "refused".to_owned(),
    };
    let unregistered = match log.unregistered {
        0 => String::new(),
        1 => "unregistered".to_owned(),
        times => format!("unregistered {times} times"),
    };
    let words = [
        if seen.open { "open" } else { "closed" }.to_owned(),
        if log.registered { "registered".to_owned() } else { String::new() },
        ended,
        unregistered,
    ];
    let words = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
    let platform = match seen.login.platform {
        Platform::Android => "Android",
        Platform::Ios => "iOS",
        Platform::Windows => "Windows",
        _ => "another platform",
    };
    let user = seen.login.user.0;
    (format!("connection {}", seen.login.connection.0), format!("user {user}, {platform}: {words}"))
}
