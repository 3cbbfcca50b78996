//! The wait-for graph for people and for programs: what `GET /debug/waits` answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::glance::Glance;
use crate::gateway::Gateway;
use crate::gateway::config::Limits;
use crate::name::Name;
use crate::show::{self, Paint, Story};
use crate::trace::Trace;
use crate::waits::{Edge, Kind};

/// How many waits are listed one by one; the rest are counted.
const LISTED: usize = 50;
/// Of so many tasks on a cycle the last steps are shown.
const FEW: usize = 4;

/// How to show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::gateway) enum Format {
    Json,
    Text(Paint),
    Mermaid,
    Svg,
}

impl Format {
    /// By its name in a query.
    pub(in crate::gateway) fn parse(name: &str) -> Option<Format> {
        Some(match name {
            "json" => Format::Json,
            "text" => Format::Text(Paint::Plain),
            "colour" => Format::Text(Paint::Ansi),
            "mermaid" => Format::Mermaid,
            "svg" => Format::Svg,
            _ => return None,
        })
    }

    /// The media type.
    pub(in crate::gateway) fn kind(self) -> &'static str {
        match self {
            Format::Json => "application/json; charset=utf-8",
            Format::Text(_) | Format::Mermaid => "text/plain; charset=utf-8",
            Format::Svg => "image/svg+xml",
        }
    }
}

/// Shows who waits for whom, now.
pub(in crate::gateway) fn view(gateway: &Gateway, format: Format) -> String {
    let glance = gateway.watched.glance();
    let crash = gateway.watched.crash();
    let ending = match &crash {
        Some(crash) => format!("The program broke: {crash}"),
        None if glance.working().is_empty() => "Nobody waits in the midst of work".to_owned(),
        None => "No deadlock".to_owned(),
    };
    let story = Story {
        title: "Who waits for whom",
        trace: &Trace::default(),
        knot: glance.knot.as_ref(),
        graph: Some(&glance.graph),
        ending: &ending,
    };
    match format {
        Format::Json => format!("{:#}\n", object(gateway, &glance, crash)),
        Format::Text(paint) => show::text(&story, paint) + &lists(gateway, &glance),
        Format::Mermaid => show::flowchart(&story),
        Format::Svg => show::svg(&story),
    }
}

fn object(gateway: &Gateway, glance: &Glance, crash: Option<String>) -> Value {
    let edge = |edge: &Edge| {
        let mut value = json!(edge);
        value["ms"] = json!(glance.lasts(edge).as_millis() as u64);
        value
    };
    let some = |edges: &[&Edge]| -> Vec<Value> { edges.iter().take(LISTED).map(|it| edge(it)).collect() };
    let deadlock = glance.knot.as_ref().map(|knot| {
        json!({
            "words": show::knot(knot),
            "cycle": knot.cycle.iter().take(LISTED).map(edge).collect::<Vec<_>>(),
            "collateral": knot.collateral.len(),
            "behind": show::waits(&knot.collateral),
            "last_steps": knot.cycle.iter().take(LISTED).map(|edge| json!({
                "task": edge.task, "steps": gateway.watched.steps(edge.task),
            })).collect::<Vec<_>>(),
            "ms": glance.knot_lasts().unwrap_or_default().as_millis() as u64,
            "laboratory": super::command(gateway.config.design, gateway.config.version),
        })
    });
    let (working, starved) = (glance.working(), starved(gateway, glance));
    json!({
        "design": gateway.config.design.name(),
        "version": gateway.config.version.name(),
        "deadlock": deadlock,
        "crash": crash,
        "starved": some(&starved),
        "waiting": { "total": working.len(), "listed": some(&working), "in_words": show::waits(working.iter().copied()) },
        "running": glance.graph.running.iter().take(LISTED).collect::<Vec<_>>(),
        "channels": gateway.hub.channels(),
        "locks": locks(glance).into_iter().take(LISTED).map(|(name, lock)| json!({
            "name": name, "holders": lock.holders, "waiting": lock.waiting,
        })).collect::<Vec<_>>(),
        "connections": gateway.connections(),
    })
}

fn starved<'a>(gateway: &Gateway, glance: &'a Glance) -> Vec<&'a Edge> {
    glance.starved(Limits::time(gateway.config.watchdog.starved_ms))
}

/// A lock that some wait for.
#[derive(Default)]
struct Lock {
    holders: Vec<Name>,
    waiting: usize,
}

fn locks(glance: &Glance) -> BTreeMap<Name, Lock> {
    let mut locks: BTreeMap<Name, Lock> = BTreeMap::new();
    for edge in glance.graph.edges.iter().filter(|edge| matches!(edge.kind, Kind::Lock | Kind::Read)) {
        let lock = locks.entry(edge.on).or_default();
        lock.waiting += 1;
        if let Some(holders) = &edge.helpers {
            lock.holders.clone_from(holders);
        }
    }
    locks
}

/// Below the graph: for how long, and what there is to wait for.
fn lists(gateway: &Gateway, glance: &Glance) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    let names = |names: &[Name]| names.iter().map(Name::to_string).collect::<Vec<_>>().join(", ");
    if let Some(lasts) = glance.knot_lasts() {
        say(format!("\nIt has lasted {:.1} s", lasts.as_secs_f64()));
    }
    for edge in glance.knot.iter().flat_map(|knot| &knot.cycle).take(FEW) {
        let steps = gateway.watched.steps(edge.task);
        if !steps.is_empty() {
            say(format!("\nThe last steps of {}, newest last", edge.task));
            steps.iter().for_each(|step| say(format!("  {step}")));
        }
    }
    if let Some(command) = super::command(gateway.config.design, gateway.config.version)
        && glance.knot.is_some()
    {
        say(format!("\nThe same in the laboratory: {command}"));
    }
    let starved = starved(gateway, glance);
    if !starved.is_empty() {
        say("\nWaiting for long, and may yet go on:".to_owned());
        show::waits(starved.iter().copied()).into_iter().for_each(|said| say(format!("  {said}")));
    }
    let working = glance.working();
    if let Some(oldest) = working.first() {
        let (count, lasts) = (working.len(), glance.lasts(oldest).as_secs_f64());
        let wait = if count == 1 { "task waits" } else { "tasks wait" };
        say(format!("\n{count} {wait} in the midst of work, {} the longest: {lasts:.1} s", oldest.task));
    }
    say("\nChannels".to_owned());
    for channel in gateway.hub.channels() {
        let filled = match channel.capacity {
            usize::MAX => format!("{} of any number", channel.len),
            capacity => format!("{}/{capacity}", channel.len),
        };
        let who = channel.drained_by.as_deref().map(|who| format!("  drained by {}", names(who)));
        say(format!("  {:<14}{filled:<14}{}", channel.name.to_string(), who.unwrap_or_default()));
    }
    let locks = locks(glance);
    if !locks.is_empty() {
        say("\nLocks that are waited for".to_owned());
    }
    for (name, lock) in locks.iter().take(LISTED) {
        let held = if lock.holders.is_empty() {
            "free".to_owned()
        } else {
            format!("held by {}", names(&lock.holders))
        };
        say(format!("  {name}  {held}, {} waiting", lock.waiting));
    }
    if let Some(more) = locks.len().checked_sub(LISTED).filter(|more| *more > 0) {
        say(format!("  and {more} more"));
    }
    let plural = if gateway.connections() == 1 { "" } else { "s" };
    say(format!("\n{} connection{plural}", gateway.connections()));
    text
}
