//! How fast the engines are, and what the core's channel costs on tokio beside tokio's own.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turnstile::gateway::runtime::Tokio;
use turnstile::hub::Design;
use turnstile::sync::{Channel, Channels, Spec};
use turnstile::{Name, Task};
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

/// The same load for both: one task sends numbers to another through a channel of 1000.
fn channel_on_tokio(c: &mut Criterion) {
    const VALUES: u64 = 10_000;
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("tokio starts");
    let mut group = c.benchmark_group("channel on tokio");
    group.throughput(Throughput::Elements(VALUES));
    group.sample_size(20);
    group.bench_function("turnstile", |b| {
        b.iter(|| {
            let runtime = Tokio::new(tokio.handle().clone(), ());
            let spec = Spec::new(Name::one("numbers"), 1000);
            let numbers: Channels<_, u64> = Channels::new(&runtime, Name::one("channels"), [spec]);
            let (done, end) = tokio::sync::oneshot::channel();
            let inbox = numbers.clone();
            Task::spawn(&runtime, Name::one("receiver"), async move |me| {
                let mut sum = 0;
                while let Some(n) = inbox.receive(&me, Channel(0)).await {
                    sum += n;
                }
                done.send(sum).expect("it is waited for");
            });
            Task::spawn(&runtime, Name::one("sender"), async move |me| {
                for n in 0..VALUES {
                    numbers.send(&me, Channel(0), n).await.expect("nobody has closed it");
                }
                numbers.close(&me, Channel(0)).await.expect("nobody has closed it");
            });
            black_box(tokio.block_on(end))
        });
    });
    group.bench_function("tokio mpsc", |b| {
        b.iter(|| {
            let (send, mut receive) = tokio::sync::mpsc::channel(1000);
            let (done, end) = tokio::sync::oneshot::channel();
            tokio.spawn(async move {
                let mut sum = 0;
                while let Some(n) = receive.recv().await {
                    sum += n;
                }
                done.send(sum).expect("it is waited for");
            });
            tokio.spawn(async move {
                for n in 0..VALUES {
                    send.send(n).await.expect("it is received");
                }
            });
            black_box(tokio.block_on(end))
        });
    });
    group.finish();
}

criterion_group!(benches, exhaustive_search, sampled_and_bounded, channel_on_tokio);
criterion_main!(benches);
