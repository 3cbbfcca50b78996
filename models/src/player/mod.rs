//! Runs the core one chosen step at a time: the ground that the exhaustive engine, replay and shrinking stand on.

mod round;
mod stage;

use std::collections::VecDeque;
use std::task::Context;

use round::Fingerprint;
pub(crate) use round::round;
use serde::Serialize;
pub(crate) use stage::{Event, Slot, Stage, Status, mix};
use turnstile::Name;
use turnstile::trace::{After, Step, Trace};
use turnstile::view::View;
use turnstile::waits::{Edge, WaitGraph};

use crate::model::Model;
use crate::schedule::{Pick, Schedule, Turn};

/// What one task did between two turns.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) task: Slot,
    pub(crate) before: u128,
    pub(crate) events: Vec<Event>,
    pub(crate) writes: Vec<(Slot, u32)>,
    pub(crate) after: u128,
    pub(crate) status: Status,
    pub(crate) woke: Vec<Slot>,
    pub(crate) spawned: Vec<(Slot, u128)>,
    /// The rules that it broke.
    pub(crate) breaches: Vec<&'static str>,
    pub(crate) crashed: Option<String>,
}

/// A task on the stage.
struct Actor {
    slot: Slot,
    future: Option<stage::Future>,
    waker: std::task::Waker,
    status: Status,
    history: u128,
}

/// A run of a model, as far as it has gone.
///
/// Tasks that a step wakes take up what they were served within that same step: nobody else can see that, so it is no
/// step of its own. So do tasks that it spawns, up to their first turn.
pub(crate) struct Play<M: Model> {
    model: M,
    stage: Stage,
    /// By order of their start.
    actors: Vec<Actor>,
    /// By slot: position in `actors`, or `usize::MAX`.
    seats: Vec<usize>,
    world: Option<M::World<Stage>>,
    crashed: Option<String>,
}

impl<M: Model> Play<M> {
    /// A run that is about to begin. `recorded` are the segments of its beginning, up to each task's first turn.
    pub(crate) fn new(model: M, recorded: Option<&mut Vec<Segment>>) -> Play<M> {
        let mut play = Play {
            model,
            stage: Stage::new(),
            actors: Vec::new(),
            seats: Vec::new(),
            world: None,
            crashed: None,
        };
        play.restart(recorded);
        play
    }

    /// Begins again.
    pub(crate) fn restart(&mut self, recorded: Option<&mut Vec<Segment>>) {
        self.clear();
        {
            let mut inner = self.stage.lock();
            inner.live = true;
            inner.recording = recorded.is_some();
        }
        self.world = Some(self.model.start(&self.stage));
        self.settle(None, recorded);
    }

    /// Begins again, in words.
    pub(crate) fn restart_noting(&mut self, recorded: Option<&mut Vec<Segment>>) {
        self.stage.lock().noting = true;
        self.restart(recorded);
        self.stage.lock().noting = false;
    }

    fn clear(&mut self) {
        self.stage.lock().live = false;
        self.stage.lock().recording = false;
        self.actors.clear();
        self.seats.clear();
        self.world = None;
        self.crashed = None;
        let leftovers = {
            let mut inner = self.stage.lock();
            let cells = std::mem::take(&mut inner.cells);
            inner.woken.clear();
            inner.events.clear();
            inner.writes.clear();
            inner.notes.clear();
            inner.breaches.clear();
            inner.crashed = None;
            inner.current = None;
            (std::mem::take(&mut inner.spawned), cells)
        };
        drop(leftovers);
        self.stage.lock().woken.clear();
    }

    /// Names by slot.
    pub(crate) fn names(&self) -> Vec<Name> {
        self.stage.lock().names.clone()
    }

    /// The stage, for what it knows of contents.
    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    fn actor(&self, slot: Slot) -> Option<&Actor> {
        self.actors.get(*self.seats.get(slot as usize)?)
    }

    /// What a task has observed, and how it stands, in one number.
    pub(crate) fn place(&self, slot: Slot) -> u128 {
        self.actor(slot).map_or(0, |a| a.history)
    }

    /// True if the task can take a step.
    pub(crate) fn can_move(&self, slot: Slot) -> bool {
        self.crashed.is_none() && self.actor(slot).is_some_and(|a| matches!(a.status, Status::Turn { .. }))
    }

    /// True if the task is about to take a step at its whim.
    pub(crate) fn at_whim(&self, slot: Slot) -> bool {
        self.actor(slot).is_some_and(|a| matches!(a.status, Status::Turn { whim: true }))
    }

