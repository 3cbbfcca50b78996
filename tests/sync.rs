//! Futures that are dropped at any point: no value and no wake-up goes with them, and no wait stays behind.
//!
//! The runtime here is a single thread that polls whom it likes, drawn from a seed; each seed is one run.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use turnstile::runtime::{State, Wakes};
use turnstile::sync::{Case, Channel, Channels, Chosen, Mutex, RwLock, Signal, Spec, WaitGroup};
use turnstile::waits::{Kind, Wait};
use turnstile::{Name, Runtime, Task};

/// How many seeds each test tries.
const SEEDS: u64 = 4000;

/// A runtime of plain memory and drawn numbers.
#[derive(Clone)]
struct Desk(Arc<Inner>);

struct Inner {
    rng: StdMutex<fastrand::Rng>,
    waits: StdMutex<BTreeMap<Name, Kind>>,
}

impl Desk {
    fn new(seed: u64) -> Desk {
        let rng = StdMutex::new(fastrand::Rng::with_seed(seed));
        Desk(Arc::new(Inner { rng, waits: StdMutex::default() }))
    }

    fn draw(&self, among: usize) -> usize {
        locked(&self.0.rng).usize(..among)
    }

    /// Who waits now, as the core has said.
    fn waiting(&self) -> BTreeSet<Name> {
        locked(&self.0.waits).keys().copied().collect()
    }
}

fn locked<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics within")
}

impl Runtime for Desk {
    type Cell<T: State> = StdMutex<T>;

    fn cell<T: State>(&self, _: Name, value: T) -> StdMutex<T> {
        StdMutex::new(value)
    }

    fn with<T: State, O: Hash>(&self, cell: &StdMutex<T>, act: impl FnOnce(&mut T, &mut Wakes) -> O) -> O {
        let mut wakes = Wakes::new();
        let out = act(&mut locked(cell), &mut wakes);
        wakes.into_iter().for_each(Waker::wake);
        out
    }

    fn peek<T: State, O>(&self, cell: &StdMutex<T>, look: impl FnOnce(&T) -> O) -> O {
        look(&locked(cell))
    }

    /// Ready at once, or after others had their turn, as drawn.
    fn turn(&self, _: Name) -> impl Future<Output = ()> + Send {
        poll_fn(|cx| match self.draw(3) {
            0 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        })
    }

    async fn whim(&self, who: Name) -> bool {
        self.turn(who).await;
        true
    }

    fn choose(&self, _: Name, among: usize) -> usize {
        self.draw(among)
    }

    fn spawn(&self, who: Name, _: impl Future<Output = ()> + Send + 'static) {
        panic!("{who} is spawned: the crowd is here already");
    }

    fn waits(&self, who: Name, wait: Wait) {
        locked(&self.0.waits).insert(who, wait.kind);
    }

    fn resumes(&self, who: Name) {
        locked(&self.0.waits).remove(&who);
    }

    fn crash(&self, who: Name, why: &str) {
        panic!("{who}: {why}");
    }
}

/// Futures, each a task of its own, that are polled when woken and dropped when it is drawn.
struct Crowd<'a, O> {
    desk: Desk,
    members: Vec<Member<'a, O>>,
}

struct Member<'a, O> {
    task: Name,
    /// `None` once it is done or dropped.
    future: Option<Pin<Box<dyn Future<Output = O> + 'a>>>,
    /// `None` if it was dropped before it was done.
    outcome: Option<O>,
    flag: Arc<Flag>,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'a, O> Crowd<'a, O> {
    fn new(desk: &Desk) -> Crowd<'a, O> {
        Crowd { desk: desk.clone(), members: Vec::new() }
    }

    fn join<F: Future<Output = O> + 'a>(&mut self, body: impl FnOnce(Task<Desk>) -> F) {
        let task = Name::of("task", u32::try_from(self.members.len()).expect("few") + 1);
        let future: Pin<Box<dyn Future<Output = O> + 'a>> =
            Box::pin(body(Task { runtime: self.desk.clone(), name: task }));
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        self.members.push(Member { task, future: Some(future), outcome: None, flag });
    }

    /// Polls those that are woken, in any order, and drops one in `drops` instead, until nobody is woken any more.
    fn run(&mut self, drops: usize) {
        loop {
            let living: Vec<usize> =
                (0..self.members.len()).filter(|n| self.members[*n].future.is_some()).collect();
            let woken: Vec<usize> =
                living.iter().copied().filter(|n| self.members[*n].flag.0.load(Ordering::Relaxed)).collect();
            if woken.is_empty() {
                return;
            }
            if self.desk.draw(drops) == 0 {
                self.members[living[self.desk.draw(living.len())]].future = None;
                continue;
            }
            // A future may be polled though nobody woke it.
            let among = if self.desk.draw(4) == 0 { &living } else { &woken };
            let member = &mut self.members[among[self.desk.draw(among.len())]];
            // A new waker each time: who wakes by an old one wakes nobody.
            member.flag = Arc::default();
            let waker = Waker::from(member.flag.clone());
            let Some(future) = &mut member.future else { unreachable!("the living have a future") };
            if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                member.outcome = Some(outcome);
                member.future = None;
            }
        }
    }

    /// The places of those that still wait.
    fn pending(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|n| self.members[*n].future.is_some()).collect()
    }

    fn tasks(&self, places: &[usize]) -> BTreeSet<Name> {
        places.iter().map(|n| self.members[*n].task).collect()
    }
}

