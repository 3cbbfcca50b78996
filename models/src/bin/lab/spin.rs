//! `lab spin`: what the exhaustive engine says and what SPIN says, world by world.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use turnstile_models::Limits;
use turnstile_models::spin::{self, Cell, Error, Opinion, Row, WORLDS, World};

use crate::args;
use crate::bar::Bar;
use crate::output::Out;
use crate::words;

/// They disagree, or the table is not what was found.
const DISAGREE: u8 = 1;
/// A limit stopped a search.
const UNKNOWN: u8 = 2;

pub(crate) fn run(out: &mut Out, args: &args::Spin) -> Result<u8, String> {
    let (spin, gcc) = spin::versions().map_err(|e| e.to_string())?;
    let limits = Limits { budget: args.budget, ..Limits::default() };
    let worlds: Vec<World> =
        WORLDS.iter().filter(|w| !args.quick || w.users * w.logins <= 2).copied().collect();
    let bar = Bar::new("SPIN".to_owned(), args.json);
    let rows = compare(&worlds, &limits, args.jobs as usize).map_err(|e| e.to_string())?;
    drop(bar);
    let cells: Vec<&Cell> = rows.iter().flatten().collect();
    let table = markdown(&rows);
    if args.json {
        out.json(&json!({
            "spin": spin,
            "gcc": gcc,
            "agree": cells.iter().all(|cell| cell.agrees()),
            "cells": cells.iter().map(|cell| as_json(cell)).collect::<Vec<_>>(),
        }));
    } else if args.markdown {
        out.line(&table);
    } else {
        print(out, &rows, &format!("{spin}; {gcc}"));
    }
    let unknown = cells.iter().any(|cell| cell.ours.holds.is_none() || cell.spins.holds.is_none());
    let mut code = match (cells.iter().all(|cell| cell.agrees()), unknown) {
        (true, _) => 0,
        (false, true) => UNKNOWN,
        (false, false) => DISAGREE,
    };
    if let Some(file) = &args.against {
        let text = std::fs::read_to_string(file).map_err(|e| format!("cannot read {file:?}: {e}"))?;
        for line in stale(&text, &table) {
            out.line(&format!("{} does not say: {line}", file.display()));
            code = DISAGREE;
        }
    }
    Ok(code)
}

