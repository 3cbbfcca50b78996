//! The core on a virtual clock: the fourth executor of the same seam, for questions about time.
//!
//! A step takes no time; what takes time says so: a [`sleep`](Clock::sleep), or a call to a service. Between two moments tasks go on
//! in the order in which they were woken, as under tokio; choices are drawn from a seed. So a run is a function of its seed, and an
//! hour of it takes as long as its steps do. The exhaustive engine's player keeps of each task all that it has observed, which is
//! what a search needs and a run of a million connections cannot carry; hence an executor of its own.

mod bell;
mod runtime;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hashbrown::HashSet;
use turnstile::Name;
use turnstile::waits::{Edge, Kind, Knot, Wait, WaitGraph};

use bell::bell;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Where a task is kept.
type Seat = usize;

/// A runtime on a virtual clock. A handle; clones are the same.
///
/// ```
/// use std::time::Duration;
/// use turnstile::{Name, Task, sync::Mutex};
/// use turnstile_models::clock::Clock;
///
/// let clock = Clock::new(1, Duration::ZERO);
/// let lock = Mutex::new(&clock, Name::one("lock"));
/// for n in 1..=3 {
///     let (lock, clock) = (lock.clone(), clock.clone());
///     Task::spawn(&clock.clone(), Name::of("task", n), async move |me| {
///         let held = lock.lock(&me).await;
///         clock.sleep(Duration::from_secs(3600)).await;
///         held.unlock(&me);
///     });
/// }
/// while clock.tick(Duration::MAX) {}
/// assert_eq!(clock.now(), Duration::from_secs(3 * 3600));
/// ```
#[derive(Clone)]
pub struct Clock(Arc<Shared>);

struct Shared {
    inner: Mutex<Inner>,
    service: Duration,
}

struct Inner {
    now: Duration,
    /// How many timers there were: those of one moment ring in the order in which they were set.
    timers: u64,
    ringing: BinaryHeap<Reverse<(Duration, u64, Seat)>>,
    ready: VecDeque<Seat>,
    tasks: Vec<Option<Actor>>,
    free: Vec<Seat>,
    current: Option<Seat>,
    random: fastrand::Rng,
    /// The waits in the midst of work.
    waits: BTreeMap<Name, Wait>,
    alive: HashSet<Name>,
    /// Tasks of whom it matters most that they go on.
    loops: HashSet<Name>,
    crash: Option<String>,
}

struct Actor {
    name: Name,
    /// Taken out while it is polled.
    work: Option<Work>,
    ready: bool,
}

