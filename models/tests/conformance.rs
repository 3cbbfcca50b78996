//! Every engine runs the same core with the same meaning: a table of small programs with all that can come of each, and
//! bugs that each engine must find.

#[path = "conformance/program.rs"]
mod program;

use std::collections::BTreeSet;
use std::time::Duration;

use program::Op::*;
use program::{Op, Program, line};
use turnstile::hub::Design;
use turnstile_models::engine::{End, Ending, Progress, Quest, Report, exhaustive, loom, shuttle, tokio};
use turnstile_models::scenario::{Peers, Scenario};
use turnstile_models::{Limits, Model, Scheduler};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Engine {
    Exhaustive,
    Loom,
    Shuttle(Scheduler),
    Tokio,
}

const ENGINES: [Engine; 6] = [
    Engine::Exhaustive,
    Engine::Loom,
    Engine::Shuttle(Scheduler::Random),
    Engine::Shuttle(Scheduler::Pct(3)),
    Engine::Shuttle(Scheduler::Urw),
    Engine::Tokio,
];

fn limits(schedules: u64) -> Limits {
    Limits { budget: Duration::from_secs(100), schedules, ..Limits::default() }
}

fn explore<M: Model>(
    engine: Engine,
    model: &M,
    quest: Quest,
    limits: &Limits,
    visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool,
) -> Report {
    let quiet: &dyn Progress = &();
    match engine {
        Engine::Exhaustive => exhaustive::explore(model, quest, limits, quiet, visit),
        Engine::Loom => loom::explore(model, quest, limits, quiet, visit),
        Engine::Shuttle(scheduler) => {
            shuttle::explore(model, quest, &Limits { scheduler, ..limits.clone() }, quiet, visit)
        }
        Engine::Tokio => tokio::explore(model, quest, limits, quiet, visit),
    }
}

/// All that an engine saw come of a program.
fn endings(engine: Engine, program: Program, schedules: u64) -> (BTreeSet<String>, Report) {
    let mut seen = BTreeSet::new();
    let report = explore(engine, &program, Quest::Outcomes, &limits(schedules), &mut |ending| {
        seen.insert(line(&ending));
        false
    });
    (seen, report)
}

/// A program, and all that can come of it.
struct Row {
    name: &'static str,
    channels: &'static [usize],
    tasks: &'static [&'static [Op]],
    endings: &'static [&'static str],
}

