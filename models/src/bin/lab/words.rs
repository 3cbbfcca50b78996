//! Values as a person reads them.

use std::time::Duration;

use turnstile_models::engine::Effort;
use turnstile_models::scenario::Scenario;
use turnstile_models::{Search, Verdict};

/// 1234567 as 1,234,567.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// 0.0123 s as 12 ms.
pub(crate) fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s < 0.001 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 10.0 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

/// A world in a line.
pub(crate) fn world(s: &Scenario) -> String {
    format!("{} ({}), {}", s.design.name(), s.version.name(), size(s))
}

/// A world without its design and version.
pub(crate) fn size(s: &Scenario) -> String {
    let plural = |n: u32, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let usual = Scenario::default();
    let some = |is: bool, what: String| if is { format!(", {what}") } else { String::new() };
    let more = [
        some(s.policy != usual.policy, format!("policy {}", s.policy.name())),
        some(s.platforms != usual.platforms, format!("platforms {}", s.platforms.name())),
        some(s.same_token, "same token".to_owned()),
        some(s.pushers > 0, plural(s.pushers, "pusher")),
        some(s.kickers > 0, plural(s.kickers, "administrator")),
        some(s.nodes > 1, plural(s.nodes, "node")),
        some(s.writers, "writers".to_owned()),
        some(s.stop, "stop signal".to_owned()),
        some(s.lanes > 1, plural(s.lanes, "lane")),
    ];
    format!(
        "{} x {}, capacity {}, peers {}{}",
        plural(s.users, "user"),
        plural(s.logins, "login"),
        s.capacity,
        s.peers.name(),
        more.concat()
    )
}

/// How much was seen, in a line.
pub(crate) fn effort(e: &Effort) -> String {
    let count = |n: Option<u64>, name: &str| n.map(|n| format!("{} {name}", thousands(n)));
    let mut parts: Vec<String> = [
        count(e.states, "states"),
        count(e.transitions, "transitions"),
        count(e.depth, "deep"),
        count(e.schedules, "runs"),
    ]
    .into_iter()
    .flatten()
    .collect();
    parts.push(time(e.time));
    if let Some(n) = e.states.or(e.schedules)
        && e.time > Duration::from_millis(50)
        && n > 100
    {
        let rate = n as f64 / e.time.as_secs_f64();
        let name = if e.states.is_some() { "states" } else { "runs" };
        parts.push(format!("{} {name}/s", thousands(rate as u64)));
    }
    if let Some(bytes) = e.memory {
        parts.push(format!("{} MiB", bytes.div_ceil(1 << 20)));
    }
    parts.join(", ")
}

/// A verdict in a line, never saying more than was searched.
pub(crate) fn verdict(verdict: &Verdict) -> String {
    let Search { property, engine, bound, symmetry, .. } = verdict.search();
    match verdict {
        Verdict::Holds(_) => match bound {
            None => format!(
                "{} HOLDS in this world: {} searched every interleaving and every choice{}",
                property.name(),
                engine.name(),
                if *symmetry { " (up to who is who among equals)" } else { "" }
            ),
            Some(bound) => format!("{} HOLDS WITHIN A BOUND: {bound}", property.name()),
        },
        Verdict::Fails(_, counterexample) => {
            let proof = if counterexample.shortest { ", and no schedule is shorter" } else { "" };
            format!("{} FAILS: {} steps{proof}", property.name(), counterexample.schedule.len())
        }
        Verdict::Unknown(_, why) => format!(
            "{} UNKNOWN: nothing that {} saw breaks it, but {why} stopped the search",
            property.name(),
            engine.name()
        ),
    }
}
