//! Makes a failing schedule smaller before it is shown: fewer actors first, then fewer context switches.

use std::time::{Duration, Instant};

use turnstile::Name;

use crate::claim::{Claim, Says};
use crate::engine::Quest;
use crate::model::Model;
use crate::player::{Play, Slot};
use crate::property::Property;
use crate::scenario::Scenario;
use crate::schedule::{Pick, Schedule, Turn};

/// Finds a smaller scenario and a simpler schedule that break the same claim. It tries for at most `budget`, then
/// returns the best so far.
pub fn shrink(
    scenario: &Scenario,
    property: Property,
    schedule: &Schedule,
    budget: Duration,
) -> Option<(Scenario, Schedule)> {
    let until = Instant::now() + budget;
    let claim = property.claim(scenario);
    let mut best = Attempt { model: scenario, claim: &claim, until }.run(schedule).map(|s| (*scenario, s))?;
    // A simpler schedule may do with fewer actors, and with fewer actors be simpler.
    loop {
        let connections = best.0.connections();
        fewer_actors(&mut best, property, until);
        best.1 = Attempt { model: &best.0, claim: &property.claim(&best.0), until }.fewer_switches(best.1);
        if best.0.connections() == connections || Instant::now() > until {
            return Some(best);
        }
    }
}

/// Finds a simpler schedule that breaks the same claim about the same model, and tries for at most `budget`.
pub(crate) fn simpler<M: Model>(
    model: &M,
    claim: &Claim<'_, M::Outcome>,
    schedule: &Schedule,
    budget: Duration,
) -> Option<Schedule> {
    let attempt = Attempt { model, claim, until: Instant::now() + budget };
    attempt.run(schedule).map(|broken| attempt.fewer_switches(broken))
}

struct Attempt<'a, M: Model> {
    model: &'a M,
    claim: &'a Claim<'a, M::Outcome>,
    until: Instant,
}

impl<M: Model> Attempt<'_, M> {
    /// Plays what can be played of a schedule, then plainly on to rest; returns the schedule up to where the claim breaks.
    fn run(&self, schedule: &Schedule) -> Option<Schedule> {
        let mut play = Play::new(self.model.clone(), None);
        let mut said = Schedule::default();
        let mut last = 0;
        for turn in &schedule.turns {
            let Some((seat, slot)) = play.find(turn.task) else { continue };
            let picks = play.step(slot, &turn.picks, None);
            said.turns.push(Turn { task: turn.task, picks });
            last = seat;
            if self.broken(&play, slot) {
                return Some(said);
            }
        }
        while !self.hopeless(&play) {
            let (seat, slot) = play.plain(last)?;
            let picks = play.step(slot, &[], None);
            said.turns.push(Turn { task: play.name(slot), picks });
            last = seat;
            if self.broken(&play, slot) {
                return Some(said);
            }
            if said.len().is_multiple_of(1024) && Instant::now() > self.until {
                return None;
            }
        }
        let stuck = matches!(self.claim.says, Says::NoHang) && play.graph().knot_at_rest().is_some();
        stuck.then_some(said)
    }

    /// True if a claim about rest was not broken at rest. To find a knot the plain schedule goes on, and lets peers leave.
    fn hopeless(&self, play: &Play<M>) -> bool {
        match self.claim.quest() {
            Quest::Knots | Quest::Breaches => play.plain(0).is_none(),
            Quest::Outcomes | Quest::Progress => play.at_rest(),
        }
    }

    fn broken(&self, play: &Play<M>, moved: Slot) -> bool {
        if play.breaches().iter().any(|(rule, _)| self.claim.is_of(rule)) {
            return true;
        }
        if play.crashed().is_some() {
            return matches!(self.claim.says, Says::NoCrash);
        }
        match self.claim.says {
            Says::NoCrash => false,
            Says::NoHang => play.is_stuck(moved),
            _ => {
                let quest = self.claim.quest();
                quest.looks()
                    && play.at_rest()
                    && self.claim.judge(&play.outcome()).is_some()
                    && (quest == Quest::Progress || play.graph().knot_at_rest().is_none())
            }
        }
    }

    /// Takes away stretches of steps by one task, or moves them to that task's stretch before, in ever smaller portions.
    fn fewer_switches(&self, mut best: Schedule) -> Schedule {
        let mut portion = stretches(&best).len().next_power_of_two();
        while portion > 0 && Instant::now() < self.until {
            let mut at = 0;
            let mut better = false;
            while at < stretches(&best).len() && Instant::now() < self.until {
                let parts = stretches(&best);
                let end = parts.len().min(at + portion);
                let without = join(parts[..at].iter().chain(&parts[end..]));
                let mut candidates = vec![without];
                if portion == 1
                    && let Some(before) = parts[..at].iter().rposition(|p| p[0].task == parts[at][0].task)
                {
                    let order = parts[..=before].iter().chain([&parts[at]]).chain(&parts[before + 1..at]);
                    candidates.push(join(order.chain(&parts[at + 1..])));
                }
                let cost = |s: &Schedule| (s.switches(), s.len());
                let found = candidates.iter().filter_map(|c| self.run(c)).find(|s| cost(s) < cost(&best));
                match found {
                    Some(schedule) => (best, better) = (schedule, true),
                    None => at += portion,
                }
            }
            portion = if better && portion == 1 { 1 } else { portion / 2 };
        }
        best
    }
}

