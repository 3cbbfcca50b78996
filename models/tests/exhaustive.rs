//! The exhaustive engine finds what it claims to exclude, and stops where a model breaks its promises.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use turnstile::sync::{Case, Channel, Channels, Counter, Mutex, Shared, Spec};
use turnstile::{Name, Runtime, Task};
use turnstile_models::engine::{End, Ending, Quest, Report, exhaustive};
use turnstile_models::{Limits, Model, play};

fn knots<M: Model>(model: &M) -> (Vec<Ending<M::Outcome>>, Report) {
    let mut seen = Vec::new();
    let report = exhaustive::explore(model, Quest::Knots, &Limits::default(), &(), &mut |ending| {
        seen.push(ending);
        true
    });
    (seen, report)
}

fn panic_of<M: Model>(model: &M) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| exhaustive::outcomes(model, &Limits::default())))
        .expect_err("it stops");
    panic
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
}

/// Two tasks that count, each with a load and a store.
#[derive(Clone)]
struct LostUpdate;

impl Model for LostUpdate {
    type World<R: Runtime> = Shared<R, u32>;
    type Outcome = u32;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let shared = Shared::new(runtime, Name::one("count"), 0);
        for n in 1..=2 {
            let shared = shared.clone();
            Task::spawn(runtime, Name::of("task", n), async move |me| {
                let was = shared.step(&me, "load", |it| *it).await;
                shared.step(&me, "store", |it| *it = was + 1).await;
            });
        }
        shared
    }

    fn look<R: Runtime>(&self, shared: &Shared<R, u32>) -> u32 {
        shared.peek(|it| *it)
    }
}

#[test]
fn a_lost_update_is_found() {
    let (outcomes, report) = exhaustive::outcomes(&LostUpdate, &Limits::default());
    assert!(report.complete());
    assert_eq!(outcomes.into_iter().filter_map(|e| e.outcome).collect::<Vec<_>>(), [1, 2]);
}

/// A sender whose only receiver goes on for ever without receiving.
#[derive(Clone)]
struct Forsaken {
    /// Whether the receiver receives, once in a while.
    kind: bool,
}

