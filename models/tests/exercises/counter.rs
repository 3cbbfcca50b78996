//! Exercise 7: a rule of your own, told by the step that breaks it.

use turnstile_models::prelude::*;

// ANCHOR: model
/// A gate that lets in one at a time, by a counter of those within.
#[derive(Clone, Copy)]
struct Gate {
    /// Looks and counts in one step.
    at_once: bool,
}

impl Model for Gate {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let within = Shared::new(runtime, Name::one("within"), 0);
        for n in 1..=3 {
            let (within, at_once) = (within.clone(), self.at_once);
            Task::spawn(runtime, Name::of("guest", n), async move |me| {
                let enter = |within: &mut u32| {
                    *within += 1;
                    *within
                };
                let now = if at_once {
                    within
                        .step(&me, "enter if nobody is within", |it| if *it == 0 { enter(it) } else { 0 })
                        .await
                } else if within.step(&me, "see who is within", |it| *it).await == 0 {
                    within.step(&me, "enter", enter).await
                } else {
                    0
                };
                if now > 1 {
                    me.breach("one at a time", || format!("{now} are within"));
                }
                if now > 0 {
                    within.step(&me, "leave", |it| *it -= 1).await;
                }
            });
        }
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
// ANCHOR_END: model

// ANCHOR: check
#[test]
fn who_looks_first_and_enters_then_is_not_alone() {
    let failure = Check::of(Gate { at_once: false }).run().unwrap_fails();
    assert_eq!((failure.broken.as_str(), failure.trace.steps.len()), ("2 are within", 4));
}

#[test]
fn who_looks_and_enters_in_one_step_is_alone() {
    Check::of(Gate { at_once: true }).run().unwrap_holds();
}
// ANCHOR_END: check
