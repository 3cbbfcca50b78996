//! What the engines say of the designs, and that each counterexample can be seen again.

use std::time::Duration;

use turnstile::hub::{Design, Version};
use turnstile_models::scenario::{Peers, Scenario};
use turnstile_models::{Engine, Limits, Property, Scheduler, Verdict, check, key, replay, shrink};

fn ask(scenario: &Scenario, property: Property, engine: Engine, limits: &Limits) -> Verdict {
    check(scenario, property, engine, limits, &()).unwrap()
}

fn exhaustive(scenario: &Scenario, property: Property) -> Verdict {
    ask(scenario, property, Engine::Exhaustive, &Limits::default())
}

fn single(logins: u32, capacity: u32) -> Scenario {
    Scenario { logins, capacity, ..Scenario::default() }
}

fn split(logins: u32, capacity: u32) -> Scenario {
    Scenario { design: Design::SplitLoops, ..single(logins, capacity) }
}

#[test]
fn the_single_select_hub_waits_for_itself() {
    let verdict = exhaustive(&single(2, 1), Property::NoDeadlock);
    let counterexample = verdict.counterexample().expect("it hangs");
    let cycle: Vec<String> =
        counterexample.knot.as_ref().unwrap().cycle.iter().map(ToString::to_string).collect();
    assert_eq!(cycle, ["hub waits to send on unregister (1/1 full), which only hub drains"]);
    assert!(counterexample.shortest);
}

#[test]
fn the_shortest_way_into_the_hang_has_a_known_length() {
    // Length of the shortest counterexample, by logins and capacity; the same with and without symmetry.
    for (logins, capacity, steps) in [(2, 0, 17), (2, 1, 22), (2, 2, 27), (3, 1, 22), (3, 2, 27)] {
        for symmetry in [true, false] {
            let limits = Limits { symmetry, ..Limits::default() };
            let verdict = ask(&single(logins, capacity), Property::NoDeadlock, Engine::Exhaustive, &limits);
            let found = verdict
                .counterexample()
                .unwrap_or_else(|| panic!("{logins} logins, capacity {capacity} hang"));
            assert_eq!(
                found.schedule.len(),
                steps,
                "{logins} logins, capacity {capacity}, symmetry {symmetry}"
            );
        }
    }
}

#[test]
fn the_split_hub_cannot_hang() {
    for scenario in [split(2, 0), split(2, 1), split(2, 2), Scenario { users: 2, logins: 1, ..split(1, 1) }] {
        let verdict = exhaustive(&scenario, Property::NoDeadlock);
        assert!(verdict.complete(), "{scenario:?}: {verdict:?}");
    }
    let shared = Scenario { design: Design::SplitLoopsShared, ..split(2, 1) };
    assert!(exhaustive(&shared, Property::NoDeadlock).complete());
}

#[test]
fn what_the_split_hub_cannot_mend_is_the_pool() {
    // The shortest hang of the split hub that an exhaustive search of 2 users x 2 logins came to: a stale reader locks the
    // lock of one connection and unlocks that of another.
    let key = "ts2aeaaeaicaiaqaaqfaaaqaaabauaacbiaaiaqaaaaaabaiaijaeaaabybaaaqgaijaaaaaaqdaaaaaaadamaaeayaaacaaaadaaaqcaaaaiaqsaqjaaaaeaabaqaaaaaaaacaaahtvzmg2";
    let (scenario, property, schedule) = key::read(key).unwrap();
    assert_eq!((scenario.design, scenario.users, scenario.logins), (Design::SplitLoops, 2, 2));
    let hang = replay(&scenario, property, &schedule).unwrap();
    assert_eq!(hang.trace.steps.len(), 53);
    let cycle: Vec<String> = hang.knot.unwrap().cycle.iter().map(ToString::to_string).collect();
    assert_eq!(cycle, ["register loop waits to lock w of connection 2, which connection 3 holds"]);

    // With three connections the same mistake breaks the program; with an object for each connection it does neither.
    let crash = exhaustive(&split(3, 1), Property::NoCrash);
    let crash = crash.counterexample().expect("it breaks");
    assert_eq!(crash.schedule.len(), 22);
    assert!(crash.broken.ends_with("unlock of unlocked mutex"), "{}", crash.broken);
    let unpooled = Scenario { version: Version::V3_5_1Unpooled, ..split(2, 1) };
    for property in [Property::NoDeadlock, Property::NoCrash] {
        assert!(exhaustive(&unpooled, property).complete());
    }
}

#[test]
fn symmetry_leaves_out_only_what_is_equal() {
    let states = |symmetry| {
        let limits = Limits { symmetry, ..Limits::default() };
        let verdict = ask(&split(2, 1), Property::NoDeadlock, Engine::Exhaustive, &limits);
        assert!(verdict.complete());
        verdict.search().effort.states.unwrap()
    };
    let (some, all) = (states(true), states(false));
    assert!(some < all && all <= 2 * some, "two equal logins: {some} states stand for {all}");
}

#[test]
fn the_split_hub_still_gets_things_wrong() {
    let scenario = split(2, 1);
    for (property, fails) in [
        (Property::NoGhost, true),
        (Property::NoLostSession, true),
        (Property::Counters, true),
        (Property::PolicyHolds, false),
    ] {
        let verdict = exhaustive(&scenario, property);
        assert_eq!(verdict.counterexample().is_some(), fails, "{}: {verdict:?}", property.name());
        assert!(fails || verdict.complete());
    }
}

