//! `lab odds`: how many whole runs under a random scheduler break a property.

use serde_json::{Value, json};
use turnstile_models::{Load, Tally, odds, wilson};

use crate::args;
use crate::output::{self, Out};
use crate::words;

pub(crate) fn run(out: &mut Out, args: &args::Odds) -> Result<u8, String> {
    let scenario = args.world.scenario();
    let load = Load {
        runs: args.runs,
        seed: args.seed,
        threads: args.threads,
        eager: args.leave,
        budget: args.budget,
    };
    let mut rows = Vec::new();
    for property in &args.property {
        rows.push((property.0, odds(&scenario, property.0, &load)?));
    }
    let whole = rows.iter().all(|(_, tally)| tally.runs == load.runs && tally.cut == 0);
    if args.json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(property, tally)| {
                let (low, high) = wilson(tally.broken, tally.runs);
                json!({ "property": property.name(), "runs": tally.runs, "broken": tally.broken,
                        "low": low, "high": high, "crashed": tally.crashed, "hung": tally.hung, "cut": tally.cut })
            })
            .collect();
        out.json(&json!({ "world": output::world_json(&scenario), "scheduler": "random", "seed": load.seed,
                          "threads": load.threads, "leave": load.eager, "odds": rows }));
    } else {
        out.line(&words::world(&scenario));
        out.aside(&format!(
            "random scheduler, seed {} on {} threads; a peer that may leave does so in {} of 8 cases",
            load.seed, load.threads, load.eager
        ));
        for (property, tally) in &rows {
            out.line(&format!("{}: {}", property.name(), line(tally)));
        }
    }
    // Fewer runs than asked for are no answer to what was asked.
    Ok(if whole { 0 } else { 2 })
}

/// 84 of 2,000 runs (4.2 %, 95 % interval 3.4 to 5.2 %).
pub(crate) fn line(tally: &Tally) -> String {
    let (low, high) = wilson(tally.broken, tally.runs);
    let share = if tally.runs == 0 { 0.0 } else { tally.broken as f64 / tally.runs as f64 };
    let mut line = format!(
        "{} of {} runs break it ({:.2} %, 95 % interval {:.2} to {:.2} %)",
        words::thousands(tally.broken),
        words::thousands(tally.runs),
        100.0 * share,
        100.0 * low,
        100.0 * high
    );
    for (count, what) in [(tally.hung, "hung"), (tally.crashed, "crashed"), (tally.cut, "were cut off")] {
        if count > 0 {
            line += &format!("; {} others {what}", words::thousands(count));
        }
    }
    line
}
