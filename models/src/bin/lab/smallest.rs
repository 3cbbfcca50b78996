//! `lab smallest`: the smallest worlds where a property fails, and the law that they follow.

use serde_json::{Value, json};
use turnstile::hub::Version;
use turnstile::show::Tone;
use turnstile_models::scenario::{Peers, Scenario};
use turnstile_models::smallest::{self, Column, Found, Law};
use turnstile_models::{Engine, Limits, Property, Verdict, check};

use crate::args::{self, Named};
use crate::bar::Bar;
use crate::output::Out;
use crate::words;

/// What came of one version with peers that leave or stay.
struct Seen {
    version: Version,
    peers: Peers,
    columns: Vec<Column>,
    law: Option<Law>,
}

pub(crate) fn run(out: &mut Out, args: &args::Smallest) -> Result<u8, String> {
    let versions: Vec<Version> = match args.version.as_slice() {
        [] => Version::PUBLISHED.to_vec(),
        some => some.iter().map(|Named(version)| *version).collect(),
    };
    let limits = Limits { budget: args.budget, memory: 4 << 30, ..Limits::default() };
    let mut all = Vec::new();
    let mut sightings = Vec::new();
    for version in versions {
        for peers in Peers::ALL {
            let (fitted, tried) = smallest::worlds(args.design.0, version, peers);
            let search = |world: &Scenario, capacities: Vec<u32>| {
                let bar = Bar::new(words::world(world), args.json);
                smallest::column(world, args.property.0, capacities, &limits, &bar)
            };
            let every: Vec<u32> = (0..=args.most).collect();
            let mut columns =
                fitted.iter().map(|world| search(world, every.clone())).collect::<Result<Vec<_>, _>>()?;
            let law = Law::fit(&columns[0], &columns[1]);
            for world in &tried {
                // All that matters is on which side of the line it fails.
                columns.extend(law.map(|law| search(world, law.around(smallest::size(world)))).transpose()?);
            }
            if let (Some(law), Some(at), Peers::Leave, Property::NoDeadlock) =
                (law, args.at, peers, args.property.0)
            {
                let world = Scenario { capacity: at, logins: 1, ..columns[0].world };
                sightings.extend(look_at(&world, &law, args)?);
            }
            all.push(Seen { version, peers, columns, law });
        }
    }
    if args.json {
        out.json(&as_json(&all, &sightings));
    } else {
        text(out, args, &all, &sightings);
    }
    let refuted = |seen: &Seen| {
        seen.law.is_some_and(|law| seen.columns.iter().any(|column| law.agrees(column) == Some(false)))
    };
    Ok(u8::from(all.iter().any(refuted)))
}

/// What was seen at the real capacity.
struct Sighting {
    world: Scenario,
    foretold: bool,
    /// The length of the schedule that follows the pattern of the small worlds, if it hangs.
    driven: Option<usize>,
    /// What shuttle came to.
    shuttle: String,
    runs: u64,
}

/// Looks just below the law's line, just above, and well above.
fn look_at(world: &Scenario, law: &Law, args: &args::Smallest) -> Result<Vec<Sighting>, String> {
    let Some(least) = law.size_for(world.capacity) else { return Ok(Vec::new()) };
    let mut seen = Vec::new();
    for logins in [least - 1, least, least + least / 5] {
        let world = Scenario { logins, ..*world };
        let limits = Limits { budget: args.sample, schedules: 1_000_000, ..Limits::default() };
        let bar = Bar::new(words::world(&world), args.json);
        let driven = smallest::drive(&world).map(|found| found.schedule.len());
        let verdict = check(&world, Property::NoDeadlock, Engine::Shuttle, &limits, &bar)?;
        let runs = verdict.search().effort.schedules.unwrap_or(0);
        let shuttle = match &verdict {
            Verdict::Fails(..) => "hangs".to_owned(),
            _ => "not seen to hang".to_owned(),
        };
        seen.push(Sighting { world, foretold: logins >= least, driven, shuttle, runs });
    }
    Ok(seen)
}

