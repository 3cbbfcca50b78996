//! Small programs over the seam, as values: what each task does, one operation after the other.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use turnstile::sync::{Case, Channel, Channels, Chosen, Guard, Mutex, Pool, Shared, Signal, Spec};
use turnstile::{Name, Runtime, Task};
use turnstile_models::Model;
use turnstile_models::engine::Ending;

/// What a task does. It logs what came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Sends a value on a channel; on a closed one the program crashes.
    Send(usize, u8),
    /// Receives from a channel.
    Receive(usize),
    /// Receives from a channel, if there is something.
    TryReceive(usize),
    /// Sends on a channel, if there is room.
    TrySend(usize, u8),
    /// Closes a channel.
    Close(usize),
    /// Receives from either of two channels.
    SelectReceive(usize, usize),
    /// Sends on either of two channels.
    SelectSend(usize, usize),
    /// Sends on a channel, or gives up once the signal is raised.
    SendOrSignal(usize, u8),
    /// Locks, or gives up once the signal is raised.
    LockOrSignal(usize),
    /// Locks.
    Lock(usize),
    /// Unlocks the lock that was taken last.
    Unlock,
    /// Adds one to the variable: a load, then a store.
    Add,
    /// Chooses among so many.
    Choose(usize),
    /// Chooses among so many, and as many more as the variable says.
    ChooseMore(usize),
    /// Puts an object into the pool.
    Put,
    /// Gets an object from the pool.
    Get,
    /// Raises the signal.
    Raise,
    /// Waits for the signal.
    Wait,
    /// Goes on for ever.
    Tick,
}

/// A program: how much each of its channels holds, and what its tasks do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) channels: &'static [usize],
    pub(crate) tasks: &'static [&'static [Op]],
}

/// What the tasks share.
pub(crate) struct World<R: Runtime> {
    channels: Channels<R, u8>,
    locks: Vec<Mutex<R>>,
    variable: Shared<R, u8>,
    pool: Pool<R, u8>,
    signal: Signal<R>,
    logs: Vec<Shared<R, Vec<String>>>,
}

impl<R: Runtime> Clone for World<R> {
    fn clone(&self) -> Self {
        World {
            channels: self.channels.clone(),
            locks: self.locks.clone(),
            variable: self.variable.clone(),
            pool: self.pool.clone(),
            signal: self.signal.clone(),
            logs: self.logs.clone(),
        }
    }
}

impl Model for Program {
    type World<R: Runtime> = World<R>;
    /// Each task's log.
    type Outcome = Vec<String>;

    fn start<R: Runtime>(&self, runtime: &R) -> World<R> {
        let channels =
            (1..).zip(self.channels).map(|(n, capacity)| Spec::new(Name::of("channel", n), *capacity));
        let world = World {
            channels: Channels::new(runtime, Name::one("channels"), channels),
            locks: (1..=2).map(|n| Mutex::new(runtime, Name::of("lock", n))).collect(),
            variable: Shared::new(runtime, Name::one("variable"), 0),
            pool: Pool::new(runtime, Name::one("pool")),
            signal: Signal::new(runtime, Name::one("signal")),
            logs: (1..)
                .zip(self.tasks)
                .map(|(n, _)| Shared::new(runtime, Name::of("log", n), Vec::new()))
                .collect(),
        };
        for (n, ops) in (1..).zip(self.tasks) {
            let world = world.clone();
            Task::spawn(runtime, Name::of("task", n), |me| task(world, me, ops));
        }
        world
    }

    fn look<R: Runtime>(&self, world: &World<R>) -> Vec<String> {
        world.logs.iter().map(|log| log.peek(|log| log.join(" "))).collect()
    }
}

async fn task<R: Runtime>(world: World<R>, me: Task<R>, ops: &'static [Op]) {
    let log = world.logs[me.name.number() as usize - 1].clone();
    let mut guards = Vec::new();
    for op in ops {
        let came_of_it = step(&world, &me, *op, &mut guards).await;
        log.write(|log| log.push(came_of_it));
    }
    // A lock that is still held stays held: nobody drops a Go mutex.
    guards.into_iter().for_each(std::mem::forget);
}