const TABLE: &[Row] = &[
    Row {
        name: "a buffered channel is first in, first out",
        channels: &[2],
        tasks: &[&[Send(0, 1), Send(0, 2), Send(0, 3)], &[Receive(0), Receive(0), Receive(0)]],
        endings: &["sent sent sent | got-1 got-2 got-3"],
    },
    Row {
        name: "nobody overtakes a sender's own values",
        channels: &[1],
        tasks: &[&[Send(0, 1), Send(0, 2)], &[Send(0, 3)], &[Receive(0), Receive(0), Receive(0)]],
        endings: &[
            "sent sent | sent | got-1 got-2 got-3",
            "sent sent | sent | got-1 got-3 got-2",
            "sent sent | sent | got-3 got-1 got-2",
        ],
    },
    Row {
        name: "a parked sender's value takes the room that a receive makes",
        channels: &[1],
        tasks: &[&[Send(0, 1), Send(0, 2)], &[Receive(0), TrySend(0, 3)]],
        endings: &[
            "sent | got-1 case-0-sent # task 1 waits to send on channel 1 (1/1 full)",
            "sent sent | got-1 default",
        ],
    },
    Row {
        name: "at capacity 0 a send waits for its receiver",
        channels: &[0],
        tasks: &[&[Send(0, 1)], &[Receive(0)]],
        endings: &["sent | got-1"],
    },
    Row {
        name: "at capacity 0 a send without a receiver is stuck",
        channels: &[0],
        tasks: &[&[TryReceive(0), Send(0, 1)]],
        endings: &["default # task 1 waits to send on channel 1 (unbuffered)"],
    },
    Row {
        name: "a closed channel is drained, then ends",
        channels: &[2],
        tasks: &[&[Send(0, 1), Close(0), Close(0)], &[Receive(0), Receive(0), Receive(0)]],
        endings: &["sent closed was-closed | got-1 end end"],
    },
    Row {
        name: "a send on a closed channel crashes",
        channels: &[1],
        tasks: &[&[Close(0)], &[Send(0, 1)]],
        endings: &["closed | sent", "crash: task 2: send on closed channel"],
    },
    Row {
        name: "a parked sender crashes when its channel closes",
        channels: &[0],
        tasks: &[&[Close(0)], &[Send(0, 1)]],
        endings: &["crash: task 2: send on closed channel"],
    },
    Row {
        name: "a select picks each case that is ready",
        channels: &[1, 1],
        tasks: &[&[Send(0, 1), Send(1, 2), SelectReceive(0, 1)]],
        endings: &["sent sent case-0-got-1", "sent sent case-1-got-2"],
    },
    Row {
        name: "a select sends on each channel that has room",
        channels: &[1, 1],
        tasks: &[&[SelectSend(0, 1)]],
        endings: &["case-0-sent", "case-1-sent"],
    },
    Row {
        name: "a parked select is served once",
        channels: &[0, 0],
        tasks: &[&[SelectSend(0, 1)], &[Receive(1), TryReceive(0)]],
        endings: &["case-1-sent | got-2 default"],
    },
    Row {
        name: "a select with a default does not wait",
        channels: &[1],
        tasks: &[&[TryReceive(0)], &[Send(0, 1)]],
        endings: &["case-0-got-1 | sent", "default | sent"],
    },
    Row {
        name: "a lock keeps two tasks apart",
        channels: &[],
        tasks: &[&[Lock(0), Add, Unlock], &[Lock(0), Add, Unlock]],
        endings: &["locked 1 unlocked | locked 2 unlocked", "locked 2 unlocked | locked 1 unlocked"],
    },
    Row {
        name: "a lock passes among three tasks in any order",
        channels: &[],
        tasks: &[&[Lock(0), Add, Unlock], &[Lock(0), Add, Unlock], &[Lock(0), Add, Unlock]],
        endings: &[
            "locked 1 unlocked | locked 2 unlocked | locked 3 unlocked",
            "locked 1 unlocked | locked 3 unlocked | locked 2 unlocked",
            "locked 2 unlocked | locked 1 unlocked | locked 3 unlocked",
            "locked 2 unlocked | locked 3 unlocked | locked 1 unlocked",
            "locked 3 unlocked | locked 1 unlocked | locked 2 unlocked",
            "locked 3 unlocked | locked 2 unlocked | locked 1 unlocked",
        ],
    },
    Row {
        name: "a task that locks twice is stuck",
        channels: &[],
        tasks: &[&[Lock(0), Lock(0)]],
        endings: &["locked # task 1 waits to lock lock 1, which it holds itself"],
    },
    Row {
        name: "a pool gives what was put, or something new",
        channels: &[],
        tasks: &[&[Put, Get]],
        endings: &["put new", "put used"],
    },
    Row {
        name: "a signal is seen by all",
        channels: &[],
        tasks: &[&[Wait], &[Wait, Raise], &[Raise]],
        endings: &["seen | seen raised | raised"],
    },
    Row {
        name: "a send that is dropped while parked leaves no value behind",
        channels: &[0],
        tasks: &[&[SendOrSignal(0, 1), TryReceive(0)], &[Raise]],
        endings: &["gave-up default | raised"],
    },
    Row {
        name: "a lock that is no longer wanted goes to the next in line",
        channels: &[],
        tasks: &[&[Lock(0), Raise, Unlock], &[LockOrSignal(0), Unlock, Lock(0), Unlock]],
        endings: &[
            "locked raised unlocked | gave-up held-nothing locked unlocked",
            "locked raised unlocked | locked unlocked locked unlocked",
        ],
    },
    Row { name: "a choice among 2", channels: &[], tasks: &[&[Choose(2)]], endings: &["0/2", "1/2"] },
    Row { name: "a choice among 3", channels: &[], tasks: &[&[Choose(3)]], endings: &["0/3", "1/3", "2/3"] },
    Row {
        name: "a choice among 4",
        channels: &[],
        tasks: &[&[Choose(4)]],
        endings: &["0/4", "1/4", "2/4", "3/4"],
    },
    Row {
        name: "choices one after the other, by two tasks",
        channels: &[],
        tasks: &[&[Choose(2), Choose(3)], &[Choose(2)]],
        endings: &[
            "0/2 0/3 | 0/2",
            "0/2 0/3 | 1/2",
            "0/2 1/3 | 0/2",
            "0/2 1/3 | 1/2",
            "0/2 2/3 | 0/2",
            "0/2 2/3 | 1/2",
            "1/2 0/3 | 0/2",
            "1/2 0/3 | 1/2",
            "1/2 1/3 | 0/2",
            "1/2 1/3 | 1/2",
            "1/2 2/3 | 0/2",
            "1/2 2/3 | 1/2",
        ],
    },
    Row {
        name: "a choice among more or fewer, as it happens",
        channels: &[],
        tasks: &[&[ChooseMore(2)], &[Add]],
        endings: &["0/2 | 1", "0/3 | 1", "1/2 | 1", "1/3 | 1", "2/3 | 1"],
    },
    Row {
        name: "an update is lost between load and store",
        channels: &[],
        tasks: &[&[Add], &[Add]],
        endings: &["1 | 1", "1 | 2", "2 | 1"],
    },
];

