//! Our channels, selects and mutexes against the real Go runtime: every outcome that Go shows of small random programs
//! is among those that the exhaustive engine finds. `TURNSTILE_GO_SEED` sets the seed of the fresh ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, thread};

use turnstile::sync::Case;
use turnstile_models::Limits;
use turnstile_models::golang::run::{self, Built};
use turnstile_models::golang::{Event, Op, Program, Shown, generate, source};

const FIXED: u64 = 1;
const RUNS: usize = 32;

/// False if there is no Go to check against. That is no success, and in CI it is a failure.
fn go_is_there() -> bool {
    match run::version() {
        Ok(_) => true,
        Err(why) if env::var_os("CI").is_some() => panic!("NOT CHECKED against Go, and this is CI: {why}"),
        Err(why) => {
            eprintln!("\n!!! NOT CHECKED against Go: {why} !!!\n");
            false
        }
    }
}

/// Programs, and what Go showed of each.
struct Batch {
    seed: u64,
    programs: Vec<Program>,
    go: Vec<BTreeSet<Shown>>,
}

impl Batch {
    fn run(seed: u64, count: usize) -> Batch {
        let programs = generate::programs(seed, count);
        let built = run::build(&programs).unwrap_or_else(|why| panic!("{why}"));
        let go = each(count, |index| shows(&built, index, RUNS, seed));
        Batch { seed, programs, go }
    }

    /// The batch that is the same each time.
    fn fixed() -> &'static Batch {
        static BATCH: OnceLock<Batch> = OnceLock::new();
        BATCH.get_or_init(|| Batch::run(FIXED, 200))
    }

    /// What the engine finds of each program, changed by `change`.
    fn ours(&self, change: impl Fn(&Program) -> Program + Sync) -> Vec<BTreeSet<Shown>> {
        each(self.programs.len(), |index| all_of(&change(&self.programs[index])))
    }

    /// The first outcome of Go that is not among ours, in words.
    fn disagreement(&self, ours: &[BTreeSet<Shown>]) -> Option<String> {
        let mut rows = self.programs.iter().zip(&self.go).zip(ours).enumerate();
        rows.find_map(|(index, ((program, go), ours))| {
            let odd = go.difference(ours).next()?;
            let mut out = format!("seed {}, program {index}\n\n{program}\n\n", self.seed);
            let _ = writeln!(out, "Go showed\n    {odd}\nwhich is not among ours:");
            ours.iter().for_each(|shown| {
                let _ = writeln!(out, "    {shown}");
            });
            Some(out + "\nThe program in Go:\n\n" + &source(std::slice::from_ref(program)))
        })
    }
}

fn all_of(program: &Program) -> BTreeSet<Shown> {
    let (outcomes, complete) = program.outcomes(&Limits::default());
    assert!(complete, "not all outcomes were found of\n{program}");
    outcomes
}

fn shows(built: &Built, index: usize, runs: usize, seed: u64) -> BTreeSet<Shown> {
    let shown =
        built.run(index, runs, seed).unwrap_or_else(|why| panic!("program {index} of seed {seed}: {why}"));
    shown.into_iter().collect()
}

/// The results of `work` for 0 to `count`, by two threads.
fn each<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mine =
            std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < count));
        mine.map(|index| (index, work(index))).collect::<Vec<_>>()
    };
    let done: BTreeMap<usize, T> = thread::scope(|scope| {
        let both = [scope.spawn(worker), scope.spawn(worker)];
        both.into_iter()
            .flat_map(|one| one.join().unwrap_or_else(|why| std::panic::resume_unwind(why)))
            .collect()
    });
    done.into_values().collect()
}

/// How many of a program's selects went more than one way in Go after the same log.
fn selects_that_went_several_ways(go: &BTreeSet<Shown>) -> usize {
    let mut ways: BTreeMap<(usize, &[Event]), BTreeSet<Option<usize>>> = BTreeMap::new();
    for shown in go {
        let Shown::Rest(logs) = shown else { continue };
        for (goroutine, log) in logs.iter().enumerate() {
            for (at, event) in log.events.iter().enumerate() {
                let case = match event {
                    Event::Sent { case, .. } | Event::Received { case, .. } => Some(*case),
                    _ => None,
                };
                ways.entry((goroutine, &log.events[..at])).or_default().insert(case);
            }
        }
    }
    ways.values().filter(|ways| ways.len() > 1).count()
}