/// What a member of the crowd of selects asks for, and what it sends if that case is chosen.
fn draw_cases(desk: &Desk, channels: usize, value: u32) -> Vec<Case<u32>> {
    (0..=desk.draw(3).saturating_sub(1))
        .map(|case| match desk.draw(2) {
            0 => Case::Receive(desk.draw(channels)),
            _ => Case::Send(desk.draw(channels), value * 10 + u32::try_from(case).expect("few")),
        })
        .collect()
}

#[test]
fn no_value_and_no_wake_up_goes_with_a_dropped_select() {
    for seed in 0..SEEDS {
        let desk = Desk::new(seed);
        let capacities: Vec<usize> = (0..=desk.draw(2)).map(|_| desk.draw(3)).collect();
        let specs =
            capacities.iter().zip(1..).map(|(capacity, n)| Spec::new(Name::of("channel", n), *capacity));
        let channels = Channels::new(&desk, Name::one("channels"), specs);
        let asked: Vec<Vec<Case<u32>>> =
            (0..10).map(|n| draw_cases(&desk, capacities.len(), n + 1)).collect();
        let mut crowd = Crowd::new(&desk);
        for cases in &asked {
            let channels = &channels;
            crowd.join(move |me| async move { channels.select(&me, cases.clone()).await });
        }
        crowd.run(8);

        let pending = crowd.pending();
        assert_eq!(desk.waiting(), crowd.tasks(&pending), "seed {seed}: who waits has said so, nobody else");
        let wanted: Vec<&Case<u32>> = pending.iter().flat_map(|n| &asked[*n]).collect();
        for (channel, capacity) in capacities.iter().enumerate() {
            let values = channels.peek(|q| q.len(channel));
            // Both ends of a channel may be asked for by one select; that is no pair.
            let sends =
                |n: &usize| asked[*n].iter().any(|c| matches!(c, Case::Send(it, _) if *it == channel));
            let receives = |n: &usize| asked[*n].contains(&Case::Receive(channel));
            let pair = pending.iter().any(|a| sends(a) && pending.iter().any(|b| b != a && receives(b)));
            assert!(!pair, "seed {seed}: sender and receiver wait past each other on channel {channel}");
            for case in wanted.iter().filter(|case| case.channel() == channel) {
                match case {
                    Case::Receive(_) => assert_eq!(values, 0, "seed {seed}: a receiver waits beside a value"),
                    Case::Send(..) => assert!(values >= *capacity, "seed {seed}: a sender waits beside room"),
                }
            }
        }

        let mut taken: Vec<u32> = (0..capacities.len())
            .flat_map(|channel| channels.peek(|q| q.buffered(channel).copied().collect::<Vec<_>>()))
            .collect();
        let (mut sent, mut unsent) = (BTreeSet::new(), BTreeSet::new());
        for (n, member) in crowd.members.iter().enumerate() {
            if let Some(Chosen::Received { value: Some(value), .. }) = &member.outcome {
                taken.push(*value);
            }
            for (case, it) in asked[n].iter().enumerate() {
                match (it, &member.outcome) {
                    (Case::Send(_, value), Some(chosen)) if chosen.case() == Some(case) => {
                        sent.insert(*value)
                    }
                    (Case::Send(_, value), Some(_)) => unsent.insert(*value),
                    (Case::Send(_, value), None) if member.future.is_some() => unsent.insert(*value),
                    // Whoever was dropped may have sent, without having heard of it.
                    (Case::Send(..), None) | (Case::Receive(_), _) => false,
                };
            }
        }
        let once: BTreeSet<u32> = taken.iter().copied().collect();
        assert_eq!(once.len(), taken.len(), "seed {seed}: a value came twice");
        assert!(sent.is_subset(&once), "seed {seed}: lost {:?}", sent.difference(&once));
        assert!(unsent.is_disjoint(&once), "seed {seed}: a case that was not chosen has sent");

        drop(crowd);
        assert_eq!(desk.waiting(), BTreeSet::new(), "seed {seed}: a wait stays behind");
    }
}

