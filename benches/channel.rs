//! What the core's channel costs on tokio, beside tokio's own.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turnstile::gateway::runtime::{Probe, Tokio};
use turnstile::gateway::watch::Live;
use turnstile::sync::{Channel, Channels, Spec};
use turnstile::{Name, Task};

const VALUES: u64 = 10_000;

/// One task sends numbers to another, which adds them up.
async fn numbers<P: Probe>(tokio: &tokio::runtime::Runtime, probe: P) -> u64 {
    let runtime = Tokio::new(tokio.handle().clone(), probe);
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
    end.await.expect("it is sent")
}

/// The same load for all: one task sends numbers to another through a channel of 1000.
fn channel_on_tokio(c: &mut Criterion) {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("tokio starts");
    let mut group = c.benchmark_group("channel on tokio");
    group.throughput(Throughput::Elements(VALUES));
    group.sample_size(20);
    group.bench_function("turnstile", |b| b.iter(|| black_box(tokio.block_on(numbers(&tokio, ())))));
    // As a gateway runs it: with the probe that knows who waits.
    group.bench_function("turnstile, watched", |b| {
        let live = Live::default();
        b.iter(|| black_box(tokio.block_on(numbers(&tokio, live.clone()))));
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

criterion_group!(benches, channel_on_tokio);
criterion_main!(benches);
