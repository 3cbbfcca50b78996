//! The library for others: its example, what it says of broken models, and that every engine says the same.

#[path = "../examples/broker.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is a program of its own")]
mod broker;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use broker::{Broker, check, report};
use turnstile_models::play;
use turnstile_models::prelude::*;

const HANGS: Broker = Broker { jobs: 3, selects: false };
const FITS: Broker = Broker { jobs: 2, selects: false };
const MENDED: Broker = Broker { jobs: 3, selects: true };

#[test]
fn the_example_says_what_it_is_said_to_say() {
    let said: String = [HANGS, MENDED].map(report).concat();
    let expected = include_str!("data/broker.txt");
    assert_eq!(said, expected, "if it is right, write it to models/tests/data/broker.txt:\n{said}");
}

#[test]
fn the_hang_of_the_example_is_a_circle_of_broker_and_client() {
    let failure = check(HANGS).run().unwrap_fails();
    let cycle: Vec<String> =
        failure.knot.iter().flat_map(|knot| &knot.cycle).map(ToString::to_string).collect();
    assert_eq!(cycle.len(), 2, "{cycle:?}");
    assert!(failure.shortest && failure.lasso.is_none());
    let again = play(&HANGS, &failure.schedule).unwrap();
    assert_eq!((again.trace, again.graph), (failure.trace.clone(), failure.graph.clone()));
    assert!(failure.svg().contains("Deadlock: broker and client"), "the picture says so, too");
    // With a job less there is room for all that is under way.
    check(FITS).run().unwrap_holds();
}

#[test]
fn every_engine_says_the_same_of_the_example() {
    for engine in Engine::ALL {
        let limits = Limits {
            budget: Duration::from_secs(60),
            bound: (engine == Engine::Loom).then_some(1),
            schedules: 2_000,
            ..Limits::default()
        };
        let ask = |broker| check(broker).engine(engine).limits(limits.clone()).run();
        let failure = ask(HANGS).unwrap_fails();
        assert_eq!(failure.claim, "no task waits for ever", "{}", engine.name());
        let verdict = ask(FITS);
        assert!(verdict.counterexample().is_none(), "{}: {verdict}", engine.name());
        let samples = matches!(engine, Engine::Shuttle | Engine::Tokio);
        assert_eq!(verdict.name(), if samples { "unknown" } else { "holds" }, "{verdict}");
    }
}

/// A model that breaks in one way, or in none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Breaks {
    Nothing,
    Program,
    Rule,
    Claim,
    Forever,
}

impl Model for Breaks {
    type World<R: Runtime> = Shared<R, u32>;
    type Outcome = u32;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let (seen, how) = (Shared::new(runtime, Name::one("seen"), 0), *self);
        let mine = seen.clone();
        Task::spawn(runtime, Name::one("task"), async move |me| {
            mine.step(&me, "begin", |seen| *seen = 1).await;
            me.turn().await;
            match how {
                Breaks::Nothing => mine.with(|seen| *seen = 2),
                Breaks::Program => me.runtime.crash(me.name, "division by zero"),
                Breaks::Rule => me.breach("no odd steps", || "this step is odd".to_owned()),
                Breaks::Claim => mine.with(|seen| *seen = 3),
                Breaks::Forever => loop {
                    me.rest();
                    mine.step(&me, "go round", |seen| *seen = if *seen == 4 { 5 } else { 4 }).await;
                },
            }
        });
        seen
    }

    fn look<R: Runtime>(&self, seen: &Shared<R, u32>) -> u32 {
        seen.peek(|seen| *seen)
    }
}

fn two(how: Breaks) -> Check<Breaks> {
    Check::of(how).at_rest("two is seen", |seen| *seen == 2)
}

#[test]
fn each_way_to_break_is_found_and_said() {
    for (how, broken) in [
        (Breaks::Program, "the program breaks: task: division by zero"),
        (Breaks::Rule, "this step is odd"),
        (Breaks::Claim, "at rest, not so: two is seen; there is 3"),
    ] {
        for engine in [Engine::Exhaustive, Engine::Loom, Engine::Shuttle] {
            let limits = Limits { schedules: 50, ..Limits::default() };
            let failure = two(how).engine(engine).limits(limits).run().unwrap_fails();
            assert_eq!((failure.broken.as_str(), failure.schedule.len()), (broken, 2), "{}", engine.name());
        }
    }
    assert_eq!(two(Breaks::Nothing).run().unwrap_holds().effort.states, Some(3));
}

#[test]
fn what_goes_round_is_judged_where_it_comes_back_to() {
    // Four and five are seen in turn, for ever.
    let five = |seen: &u32| *seen == 5;
    let failure = Check::of(Breaks::Forever).at_rest("five is seen", five).run().unwrap_fails();
    assert!(failure.lasso.is_some() && !failure.shortest, "{failure:?}");
    Check::of(Breaks::Forever).in_the_end("five is seen", five).run().unwrap_holds();
    let never = Check::of(Breaks::Forever).in_the_end("two is seen", |seen| *seen == 2).run().unwrap_fails();
    assert!(never.broken.starts_with("in the end, not so: two is seen"), "{}", never.broken);
}

fn panic_of(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("it panics");
    *panic.downcast::<String>().expect("in words")
}

#[test]
fn a_test_that_fails_tells_the_whole_story() {
    let said = panic_of(|| {
        check(HANGS).run().unwrap_holds();
    });
    for part in
        ["Broker fails: ", "no schedule is shorter", "send on inbox", "which only broker drains", "for ever"]
    {
        assert!(said.contains(part), "no «{part}» in:\n{said}");
    }
    let said = panic_of(|| {
        check(MENDED).called("the mended one").run().unwrap_fails();
    });
    assert!(said.starts_with("the mended one holds: exhaustive searched every interleaving"), "{said}");
}

#[test]
fn a_search_that_was_cut_short_does_not_hold() {
    let limits = Limits { memory: 1 << 10, ..Limits::default() };
    let said = panic_of(|| {
        check(MENDED).limits(limits).run().unwrap_holds();
    });
    assert!(said.starts_with("Broker is unknown: nothing that exhaustive saw breaks it, but "), "{said}");
}