    /// The tasks that can take a step, in the order of their start.
    pub(crate) fn movable(&self) -> impl Iterator<Item = Slot> + '_ {
        let live = self.crashed.is_none();
        self.actors.iter().filter(move |a| live && matches!(a.status, Status::Turn { .. })).map(|a| a.slot)
    }

    /// Who goes next in the plain schedule: the task at seat `last` again if it can, else the next one that can, in the
    /// order of their start. A seat says the how-manieth to start a task was.
    pub(crate) fn plain(&self, last: usize) -> Option<(usize, Slot)> {
        let seats = (last..self.actors.len()).chain(0..last.min(self.actors.len()));
        seats.map(|seat| (seat, self.actors[seat].slot)).find(|(_, slot)| self.can_move(*slot))
    }

    /// The seat and slot of the task of this name, if it can take a step.
    pub(crate) fn find(&self, task: Name) -> Option<(usize, Slot)> {
        let slot = self.stage.lock().find(task)?;
        self.can_move(slot).then(|| (self.seats[slot as usize], slot))
    }

    /// As [`find`](Play::find), for a step of a schedule.
    ///
    /// # Errors
    /// Says that the step cannot be taken.
    fn seat_of(&self, index: usize, task: Name) -> Result<(usize, Slot), String> {
        self.find(task).ok_or_else(|| format!("step {}: {task} cannot move here", index + 1))
    }

    /// The slot at a seat, if its task can take a step.
    pub(crate) fn at(&self, seat: usize) -> Option<(usize, Slot)> {
        let slot = self.actors.get(seat)?.slot;
        self.can_move(slot).then_some((seat, slot))
    }

    /// The name of the task at a slot.
    pub(crate) fn name(&self, slot: Slot) -> Name {
        self.stage.lock().names[slot as usize]
    }

    /// True if the task waits, and none of those who could end its wait ever can.
    pub(crate) fn is_stuck(&self, slot: Slot) -> bool {
        let mut seen = vec![slot];
        let mut at = 0;
        while let Some(task) = seen.get(at).copied() {
            at += 1;
            let Some(actor) = self.actor(task) else { continue };
            match &actor.status {
                Status::Done => {}
                Status::Parked(Some(wait)) if wait.kind.is_work() => {
                    let Some(helpers) = wait.resource.look(wait.port).helpers else { return false };
                    let inner = self.stage.lock();
                    let new: Vec<Slot> =
                        helpers.iter().filter_map(|h| inner.find(*h)).filter(|s| !seen.contains(s)).collect();
                    seen.extend(new);
                }
                _ => return false,
            }
        }
        !matches!(self.actor(slot).map(|a| &a.status), None | Some(Status::Done))
    }

    /// True if nothing can move but at its whim.
    pub(crate) fn at_rest(&self) -> bool {
        self.crashed.is_some()
            || !self.actors.iter().any(|a| matches!(a.status, Status::Turn { whim: false }))
    }

    /// Takes a step; says what it picked.
    pub(crate) fn step(
        &mut self,
        slot: Slot,
        picks: &[Pick],
        recorded: Option<&mut Vec<Segment>>,
    ) -> Vec<Pick> {
        debug_assert!(self.can_move(slot), "a task that cannot move is not asked to");
        {
            let mut inner = self.stage.lock();
            inner.picks.clear();
            inner.picks.extend_from_slice(picks);
            inner.picked = 0;
            inner.choices.clear();
            inner.breaches.clear();
            inner.recording = recorded.is_some();
        }
        self.settle(Some(slot), recorded);
        std::mem::take(&mut self.stage.lock().choices)
    }

    /// Polls `mover`, if any, with a grant, then all that were woken or spawned until each is at a turn, parked or done.
    fn settle(&mut self, mover: Option<Slot>, mut recorded: Option<&mut Vec<Segment>>) {
        let mut queue: VecDeque<(Slot, bool)> = mover.map(|slot| (slot, true)).into_iter().collect();
        if mover.is_none() {
            let (_, spawned) = self.admit();
            queue.extend(spawned.iter().map(|(slot, _)| (*slot, false)));
            if let Some(recorded) = recorded.as_deref_mut() {
                // The beginning has no task: its writes and spawns stand for themselves.
                let mut inner = self.stage.lock();
                inner.events.clear();
                recorded.push(Segment {
                    task: Slot::MAX,
                    before: 0,
                    events: Vec::new(),
                    writes: std::mem::take(&mut inner.writes),
                    after: 0,
                    status: Status::Done,
                    woke: Vec::new(),
                    spawned,
                    breaches: Vec::new(),
                    crashed: None,
                });
            }
        }
        while let Some((slot, granted)) = queue.pop_front() {
            let fresh = matches!(
                self.actor(slot).map(|a| &a.status),
                Some(Status::Parked(_) | Status::Turn { whim: true })
            );
            if !granted && !fresh {
                continue;
            }
            let before = self.actors[self.seats[slot as usize]].history;
            let broken_before = self.stage.lock().breaches.len();
            let status = self.poll(slot, granted);
            let (woke, spawned) = self.admit();
            queue.extend(woke.iter().map(|slot| (*slot, false)));
            queue.extend(spawned.iter().map(|(slot, _)| (*slot, false)));
            let mut inner = self.stage.lock();
            self.crashed = self.crashed.take().or(inner.crashed.clone());
            if let Some(recorded) = recorded.as_deref_mut() {
                recorded.push(Segment {
                    task: slot,
                    before,
                    events: std::mem::take(&mut inner.events),
                    writes: std::mem::take(&mut inner.writes),
                    after: inner.history,
                    status,
                    woke,
                    spawned,
                    breaches: inner.breaches[broken_before..].iter().map(|(rule, _)| *rule).collect(),
                    crashed: inner.crashed.clone(),
                });
            }
            if self.crashed.is_some() {
                return;
            }
        }
    }

    fn poll(&mut self, slot: Slot, granted: bool) -> Status {
        let actor = &mut self.actors[self.seats[slot as usize]];
        let (mut future, waker) =
            (actor.future.take().expect("a task that is polled is not done"), actor.waker.clone());
        {
            let mut inner = self.stage.lock();
            inner.current = Some(slot);
            inner.granted = granted;
            inner.history = actor.history;
            if granted {
                // Two turns in a row are two places, even if nothing is observed between them.
                inner.history = mix(inner.history, "turn");
            }
            inner.status = None;
            if let Status::Parked(wait) = &actor.status {
                inner.wait.clone_from(wait);
            }
        }
        let ready = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut inner = self.stage.lock();
        inner.current = None;
        let status = match (ready, inner.status.take()) {
            (true, _) => Status::Done,
            (false, Some(status)) => status,
            (false, None) => Status::Parked(inner.wait.take()),
        };
        inner.wait = None;
        // How it stands is part of its place; once it has ended, that is all of it.
        let ended = matches!(status, Status::Done);
        inner.history = mix(if ended { 0 } else { inner.history }, standing(&status));
        actor.history = inner.history;
        actor.status = status.clone();
        drop(inner);
        if !ready {
            actor.future = Some(future);
        }
        status
    }

    /// Takes in the tasks that were spawned; says who was woken and who is new.
    fn admit(&mut self) -> (Vec<Slot>, Vec<(Slot, u128)>) {
        let (woken, spawned) = {
            let mut inner = self.stage.lock();
            (std::mem::take(&mut inner.woken), std::mem::take(&mut inner.spawned))
        };
        let mut new = Vec::new();
        for (slot, history, future) in spawned {
            new.push((slot, history));
            if self.seats.len() <= slot as usize {
                self.seats.resize(slot as usize + 1, usize::MAX);
            }
            assert!(
                self.seats[slot as usize] == usize::MAX,
                "two tasks are called {}",
                self.stage.lock().names[slot as usize]
            );
            self.seats[slot as usize] = self.actors.len();
            let waker = self.stage.waker(slot);
            self.actors.push(Actor {
                slot,
                future: Some(future),
                waker,
                status: Status::Parked(None),
                history,
            });
        }
        (woken, new)
    }

    /// Who waits for whom, now.
    pub(crate) fn graph(&self) -> WaitGraph {
        let mut graph = WaitGraph::default();
        let inner = self.stage.lock();
        let mut waits = Vec::new();
        for actor in &self.actors {
            let name = inner.names[actor.slot as usize];
            match &actor.status {
                Status::Turn { .. } | Status::Parked(None) => {
                    graph.running.insert(name);
                }
                Status::Parked(Some(wait)) => waits.push((name, wait)),
                Status::Done => {}
            }
        }
        drop(inner);
        waits.sort_by_key(|(name, _)| *name);
        graph.edges = waits.into_iter().map(|(name, wait)| Edge::of(name, wait)).collect();
        graph
    }

    /// From its next beginning on, its cells can be looked at.
    pub(crate) fn view(&mut self) {
        self.stage.lock().viewing = true;
    }

    /// What the cells hold, in the order of their making.
    pub(crate) fn views(&self) -> Vec<(Name, View)> {
        let (names, cells) = {
            let inner = self.stage.lock();
            (inner.names.clone(), inner.cells.clone())
        };
        cells.into_iter().map(|(slot, cell)| (names[slot as usize], cell.view())).collect()
    }

    /// The tasks, in the order of their start, and how each stands.
    pub(crate) fn roster(&self) -> Vec<(Name, Status)> {
        let inner = self.stage.lock();
        self.actors.iter().map(|actor| (inner.names[actor.slot as usize], actor.status.clone())).collect()
    }

    /// What can be seen of the world.
    pub(crate) fn outcome(&self) -> M::Outcome {
        self.model.look(self.world.as_ref().expect("a run has begun"))
    }

    /// The same; the cells that the model looks at count as observed from now on.
    pub(crate) fn outcome_observed(&self) -> M::Outcome {
        self.stage.lock().looking = true;
        let outcome = self.outcome();
        self.stage.lock().looking = false;
        outcome
    }

    /// The rules that the last step broke, and how; in words where it was [narrated](Play::narrate).
    pub(crate) fn breaches(&self) -> Vec<(&'static str, String)> {
        self.stage.lock().breaches.clone()
    }

    /// What broke the program, if something has.
    pub(crate) fn crashed(&self) -> Option<&str> {
        self.crashed.as_deref()
    }

    /// Takes a step and says what happened.
    pub(crate) fn narrate(
        &mut self,
        slot: Slot,
        picks: &[Pick],
        segments: &mut Vec<Segment>,
    ) -> (Step, Vec<Pick>) {
        {
            let mut inner = self.stage.lock();
            inner.noting = true;
            inner.notes.clear();
        }
        segments.clear();
        let choices = self.step(slot, picks, Some(segments));
        let mut inner = self.stage.lock();
        inner.noting = false;
        let notes = std::mem::take(&mut inner.notes);
        let name = inner.names[slot as usize];
        let wakes = segments.iter().flat_map(|s| &s.woke).map(|s| inner.names[*s as usize]).collect();
        drop(inner);
        let after = match &self.actor(slot).expect("who moved is there").status {
            Status::Turn { .. } | Status::Parked(None) => After::Goes,
            Status::Parked(Some(wait)) => After::Waits(Edge::of(name, wait)),
            Status::Done => After::Ends,
        };
        let step = Step { task: name, what: notes.join(", "), after, wakes };
        (step, choices)
    }
}