/// Asks both about each row, so many at once; in the order of the rows.
fn compare(worlds: &[World], limits: &Limits, jobs: usize) -> Result<Vec<Vec<Cell>>, Error> {
    let rows = spin::rows();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some((at, row)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    rows.get(at).map(|row| (at, row))
                } {
                    let cells = row.compare(worlds, None, limits, |_| {});
                    done.lock().expect("no thread panics with it").push((at, cells));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread panics with it");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, cells)| cells).collect()
}

fn print(out: &mut Out, rows: &[Vec<Cell>], versions: &str) {
    out.aside(&format!("{versions}; both search breadth first, SPIN with its partial-order reduction"));
    out.aside(
        "states and time: ours, SPIN's, ours / SPIN's; time is of the search, without making SPIN's verifier",
    );
    for cells in rows {
        let Some(first) = cells.first() else { continue };
        out.line("");
        out.heading(&title(&first.row));
        for cell in cells {
            let states = pair(
                &words::thousands(cell.ours.states),
                &words::thousands(cell.spins.states),
                cell.ours.states as f64,
                cell.spins.states as f64,
            );
            let time = pair(
                &words::time(cell.ours.time),
                &words::time(cell.spins.time),
                cell.ours.time.as_secs_f64(),
                cell.spins.time.as_secs_f64(),
            );
            let say = if cell.agrees() { "" } else { "  DISAGREE" };
            out.line(&format!(
                "  {:<14}{:<8}{:<8}{states:<34}{time}{say}",
                world(&cell.world),
                cell.ours.name(),
                cell.spins.name()
            ));
        }
        out.aside(&format!("  {}", smallest(cells)));
    }
    out.line("");
    let all: Vec<&Cell> = rows.iter().flatten().collect();
    let sum = |of: &dyn Fn(&Cell) -> f64| all.iter().map(|cell| of(cell)).sum::<f64>();
    let (ours, spins) = (sum(&|c| c.ours.states as f64), sum(&|c| c.spins.states as f64));
    let (time, spins_time) = (sum(&|c| c.ours.time.as_secs_f64()), sum(&|c| c.spins.time.as_secs_f64()));
    let making = sum(&|c| c.making.as_secs_f64());
    let fewer = all.iter().filter(|c| c.ours.states < c.spins.states).count();
    let within = all.iter().filter(|c| c.ours.time <= c.spins.time * 3).count();
    out.line(&format!(
        "{} of {} agree; ours has fewer states in {fewer} and is within 3x of SPIN's time in {within}",
        all.iter().filter(|c| c.agrees()).count(),
        all.len()
    ));
    out.line(&format!(
        "in all: {} states to {} ({:.2}), {time:.1} s to {spins_time:.1} s ({:.2}), and {making:.0} s to make SPIN's verifiers",
        words::thousands(ours as u64),
        words::thousands(spins as u64),
        ours / spins,
        time / spins_time
    ));
}

fn pair(ours: &str, spins: &str, a: f64, b: f64) -> String {
    format!("{ours} | {spins} ({:.2})", a / b.max(1e-9))
}

fn title(row: &Row) -> String {
    format!("{} {}: {}", row.version.name(), row.design.name(), row.property.name())
}

fn world(world: &World) -> String {
    format!("{} x {}, cap. {}", world.users, world.logins, world.capacity)
}

/// What a row came to, in a line.
fn smallest(cells: &[Cell]) -> String {
    let Some(last) = cells.last() else { return String::new() };
    let size = world(&last.world);
    let both = |one: &Opinion, two: &Opinion| format!("ours {}, SPIN {}", one.name(), two.name());
    match (last.agrees(), last.ours.holds) {
        (true, Some(false)) => format!("the smallest world that breaks it, to both: {size}"),
        (true, _) => format!("holds in all of these worlds, to both; the largest: {size}"),
        (false, _) => format!("at {size}: {}", both(&last.ours, &last.spins)),
    }
}

/// One line for each row: what both say, the world that decides it, and what that world took.
fn markdown(rows: &[Vec<Cell>]) -> String {
    let mut lines = vec![
        "| version | design | property | ours | SPIN | world | states: ours | SPIN | time: ours | SPIN |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for cell in rows.iter().filter_map(|cells| cells.last()) {
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            cell.row.version.name(),
            cell.row.design.name(),
            cell.row.property.name(),
            cell.ours.name(),
            cell.spins.name(),
            world(&cell.world),
            words::thousands(cell.ours.states),
            words::thousands(cell.spins.states),
            words::time(cell.ours.time),
            words::time(cell.spins.time)
        ));
    }
    lines.join("\n")
}

/// The lines of a table that a text does not have, times aside.
fn stale(text: &str, table: &str) -> Vec<String> {
    let timeless = |line: &str| line.split('|').take(9).map(str::trim).collect::<Vec<_>>().join(" | ");
    let said: Vec<String> = text.lines().filter(|line| line.starts_with('|')).map(timeless).collect();
    table.lines().map(timeless).filter(|line| !said.contains(line)).collect()
}

fn as_json(cell: &Cell) -> Value {
    let opinion =
        |it: &Opinion| json!({ "verdict": it.name(), "states": it.states, "seconds": it.time.as_secs_f64() });
    json!({
        "version": cell.row.version.name(),
        "design": cell.row.design.name(),
        "property": cell.row.property.name(),
        "users": cell.world.users,
        "logins": cell.world.logins,
        "capacity": cell.world.capacity,
        "agree": cell.agrees(),
        "ours": opinion(&cell.ours),
        "spin": opinion(&cell.spins),
        "seconds_to_make_pan": cell.making.as_secs_f64(),
        "states_ratio": cell.ours.states as f64 / cell.spins.states as f64,
        "time_ratio": cell.ours.time.as_secs_f64() / cell.spins.time.as_secs_f64(),
    })
}