async fn step<R: Runtime>(world: &World<R>, me: &Task<R>, op: Op, guards: &mut Vec<Guard<R>>) -> String {
    let channels = &world.channels;
    match op {
        Op::Send(channel, value) => match channels.send(me, Channel(channel), value).await {
            Ok(()) => "sent".to_owned(),
            Err(closed) => {
                me.runtime.crash(me.name, &closed.to_string());
                String::new()
            }
        },
        Op::Receive(channel) => match channels.receive(me, Channel(channel)).await {
            Some(value) => format!("got-{value}"),
            None => "end".to_owned(),
        },
        Op::TryReceive(channel) => say(channels.select_or_default(me, vec![Case::Receive(channel)]).await),
        Op::TrySend(channel, value) => {
            say(channels.select_or_default(me, vec![Case::Send(channel, value)]).await)
        }
        Op::Close(channel) => match channels.close(me, Channel(channel)).await {
            Ok(()) => "closed".to_owned(),
            Err(_) => "was-closed".to_owned(),
        },
        Op::SelectReceive(a, b) => say(channels.select(me, vec![Case::Receive(a), Case::Receive(b)]).await),
        Op::SelectSend(a, b) => say(channels.select(me, vec![Case::Send(a, 1), Case::Send(b, 2)]).await),
        Op::SendOrSignal(channel, value) => {
            match or_signal(channels.send(me, Channel(channel), value), world, me).await {
                Some(_) => "sent".to_owned(),
                None => "gave-up".to_owned(),
            }
        }
        Op::LockOrSignal(lock) => match or_signal(world.locks[lock].lock(me), world, me).await {
            Some(guard) => {
                guards.push(guard);
                "locked".to_owned()
            }
            None => "gave-up".to_owned(),
        },
        Op::Lock(lock) => {
            guards.push(world.locks[lock].lock(me).await);
            "locked".to_owned()
        }
        Op::Unlock => {
            me.turn().await;
            match guards.pop() {
                Some(guard) => {
                    guard.unlock(me);
                    "unlocked".to_owned()
                }
                None => "held-nothing".to_owned(),
            }
        }
        Op::Add => {
            let value = world.variable.step(me, "load", |value| *value).await;
            world.variable.step(me, "store", |it| *it = value + 1).await;
            format!("{}", value + 1)
        }
        Op::Choose(among) => {
            me.turn().await;
            format!("{}/{among}", me.choose(among))
        }
        Op::ChooseMore(among) => {
            let among = among + usize::from(world.variable.step(me, "load", |value| *value).await);
            format!("{}/{among}", me.choose(among))
        }
        Op::Put => {
            me.turn().await;
            world.pool.put(me, 1, |_| Name::of("object", 1));
            "put".to_owned()
        }
        Op::Get => {
            me.turn().await;
            if world.pool.get(me, |_| Name::of("object", 1)).is_some() {
                "used".to_owned()
            } else {
                "new".to_owned()
            }
        }
        Op::Raise => {
            me.turn().await;
            world.signal.raise(me);
            "raised".to_owned()
        }
        Op::Wait => {
            world.signal.wait(me).await;
            "seen".to_owned()
        }
        Op::Tick => loop {
            me.rest();
            me.turn().await;
        },
    }
}

/// What comes of an operation, or nothing, if the signal is raised before it can be done: then it is dropped.
async fn or_signal<R: Runtime, O>(
    operation: impl Future<Output = O>,
    world: &World<R>,
    me: &Task<R>,
) -> Option<O> {
    // The turn and the lock or channel come first: the operation is dropped while parked, not before it began.
    let mut operation = pin!(operation);
    let mut signal = pin!(world.signal.wait(me));
    poll_fn(|cx| {
        if let Poll::Ready(done) = operation.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        signal.as_mut().poll(cx).map(|()| None)
    })
    .await
}

fn say(chosen: Chosen<u8>) -> String {
    match chosen {
        Chosen::Received { case, value: Some(value) } => format!("case-{case}-got-{value}"),
        Chosen::Received { case, value: None } => format!("case-{case}-end"),
        Chosen::Sent { case } => format!("case-{case}-sent"),
        Chosen::SentOnClosed { case, .. } => format!("case-{case}-closed"),
        Chosen::Default => "default".to_owned(),
    }
}

/// An ending in one line: the logs, then who is stuck; or the crash.
pub(crate) fn line(ending: &Ending<Vec<String>>) -> String {
    match (&ending.crashed, &ending.outcome) {
        (Some(crash), _) => format!("crash: {crash}"),
        (None, outcome) => {
            let logs = outcome.iter().flatten().cloned().collect::<Vec<_>>().join(" | ");
            [vec![logs], ending.stuck.clone()].concat().join(" # ")
        }
    }
}
