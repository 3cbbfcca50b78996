//! Exercise 5: a lock that is held while sending.

use turnstile_models::prelude::*;

// ANCHOR: model
/// A speaker tells each member three things; a member listens once, then takes itself off the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Speaker {
    /// Goes through the list with its lock held.
    HoldsTheLock,
    /// Copies the list, then sends.
    Copies,
    /// Copies the list, then sends where there is room: who listens too slowly misses something.
    NeverWaits,
}

const MEMBERS: u32 = 2;

impl Model for Speaker {
    type World<R: Runtime> = Shared<R, Vec<u32>>;
    type Outcome = Vec<u32>;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, Vec<u32>> {
        let (speaker, how) = (Name::one("speaker"), *self);
        let outboxes =
            (1..=MEMBERS).map(|n| Spec::new(Name::of("outbox", n), 1).drained_by([Name::of("member", n)]));
        let channels = Channels::new(runtime, Name::one("outboxes"), outboxes);
        let lock = Mutex::new(runtime, Name::one("lock of the list"));
        let list: Shared<R, Vec<u32>> = Shared::new(runtime, Name::one("list"), (1..=MEMBERS).collect());
        for n in 1..=MEMBERS {
            let (channels, lock, list) = (channels.clone(), lock.clone(), list.clone());
            Task::spawn(runtime, Name::of("member", n), async move |me| {
                channels.receive(&me, Channel(n as usize - 1)).await;
                let guard = lock.lock(&me).await;
                list.with(|list| list.retain(|member| *member != n));
                guard.unlock(&me);
            });
        }
        let members = list.clone();
        Task::spawn(runtime, speaker, async move |me| {
            for word in ["hello", "some news", "goodbye"] {
                let guard = lock.lock(&me).await;
                let listening = members.with(|list| list.clone());
                let mut guard = Some(guard);
                if how != Speaker::HoldsTheLock
                    && let Some(guard) = guard.take()
                {
                    guard.unlock(&me);
                }
                for n in listening {
                    let to = n as usize - 1;
                    if how == Speaker::NeverWaits {
                        channels.select_or_default(&me, vec![Case::Send(to, word)]).await;
                    } else {
                        channels.send(&me, Channel(to), word).await.expect("never closed");
                    }
                }
                if let Some(guard) = guard {
                    guard.unlock(&me);
                }
            }
        });
        list
    }

    fn look<R: Runtime>(&self, list: &Shared<R, Vec<u32>>) -> Vec<u32> {
        list.peek(Vec::clone)
    }
}
// ANCHOR_END: model

// ANCHOR: check
fn waits(how: Speaker) -> Vec<String> {
    let failure = Check::of(how).run().unwrap_fails();
    failure.knot.expect("somebody is stuck").cycle.iter().map(ToString::to_string).collect()
}

#[test]
fn a_lock_and_a_channel_make_a_circle_as_two_locks_do() {
    assert_eq!(
        waits(Speaker::HoldsTheLock),
        [
            "member 2 waits to lock lock of the list, which speaker holds",
            "speaker waits to send on outbox 2 (1/1 full), which only member 2 drains",
        ]
    );
}

#[test]
fn without_the_lock_it_waits_for_who_has_gone() {
    let waits = waits(Speaker::Copies);
    assert_eq!(waits, ["speaker waits to send on outbox 2 (1/1 full), which only member 2 drains"]);
}

#[test]
fn who_never_waits_in_a_loop_over_others_cannot_be_held_up_by_them() {
    Check::of(Speaker::NeverWaits).at_rest("all have gone", |list| list.is_empty()).run().unwrap_holds();
}
// ANCHOR_END: check