impl Model for Forsaken {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let ticker = Name::one("ticker");
        let spec = Spec::new(Name::one("mail"), 0).drained_by([ticker]);
        let channels: Channels<R, u32> = Channels::new(runtime, Name::one("channels"), [spec]);
        let ticks = Counter::new(runtime, Name::one("ticks"));
        let (mail, kind) = (channels.clone(), self.kind);
        Task::spawn(runtime, ticker, async move |me| {
            loop {
                me.rest();
                me.turn().await;
                ticks.add(&me, 0);
                if kind {
                    mail.select_or_default(&me, vec![Case::Receive(0)]).await;
                }
            }
        });
        Task::spawn(runtime, Name::one("sender"), async move |me| {
            channels.send(&me, Channel(0), 1).await.unwrap();
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}

#[test]
fn who_waits_for_ever_beside_a_task_that_never_rests_is_found() {
    let (seen, report) = knots(&Forsaken { kind: false });
    assert_eq!(seen[0].stuck, ["sender waits to send on mail (unbuffered), which only ticker drains"]);
    assert!(seen[0].recurring);
    let End::Found(finding) = report.end else { panic!("{:?}", report.end) };
    let lasso = finding.lasso.expect("the ticker goes round");
    assert!(lasso < finding.schedule.len());
    assert_eq!(play(&Forsaken { kind: false }, &finding.schedule).unwrap().lasso, Some(lasso));
}

#[test]
fn who_may_be_served_in_the_end_is_not_called_stuck() {
    // Under an unfair scheduler the sender may wait for ever; but there is always a way out.
    let (seen, report) = knots(&Forsaken { kind: true });
    assert!(seen.is_empty() && report.complete(), "{seen:?}");
}

/// Two tasks take two locks, in opposite order, beside one that never rests.
#[derive(Clone)]
struct Crossed;

impl Model for Crossed {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let locks = [Mutex::new(runtime, Name::of("lock", 1)), Mutex::new(runtime, Name::of("lock", 2))];
        for n in 1..=2 {
            let (first, second) = (locks[n - 1].clone(), locks[2 - n].clone());
            Task::spawn(runtime, Name::of("task", n as u32), async move |me| {
                let outer = first.lock(&me).await;
                let inner = second.lock(&me).await;
                inner.unlock(&me);
                outer.unlock(&me);
            });
        }
        Task::spawn(runtime, Name::one("ticker"), async move |me| {
            loop {
                me.rest();
                me.turn().await;
            }
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}

#[test]
fn crossed_locks_are_found_while_others_live() {
    let (seen, _) = knots(&Crossed);
    assert_eq!(
        seen[0].stuck,
        [
            "task 1 waits to lock lock 2, which task 2 holds",
            "task 2 waits to lock lock 1, which task 1 holds"
        ]
    );
}

/// A loop that says it carries nothing, and counts its rounds outside the seam.
#[derive(Clone)]
struct FalseRest;

impl Model for FalseRest {
    type World<R: Runtime> = Shared<R, u32>;
    type Outcome = u32;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let shared = Shared::new(runtime, Name::one("level"), 0);
        let it = shared.clone();
        Task::spawn(runtime, Name::one("liar"), async move |me| {
            let mut rounds = 0;
            loop {
                me.rest();
                rounds += 1;
                it.step(&me, "toggle", |level| *level = u32::from(*level == 0)).await;
                if rounds == 3 {
                    return;
                }
            }
        });
        shared
    }

    fn look<R: Runtime>(&self, shared: &Shared<R, u32>) -> u32 {
        shared.peek(|it| *it)
    }
}

#[test]
fn a_false_claim_to_be_at_rest_is_found_out() {
    // Two rounds later the state looks the same, so the third round is never run: only the audit can see it.
    let stopped = catch_unwind(AssertUnwindSafe(|| exhaustive::outcomes(&FalseRest, &Limits::default())));
    let panic = stopped.expect_err("the lie is found out");
    assert!(panic.downcast_ref::<String>().unwrap().contains("keeps something"), "{panic:?}");
}

/// A loop that says it carries nothing, and comes back to the same state each time, until it has counted to ten.
#[derive(Clone)]
struct Patient;

impl Model for Patient {
    type World<R: Runtime> = Shared<R, u32>;
    type Outcome = u32;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let shared = Shared::new(runtime, Name::one("level"), 0);
        let it = shared.clone();
        Task::spawn(runtime, Name::one("liar"), async move |me| {
            for _ in 0..10 {
                me.rest();
                me.turn().await;
            }
            it.step(&me, "set", |level| *level = 1).await;
        });
        shared
    }

    fn look<R: Runtime>(&self, shared: &Shared<R, u32>) -> u32 {
        shared.peek(|it| *it)
    }
}

#[test]
fn a_false_rest_is_found_out_though_nothing_changes_for_long() {
    // The search has one state, from which one step leads back to it.
    let stopped = catch_unwind(AssertUnwindSafe(|| exhaustive::outcomes(&Patient, &Limits::default())));
    let panic = stopped.expect_err("the lie is found out");
    assert!(panic.downcast_ref::<String>().unwrap().contains("keeps something"), "{panic:?}");
}

/// A task whose step depends on how often it was run before: on something outside the model.
#[derive(Clone)]
struct Moody(Arc<AtomicUsize>);

impl Model for Moody {
    type World<R: Runtime> = Shared<R, usize>;
    type Outcome = usize;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, usize> {
        let shared = Shared::new(runtime, Name::one("mood"), 0);
        let (it, runs) = (shared.clone(), self.0.clone());
        Task::spawn(runtime, Name::one("moody"), async move |me| {
            it.step(&me, "first", |_| ()).await;
            let mood = runs.fetch_add(1, Ordering::Relaxed) % 7;
            it.step(&me, "second", |level| std::mem::replace(level, mood)).await;
            it.step(&me, "third", |level| *level).await;
            it.step(&me, "fourth", |level| *level).await;
        });
        shared
    }

    fn look<R: Runtime>(&self, shared: &Shared<R, usize>) -> usize {
        shared.peek(|it| *it)
    }
}

#[test]
fn a_model_that_is_no_function_of_its_schedule_is_refused() {
    assert!(panic_of(&Moody(Arc::default())).contains("not a function of its schedule"));
}

/// Two tasks that are said to be equal, and are not.
#[derive(Clone)]
struct Unequal;

impl Model for Unequal {
    type World<R: Runtime> = Counter<R>;
    type Outcome = i64;

    fn symmetries(&self) -> Vec<Vec<u32>> {
        vec![vec![2, 1]]
    }

    fn start<R: Runtime>(&self, runtime: &R) -> Counter<R> {
        let counter = Counter::new(runtime, Name::one("counter"));
        for n in 1..=2 {
            let counter = counter.clone();
            Task::spawn(runtime, Name::of("task", n), async move |me| {
                for _ in 0..n {
                    me.turn().await;
                    counter.add(&me, 1);
                }
            });
        }
        counter
    }

    fn look<R: Runtime>(&self, counter: &Counter<R>) -> i64 {
        counter.peek()
    }
}

#[test]
fn a_model_that_is_less_symmetric_than_it_says_is_refused() {
    let explored = catch_unwind(AssertUnwindSafe(|| {
        exhaustive::explore(&Unequal, Quest::Outcomes, &Limits::default(), &(), &mut |_| false)
    }));
    let panic = explored.expect_err("it stops");
    assert!(panic.downcast_ref::<String>().unwrap().contains("not as symmetric as it says"));
}

/// A sender and a receiver, or two who lock; each goes on for a step.
#[derive(Clone, Copy)]
enum Meeting {
    Mail,
    Lock,
    /// They lock again and again.
    Locks,
}

impl Model for Meeting {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let mail = Spec::new(Name::one("mail"), 1);
        let channels: Channels<R, u32> = Channels::new(runtime, Name::one("channels"), [mail]);
        let lock = Mutex::new(runtime, Name::one("lock"));
        let meeting = *self;
        for n in 1..=2 {
            let (channels, lock) = (channels.clone(), lock.clone());
            Task::spawn(runtime, Name::of("task", n), async move |me| {
                loop {
                    me.rest();
                    match (meeting, n) {
                        (Meeting::Mail, 1) => channels.send(&me, Channel(0), 1).await.unwrap(),
                        (Meeting::Mail, _) => drop(channels.receive(&me, Channel(0)).await),
                        (Meeting::Lock | Meeting::Locks, _) => {
                            let guard = lock.lock(&me).await;
                            me.turn().await;
                            guard.unlock(&me);
                        }
                    }
                    me.turn().await;
                    if !matches!(meeting, Meeting::Locks) {
                        return;
                    }
                }
            });
        }
    }

    fn look<R: Runtime>(&self, (): &()) {}
}

#[test]
fn once_a_wait_is_over_it_is_forgotten_that_there_was_one() {
    let states = |meeting: Meeting| {
        let (_, report) = exhaustive::outcomes(&meeting, &Limits::default());
        assert!(report.complete());
        report.effort.states.unwrap()
    };
    // Whether the receiver came first or the sender did: once it has the value, it is in the same place.
    assert_eq!(states(Meeting::Mail), 8);
    assert_eq!(states(Meeting::Lock), 21);
    // A lock that is taken and missed any number of times has finitely many states.
    assert_eq!(states(Meeting::Locks), 16);
}