/// Checks a batch; panics with all that is needed to see why.
fn check(batch: &Batch) {
    let ours = batch.ours(Program::clone);
    if let Some(why) = batch.disagreement(&ours) {
        panic!("Go and we disagree: {why}");
    }
    let all = || batch.go.iter().flatten();
    let deadlocks = all().filter(|shown| shown.is_deadlock()).count();
    let panics = all().filter(|shown| matches!(shown, Shown::Panic(_))).count();
    let selects: usize = batch.go.iter().map(selects_that_went_several_ways).sum();
    let (shown, found) = (all().count(), ours.iter().map(BTreeSet::len).sum::<usize>());
    let whole = batch.go.iter().zip(&ours).filter(|(go, ours)| go == ours).count();
    eprintln!(
        "seed {}: {} programs, {RUNS} runs each: Go showed {shown} of our {found} outcomes ({}%), and all of them for \
         {whole} programs; {deadlocks} deadlocks, {panics} panics, {} orderly ends; {selects} selects went several ways",
        batch.seed,
        batch.programs.len(),
        shown * 100 / found,
        shown - deadlocks - panics,
    );
    assert!(deadlocks > 0, "no deadlock was seen in Go");
    assert!(panics > 0, "no panic was seen in Go");
    assert!(shown > deadlocks + panics, "no orderly end was seen in Go");
    assert!(selects > 0, "no select was seen in Go that went more than one way");
}

#[test]
fn whatever_go_shows_is_among_our_outcomes() {
    if go_is_there() {
        check(Batch::fixed());
    }
}

#[test]
fn whatever_go_shows_of_fresh_programs_is_among_our_outcomes() {
    if !go_is_there() {
        return;
    }
    let seed = match env::var("TURNSTILE_GO_SEED") {
        Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("TURNSTILE_GO_SEED is {seed:?}, not a number")),
        Err(_) => u64::from(fastrand::u32(..)),
    };
    eprintln!("fresh programs: TURNSTILE_GO_SEED={seed}");
    check(&Batch::run(seed, 100));
}

#[test]
fn a_wrong_semantics_is_found_out() {
    if !go_is_there() {
        return;
    }
    type Change = fn(&mut Program);
    let rows: [(&str, Change); 5] = [
        ("channels hold one value more", |p| p.capacities.iter_mut().for_each(|c| *c += 1)),
        ("channels hold nothing", |p| p.capacities.iter_mut().for_each(|c| *c = 0)),
        ("a select looks at its first case only", |p| each_select(p, |cases, _| cases.truncate(1))),
        ("a select never takes its default", |p| each_select(p, |_, default| *default = false)),
        ("a select never waits", |p| each_select(p, |_, default| *default = true)),
    ];
    for (wrong, change) in rows {
        let ours = Batch::fixed().ours(|program| {
            let mut program = program.clone();
            change(&mut program);
            program
        });
        assert!(Batch::fixed().disagreement(&ours).is_some(), "not found out: {wrong}");
    }
}

fn each_select(program: &mut Program, change: impl Fn(&mut Vec<Case<u8>>, &mut bool)) {
    for op in program.goroutines.iter_mut().flatten() {
        if let Op::Select { cases, default } = op {
            change(cases, default);
        }
    }
}

