//! Exercise 8: a wake-up that is lost.

use turnstile_models::prelude::*;

// ANCHOR: model
/// Somebody waits for a flag: looks at it, and if it is not set, sleeps until there is a ring. Who sets it rings, if anybody listens.
#[derive(Clone, Copy)]
struct Doorbell {
    /// How many rings are kept for who comes to listen later.
    kept: usize,
}

impl Model for Doorbell {
    type World<R: Runtime> = Shared<R, bool>;
    type Outcome = bool;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, bool> {
        let sleeper = Name::one("sleeper");
        let bell = Spec::new(Name::one("bell"), self.kept).drained_by([sleeper]);
        let bell: Channels<R, ()> = Channels::new(runtime, Name::one("bells"), [bell]);
        let flag = Flag::new(runtime, Name::one("flag"));
        let awake = Shared::new(runtime, Name::one("awake"), false);
        let (set, rings) = (flag.clone(), bell.clone());
        Task::spawn(runtime, Name::one("setter"), async move |me| {
            me.turn().await;
            set.store(&me, true);
            rings.select_or_default(&me, vec![Case::Send(0, ())]).await;
        });
        let up = awake.clone();
        Task::spawn(runtime, sleeper, async move |me| {
            while !flag.load(&me).await {
                bell.receive(&me, Channel(0)).await;
            }
            up.write(|up| *up = true);
        });
        awake
    }

    fn look<R: Runtime>(&self, awake: &Shared<R, bool>) -> bool {
        awake.peek(|awake| *awake)
    }
}
// ANCHOR_END: model

// ANCHOR: check
fn check(kept: usize) -> Check<Doorbell> {
    Check::of(Doorbell { kept }).at_rest("the sleeper is awake", |awake| *awake)
}

#[test]
fn a_ring_before_anybody_listens_is_lost() {
    let failure = check(0).run().unwrap_fails();
    // It waits for work, as far as anybody can tell, and not in the midst of work: so this is no deadlock.
    assert_eq!(failure.knot, None);
    assert_eq!(failure.broken, "at rest, not so: the sleeper is awake; there is false");
}

#[test]
fn a_ring_that_is_kept_is_heard() {
    check(1).run().unwrap_holds();
}
// ANCHOR_END: check
