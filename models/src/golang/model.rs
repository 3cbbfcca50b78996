//! A program over the seam.

use std::any::Any;
use std::sync::{Arc, Mutex as Plain, PoisonError};

use turnstile::sync::{
    Case, Channel, Channels, Chosen, Guard, Mutex, ReadGuard, RwLock, Shared, Spec, WriteGuard,
};
use turnstile::{Name, Runtime, Task};

use super::shown::{Event, Log};
use super::{Op, Program};
use crate::model::Model;

/// What the goroutines did so far.
pub struct World<R: Runtime> {
    logs: Vec<Shared<R, Log>>,
    _kept: Kept,
}

/// The guards of goroutines that ended without unlocking: in Go, what they held stays locked.
type Kept = Arc<Plain<Vec<Box<dyn Any + Send>>>>;

/// A goroutine, and all that it can reach.
struct Goroutine<R: Runtime> {
    me: Task<R>,
    channels: Channels<R, u8>,
    mutexes: Vec<Mutex<R>>,
    held: Vec<Option<Guard<R>>>,
    rwmutexes: Vec<RwLock<R>>,
    written: Vec<Option<WriteGuard<R>>>,
    read: Vec<Vec<ReadGuard<R>>>,
    log: Shared<R, Log>,
    kept: Kept,
}

/// A panic, with Go's words for it.
struct Panic(&'static str);

impl Model for Program {
    type World<R: Runtime> = World<R>;
    type Outcome = Vec<Log>;

    fn start<R: Runtime>(&self, runtime: &R) -> World<R> {
        let named = |role, index: usize| Name::of(role, index as u32 + 1);
        let specs =
            self.capacities.iter().enumerate().map(|(i, capacity)| Spec::new(named("channel", i), *capacity));
        let channels = Channels::new(runtime, Name::one("channels"), specs);
        let mutexes: Vec<Mutex<R>> =
            (0..self.mutexes).map(|i| Mutex::new(runtime, named("mutex", i))).collect();
        let rwmutexes: Vec<RwLock<R>> =
            (0..self.mutexes).map(|i| RwLock::new(runtime, named("rwmutex", i))).collect();
        let kept = Kept::default();
        let mut logs = Vec::new();
        for (index, ops) in self.goroutines.iter().enumerate() {
            let log = Shared::new(runtime, named("log", index), Log::default());
            logs.push(log.clone());
            let (channels, mutexes, rwmutexes) = (channels.clone(), mutexes.clone(), rwmutexes.clone());
            let (kept, ops) = (kept.clone(), ops.clone());
            Task::spawn(runtime, named("goroutine", index), |me| {
                let held = mutexes.iter().map(|_| None).collect();
                let written = rwmutexes.iter().map(|_| None).collect();
                let read = rwmutexes.iter().map(|_| Vec::new()).collect();
                Goroutine { me, channels, mutexes, held, rwmutexes, written, read, log, kept }.run(ops)
            });
        }
        World { logs, _kept: kept }
    }

    fn look<R: Runtime>(&self, world: &World<R>) -> Vec<Log> {
        world.logs.iter().map(|log| log.peek(Log::clone)).collect()
    }
}

impl<R: Runtime> Goroutine<R> {
    async fn run(mut self, ops: Vec<Op>) {
        for op in ops {
            match self.act(op).await {
                Ok(event) => self.log.write(|log| log.events.push(event)),
                Err(Panic(why)) => {
                    self.me.runtime.crash(self.me.name, why);
                    return;
                }
            }
        }
        self.log.write(|log| log.finished = true);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Box::new((self.held, self.written, self.read)));
    }

    async fn act(&mut self, op: Op) -> Result<Event, Panic> {
        match op {
            Op::Send { channel, value } => {
                match self.channels.send(&self.me, Channel(channel), value).await {
                    Ok(()) => Ok(Event::Sent { case: 0, channel }),
                    Err(_) => Err(Panic("send on closed channel")),
                }
            }
            Op::Receive(channel) => {
                let value = self.channels.receive(&self.me, Channel(channel)).await;
                Ok(Event::Received { case: 0, channel, value })
            }
            Op::Select { cases, default } => self.select(cases, default).await,
            Op::Close(channel) => match self.channels.close(&self.me, Channel(channel)).await {
                Ok(()) => Ok(Event::Closed(channel)),
                Err(_) => Err(Panic("close of closed channel")),
            },
            Op::Lock(mutex) => {
                self.held[mutex] = Some(self.mutexes[mutex].lock(&self.me).await);
                Ok(Event::Locked(mutex))
            }
            // No turn: that an unlock belongs to the step before it is part of what is checked.
            Op::Unlock(mutex) => {
                self.held[mutex].take().expect("a program unlocks only what it has locked").unlock(&self.me);
                Ok(Event::Unlocked(mutex))
            }
            Op::WriteLock(mutex) => {
                self.written[mutex] = Some(self.rwmutexes[mutex].write(&self.me).await);
                Ok(Event::WriteLocked(mutex))
            }
            Op::WriteUnlock(mutex) => {
                let guard = self.written[mutex].take();
                guard.expect("a program unlocks only what it has locked").unlock(&self.me);
                Ok(Event::WriteUnlocked(mutex))
            }
            Op::ReadLock(mutex) => {
                let guard = self.rwmutexes[mutex].read(&self.me).await;
                self.read[mutex].push(guard);
                Ok(Event::ReadLocked(mutex))
            }
            Op::ReadUnlock(mutex) => {
                let guard = self.read[mutex].pop();
                guard.expect("a program unlocks only what it has locked").unlock(&self.me);
                Ok(Event::ReadUnlocked(mutex))
            }
        }
    }

    async fn select(&self, cases: Vec<Case<u8>>, default: bool) -> Result<Event, Panic> {
        let on: Vec<usize> = cases.iter().map(Case::channel).collect();
        let chosen = match default {
            true => self.channels.select_or_default(&self.me, cases).await,
            false => self.channels.select(&self.me, cases).await,
        };
        match chosen {
            Chosen::Received { case, value } => Ok(Event::Received { case, channel: on[case], value }),
            Chosen::Sent { case } => Ok(Event::Sent { case, channel: on[case] }),
            Chosen::SentOnClosed { .. } => Err(Panic("send on closed channel")),
            Chosen::Default => Ok(Event::Default),
        }
    }
}
