//! Makes a failing schedule smaller before it is shown: fewer actors first, then fewer context switches.

use std::time::{Duration, Instant};

use turnstile::Name;

use crate::engine::Quest;
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
    let mut best = Attempt { scenario: *scenario, property, until }.run(schedule).map(|s| (*scenario, s))?;
    // A simpler schedule may do with fewer actors, and with fewer actors be simpler.
    loop {
        let connections = best.0.connections();
        fewer_actors(&mut best, property, until);
        fewer_switches(&mut best, property, until);
        if best.0.connections() == connections || Instant::now() > until {
            return Some(best);
        }
    }
}

struct Attempt {
    scenario: Scenario,
    property: Property,
    until: Instant,
}

impl Attempt {
    /// Plays what can be played of a schedule, then plainly on to rest; returns the schedule up to where the claim breaks.
    fn run(&self, schedule: &Schedule) -> Option<Schedule> {
        let mut play = Play::new(self.scenario, None);
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
        let stuck = self.property == Property::NoDeadlock && play.graph().knot_at_rest().is_some();
        stuck.then_some(said)
    }

    /// True if a claim about rest was not broken at rest. To find a knot the plain schedule goes on, and lets peers leave.
    fn hopeless(&self, play: &Play<Scenario>) -> bool {
        match self.property.quest() {
            Quest::Knots | Quest::Breaches => play.plain(0).is_none(),
            Quest::Outcomes | Quest::Progress => play.at_rest(),
        }
    }

    fn broken(&self, play: &Play<Scenario>, moved: Slot) -> bool {
        if play.breaches().iter().any(|(rule, _)| *rule == self.property.name()) {
            return true;
        }
        if play.crashed().is_some() {
            return self.property == Property::NoCrash;
        }
        match self.property {
            Property::NoCrash => false,
            Property::NoDeadlock => play.is_stuck(moved),
            property => {
                property.quest().looks()
                    && play.at_rest()
                    && property.judge(&self.scenario, &play.outcome()).is_some()
                    && (property.quest() == Quest::Progress || play.graph().knot_at_rest().is_none())
            }
        }
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
                let attempt = Attempt { scenario, property, until };
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

/// Takes away stretches of steps by one task, or moves them to that task's stretch before, in ever smaller portions.
fn fewer_switches(best: &mut (Scenario, Schedule), property: Property, until: Instant) {
    let attempt = Attempt { scenario: best.0, property, until };
    let mut portion = stretches(&best.1).len().next_power_of_two();
    while portion > 0 && Instant::now() < until {
        let mut at = 0;
        let mut better = false;
        while at < stretches(&best.1).len() && Instant::now() < until {
            let parts = stretches(&best.1);
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
            let found = candidates.iter().filter_map(|c| attempt.run(c)).find(|s| cost(s) < cost(&best.1));
            match found {
                Some(schedule) => (best.1, better) = (schedule, true),
                None => at += portion,
            }
        }
        portion = if better && portion == 1 { 1 } else { portion / 2 };
    }
}

fn stretches(schedule: &Schedule) -> Vec<Vec<Turn>> {
    schedule.turns.chunk_by(|a, b| a.task == b.task).map(<[Turn]>::to_vec).collect()
}

fn join<'a>(parts: impl Iterator<Item = &'a Vec<Turn>>) -> Schedule {
    Schedule { turns: parts.flatten().cloned().collect() }
}