#[test]
fn every_engine_sees_all_that_can_come_of_a_program_and_nothing_else() {
    let mut wrong = Vec::new();
    for row in TABLE {
        let program = Program { channels: row.channels, tasks: row.tasks };
        let expected: BTreeSet<String> = row.endings.iter().map(ToString::to_string).collect();
        for engine in ENGINES {
            let (seen, report) = endings(engine, program, if engine == Engine::Tokio { 200 } else { 3000 });
            let right = match engine {
                Engine::Exhaustive | Engine::Loom => seen == expected && report.complete(),
                Engine::Shuttle(Scheduler::Random) => seen == expected && !report.complete(),
                Engine::Shuttle(_) | Engine::Tokio => {
                    !seen.is_empty() && seen.is_subset(&expected) && !report.complete()
                }
            };
            if !right {
                wrong.push(format!("{}: {engine:?} saw {seen:#?}, {:?}", row.name, report.end));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first thing an engine finds, if it finds any.
fn find<M: Model>(engine: Engine, model: &M, limits: &Limits) -> (Option<Ending<M::Outcome>>, Report) {
    let mut found = None;
    let report = explore(engine, model, Quest::Knots, limits, &mut |ending| {
        found = Some(ending);
        true
    });
    (found, report)
}

#[test]
fn every_engine_finds_two_locks_in_opposite_order() {
    let program = Program {
        channels: &[],
        tasks: &[&[Lock(0), Lock(1), Unlock, Unlock], &[Lock(1), Lock(0), Unlock, Unlock]],
    };
    for engine in ENGINES {
        let (found, report) = find(engine, &program, &limits(10_000));
        let End::Found(finding) = report.end else { panic!("{engine:?}: {:?}", report.end) };
        assert_eq!(
            found.expect("what was found was visited").stuck,
            [
                "task 1 waits to lock lock 2, which task 2 holds",
                "task 2 waits to lock lock 1, which task 1 holds"
            ],
            "{engine:?}"
        );
        assert_eq!(finding.knot.expect("it is a knot").cycle.len(), 2, "{engine:?}");
        assert_eq!(finding.schedule.len(), 4, "{engine:?}");
    }
}

#[test]
fn every_engine_finds_a_crash() {
    let program = Program { channels: &[1], tasks: &[&[Close(0)], &[Send(0, 1)]] };
    for engine in ENGINES {
        let (found, report) = find(engine, &program, &limits(10_000));
        assert!(matches!(report.end, End::Found(_)), "{engine:?}: {:?}", report.end);
        let crashed = found.and_then(|ending| ending.crashed);
        assert_eq!(crashed.as_deref(), Some("task 2: send on closed channel"), "{engine:?}");
    }
}

const DEADLOCK_BESIDE_A_LIVE_TASK: Program = Program {
    channels: &[],
    tasks: &[&[Lock(0), Lock(1), Unlock, Unlock], &[Lock(1), Lock(0), Unlock, Unlock], &[Tick]],
};

#[test]
fn a_deadlock_is_found_while_another_task_lives_for_ever() {
    for engine in ENGINES.into_iter().filter(|engine| *engine != Engine::Exhaustive) {
        let (_, report) = find(engine, &DEADLOCK_BESIDE_A_LIVE_TASK, &limits(200));
        assert!(matches!(report.end, End::Found(_)), "{engine:?}: {:?}", report.end);
    }
}

#[test]
fn a_deadlock_is_found_exhaustively_while_another_task_lives_for_ever() {
    let (_, report) = find(Engine::Exhaustive, &DEADLOCK_BESIDE_A_LIVE_TASK, &limits(200));
    assert!(matches!(report.end, End::Found(_)), "{:?}", report.end);
}

#[test]
fn no_engine_is_sure_of_what_it_had_to_cut_off() {
    let program = Program { channels: &[], tasks: &[&[Lock(0), Unlock], &[Tick]] };
    for engine in ENGINES.into_iter().filter(|engine| *engine != Engine::Exhaustive) {
        let (found, report) = find(engine, &program, &limits(2));
        assert_eq!(found, None, "{engine:?}");
        assert!(
            matches!(&report.end, End::Stopped(why) if why.contains("more than")),
            "{engine:?}: {:?}",
            report.end
        );
    }
}

#[test]
fn the_hub_of_two_logins_hangs_on_every_engine() {
    for engine in ENGINES {
        let scenario = Scenario { one_peer_task: engine == Engine::Loom, ..Scenario::default() };
        let (found, report) = find(engine, &scenario, &limits(100_000));
        assert!(matches!(report.end, End::Found(_)), "{engine:?}: {:?}", report.end);
        let stuck = found.expect("what was found was visited").stuck;
        // It waits for itself; or for the lock of a connection, which waits for the hub with it held.
        let hub = [
            "hub waits to send on unregister (1/1 full), which only hub drains",
            "hub waits to lock w of connection 1, which connection 1 holds",
            "hub waits to lock w of connection 2, which connection 2 holds",
        ];
        assert!(stuck.iter().any(|s| hub.contains(&s.as_str())), "{engine:?}: {stuck:?}");
    }
}

#[test]
fn split_loops_hang_on_no_engine() {
    let scenario = Scenario { design: Design::SplitLoops, peers: Peers::Stay, ..Scenario::default() };
    for engine in ENGINES {
        let limits = Limits { bound: (engine == Engine::Loom).then_some(2), ..limits(2_000) };
        let (found, report) = find(engine, &scenario, &limits);
        assert_eq!(found, None, "{engine:?}");
        match engine {
            Engine::Exhaustive => assert!(report.complete(), "{:?}", report.end),
            Engine::Loom => {
                assert!(matches!(report.end, End::Exhausted) && !report.complete(), "{:?}", report.end)
            }
            _ => assert!(matches!(report.end, End::Stopped(_)), "{engine:?}: {:?}", report.end),
        }
    }
}
