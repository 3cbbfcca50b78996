//! Exercise 2: three ways to mend the room.

use turnstile_models::prelude::*;

/// What the room's loop is told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Event {
    Join(u32),
    Leave(u32),
}

/// How the one before is sent away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mended {
    Loops,
    List,
    Tasks,
}

#[derive(Clone, Copy)]
struct Room {
    mended: Mended,
    visitors: u32,
    capacity: usize,
}

const EVENTS: Channel = Channel(0);
const LEAVES: Channel = Channel(1);

impl Model for Room {
    type World<R: Runtime> = Shared<R, u32>;
    type Outcome = u32;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let (room, farewell) = (Name::one("room"), Name::one("farewell"));
        let channels = Channels::new(
            runtime,
            Name::one("channels"),
            [
                Spec::new(Name::one("events"), self.capacity).drained_by([room]),
                Spec::new(Name::one("leaves"), self.capacity).drained_by([farewell]),
            ],
        );
        let present = Shared::new(runtime, Name::one("present"), None);
        let left = Shared::new(runtime, Name::one("left"), 0);
        for n in 1..=self.visitors {
            let events = channels.clone();
            Task::spawn(runtime, Name::of("visitor", n), async move |me| {
                events.send(&me, EVENTS, Event::Join(n)).await.expect("never closed");
            });
        }
        match self.mended {
            Mended::Loops => loops(runtime, [room, farewell], channels, present, left.clone()),
            Mended::List => list(runtime, room, channels, present, left.clone()),
            Mended::Tasks => tasks(runtime, room, channels, present, left.clone()),
        }
        left
    }

    fn look<R: Runtime>(&self, left: &Shared<R, u32>) -> u32 {
        left.peek(|left| *left)
    }
}

// ANCHOR: loops
/// A channel and a loop of its own for those who leave: who sends there is not who drains it.
fn loops<R: Runtime>(
    runtime: &R,
    [room, farewell]: [Name; 2],
    channels: Channels<R, Event>,
    present: Shared<R, Option<u32>>,
    left: Shared<R, u32>,
) {
    let leaves = channels.clone();
    Task::spawn(runtime, room, async move |me| {
        loop {
            me.rest();
            if let Some(Event::Join(n)) = channels.receive(&me, EVENTS).await
                && let Some(old) = present.with(|present| present.replace(n))
            {
                channels.send(&me, LEAVES, Event::Leave(old)).await.expect("never closed");
            }
        }
    });
    Task::spawn(runtime, farewell, async move |me| {
        loop {
            me.rest();
            leaves.receive(&me, LEAVES).await;
            left.write(|left| *left += 1);
        }
    });
}
// ANCHOR_END: loops

// ANCHOR: list
/// No message to itself: what the loop has to do next, it keeps in a list of its own.
fn list<R: Runtime>(
    runtime: &R,
    room: Name,
    channels: Channels<R, Event>,
    present: Shared<R, Option<u32>>,
    left: Shared<R, u32>,
) {
    Task::spawn(runtime, room, async move |me| {
        loop {
            me.rest();
            let mut todo: Vec<Event> = channels.receive(&me, EVENTS).await.into_iter().collect();
            while let Some(event) = todo.pop() {
                match event {
                    Event::Join(n) => {
                        todo.extend(present.with(|present| present.replace(n)).map(Event::Leave))
                    }
                    Event::Leave(_) => left.write(|left| *left += 1),
                }
            }
        }
    });
}
// ANCHOR_END: list

// ANCHOR: tasks
/// A task for each message: the loop does not wait for it.
fn tasks<R: Runtime>(
    runtime: &R,
    room: Name,
    channels: Channels<R, Event>,
    present: Shared<R, Option<u32>>,
    left: Shared<R, u32>,
) {
    Task::spawn(runtime, room, async move |me| {
        loop {
            me.rest();
            match channels.receive(&me, EVENTS).await.expect("never closed") {
                Event::Join(n) => {
                    if let Some(old) = present.with(|present| present.replace(n)) {
                        let channels = channels.clone();
                        Task::spawn(&me.runtime, Name::of("messenger", old), async move |me| {
                            channels.send(&me, EVENTS, Event::Leave(old)).await.expect("never closed");
                        });
                    }
                }
                Event::Leave(_) => left.write(|left| *left += 1),
            }
        }
    });
}
// ANCHOR_END: tasks

// ANCHOR: check
#[test]
fn each_way_lets_all_leave_but_the_last() {
    for mended in [Mended::Loops, Mended::List, Mended::Tasks] {
        for (visitors, capacity) in [(2, 0), (3, 0), (3, 1), (4, 1)] {
            Check::of(Room { mended, visitors, capacity })
                .at_rest("all but the last have left", move |left| *left == visitors - 1)
                .run()
                .unwrap_holds();
        }
    }
}
// ANCHOR_END: check