#[test]
fn all_values_of_a_stream_come_once_and_in_order_though_receivers_go() {
    for seed in 0..SEEDS {
        let desk = Desk::new(seed);
        let line = Channels::new(&desk, Name::one("line"), [Spec::new(Name::one("values"), desk.draw(3))]);
        let received = StdMutex::new(Vec::new());
        let mut crowd = Crowd::new(&desk);
        let (line, received) = (&line, &received);
        crowd.join(move |me| async move {
            for value in 0..12 {
                line.send(&me, Channel(0), value).await.expect("not closed");
            }
            line.close(&me, Channel(0)).await.expect("not closed before");
        });
        // One receiver, which again and again gives up a receive and begins another.
        crowd.join(move |me| async move {
            loop {
                let mut receive = Box::pin(line.receive(&me, Channel(0)));
                let mut patience = me.runtime.draw(4);
                let came = poll_fn(|cx| match receive.as_mut().poll(cx) {
                    Poll::Ready(value) => Poll::Ready(Some(value)),
                    Poll::Pending if patience == 0 => Poll::Ready(None),
                    Poll::Pending => {
                        patience -= 1;
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                })
                .await;
                drop(receive);
                match came {
                    Some(Some(value)) => locked(received).push(value),
                    Some(None) => return,
                    // Gives the sender a turn.
                    None => me.turn().await,
                }
            }
        });
        crowd.run(usize::MAX);
        assert_eq!(crowd.pending(), Vec::<usize>::new(), "seed {seed}: somebody waits");
        assert_eq!(*locked(received), (0..12).collect::<Vec<u32>>(), "seed {seed}");
    }
}

#[test]
fn a_lock_is_never_lost_with_those_who_hold_it_or_wait_for_it() {
    /// Counts who is inside, also where a task is dropped there.
    struct Inside<'a>(&'a AtomicUsize);

    impl<'a> Inside<'a> {
        fn enter(count: &'a AtomicUsize) -> Inside<'a> {
            assert_eq!(count.fetch_add(1, Ordering::Relaxed), 0, "two are inside");
            Inside(count)
        }
    }

    impl Drop for Inside<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    for seed in 0..SEEDS {
        let desk = Desk::new(seed);
        let lock = Mutex::new(&desk, Name::one("lock"));
        let count = AtomicUsize::new(0);
        let (lock, count) = (&lock, &count);
        let mut crowd = Crowd::new(&desk);
        for _ in 0..8 {
            crowd.join(move |me| async move {
                for _ in 0..me.runtime.draw(3) {
                    let guard = lock.lock(&me).await;
                    assert_eq!(lock.holder(), Some(me.name));
                    let inside = Inside::enter(count);
                    for _ in 0..me.runtime.draw(3) {
                        me.turn().await;
                    }
                    drop(inside);
                    match me.runtime.draw(2) {
                        0 => guard.unlock(&me),
                        _ => drop(guard),
                    }
                }
            });
        }
        crowd.run(12);
        assert_eq!(
            crowd.pending(),
            Vec::<usize>::new(),
            "seed {seed}: somebody waits for a lock nobody holds"
        );
        assert_eq!(lock.holder(), None, "seed {seed}");
        assert_eq!(desk.waiting(), BTreeSet::new(), "seed {seed}: a wait stays behind");
    }
}

#[test]
fn a_signal_is_seen_by_all_who_stay() {
    for seed in 0..SEEDS {
        let desk = Desk::new(seed);
        let signal = Signal::new(&desk, Name::one("end"));
        let signal = &signal;
        let mut crowd = Crowd::new(&desk);
        for n in 0..6 {
            crowd.join(move |me| async move {
                // The odd ones have something else to do, which may come first.
                if n % 2 == 1 && signal.whim_before(&me).await {
                    me.turn().await;
                }
                signal.wait(&me).await;
            });
        }
        crowd.run(10);
        let pending = crowd.pending();
        assert_eq!(desk.waiting(), crowd.tasks(&pending), "seed {seed}: who waits has said so, nobody else");
        assert!(crowd.members.iter().all(|m| m.outcome.is_none()), "seed {seed}: seen before it was raised");

        crowd.join(move |me| async move {
            me.turn().await;
            signal.raise(&me);
            signal.raise(&me);
            assert!(signal.peek());
        });
        let raises = crowd.members.len() - 1;
        crowd.run(10);
        if crowd.members[raises].outcome.is_some() {
            assert_eq!(crowd.pending(), Vec::<usize>::new(), "seed {seed}: somebody did not see it");
        }
        drop(crowd);
        assert_eq!(desk.waiting(), BTreeSet::new(), "seed {seed}: a wait stays behind");
    }
}

#[test]
fn a_lock_with_readers_is_never_lost_with_those_who_hold_it_or_wait_for_it() {
    /// Who is inside, also where a task is dropped there: any number of readers, or -1 for a writer.
    struct Inside<'a>(&'a AtomicIsize, isize);

    impl<'a> Inside<'a> {
        fn enter(count: &'a AtomicIsize, by: isize) -> Inside<'a> {
            let there = count.fetch_add(by, Ordering::Relaxed);
            assert!(if by < 0 { there == 0 } else { there >= 0 }, "{by} enters where {there} are");
            Inside(count, by)
        }
    }

    impl Drop for Inside<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(self.1, Ordering::Relaxed);
        }
    }

    for seed in 0..SEEDS {
        let desk = Desk::new(seed);
        let lock = RwLock::new(&desk, Name::one("lock"));
        let count = AtomicIsize::new(0);
        let (lock, count) = (&lock, &count);
        let mut crowd = Crowd::new(&desk);
        for _ in 0..8 {
            crowd.join(move |me| async move {
                for _ in 0..me.runtime.draw(3) {
                    let writes = me.runtime.draw(2) == 0;
                    let (mut reading, mut writing) = (None, None);
                    match writes {
                        true => writing = Some(lock.write(&me).await),
                        false => reading = Some(lock.read(&me).await),
                    }
                    let (readers, writer) = lock.peek();
                    assert!(if writes { writer == Some(me.name) } else { readers.contains(&me.name) });
                    let inside = Inside::enter(count, if writes { -1 } else { 1 });
                    for _ in 0..me.runtime.draw(3) {
                        me.turn().await;
                    }
                    drop(inside);
                    if me.runtime.draw(2) == 0 {
                        reading.take().into_iter().for_each(|guard| guard.unlock(&me));
                        writing.take().into_iter().for_each(|guard| guard.unlock(&me));
                    }
                }
            });
        }
        crowd.run(12);
        assert_eq!(crowd.pending(), Vec::<usize>::new(), "seed {seed}: somebody waits for a free lock");
        assert_eq!(lock.peek(), (Vec::new(), None), "seed {seed}");
        assert_eq!(desk.waiting(), BTreeSet::new(), "seed {seed}: a wait stays behind");
    }
}