impl Clock {
    /// A clock at zero. Calls to services take `service` each.
    pub fn new(seed: u64, service: Duration) -> Clock {
        let inner = Inner {
            now: Duration::ZERO,
            timers: 0,
            ringing: BinaryHeap::new(),
            ready: VecDeque::new(),
            tasks: Vec::new(),
            free: Vec::new(),
            current: None,
            random: fastrand::Rng::with_seed(seed),
            waits: BTreeMap::new(),
            alive: HashSet::new(),
            loops: HashSet::new(),
            crash: None,
        };
        Clock(Arc::new(Shared { inner: Mutex::new(inner), service }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the beginning.
    pub fn now(&self) -> Duration {
        self.inner().now
    }

    /// Where the program broke, if it did.
    pub fn crash(&self) -> Option<String> {
        self.inner().crash.clone()
    }

    /// A number from 0 to below 1, from the seed.
    pub fn random(&self) -> f64 {
        self.inner().random.f64()
    }

    /// A time that is exponentially distributed with this mean, from the seed.
    pub fn exponential(&self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.random()).ln())
    }

    /// The tasks that have been spawned so far are the loops: [`stuck`](Clock::stuck) looks only when one of them waits.
    pub fn these_are_the_loops(&self) {
        let mut inner = self.inner();
        inner.loops = inner.alive.clone();
    }

    /// Waits until so much time has gone by.
    pub async fn sleep(&self, time: Duration) {
        let mut due = None;
        poll_fn(|_| {
            let mut inner = self.inner();
            let due = *due.get_or_insert_with(|| {
                let (due, number) = (inner.now + time, inner.timers);
                let seat = inner.current.expect("a task of this clock sleeps");
                inner.timers += 1;
                inner.ringing.push(Reverse((due, number, seat)));
                due
            });
            if inner.now >= due { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Lets all go on that can at this moment, then moves to the next one. False if nobody can go on any more, if the program
    /// broke, or if the next moment is later than `until`.
    pub fn tick(&self, until: Duration) -> bool {
        self.settle();
        let mut inner = self.inner();
        if inner.crash.is_some() {
            return false;
        }
        match inner.ringing.peek() {
            Some(Reverse((due, ..))) if *due <= until => {
                inner.now = *due;
                let now = inner.now;
                while let Some(Reverse((due, _, seat))) = inner.ringing.peek().copied() {
                    if due > now {
                        break;
                    }
                    inner.ringing.pop();
                    inner.wake(seat);
                }
                true
            }
            _ => false,
        }
    }

    /// Lets all go on that can at this moment, until nobody can, or the program breaks.
    pub fn settle(&self) {
        loop {
            let (seat, mut work) = {
                let mut inner = self.inner();
                if inner.crash.is_some() {
                    return;
                }
                let Some(seat) = inner.ready.pop_front() else { return };
                let Some(actor) = inner.tasks[seat].as_mut() else { continue };
                actor.ready = false;
                let Some(work) = actor.work.take() else { continue };
                inner.current = Some(seat);
                (seat, work)
            };
            let waker = bell(&self.0, seat);
            let done = work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
            let mut inner = self.inner();
            inner.current = None;
            if !done {
                if let Some(actor) = inner.tasks[seat].as_mut() {
                    actor.work = Some(work);
                }
                continue;
            }
            let actor = inner.tasks[seat].take();
            inner.free.push(seat);
            if let Some(actor) = &actor {
                inner.alive.remove(&actor.name);
            }
            // Dropped after unlocking: it may give back what it holds.
            drop(inner);
            drop((work, actor));
        }
    }

    /// Who can never go on, where one of the loops is among those who wait: exact, since nobody moves at this moment.
    pub fn stuck(&self) -> Option<Knot> {
        let waits: Vec<(Name, Wait)> = {
            let inner = self.inner();
            if !inner.ready.is_empty() || !inner.waits.keys().any(|who| inner.loops.contains(who)) {
                return None;
            }
            inner.waits.iter().map(|(who, wait)| (*who, wait.clone())).collect()
        };
        let edges: Vec<Edge> = waits.iter().map(|(who, wait)| Edge::of(*who, wait)).collect();
        let inner = self.inner();
        let running = inner.alive.iter().copied().filter(|who| !inner.waits.contains_key(who)).collect();
        drop(inner);
        WaitGraph { edges, running }.knot()
    }

    fn set_wait(&self, who: Name, wait: Option<Wait>) {
        let mut inner = self.inner();
        let works = wait.filter(|wait| wait.kind.is_work() && wait.kind != Kind::Write);
        let old = match works {
            Some(wait) => inner.waits.insert(who, wait),
            None => inner.waits.remove(&who),
        };
        drop(inner);
        drop(old);
    }

    fn start(&self, name: Name, work: Work) {
        let mut inner = self.inner();
        assert!(inner.alive.insert(name), "two tasks are called {name}");
        let actor = Actor { name, work: Some(work), ready: false };
        let seat = match inner.free.pop() {
            Some(seat) => {
                inner.tasks[seat] = Some(actor);
                seat
            }
            None => {
                inner.tasks.push(Some(actor));
                inner.tasks.len() - 1
            }
        };
        inner.wake(seat);
    }

    /// Ends all tasks. They hold the clock, and the clock holds them.
    pub fn end(&self) {
        let tasks = {
            let mut inner = self.inner();
            inner.ready.clear();
            inner.ringing.clear();
            std::mem::take(&mut inner.tasks)
        };
        drop(tasks);
        let waits = std::mem::take(&mut self.inner().waits);
        drop(waits);
    }
}

impl Inner {
    /// The task at this seat is to be polled. A timer or a waker of a task that was there before wakes in vain.
    fn wake(&mut self, seat: Seat) {
        if let Some(actor) = self.tasks.get_mut(seat).and_then(Option::as_mut)
            && !std::mem::replace(&mut actor.ready, true)
        {
            self.ready.push_back(seat);
        }
    }
}
