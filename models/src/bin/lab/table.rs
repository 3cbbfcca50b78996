//! `lab table`: each design at each version against each property.

use std::time::Duration;

use serde_json::{Value, json};
use turnstile::hub::{Design, Version};
use turnstile::show::Tone;
use turnstile_models::table::{self, Agreement, Cell, Crossed, Depth, Row, Table};
use turnstile_models::{Engine, Limits, Property};

use crate::args::{self, Named};
use crate::bar::TableBar;
use crate::output::{Out, world_json};
use crate::words;

/// Column heads of the grid, for a terminal of 100 columns.
const HEADS: [&str; 13] = [
    "dead", "crash", "ghost", "lost", "polic", "right", "stays", "leak", "once", "count", "stop", "heard",
    "progr",
];

pub(crate) fn run(out: &mut Out, args: &args::TableArgs) -> Result<u8, String> {
    let pick = |all: &[Design], some: &[Named<Design>]| -> Vec<Design> {
        all.iter().copied().filter(|d| some.is_empty() || some.contains(&Named(*d))).collect()
    };
    let designs = pick(&Design::ALL, &args.design);
    let versions: Vec<Version> = match args.version.as_slice() {
        [] => Version::PUBLISHED.to_vec(),
        some => some.iter().map(|v| v.0).collect(),
    };
    let worlds = match &args.worlds {
        None => table::committed(),
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|e| format!("cannot read the worlds in {file:?}: {e}"))?;
            table::read(&text).map_err(|e| format!("{}: {e}", file.display()))?
        }
    };
    let depth = match (args.quick, args.deep) {
        (true, _) => Depth::Quick,
        (_, true) => Depth::Deep,
        _ => Depth::Table,
    };
    let limits = Limits {
        budget: args.budget.unwrap_or(Duration::from_secs(if args.deep { 1800 } else { 400 })),
        memory: usize::try_from(args.memory << 20).unwrap_or(usize::MAX),
        threads: args.threads.map_or(2, |t| t as usize),
        ..Limits::default()
    };
    let bar = TableBar::new(args.json);
    let table = table::build(&designs, &versions, &worlds, depth, &limits, &bar);
    let crossed = if args.no_cross_check {
        Vec::new()
    } else {
        bar.say("cross-checking with shuttle and loom");
        table::cross_check(&table, &turnstile_models::scenario::Scenario::default(), args.cross)
    };
    drop(bar);
    let page = markdown(&table);
    if args.json {
        out.json(&as_json(&table, &crossed));
    } else if args.markdown {
        out.line(page.trim_end());
    } else {
        text(out, &table, &crossed);
    }
    if let Some(file) = &args.against
        && let Some(line) = first_other_line(file, &page)?
    {
        out.line(&format!("{} is stale; it should say: {line}", file.display()));
        return Ok(1);
    }
    let contradicted = crossed.iter().any(|c| c.agreement == Agreement::Contradiction);
    let unknown = table.rows.iter().flat_map(|r| &r.cells).any(|c| matches!(c, Cell::Unknown { .. }));
    Ok(if contradicted { 1 } else { u8::from(unknown) * 2 })
}

/// A cell in a few characters.
fn mark(cell: &Cell) -> String {
    match cell {
        Cell::Holds { .. } => "✓".to_owned(),
        Cell::Fails { counterexample, .. } => format!("✗{}", counterexample.schedule.len()),
        Cell::Unknown { .. } => "?".to_owned(),
        Cell::Unasked => "·".to_owned(),
    }
}

fn text(out: &mut Out, table: &Table, crossed: &[Crossed]) {
    for version in versions(table) {
        let heads: String = HEADS.iter().map(|head| format!("{head:<6}")).collect();
        out.heading(&format!("{:<20}{}", version.name(), heads.trim_end()));
        for row in table.rows.iter().filter(|row| row.version == version) {
            let mut line = format!("{:<20}", row.design.name());
            for cell in &row.cells {
                let padded = format!("{:<6}", mark(cell));
                line += &match cell {
                    Cell::Fails { .. } => out.paint.paint(Tone::Stuck, &padded),
                    Cell::Holds { .. } => padded,
                    Cell::Unknown { .. } | Cell::Unasked => out.paint.paint(Tone::Aside, &padded),
                };
            }
            out.line(line.trim_end());
        }
        out.line("");
    }
    out.line(
        "✓ holds in every world of the file, each searched to its end; ✗ fails, in so many steps, and in no",
    );
    out.line("fewer in that world; ? unknown; · not asked. `--markdown` and `--json` say in which worlds.");
    for row in &table.rows {
        for (property, cell) in Property::ALL.into_iter().zip(&row.cells) {
            if let Cell::Unknown { world, why, holds } = cell {
                let of = format!("{} of {}", property.name(), words::world(world));
                out.line(&format!("? {of}: stopped by {why}; holds in {holds} smaller worlds"));
            }
        }
    }
    out.line("");
    let everything: Vec<String> = table
        .rows
        .iter()
        .filter(|row| row.holds_everything())
        .map(|row| format!("{} ({})", row.design.name(), row.version.name()))
        .collect();
    if !everything.is_empty() {
        out.line(&format!("Everything holds: {}.", everything.join(", ")));
    }
    out.aside(&format!(
        "{} searches, {} states, {}",
        words::thousands(table.searches as u64),
        words::thousands(table.states),
        words::time(table.time)
    ));
    for engine in [Engine::Shuttle, Engine::Loom] {
        let count = |a| crossed.iter().filter(|c| c.engine == engine && c.agreement == a).count();
        let cells = crossed.iter().filter(|c| c.engine == engine).count();
        if cells > 0 {
            out.aside(&format!(
                "{}: {cells} cells looked at; broken there, too: {}; not broken there, either: {}; missed: {}; contradicted: {}",
                engine.name(),
                count(Agreement::BothBroken),
                count(Agreement::NeitherBroken),
                count(Agreement::Missed),
                count(Agreement::Contradiction)
            ));
        }
    }
    for c in crossed.iter().filter(|c| c.agreement == Agreement::Contradiction) {
        let line =
            format!("{} contradicts: {} of {}", c.engine.name(), c.property.name(), words::world(&c.world));
        let line = out.paint.paint(Tone::Stuck, &line);
        out.line(&line);
    }
}