fn mark(found: &Found) -> String {
    match found {
        Found::Fails(steps) => format!("✗{steps}"),
        Found::Holds => "✓".to_owned(),
        Found::Unknown => "?".to_owned(),
    }
}

fn text(out: &mut Out, args: &args::Smallest, all: &[Seen], sightings: &[Sighting]) {
    out.heading(&format!("{}: {} by capacity", args.design.0.name(), args.property.0.name()));
    for seen in all {
        out.line("");
        out.heading(&format!("{}, peers {}", seen.version.name(), seen.peers.name()));
        let heads: String = (0..=args.most).map(|c| format!("{c:<5}")).collect();
        out.aside(&format!("  {:<20}{}", "users x logins", heads.trim_end()));
        for (at, column) in seen.columns.iter().enumerate() {
            let marks: String = (0..=args.most.max(column.found.last().map_or(0, |(c, _)| *c)))
                .map(|capacity| format!("{:<5}", column.at(capacity).as_ref().map_or(String::new(), mark)))
                .collect();
            let says = match (seen.law, at) {
                (None, _) => "",
                (Some(_), 0 | 1) => "fitted",
                (Some(law), _) => match law.agrees(column) {
                    Some(true) => "as the law says",
                    Some(false) => "against the law",
                    None => "unknown in part",
                },
            };
            let size = format!("{} x {}", column.world.users, column.world.logins);
            out.line(format!("  {size:<20}{marks}  {says}").trim_end());
        }
        match seen.law {
            Some(law) => {
                let line = out.paint.paint(Tone::Heading, &format!("  law: fails while {}", law.words()));
                out.line(&line);
            }
            None => out.line("  law: none; it does not fail in both of the worlds that a line is fitted to"),
        }
    }
    if !sightings.is_empty() {
        out.line("");
        out.heading("at the real capacity");
    }
    for s in sightings {
        let says = if s.foretold { "can hang" } else { "cannot hang" };
        let driven = match s.driven {
            Some(steps) => {
                format!("the pattern of the small worlds hangs in {} steps", words::thousands(steps as u64))
            }
            None => "the pattern of the small worlds does not hang".to_owned(),
        };
        let runs = words::thousands(s.runs);
        out.line(&format!("  {}: the law says it {says}", words::world(&s.world)));
        out.line(&format!("    {driven}; shuttle: {} in {runs} runs", s.shuttle));
    }
}

fn as_json(all: &[Seen], sightings: &[Sighting]) -> Value {
    let column = |law: Option<Law>, column: &Column| {
        json!({
            "users": column.world.users, "logins": column.world.logins,
            "by_capacity": column.found.iter().map(|(capacity, found)| match found {
                Found::Fails(steps) => json!({ "capacity": capacity, "verdict": "fails", "steps": steps }),
                Found::Holds => json!({ "capacity": capacity, "verdict": "holds" }),
                Found::Unknown => json!({ "capacity": capacity, "verdict": "unknown" }),
            }).collect::<Vec<_>>(),
            "as_the_law_says": law.and_then(|law| law.agrees(column)),
        })
    };
    let seen: Vec<Value> = all
        .iter()
        .map(|seen| {
            json!({
                "version": seen.version.name(), "peers": seen.peers.name(),
                "law": seen.law.map(|law| law.words()),
                "worlds": seen.columns.iter().map(|c| column(seen.law, c)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let sightings: Vec<Value> = sightings
        .iter()
        .map(|s| {
            json!({
                "version": s.world.version.name(), "logins": s.world.logins, "capacity": s.world.capacity,
                "law_says_it_can_hang": s.foretold, "pattern_hangs_in": s.driven, "shuttle": s.shuttle,
                "runs": s.runs,
            })
        })
        .collect();
    json!({ "versions": seen, "at_capacity": sightings })
}
