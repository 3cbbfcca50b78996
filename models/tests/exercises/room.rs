//! Exercises 1 and 3: a room that hangs, and what its channel's capacity has to do with it.

use turnstile_models::prelude::*;

// ANCHOR: room
/// What the room's loop is told. All visitors come under one name, so each newcomer sends the one before it away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Event {
    Join(u32),
    Leave(u32),
}

/// A room with one channel for everything.
#[derive(Clone, Copy)]
struct Room {
    visitors: u32,
    capacity: usize,
}

const EVENTS: Channel = Channel(0);

impl Model for Room {
    type World<R: Runtime> = Shared<R, u32>;
    type Outcome = u32;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let room = Name::one("room");
        let spec = Spec::new(Name::one("events"), self.capacity).drained_by([room]);
        let events: Channels<R, Event> = Channels::new(runtime, Name::one("channels"), [spec]);
        let present = Shared::new(runtime, Name::one("present"), None);
        let left = Shared::new(runtime, Name::one("left"), 0);
        for n in 1..=self.visitors {
            let events = events.clone();
            Task::spawn(runtime, Name::of("visitor", n), async move |me| {
                events.send(&me, EVENTS, Event::Join(n)).await.expect("never closed");
            });
        }
        let leavers = left.clone();
        Task::spawn(runtime, room, async move |me| {
            loop {
                me.rest();
                match events.receive(&me, EVENTS).await.expect("never closed") {
                    Event::Join(n) => {
                        if let Some(old) = present.with(|present| present.replace(n)) {
                            events.send(&me, EVENTS, Event::Leave(old)).await.expect("never closed");
                        }
                    }
                    Event::Leave(_) => leavers.write(|left| *left += 1),
                }
            }
        });
        left
    }

    /// How many have left.
    fn look<R: Runtime>(&self, left: &Shared<R, u32>) -> u32 {
        left.peek(|left| *left)
    }
}
// ANCHOR_END: room

// ANCHOR: hangs
#[test]
fn a_room_that_sends_to_itself_hangs_with_the_second_visitor() {
    let failure = Check::of(Room { visitors: 2, capacity: 0 }).run().unwrap_fails();
    let cycle = failure.knot.expect("somebody is stuck").cycle;
    assert_eq!(cycle[0].to_string(), "room waits to send on events (unbuffered), which only room drains");
    Check::of(Room { visitors: 1, capacity: 0 }).run().unwrap_holds();
}
// ANCHOR_END: hangs

// ANCHOR: capacity
/// The fewest visitors that can hang a room of this capacity.
fn fewest(capacity: usize) -> u32 {
    let hangs = |visitors: &u32| Check::of(Room { visitors: *visitors, capacity }).run().name() == "fails";
    (1..).find(hangs).expect("some crowd hangs it")
}

#[test]
fn one_place_more_takes_one_visitor_more() {
    let fewest: Vec<u32> = (0..4).map(fewest).collect();
    assert_eq!(fewest, [2, 3, 4, 5]); // capacity + 2: one present, one being let in, and the rest fill the channel.
}
// ANCHOR_END: capacity
