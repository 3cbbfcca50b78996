//! Exercise 4: a ghost, and how order keeps it away.

use std::collections::BTreeSet;

use turnstile_models::prelude::*;

// ANCHOR: model
/// A registry that is told of each connection's beginning and end: on two channels, or both on one.
#[derive(Clone, Copy)]
struct Registry {
    channels: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum News {
    Came(u32),
    Went(u32),
}

impl Model for Registry {
    type World<R: Runtime> = Shared<R, BTreeSet<u32>>;
    type Outcome = BTreeSet<u32>;

    fn start<R: Runtime>(&self, runtime: &R) -> Self::World<R> {
        let (registry, both) = (Name::one("registry"), self.channels);
        let names = [Name::one("came"), Name::one("went")];
        let specs = names.map(|name| Spec::new(name, 2).drained_by([registry]));
        let news = Channels::new(runtime, Name::one("news"), specs.into_iter().take(both));
        let table = Shared::new(runtime, Name::one("table"), BTreeSet::new());
        for n in 1..=2 {
            let news = news.clone();
            Task::spawn(runtime, Name::of("connection", n), async move |me| {
                news.send(&me, Channel(0), News::Came(n)).await.expect("never closed");
                news.send(&me, Channel(both - 1), News::Went(n)).await.expect("never closed");
            });
        }
        let online = table.clone();
        Task::spawn(runtime, registry, async move |me| {
            loop {
                me.rest();
                let chosen = news.select(&me, (0..both).map(Case::Receive).collect()).await;
                match chosen {
                    Chosen::Received { value: Some(News::Came(n)), .. } => {
                        online.write(|table| _ = table.insert(n))
                    }
                    Chosen::Received { value: Some(News::Went(n)), .. } => {
                        online.write(|table| _ = table.remove(&n))
                    }
                    _ => unreachable!("never closed"),
                }
            }
        });
        table
    }

    fn look<R: Runtime>(&self, table: &Self::World<R>) -> BTreeSet<u32> {
        table.peek(BTreeSet::clone)
    }
}
// ANCHOR_END: model

// ANCHOR: check
fn check(channels: usize) -> Check<Registry> {
    Check::of(Registry { channels }).at_rest("whoever went is in no table", BTreeSet::is_empty)
}

#[test]
fn the_end_of_a_connection_can_overtake_its_beginning() {
    let failure = check(2).run().unwrap_fails();
    assert_eq!(failure.knot, None, "nobody hangs: that is what makes it hard to see");
    assert!(failure.broken.starts_with("at rest, not so: whoever went is in no table"), "{}", failure.broken);
}

#[test]
fn what_comes_by_one_channel_stays_in_order() {
    check(1).run().unwrap_holds();
}
// ANCHOR_END: check