impl<M: Model> Drop for Play<M> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn standing(status: &Status) -> u8 {
    match status {
        Status::Turn { whim: false } => 1,
        Status::Turn { whim: true } => 2,
        Status::Parked(_) => 3,
        Status::Done => 4,
    }
}

/// A rule that a step broke.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Breach {
    /// Which step of the schedule it was, from 1; 0 where a task broke it before its first step.
    pub step: usize,
    /// The rule.
    pub rule: &'static str,
    /// What is wrong, in words.
    pub what: String,
}

/// A schedule that was played to its end.
#[derive(Clone, Debug)]
pub struct Played<O> {
    /// The schedule, with every pick said.
    pub schedule: Schedule,
    /// What happened.
    pub trace: Trace,
    /// Who waits for whom at the end.
    pub graph: WaitGraph,
    /// What can be seen of the world at the end.
    pub outcome: O,
    /// The rules that were broken on the way, in the order of the steps that broke them.
    pub breaches: Vec<Breach>,
    /// What broke the program, if something did.
    pub crashed: Option<String>,
    /// True if nothing can move any more, but at its whim.
    pub at_rest: bool,
    /// If the world had been in the very state in which it is at the end: after how many steps.
    pub lasso: Option<usize>,
}

/// Plays a schedule.
///
/// # Errors
/// Says which step could not be taken.
pub fn play<M: Model>(model: &M, schedule: &Schedule) -> Result<Played<M::Outcome>, String> {
    let mut play = Play::new(model.clone(), None);
    let mut trace = Trace::default();
    let mut said = Schedule::default();
    let mut breaches = Vec::new();
    let mut note = |step, play: &Play<M>| {
        breaches.extend(play.breaches().into_iter().map(|(rule, what)| Breach { step, rule, what }));
    };
    let (mut segments, mut fingerprint) = (Vec::new(), Fingerprint::default());
    play.restart_noting(Some(&mut segments));
    note(0, &play);
    let mut states = vec![fingerprint.take(&segments)];
    for (index, turn) in schedule.turns.iter().enumerate() {
        let (_, slot) = play.seat_of(index, turn.task)?;
        let (step, picks) = play.narrate(slot, &turn.picks, &mut segments);
        states.push(fingerprint.take(&segments));
        note(index + 1, &play);
        trace.steps.push(step);
        said.turns.push(Turn { task: turn.task, picks });
    }
    Ok(Played {
        schedule: said,
        trace,
        graph: play.graph(),
        outcome: play.outcome(),
        breaches,
        crashed: play.crashed.clone(),
        at_rest: play.at_rest(),
        lasso: round::begins(&states),
    })
}
