//! `lab schedulers`: how many schedules each of shuttle's schedulers needs to find the deadlock.

use std::time::Instant;

use serde_json::{Value, json};
use turnstile_models::engine::{Quest, shuttle};
use turnstile_models::scenario::Scenario;
use turnstile_models::{Limits, Scheduler};

use crate::args;
use crate::bar::Bar;
use crate::output::Out;
use crate::words;

pub(crate) fn run(out: &mut Out, args: &args::Schedulers) -> Result<u8, String> {
    let scenario =
        Scenario { users: args.users, logins: args.logins, capacity: args.capacity, ..Scenario::default() };
    scenario.validate()?;
    let mut rows = Vec::new();
    for scheduler in [Scheduler::Random, Scheduler::Pct(2), Scheduler::Pct(3), Scheduler::Pct(5), Scheduler::Urw] {
        let bar = Bar::new(format!("{scheduler}"), args.json);
        let began = Instant::now();
        let (mut needed, mut all) = (Vec::new(), 0);
        for seed in 1..=args.seeds {
            let limits =
                Limits { scheduler, seed, schedules: args.schedules, threads: 1, ..Limits::default() };
            let mut found = false;
            let report = shuttle::explore(&scenario, Quest::Knots, &limits, &bar, &mut |_| {
                found = true;
                true
            });
            let schedules = report.effort.schedules.unwrap_or(0);
            all += schedules;
            needed.push(if found { schedules } else { u64::MAX });
        }
        needed.sort_unstable();
        let rate = all as f64 / began.elapsed().as_secs_f64();
        rows.push((scheduler, needed, rate));
    }
    let median = |needed: &[u64]| needed[needed.len() / 2];
    if args.json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(scheduler, needed, rate)| {
                let found = needed.iter().filter(|n| **n != u64::MAX).count();
                let median = (median(needed) != u64::MAX).then(|| median(needed));
                json!({ "scheduler": scheduler.to_string(), "seeds": needed.len(), "found": found,
                        "median_schedules": median, "schedules_per_second": rate })
            })
            .collect();
        out.json(&json!({ "world": words::world(&scenario), "schedulers": rows }));
        return Ok(0);
    }
    out.line(&words::world(&scenario));
    out.line("");
    out.line("| scheduler | found | median schedules | most | schedules/s |");
    out.line("|---|---|---|---|---|");
    for (scheduler, needed, rate) in rows {
        let found = needed.iter().filter(|n| **n != u64::MAX).count();
        let say = |n: u64| if n == u64::MAX { format!("> {}", args.schedules) } else { words::thousands(n) };
        out.line(&format!(
            "| {scheduler} | {found} of {} | {} | {} | {} |",
            needed.len(),
            say(median(&needed)),
            say(*needed.last().expect("there is a seed")),
            words::thousands(rate as u64)
        ));
    }
    Ok(0)
}
