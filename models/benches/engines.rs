//! How fast the engines are.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turnstile::hub::Design;
use turnstile_models::engine::{Quest, exhaustive, loom, shuttle};
use turnstile_models::scenario::{Peers, Scenario};
use turnstile_models::{Engine, Limits, Property, check};

fn split() -> Scenario {
    Scenario { design: Design::SplitLoops, ..Scenario::default() }
}

fn exhaustive_search(c: &mut Criterion) {
    let mut group = c.benchmark_group("exhaustive");
    group.sample_size(10);
    for (name, scenario) in [
        ("shortest hang, 2 logins, capacity 1", Scenario::default()),
        ("shortest hang, 3 logins, capacity 2", Scenario { logins: 3, capacity: 2, ..Scenario::default() }),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let verdict =
                    check(&scenario, Property::NoDeadlock, Engine::Exhaustive, &Limits::default(), &());
                assert!(verdict.unwrap().counterexample().is_some());
            });
        });
    }
    for (name, symmetry) in [("split loops, 2 logins", true), ("split loops, 2 logins, no symmetry", false)] {
        let limits = Limits { symmetry, ..Limits::default() };
        let run = || exhaustive::explore(&split(), Quest::Knots, &limits, &(), &mut |_| false);
        group.throughput(Throughput::Elements(run().effort.states.expect("it counts states")));
        group.bench_function(name, |b| b.iter(|| assert!(run().complete())));
    }
    group.finish();
}

fn sampled_and_bounded(c: &mut Criterion) {
    let mut group = c.benchmark_group("interleavings");
    group.sample_size(10);
    let limits = Limits { schedules: 500, threads: 1, ..Limits::default() };
    group.throughput(Throughput::Elements(500));
    let world = Scenario { users: 4, logins: 3, capacity: 4, ..split() };
    group.bench_function("shuttle, split loops, 4 users x 3 logins", |b| {
        b.iter(|| shuttle::explore(&world, Quest::Knots, &limits, &(), &mut |_| false));
    });
    let world = Scenario { peers: Peers::Stay, one_peer_task: true, ..split() };
    let limits = Limits { bound: Some(1), ..Limits::default() };
    let run = || loom::explore(&world, Quest::Knots, &limits, &(), &mut |_| false);
    group.throughput(Throughput::Elements(run().effort.schedules.expect("it counts interleavings")));
    group.bench_function("loom, split loops, 2 logins, 1 preemption", |b| b.iter(run));
    group.finish();
}

criterion_group!(benches, exhaustive_search, sampled_and_bounded);
criterion_main!(benches);