/// Takes away logins, then users, in ever smaller portions, wherever they stand.
fn fewer_actors(best: &mut (Scenario, Schedule), property: Property, until: Instant) {
    for what in [Actors::Logins, Actors::Users] {
        let mut by = what.count(&best.0).next_power_of_two() / 2;
        while by > 0 && Instant::now() < until {
            let count = what.count(&best.0);
            let mut portions = (0..count).step_by(by as usize).filter(|_| count > by);
            let found = portions.find_map(|first| {
                let gone = first..count.min(first + by);
                let scenario = what.without(&best.0, gone.len() as u32);
                let schedule = renumber(&best.1, &best.0, &scenario, |user, login| match what {
                    Actors::Users => gone.contains(&user),
                    Actors::Logins => gone.contains(&login),
                });
                let claim = property.claim(&scenario);
                let attempt = Attempt { model: &scenario, claim: &claim, until };
                (Instant::now() < until)
                    .then(|| attempt.run(&schedule))
                    .flatten()
                    .map(|schedule| (scenario, schedule))
            });
            match found {
                Some(found) => *best = found,
                None => by /= 2,
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Actors {
    Users,
    Logins,
}

impl Actors {
    fn count(self, scenario: &Scenario) -> u32 {
        match self {
            Actors::Users => scenario.users,
            Actors::Logins => scenario.logins,
        }
    }

    fn without(self, scenario: &Scenario, gone: u32) -> Scenario {
        match self {
            Actors::Users => Scenario { users: scenario.users - gone, ..*scenario },
            Actors::Logins => Scenario { logins: scenario.logins - gone, ..*scenario },
        }
    }
}

/// The turns of those that are left, under the numbers that they have in the smaller world.
fn renumber(
    schedule: &Schedule,
    from: &Scenario,
    to: &Scenario,
    is_gone: impl Fn(u32, u32) -> bool,
) -> Schedule {
    // By old number less one: the new number of those that are left.
    let mut numbers = Vec::new();
    let mut last = 0;
    for user in 0..from.users {
        for login in 0..from.logins {
            let left = !is_gone(user, login);
            last += u32::from(left);
            numbers.push(left.then_some(last));
        }
    }
    debug_assert_eq!(last, to.connections(), "whole users or whole logins are taken away");
    let turns = schedule.turns.iter().filter_map(|turn| {
        let task = match turn.task.number() {
            0 => turn.task,
            number => Name::of(turn.task.role(), (*numbers.get(number as usize - 1)?)?),
        };
        let picks = turn.picks.iter().map(|pick| match pick {
            Pick::Named(number @ 1..) => {
                Pick::Named(numbers.get(*number as usize - 1).copied().flatten().unwrap_or(0))
            }
            other => *other,
        });
        Some(Turn { task, picks: picks.collect() })
    });
    Schedule { turns: turns.collect() }
}

fn stretches(schedule: &Schedule) -> Vec<Vec<Turn>> {
    schedule.turns.chunk_by(|a, b| a.task == b.task).map(<[Turn]>::to_vec).collect()
}

fn join<'a>(parts: impl Iterator<Item = &'a Vec<Turn>>) -> Schedule {
    Schedule { turns: parts.flatten().cloned().collect() }
}
