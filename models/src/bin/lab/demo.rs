//! `lab` alone: the whole story in a minute.

use std::time::{Duration, Instant};

use turnstile::hub::Design;
use turnstile_models::scenario::{Peers, Scenario};
use turnstile_models::{Engine, Limits, Property, Verdict, check, key, replay};

use crate::bar::Bar;
use crate::output::Out;
use crate::words;

/// What `lab check --design split-loops --users 2 --logins 2 --budget 300` comes to.
const POOL_HANG: &str = "ts2aeaaeaicaiaqaaqfaaaqaaabauaacbiaaiaqaaaaaabaiaijaeaaabybaaaqgaijaaaaaaqdaaaaaaadamaaeayaaacaaaadaaaqcaaaaiaqsaqjaaaaeaabaqaaaaaaaacaaahtvzmg2";

/// Exit code 0 if everything came out as the story says, 1 if not.
pub(crate) fn run(out: &mut Out) -> Result<u8, String> {
    let began = Instant::now();
    let mut as_told = true;
    let incident = Scenario::default();

    out.heading("1. OpenIM's hub, at small size, on each engine");
    out.line("   One loop takes from register and from unregister. Two logins of one user; channels hold 1.");
    out.line("");
    let mut shortest = None;
    for engine in Engine::ALL {
        let limits = Limits { budget: Duration::from_secs(20), ..Limits::default() };
        let verdict = ask(&incident, engine, &limits)?;
        as_told &= verdict.counterexample().is_some();
        row(out, &verdict);
        if engine == Engine::Exhaustive {
            shortest = verdict.counterexample().cloned();
        }
    }
    out.line("");
    if let Some(counterexample) = &shortest {
        out.counterexample(counterexample, None);
    }

    out.line("");
    out.heading("2. The post's fix: a loop for each channel");
    out.line("");
    let split = Scenario { design: Design::SplitLoops, ..incident };
    let three = Scenario { logins: 3, ..split };
    let stay = Scenario { peers: Peers::Stay, ..split };
    for (scenario, engine) in
        [(three, Engine::Exhaustive), (stay, Engine::Loom), (split, Engine::Shuttle), (split, Engine::Tokio)]
    {
        let seconds = if engine == Engine::Exhaustive { 30 } else { 5 };
        let limits = Limits {
            budget: Duration::from_secs(seconds),
            schedules: 5_000,
            bound: (engine == Engine::Loom).then_some(2),
            ..Limits::default()
        };
        let verdict = ask(&scenario, engine, &limits)?;
        as_told &= verdict.counterexample().is_none();
        as_told &= engine != Engine::Exhaustive || verdict.complete();
        row(out, &verdict);
    }
    out.line("");
    out.line("In these worlds it cannot hang. Its other properties, with 2 logins, and 3 for no-crash:");
    out.line("");
    for property in [
        Property::NoCrash,
        Property::NoGhost,
        Property::NoLostSession,
        Property::PolicyHolds,
        Property::Counters,
    ] {
        let bar = Bar::new(property.name().to_owned(), false);
        let limits = Limits { budget: Duration::from_secs(10), ..Limits::default() };
        let world = if property == Property::NoCrash { three } else { split };
        let verdict = check(&world, property, Engine::Exhaustive, &limits, &bar)?;
        drop(bar);
        let broken = verdict.counterexample().map_or("", |c| c.broken.as_str());
        out.line(&format!("   {:<16} {:<8} {broken}", property.name(), verdict.name()));
    }

    out.line("");
    out.line("What is left is the pool of client objects. At 2 users x 2 logins a late reader locks one connection and unlocks");
    out.line("another, after which a loop waits for ever: found by an exhaustive search of a minute or two, replayed here.");
    let (world, property, schedule) = key::read(POOL_HANG)?;
    let hang = replay(&world, property, &schedule)?;
    for edge in hang.knot.iter().flat_map(|k| &k.cycle) {
        out.line(&format!("   after {} steps {edge}", hang.trace.steps.len()));
    }
    out.line("With an object for each connection the fix holds there too: --version v3.5.1-unpooled, see docs/MODEL.md.");

    out.line("");
    out.heading("3. The incident at its own size: 100 accounts, channels of 1000");
    out.line("");
    let own = Scenario { users: 100, logins: 12, capacity: 1000, ..incident };
    let verdict =
        ask(&own, Engine::Shuttle, &Limits { budget: Duration::from_secs(60), ..Limits::default() })?;
    as_told &= verdict.counterexample().is_some();
    out.verdict(&verdict);
    if let Some(counterexample) = verdict.counterexample() {
        out.line("");
        out.counterexample(counterexample, None);
    }
    out.line("");
    out.aside(&format!(
        "All of it in {}. On from here: lab --help, lab list, lab check --help",
        words::time(began.elapsed())
    ));
    Ok(u8::from(!as_told))
}

fn ask(scenario: &Scenario, engine: Engine, limits: &Limits) -> Result<Verdict, String> {
    let bar = Bar::new(format!("{} {}", engine.name(), words::world(scenario)), false);
    check(scenario, Property::NoDeadlock, engine, limits, &bar)
}

/// An engine's answer in a row.
fn row(out: &mut Out, verdict: &Verdict) {
    let answer = match verdict {
        Verdict::Holds(search) => match &search.bound {
            None => "holds, complete".to_owned(),
            Some(bound) => format!("holds within {bound}"),
        },
        Verdict::Fails(_, c) => {
            let how = if c.shortest { "none is shorter" } else { "once shrunk" };
            format!("fails in {} steps, {how}", c.schedule.len())
        }
        Verdict::Unknown(_, why) => format!("unknown, after {why}"),
    };
    let search = verdict.search();
    let world = format!("{} logins, peers {}", search.scenario.logins, search.scenario.peers.name());
    out.line(&format!("   {:<11} {world:<22} {answer}", search.engine.name()));
    out.aside(&format!("   {:<11} {:<22} {}", "", "", words::effort(&search.effort)));
}