#[test]
fn all_engines_agree_on_small_worlds() {
    for scenario in [single(2, 1), split(2, 1)] {
        let scenario = Scenario {
            peers: if scenario.design == Design::SplitLoops { Peers::Stay } else { Peers::Leave },
            ..scenario
        };
        let truth = exhaustive(&scenario, Property::NoDeadlock);
        assert!(!matches!(truth, Verdict::Unknown(..)));
        let hangs = truth.counterexample().is_some();
        for engine in [Engine::Loom, Engine::Shuttle, Engine::Tokio] {
            let limits = Limits {
                budget: Duration::from_secs(20),
                bound: (engine == Engine::Loom).then_some(2),
                schedules: 3_000,
                ..Limits::default()
            };
            let verdict = ask(&scenario, Property::NoDeadlock, engine, &limits);
            assert_eq!(verdict.counterexample().is_some(), hangs, "{}: {verdict:?}", engine.name());
            // Who only samples never says that it holds, and who is bounded says so.
            assert!(!verdict.complete(), "{}", engine.name());
        }
    }
}

#[test]
fn every_counterexample_can_be_seen_again() {
    let limits = Limits { schedules: 50_000, ..Limits::default() };
    for (engine, scenario, property) in [
        (Engine::Exhaustive, single(2, 1), Property::NoDeadlock),
        (Engine::Exhaustive, split(2, 1), Property::NoGhost),
        (Engine::Exhaustive, split(2, 1), Property::NoLostSession),
        (Engine::Shuttle, Scenario { users: 2, logins: 3, ..single(3, 2) }, Property::NoDeadlock),
        (Engine::Tokio, single(2, 1), Property::NoDeadlock),
        (Engine::Loom, single(2, 1), Property::NoDeadlock),
    ] {
        // What tokio records of its steps is best effort: some runs do not come out in the same order again.
        let mut verdicts = (0..10).map(|_| ask(&scenario, property, engine, &limits));
        let verdict = verdicts.find(|v| v.counterexample().is_some_and(|c| !c.key.is_empty()));
        let verdict = verdict.unwrap_or_else(|| panic!("{} finds what can be replayed", engine.name()));
        let found = verdict.counterexample().expect("it was looked for");
        let (scenario, asked, schedule) = key::read(&found.key).unwrap();
        assert_eq!((scenario, asked), (found.scenario, property));
        let again = replay(&scenario, property, &schedule).unwrap();
        assert_eq!(
            (again.trace, again.knot, again.broken),
            (found.trace.clone(), found.knot.clone(), found.broken.clone())
        );
    }
}

#[test]
fn shrinking_leaves_less_and_it_still_breaks() {
    let scenario = Scenario { users: 3, logins: 3, ..single(3, 1) };
    let limits = Limits { scheduler: Scheduler::Random, threads: 1, ..Limits::default() };
    let mut found = None;
    let report = turnstile_models::engine::shuttle::explore(
        &scenario,
        turnstile_models::engine::Quest::Knots,
        &limits,
        &(),
        &mut |_| true,
    );
    if let turnstile_models::engine::End::Found(finding) = report.end {
        found = Some(finding.schedule);
    }
    let long = found.expect("shuttle finds it");
    let (small, short) = shrink(&scenario, Property::NoDeadlock, &long, Duration::from_secs(20)).unwrap();
    assert!(small.connections() <= 4, "{small:?}");
    assert!(short.switches() < long.switches(), "{} switches of {}", short.switches(), long.switches());
    replay(&small, Property::NoDeadlock, &short).unwrap();
}

#[test]
fn a_search_that_was_cut_short_says_so() {
    for limits in [
        Limits { budget: Duration::from_millis(1), ..Limits::default() },
        Limits { memory: 1 << 10, ..Limits::default() },
    ] {
        let verdict = ask(&split(3, 1), Property::NoDeadlock, Engine::Exhaustive, &limits);
        assert!(matches!(verdict, Verdict::Unknown(..)), "{verdict:?}");
    }
}

#[test]
fn a_damaged_key_is_refused() {
    let verdict = exhaustive(&single(2, 1), Property::NoDeadlock);
    let key = &verdict.counterexample().unwrap().key;
    for at in 3..key.len() {
        let mut bytes = key.clone().into_bytes();
        bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
        let damaged = String::from_utf8(bytes).unwrap();
        assert!(key::read(&damaged).is_err(), "{damaged}");
    }
    for cut in 0..key.len() {
        assert!(key::read(&key[..cut]).is_err(), "{}", &key[..cut]);
    }
}

#[test]
fn impossible_worlds_are_refused() {
    for scenario in [
        single(0, 1),
        Scenario { users: 0, ..single(2, 1) },
        single(2, 1_000_000),
        Scenario { users: 9_999, ..single(9_999, 1) },
    ] {
        assert!(check(&scenario, Property::NoDeadlock, Engine::Exhaustive, &Limits::default(), &()).is_err());
    }
    let many = check(&single(6, 1), Property::NoDeadlock, Engine::Loom, &Limits::default(), &());
    assert!(many.unwrap_err().contains("loom has 5 threads"));
}