/// Programs with few outcomes that Go shows often: there it must show exactly ours.
#[test]
fn of_tiny_programs_go_shows_just_our_outcomes() {
    if !go_is_there() {
        return;
    }
    let (send, receive) = (|channel, value| Op::Send { channel, value }, Op::Receive);
    let select = |cases: &[Case<u8>]| Op::Select { cases: cases.to_vec(), default: false };
    let program = |capacities: &[usize], mutexes, goroutines: Vec<Vec<Op>>| Program {
        capacities: capacities.to_vec(),
        mutexes,
        goroutines,
    };
    let rows = [
        ("of two ready cases either is taken", 2, {
            let both = select(&[Case::Receive(0), Case::Receive(1)]);
            program(&[1, 1], 0, vec![vec![send(0, 1), send(1, 2), both]])
        }),
        ("of two ready cases on one channel either is taken", 2, {
            program(&[1], 0, vec![vec![send(0, 1), select(&[Case::Receive(0), Case::Receive(0)])]])
        }),
        ("of two waiting cases on one channel either is served", 3, {
            let twice = select(&[Case::Receive(0), Case::Receive(0)]);
            let if_it_waits = Op::Select { cases: vec![Case::Send(0, 1)], default: true };
            program(&[0], 0, vec![vec![twice], vec![if_it_waits]])
        }),
        ("of two waiting sends on one channel either is served", 3, {
            let twice = select(&[Case::Send(0, 1), Case::Send(0, 2)]);
            let if_it_waits = Op::Select { cases: vec![Case::Receive(0)], default: true };
            program(&[0], 0, vec![vec![twice], vec![if_it_waits]])
        }),
        ("a close serves the receive of a select that waits to send, too", 3, {
            let both = select(&[Case::Send(0, 1), Case::Receive(0)]);
            let all = select(&[Case::Receive(0), Case::Receive(1)]);
            program(&[0, 0], 0, vec![vec![both], vec![Op::Close(0)], vec![all]])
        }),
        ("a value that was sent is received after the close", 1, {
            program(&[1], 0, vec![vec![send(0, 1), Op::Close(0), receive(0), receive(0)]])
        }),
        ("values come in order", 1, {
            program(
                &[2],
                0,
                vec![vec![send(0, 1), send(0, 2), send(0, 3)], vec![receive(0), receive(0), receive(0)]],
            )
        }),
        ("a select that could serve itself does not", 1, {
            program(&[0], 0, vec![vec![select(&[Case::Receive(0), Case::Send(0, 1)])]])
        }),
        ("a close twice panics", 1, program(&[0], 0, vec![vec![Op::Close(0), Op::Close(0)]])),
        (
            "a sender that waits panics at the close",
            1,
            program(&[0], 0, vec![vec![send(0, 1)], vec![Op::Close(0)]]),
        ),
        ("a lock is not reentrant", 1, program(&[0], 1, vec![vec![Op::Lock(0), Op::Lock(0)]])),
        ("a lock outlives its goroutine", 2, program(&[0], 1, vec![vec![Op::Lock(0)], vec![Op::Lock(0)]])),
        ("who waits for a lock gets it in the end", 1, {
            // The send is a step of its own, during which the others come to wait.
            let turn = |value| vec![Op::Lock(0), send(0, value), Op::Unlock(0)];
            program(&[3], 1, vec![turn(1), turn(2), turn(3)])
        }),
        ("a read lock does not become a write lock", 1, {
            program(&[], 1, vec![vec![Op::ReadLock(0), Op::WriteLock(0)]])
        }),
        ("a second read waits for itself behind a writer that waits", 2, {
            let reader = vec![Op::ReadLock(0), Op::ReadLock(0), Op::ReadUnlock(0), Op::ReadUnlock(0)];
            program(&[], 1, vec![reader, vec![Op::WriteLock(0), Op::WriteUnlock(0)]])
        }),
        ("readers share", 1, {
            let meet = |op| vec![Op::ReadLock(0), op, Op::ReadUnlock(0)];
            program(&[0], 1, vec![meet(send(0, 1)), meet(receive(0))])
        }),
        ("a writer is alone", 2, {
            let writes = vec![Op::WriteLock(0), send(0, 1), Op::WriteUnlock(0)];
            let reads = vec![Op::ReadLock(0), receive(0), Op::ReadUnlock(0)];
            program(&[0], 1, vec![writes, reads])
        }),
        ("two locks in two orders", 2, {
            let [a, b] = [[0, 1], [1, 0]].map(|[first, then]| {
                vec![Op::Lock(first), Op::Lock(then), Op::Unlock(then), Op::Unlock(first)]
            });
            program(&[], 2, vec![a, b])
        }),
    ];
    let programs: Vec<Program> = rows.iter().map(|(_, _, program)| program.clone()).collect();
    let built = run::build(&programs).unwrap_or_else(|why| panic!("{why}"));
    for (index, (name, count, program)) in rows.iter().enumerate() {
        let (go, ours) = (shows(&built, index, 128, FIXED), all_of(program));
        assert_eq!(go, ours, "{name}:\n{program}");
        assert_eq!(ours.len(), *count, "{name}: {ours:#?}");
    }
}

/// What docs/MODEL.md says of `close` rests on this: the lock to free is read through the object when the unlock is deferred.
#[test]
fn a_deferred_unlock_is_of_the_lock_that_the_field_has_by_then() {
    if !go_is_there() {
        return;
    }
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/deferred.go");
    let out = std::process::Command::new("go").args(["run", source]).output().expect("go runs");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success() && said.contains("unlock of unlocked mutex"), "{said}");
}