fn versions(table: &Table) -> Vec<Version> {
    let mut versions: Vec<Version> = table.rows.iter().map(|row| row.version).collect();
    versions.dedup();
    versions
}

/// The first line of the table that a page does not have where it should.
fn first_other_line(file: &std::path::Path, page: &str) -> Result<Option<String>, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("cannot read {file:?}: {e}"))?;
    let (_, rest) =
        text.split_once("<!-- lab table --markdown -->\n").ok_or(format!("{file:?} has no first marker"))?;
    let (kept, _) = rest.split_once("<!-- end -->").ok_or(format!("{file:?} has no last marker"))?;
    let mut kept = kept.trim_end().lines();
    for line in page.trim_end().lines() {
        if kept.next() != Some(line) {
            return Ok(Some(line.to_owned()));
        }
    }
    Ok(kept.next().map(|_| "nothing more".to_owned()))
}

/// Without times, so that it is the same each time.
fn markdown(table: &Table) -> String {
    let mut page = String::new();
    let mut say = |line: &str| {
        page += line;
        page.push('\n');
    };
    for version in versions(table) {
        let rows: Vec<&Row> = table.rows.iter().filter(|row| row.version == version).collect();
        say(&format!("## {} ({})", version.name(), version.steps().tag));
        say("");
        let names: Vec<&str> = Property::ALL.iter().map(|p| p.name()).collect();
        say(&format!("| design | {} |", names.join(" | ")));
        say(&format!("|---|{}", "---|".repeat(names.len())));
        for row in &rows {
            let marks: Vec<String> = row.cells.iter().map(mark).collect();
            say(&format!("| `{}` | {} |", row.design.name(), marks.join(" | ")));
        }
        say("");
        say(&format!("<details><summary>In which worlds, {}</summary>", version.name()));
        say("");
        say("| design | property | verdict | world | states, or key for `lab replay` |");
        say("|---|---|---|---|---|");
        for row in &rows {
            for (property, cell) in Property::ALL.into_iter().zip(&row.cells) {
                let (verdict, world, last) = match cell {
                    Cell::Unasked => continue,
                    Cell::Holds { worlds, largest, states } => (
                        format!("holds in {worlds}, complete"),
                        format!("largest: {}", words::size(largest)),
                        format!("{} (exhaustive)", words::thousands(*states)),
                    ),
                    Cell::Fails { world, counterexample } => (
                        format!("fails in {} steps", counterexample.schedule.len()),
                        words::size(world),
                        format!("`{}`", counterexample.key),
                    ),
                    Cell::Unknown { world, why, holds } => (
                        format!("unknown; holds in {holds}"),
                        words::size(world),
                        format!("stopped by {why}"),
                    ),
                };
                let (design, property) = (row.design.name(), property.name());
                say(&format!("| `{design}` | {property} | {verdict} | {world} | {last} |"));
            }
        }
        say("");
        say("</details>");
        say("");
    }
    page
}

fn as_json(table: &Table, crossed: &[Crossed]) -> Value {
    let cell = |property: Property, cell: &Cell| {
        let mut object = json!({ "property": property.name(), "verdict": cell.name() });
        match cell {
            Cell::Unasked => {}
            Cell::Holds { worlds, largest, states } => {
                object["engine"] = "exhaustive".into();
                object["complete"] = true.into();
                object["worlds"] = (*worlds).into();
                object["largest"] = world_json(largest);
                object["states"] = (*states).into();
            }
            Cell::Fails { world, counterexample } => {
                object["engine"] = "exhaustive".into();
                object["world"] = world_json(world);
                object["steps"] = counterexample.schedule.len().into();
                object["broken"] = counterexample.broken.clone().into();
                object["key"] = counterexample.key.clone().into();
            }
            Cell::Unknown { world, why, holds } => {
                object["world"] = world_json(world);
                object["why"] = why.clone().into();
                object["holds_in"] = (*holds).into();
            }
        }
        object
    };
    let rows: Vec<Value> = table
        .rows
        .iter()
        .map(|row| {
            let cells: Vec<Value> =
                Property::ALL.into_iter().zip(&row.cells).map(|(p, c)| cell(p, c)).collect();
            json!({ "design": row.design.name(), "version": row.version.name(), "cells": cells })
        })
        .collect();
    let crossed: Vec<Value> = crossed
        .iter()
        .map(|c| {
            json!({
                "design": c.design.name(), "version": c.version.name(), "property": c.property.name(),
                "engine": c.engine.name(), "world": world_json(&c.world),
                "agreement": match c.agreement {
                    Agreement::BothBroken => "both broken",
                    Agreement::NeitherBroken => "neither broken",
                    Agreement::Missed => "missed",
                    Agreement::Contradiction => "contradiction",
                },
            })
        })
        .collect();
    json!({
        "rows": rows, "searches": table.searches, "states": table.states,
        "seconds": table.time.as_secs_f64(), "cross_checked": crossed,
    })
}
