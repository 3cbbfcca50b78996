//! What is compared: for each version, design and property, the same worlds in the same order, up to the first that breaks it.

use std::time::Duration;

use turnstile::hub::{Design, Version};

use super::{Answer, Error, Order, Planted, ask};
use crate::check::{Engine, check};
use crate::limits::Limits;
use crate::property::Property;
use crate::scenario::{Peers, Scenario};

/// How large a world is. In each, peers leave; for `no-leak`, somebody pushes a message to user 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct World {
    /// How many users.
    pub users: u32,
    /// How many logins of each.
    pub logins: u32,
    /// Capacity of the channels.
    pub capacity: u32,
}

/// The worlds, smallest first: by connections, then by capacity.
pub const WORLDS: [World; 11] = [
    World { users: 1, logins: 1, capacity: 0 },
    World { users: 1, logins: 1, capacity: 1 },
    World { users: 1, logins: 2, capacity: 0 },
    World { users: 2, logins: 1, capacity: 0 },
    World { users: 1, logins: 2, capacity: 1 },
    World { users: 2, logins: 1, capacity: 1 },
    World { users: 1, logins: 2, capacity: 2 },
    World { users: 2, logins: 1, capacity: 2 },
    World { users: 1, logins: 3, capacity: 0 },
    World { users: 1, logins: 3, capacity: 1 },
    World { users: 1, logins: 3, capacity: 2 },
];

/// A claim about a hub, to be searched in world after world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Row {
    /// Whose steps the hub follows.
    pub version: Version,
    /// Its shape.
    pub design: Design,
    /// The claim.
    pub property: Property,
}

/// What one of the two says of a world, and what that took.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Opinion {
    /// Whether the property holds; `None` if a limit stopped the search.
    pub holds: Option<bool>,
    /// Distinct states.
    pub states: u64,
    /// How long the search took.
    pub time: Duration,
}

/// What both say of a property of a world.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cell {
    /// The claim.
    pub row: Row,
    /// The world.
    pub world: World,
    /// What the exhaustive engine says.
    pub ours: Opinion,
    /// What SPIN says.
    pub spins: Opinion,
    /// How long it took to make SPIN's verifier: the exhaustive engine has nothing like it.
    pub making: Duration,
}

impl Opinion {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self.holds {
            Some(true) => "holds",
            Some(false) => "fails",
            None => "unknown",
        }
    }
}

impl Cell {
    /// True if both have searched all of it, or found what breaks it, and say the same.
    pub fn agrees(&self) -> bool {
        self.ours.holds.is_some() && self.ours.holds == self.spins.holds
    }
}

/// The rows that are compared: both versions, OpenIM's design and the post's, and the properties that both judge.
pub fn rows() -> Vec<Row> {
    let versions = [Version::V3_5_1, Version::V3_8_3];
    let designs = [Design::SingleSelect, Design::SplitLoops];
    let properties = [Property::NoDeadlock, Property::NoGhost, Property::NoLostSession, Property::NoLeak];
    let of_design = |version, design| properties.map(|property| Row { version, design, property });
    versions.iter().flat_map(|v| designs.iter().flat_map(|d| of_design(*v, *d))).collect()
}

impl Row {
    /// The world of this row that is so large.
    pub fn scenario(&self, world: World) -> Scenario {
        Scenario {
            design: self.design,
            version: self.version,
            users: world.users,
            logins: world.logins,
            capacity: world.capacity,
            peers: Peers::Leave,
            pushers: u32::from(self.property == Property::NoLeak),
            ..Scenario::default()
        }
    }

    /// Asks both about one world.
    ///
    /// # Errors
    /// If SPIN cannot be asked.
    pub fn ask(&self, world: World, planted: Option<Planted>, limits: &Limits) -> Result<Cell, Error> {
        let scenario = self.scenario(world);
        let verdict = check(&scenario, self.property, Engine::Exhaustive, limits, &())
            .expect("the worlds that are compared are such as can be searched");
        let effort = &verdict.search().effort;
        let holds = match verdict.name() {
            "holds" => Some(true),
            "fails" => Some(false),
            _ => None,
        };
        let ours = Opinion { holds, states: effort.states.unwrap_or(0), time: effort.time };
        let Answer { holds, states, searching, making, .. } =
            ask(&scenario, self.property, Order::BreadthFirst, planted, limits)?;
        let spins = Opinion { holds, states, time: searching };
        Ok(Cell { row: *self, world, ours, spins, making })
    }

    /// Asks both about one world after the other, up to the first that is not said by both to hold.
    ///
    /// # Errors
    /// If SPIN cannot be asked.
    pub fn compare(
        &self,
        worlds: &[World],
        planted: Option<Planted>,
        limits: &Limits,
        mut tell: impl FnMut(&Cell),
    ) -> Result<Vec<Cell>, Error> {
        let mut cells = Vec::new();
        for world in worlds {
            let cell = self.ask(*world, planted, limits)?;
            tell(&cell);
            cells.push(cell);
            if !cell.agrees() || cell.ours.holds == Some(false) {
                break;
            }
        }
        Ok(cells)
    }
}
