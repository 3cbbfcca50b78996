//! The acts side by side.

use turnstile::storm::Phase;

use super::act::Act;

/// What all acts have in common.
pub(super) struct Settings {
    pub(super) users: u64,
    pub(super) capacity: usize,
    pub(super) service_us: u64,
    pub(super) seconds: f64,
}

impl Settings {
    /// In a line.
    pub(super) fn text(&self) -> String {
        let Settings { users, capacity, service_us, seconds } = self;
        format!(
            "{users} accounts connect, send, receive the reply and disconnect for {seconds:.0} s; channels of {capacity}; \
             multi-login policy 1; {service_us} µs for each call that OpenIM's designs make from within the hub's loop. \
             Each server is a process of its own, on loopback."
        )
    }

    /// What is to be known to read the table.
    pub(super) fn notes(&self) -> [&'static str; 3] {
        [
            "The server answers the upgrade before it tells the hub, as OpenIM does; so a hang shows as a connection that is \
             open and silent, and behind a proxy that waits for more as a handshake without an answer.",
            "All three run v3.5.1's steps, its pool of client objects too. It takes the pool for these accounts to hang the single \
             loop: each logs in only once it has left, so its last session is closed by then, and only a pooled object can have \
             a kick reach a connection that is open (docs/LIKELY.md). The pool can also break the hub, the fixed one as well. The \
             calls inside the fix's loops stay, so a full register queue makes each login wait.",
            "The default design makes no calls from within a loop, so the cost of those is not in its figures. It runs with \
             v3.5.1's rules of who kicks whom, as the others.",
        ]
    }
}

fn ms(act: &Act, of: impl Fn(&turnstile::storm::Latency) -> f64) -> String {
    act.storm.phases.get(&Phase::Cycle).map_or_else(|| "-".to_owned(), |took| format!("{:.1} ms", of(took)))
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0} %"))
}

/// How an act ended.
pub(super) fn outcome(act: &Act) -> String {
    match (&act.lost, &act.crash, act.hung, &act.storm.stall) {
        (Some(lost), ..) => lost.clone(),
        (_, Some(_), ..) => "the hub broke".to_owned(),
        (.., true, Some(stall)) => format!("hung after {:.1} s", stall.since_seconds),
        (.., true, None) => "a deadlock".to_owned(),
        (.., false, _) => "went on to the end".to_owned(),
    }
}

/// Each row with a cell for each act.
pub(super) fn rows(acts: &[Act]) -> Vec<(&'static str, Vec<String>)> {
    let row = |name, cell: &dyn Fn(&Act) -> String| (name, acts.iter().map(cell).collect());
    let gave_up = |act: &Act, phase| {
        let failures = act.storm.failures.iter().filter(|failed| failed.phase == phase);
        failures.map(|failed| failed.times).sum::<u64>().to_string()
    };
    vec![
        row("outcome", &outcome),
        row("who waits for whom", &|act| act.words.get(1).cloned().unwrap_or_else(|| "-".to_owned())),
        row("times played", &|act| act.played.to_string()),
        row("cycles", &|act| act.storm.cycles.to_string()),
        row("cycles/s", &|act| format!("{:.0}", act.storm.cycles_per_second)),
        row("cycle, p50", &|act| ms(act, |took| took.p50_ms)),
        row("cycle, p99", &|act| ms(act, |took| took.p99_ms)),
        row("logins without an answer", &|act| gave_up(act, Phase::Reply)),
        row("users who could not leave", &|act| gave_up(act, Phase::Disconnect)),
        row("online although they left", &|act| {
            act.ghosts.map_or_else(|| "-".to_owned(), |count| count.to_string())
        }),
        row("kicked", &|act| act.storm.kicked.to_string()),
        row("server CPU, while it went on", &|act| percent(act.cpu_percent)),
        row("server CPU, after it stopped", &|act| percent(act.idle_cpu_percent)),
        row("fullest queues", &|act| {
            let queues: Vec<String> = (act.fullest.iter())
                .filter(|(name, most)| matches!(name.as_str(), "register" | "unregister") || **most > 0)
                .map(|(name, most)| format!("{name} {most}"))
                .collect();
            if queues.is_empty() { "-".to_owned() } else { queues.join(", ") }
        }),
    ]
}

/// What is to be said of an act beyond its figures.
pub(super) fn remark(act: &Act) -> Option<String> {
    if let Some(crash) = &act.crash {
        return Some(format!("The hub broke: {crash}. In Go this ends the program."));
    }
    let online = act.ghosts.filter(|online| *online > 0 && !act.hung && act.emptied)?;
    Some(format!(
        "It went on, and is not whole: all users have left, its queues are empty, and {online} users are online to it and stay \
         so. A connection whose end overtakes its beginning stays in the user table; the laboratory calls it a ghost."
    ))
}

/// For a terminal.
pub(super) fn text(acts: &[Act], width: usize) -> String {
    let head = ("", acts.iter().map(|act| format!("{} {}", act.design, act.version)).collect::<Vec<_>>());
    let rows: Vec<(&str, Vec<String>)> = std::iter::once(head).chain(rows(acts)).collect();
    let first = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let column = (width.saturating_sub(first) / acts.len().max(1)).saturating_sub(2).max(24);
    let mut text = String::new();
    for (name, cells) in rows {
        let cells: Vec<Vec<String>> = cells.iter().map(|cell| wrapped(cell, column)).collect();
        for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let mut row = format!("{:<first$}", if line == 0 { name } else { "" });
            for cell in &cells {
                row += &format!("  {:<column$}", cell.get(line).map_or("", String::as_str));
            }
            text += row.trim_end();
            text.push('\n');
        }
    }
    text
}

/// A text in lines of so many characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
            continue;
        }
        if !last.is_empty() {
            last.push(' ');
        }
        last.push_str(word);
    }
    lines
}