#[test]
fn what_is_owed_is_waited_for_until_all_have_done_it() {
    for seed in 0..SEEDS {
        let desk = Desk::new(seed);
        let owing = 1 + desk.draw(3);
        let by = (1..).map(|n| Name::of("task", n)).take(owing);
        let group = WaitGroup::new(&desk, Name::one("group"), by);
        let group = &group;
        let left = AtomicUsize::new(owing);
        let left = &left;
        let mut crowd = Crowd::new(&desk);
        for _ in 0..owing {
            crowd.join(move |me| async move {
                for _ in 0..me.runtime.draw(4) {
                    me.turn().await;
                }
                left.fetch_sub(1, Ordering::Relaxed);
                group.done(&me);
            });
        }
        for _ in 0..3 {
            crowd.join(move |me| async move {
                group.wait(&me).await;
                assert_eq!(left.load(Ordering::Relaxed), 0, "it waits for all");
            });
        }
        crowd.run(9);
        // Whoever was dropped still owes; then all wait who were not dropped themselves.
        let owes = group.peek();
        assert_eq!(crowd.pending().is_empty(), owes.is_empty() || desk.waiting().is_empty(), "seed {seed}");
        assert_eq!(desk.waiting(), crowd.tasks(&crowd.pending()), "seed {seed}: who waits has said so");
        drop(crowd);
        assert_eq!(desk.waiting(), BTreeSet::new(), "seed {seed}: a wait stays behind");
    }
}
