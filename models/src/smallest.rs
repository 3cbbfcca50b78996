//! Which capacity lets how many logins hang: the law, fitted to the smallest worlds and tried on others.

use turnstile::Name;
use turnstile::hub::{Design, Version};

use crate::check::{Engine, check, replay};
use crate::engine::Progress;
use crate::limits::Limits;
use crate::player::{Play, Slot};
use crate::property::Property;
use crate::scenario::{Peers, Scenario};
use crate::schedule::{Pick, Schedule, Turn};
use crate::verdict::{Counterexample, Verdict};

/// What is known of one world at some capacities.
#[derive(Clone, Debug)]
pub struct Column {
    /// The world; its capacity is to be replaced.
    pub world: Scenario,
    /// By capacity.
    pub found: Vec<(u32, Found)>,
}

/// What a search came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The property fails, and in no fewer steps.
    Fails(usize),
    /// It holds: the search was complete.
    Holds,
    /// The search was cut short.
    Unknown,
}

impl Column {
    /// The largest capacity at which the property fails, if nothing in the column is unknown.
    pub fn fails_up_to(&self) -> Option<Option<u32>> {
        if self.found.iter().any(|(_, found)| *found == Found::Unknown) {
            return None;
        }
        Some(
            self.found
                .iter()
                .filter(|(_, f)| matches!(f, Found::Fails(_)))
                .map(|(capacity, _)| *capacity)
                .max(),
        )
    }

    /// What is known at a capacity.
    pub fn at(&self, capacity: u32) -> Option<Found> {
        self.found.iter().find(|(at, _)| *at == capacity).map(|(_, found)| *found)
    }
}

/// Searches a world at some capacities.
///
/// # Errors
/// Says why the world cannot be searched.
pub fn column(
    world: &Scenario,
    property: Property,
    capacities: impl IntoIterator<Item = u32>,
    limits: &Limits,
    progress: &dyn Progress,
) -> Result<Column, String> {
    let mut found = Vec::new();
    for capacity in capacities {
        let scenario = Scenario { capacity, ..*world };
        let one = match check(&scenario, property, Engine::Exhaustive, limits, progress)? {
            Verdict::Holds(_) => Found::Holds,
            Verdict::Fails(_, counterexample) => Found::Fails(counterexample.schedule.len()),
            Verdict::Unknown(..) => Found::Unknown,
        };
        found.push((capacity, one));
    }
    Ok(Column { world: *world, found })
}

/// How many connections can come to be unregistered: all if peers leave; if they stay, those that are kicked, which is all of a
/// user's but the last.
pub fn size(world: &Scenario) -> u32 {
    match world.peers {
        Peers::Leave => world.connections(),
        Peers::Stay => world.users * (world.logins - 1),
    }
}

/// It fails at capacities up to `slope` x [`size`] + `offset`, and at no larger one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Law {
    /// Whether peers leave.
    pub peers: Peers,
    /// For each one more.
    pub slope: i64,
    /// What is added.
    pub offset: i64,
}

impl Law {
    /// The line through two worlds of different size, if both fail somewhere and the line has whole numbers.
    pub fn fit(one: &Column, two: &Column) -> Option<Law> {
        let point =
            |column: &Column| Some((i64::from(size(&column.world)), i64::from(column.fails_up_to()??)));
        let ((n, c), (m, d)) = (point(one)?, point(two)?);
        let (run, rise) = (m - n, d - c);
        if run == 0 || rise % run != 0 {
            return None;
        }
        let slope = rise / run;
        Some(Law { peers: one.world.peers, slope, offset: c - slope * n })
    }

    /// The largest capacity at which a world of this [`size`] fails; negative if there is none.
    pub fn fails_up_to(&self, size: u32) -> i64 {
        self.slope * i64::from(size) + self.offset
    }

    /// The capacities on both sides of the line.
    pub fn around(&self, size: u32) -> Vec<u32> {
        let last = self.fails_up_to(size);
        [last, last + 1].into_iter().filter_map(|capacity| u32::try_from(capacity).ok()).collect()
    }

    /// Which size it takes at a capacity.
    pub fn size_for(&self, capacity: u32) -> Option<u32> {
        (1..=20_000).find(|n| self.fails_up_to(*n) >= i64::from(capacity))
    }

