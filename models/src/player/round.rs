//! Whether a schedule ends by going round: with the world in a state in which it was before.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use turnstile::waits::Edge;

use super::{Play, Segment, Slot, Status, mix};
use crate::model::Model;
use crate::schedule::Schedule;

/// The last part of a schedule, which leads back to where it begins.
pub(crate) struct Round<O> {
    /// After how many steps of the schedule it begins.
    pub(crate) begins: usize,
    /// What can be seen of the world after each of its steps.
    pub(crate) outcomes: Vec<O>,
    /// Who waits in the midst of work, in the same place all the way round.
    pub(crate) waits: Vec<Edge>,
    /// True if each task that can move on the way, not at its whim, does. If not, a fair run does not go round so.
    pub(crate) all_move: bool,
}

/// The state of a run in one number: the place of each task and the content of each cell.
#[derive(Default)]
pub(super) struct Fingerprint {
    slots: HashMap<Slot, u128>,
    sum: u128,
}

impl Fingerprint {
    fn set(&mut self, slot: Slot, value: u128) {
        let old = self.slots.insert(slot, value);
        let own = |value| mix(u128::from(slot), value);
        self.sum ^= own(value) ^ old.map_or(0, own);
    }

    pub(super) fn take(&mut self, segments: &[Segment]) -> u128 {
        for segment in segments {
            for (slot, content) in &segment.writes {
                self.set(*slot, u128::from(*content));
            }
            if segment.task != Slot::MAX {
                self.set(segment.task, segment.after);
            }
        }
        self.sum
    }
}

/// Where a way ends in a state that it had come to before: after how many steps it had.
pub(super) fn begins(states: &[u128]) -> Option<usize> {
    let (last, before) = states.split_last()?;
    before.iter().position(|state| state == last)
}

/// The round that a schedule ends with, if it does. With `waits_only`, cells that it never observes are no part of the state.
///
/// # Errors
/// Says which step could not be taken.
pub(crate) fn round<M: Model>(
    model: &M,
    schedule: &Schedule,
    waits_only: bool,
) -> Result<Option<Round<M::Outcome>>, String> {
    let mut play = Play::new(model.clone(), None);
    if waits_only {
        // Which cells it observes is known when it has been played once.
        play.stage().lock().waits_only = true;
        for index in 0..schedule.len() {
            take(&mut play, schedule, index)?;
        }
    }
    let mut segments = Vec::new();
    play.restart(Some(&mut segments));
    let mut fingerprint = Fingerprint::default();
    let mut states = vec![fingerprint.take(&segments)];
    for index in 0..schedule.len() {
        states.push(fingerprint.take(&take(&mut play, schedule, index)?));
    }
    let Some(begins) = begins(&states) else { return Ok(None) };

    play.restart(None);
    for index in 0..begins {
        take(&mut play, schedule, index)?;
    }
    let mut waiting = play.working();
    let mut idle: BTreeSet<Slot> = play.obliged().collect();
    let mut outcomes = Vec::new();
    for index in begins..schedule.len() {
        take(&mut play, schedule, index)?;
        let now = play.working();
        waiting.retain(|wait| now.contains(wait));
        idle.extend(play.obliged());
        outcomes.push(play.outcome());
    }
    for turn in &schedule.turns[begins..] {
        if let Some(slot) = play.stage().lock().find(turn.task) {
            idle.remove(&slot);
        }
    }
    let waiting: BTreeSet<_> = waiting.into_iter().map(|(task, _)| play.name(task)).collect();
    let waits = play.graph().edges.into_iter().filter(|edge| waiting.contains(&edge.task)).collect();
    Ok(Some(Round { begins, outcomes, waits, all_move: idle.is_empty() }))
}

/// Takes a step of a schedule.
fn take<M: Model>(play: &mut Play<M>, schedule: &Schedule, index: usize) -> Result<Vec<Segment>, String> {
    let turn = &schedule.turns[index];
    let (_, slot) = play.seat_of(index, turn.task)?;
    let mut segments = Vec::new();
    play.step(slot, &turn.picks, Some(&mut segments));
    Ok(segments)
}

impl<M: Model> Play<M> {
    /// The tasks that are to take a step, not at their whim.
    fn obliged(&self) -> impl Iterator<Item = Slot> + '_ {
        let obliged = self.actors.iter().filter(|a| matches!(a.status, Status::Turn { whim: false }));
        obliged.map(|actor| actor.slot)
    }

    /// The tasks that wait in the midst of work, and where.
    fn working(&self) -> Vec<(Slot, u128)> {
        let works = |status: &Status| matches!(status, Status::Parked(Some(wait)) if wait.kind.is_work());
        self.actors.iter().filter(|a| works(&a.status)).map(|a| (a.slot, a.history)).collect()
    }
}

#[cfg(test)]
mod tests {
    use turnstile::sync::{Channel, Channels, Spec};
    use turnstile::{Name, Runtime, Task};

    use super::*;
    use crate::schedule::Turn;

    /// A clock that ticks and tocks, another that does nothing, and a sender that nobody hears.
    #[derive(Clone)]
    struct Clocks;

    impl Model for Clocks {
        type World<R: Runtime> = turnstile::sync::Shared<R, bool>;
        type Outcome = bool;

        fn start<R: Runtime>(&self, runtime: &R) -> Self::World<R> {
            let ticked = turnstile::sync::Shared::new(runtime, Name::one("ticked"), false);
            let channels: Channels<R, u8> =
                Channels::new(runtime, Name::one("channels"), [Spec::new(Name::one("mail"), 0)]);
            let clock = ticked.clone();
            Task::spawn(runtime, Name::one("clock"), async move |me| {
                loop {
                    me.rest();
                    clock.step(&me, "tick", |it| *it ^= true).await;
                }
            });
            Task::spawn(runtime, Name::one("idler"), async move |me| {
                loop {
                    me.rest();
                    me.turn().await;
                }
            });
            Task::spawn(runtime, Name::one("sender"), async move |me| {
                channels.send(&me, Channel(0), 1).await.unwrap();
            });
            ticked
        }

        fn look<R: Runtime>(&self, ticked: &Self::World<R>) -> bool {
            ticked.peek(|it| *it)
        }
    }

    fn ask(tasks: &[&'static str]) -> Option<Round<bool>> {
        let turn = |task: &&'static str| Turn { task: Name::one(task), picks: Vec::new() };
        let schedule = Schedule { turns: tasks.iter().map(turn).collect() };
        round(&Clocks, &schedule, false).unwrap()
    }

    #[test]
    fn a_round_ends_in_the_state_in_which_it_began() {
        assert!(ask(&["clock", "sender"]).is_none());
        assert!(ask(&["sender", "clock", "idler", "clock", "clock"]).is_some_and(|it| it.begins == 2));
        let round = ask(&["sender", "clock", "idler", "clock"]).unwrap();
        assert_eq!((round.begins, round.outcomes.as_slice()), (1, [true, true, false].as_slice()));
        let waits: Vec<String> = round.waits.iter().map(Edge::to_string).collect();
        assert_eq!(waits, ["sender waits to send on mail (unbuffered)"]);
        assert!(round.all_move);
    }

    #[test]
    fn whoever_could_move_all_the_way_round_and_does_not_is_noticed() {
        assert!(!ask(&["sender", "clock", "clock"]).unwrap().all_move);
        let round = ask(&["clock", "idler", "clock"]).unwrap();
        assert!(!round.all_move, "the sender has yet to send");
        assert!(round.waits.is_empty());
    }
}