    /// Whether a world is as the law says; `None` where that is not known.
    pub fn agrees(&self, column: &Column) -> Option<bool> {
        let foretold = self.fails_up_to(size(&column.world));
        let mut known = true;
        for (capacity, found) in &column.found {
            match (found, i64::from(*capacity) <= foretold) {
                (Found::Unknown, _) => known = false,
                (Found::Fails(_), true) | (Found::Holds, false) => {}
                (Found::Fails(_), false) | (Found::Holds, true) => return Some(false),
            }
        }
        known.then_some(true)
    }

    /// It in words.
    pub fn words(&self) -> String {
        let what = match self.peers {
            Peers::Leave => "connections",
            Peers::Stay => "kicked connections",
        };
        let times = match self.slope {
            0 => String::new(),
            1 => what.to_owned(),
            slope => format!("{slope} x {what}"),
        };
        match (self.slope, self.offset) {
            (0, offset) => format!("capacity <= {offset}"),
            (_, 0) => format!("capacity <= {times}"),
            (_, offset) if offset < 0 => format!("capacity <= {times} - {}", -offset),
            (_, offset) => format!("capacity <= {times} + {offset}"),
        }
    }
}

/// Tries to hang a hub of one loop at any size, by the pattern of the shortest counterexamples: the loop goes only where nobody else
/// can; all peers leave but that of the connection which is first in line to register; the loop takes registrations first.
///
/// This is one schedule: that it does not hang says nothing about others.
pub fn drive(scenario: &Scenario) -> Option<Counterexample> {
    let hub = Name::one("hub");
    let spared = Name::of("peer", 1);
    let mut play = Play::new(*scenario, None);
    let mut turns = Vec::new();
    // Each connection takes a few dozen steps at most.
    for _ in 0..u64::from(scenario.connections()) * 100 + 1000 {
        let movable: Vec<Slot> = play.movable().filter(|slot| play.name(*slot) != spared).collect();
        let others = movable.iter().copied().find(|slot| play.name(*slot) != hub);
        let slot = others.or_else(|| movable.first().copied())?;
        let picks = play.step(slot, &[Pick::decode(0)], None);
        turns.push(Turn { task: play.name(slot), picks });
        if play.is_stuck(slot) {
            return replay(scenario, Property::NoDeadlock, &Schedule { turns }).ok();
        }
    }
    None
}

/// The worlds that the law is fitted to, and those that it is tried on.
pub fn worlds(design: Design, version: Version, peers: Peers) -> (Vec<Scenario>, Vec<Scenario>) {
    let world = |users, logins| Scenario { design, version, peers, users, logins, ..Scenario::default() };
    (vec![world(1, 2), world(1, 3)], vec![world(2, 2), world(1, 4)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(logins: u32, fails: std::ops::Range<u32>, holds: std::ops::Range<u32>) -> Column {
        let fails = fails.map(|c| (c, Found::Fails(9)));
        Column {
            world: Scenario { logins, ..Scenario::default() },
            found: fails.chain(holds.map(|c| (c, Found::Holds))).collect(),
        }
    }

    #[test]
    fn a_law_is_fitted_to_two_worlds_and_refuted_by_a_third() {
        let law = Law::fit(&found(2, 0..2, 2..5), &found(3, 0..3, 3..5)).unwrap();
        assert_eq!(law.words(), "capacity <= connections - 1");
        assert_eq!((law.size_for(1000), law.around(4)), (Some(1001), vec![3, 4]));
        assert_eq!(law.agrees(&found(4, 3..4, 4..5)), Some(true));
        assert_eq!(law.agrees(&found(4, 3..5, 5..6)), Some(false));
        let cut = Column { found: vec![(3, Found::Unknown), (4, Found::Holds)], ..found(4, 0..0, 0..0) };
        assert_eq!((law.agrees(&cut), cut.fails_up_to()), (None, None));
        assert_eq!(Law::fit(&cut, &found(3, 0..3, 3..5)), None, "nothing is fitted to what is unknown");
    }

    #[test]
    fn the_pattern_of_the_small_worlds_hangs_a_hub_of_any_size_at_the_line_and_not_below() {
        for version in [Version::V3_8_3, Version::Main] {
            let world = |logins| Scenario { version, logins, capacity: 40, ..Scenario::default() };
            let hang = drive(&world(41)).expect("41 logins hang a hub of capacity 40");
            assert_eq!(hang.knot.unwrap().cycle[0].task, Name::one("hub"));
            assert!(drive(&world(40)).is_none());
        }
    }
}
