//! What other engines say of the table's cells.

use std::time::Duration;

use turnstile::hub::{Design, Version};

use super::{Cell, Table};
use crate::check::{Engine, tried};
use crate::limits::Limits;
use crate::property::Property;
use crate::scenario::Scenario;

/// What another engine found, where the exhaustive one has a verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Agreement {
    /// Both found it broken.
    BothBroken,
    /// Neither found it broken.
    NeitherBroken,
    /// The exhaustive engine alone found it broken; the other one stopped before it had seen everything.
    Missed,
    /// One says what the other one rules out: a bug in one of them.
    Contradiction,
}

/// One cell, as another engine sees it.
#[derive(Clone, Copy, Debug)]
pub struct Crossed {
    /// The design.
    pub design: Design,
    /// The version.
    pub version: Version,
    /// The property.
    pub property: Property,
    /// Who looked.
    pub engine: Engine,
    /// Where.
    pub world: Scenario,
    /// What came of it.
    pub agreement: Agreement,
}

/// Has shuttle, and where the world is small enough loom, look at each cell that has a verdict: at the world where it fails, or
/// at the smallest one where it holds. Each engine has so long for a cell.
pub fn cross_check(table: &Table, small: &Scenario, each: Duration) -> Vec<Crossed> {
    let mut crossed = Vec::new();
    for row in &table.rows {
        for (property, cell) in Property::ALL.into_iter().zip(&row.cells) {
            let (world, broken) = match cell {
                Cell::Fails { world, .. } => (*world, true),
                Cell::Holds { .. } => {
                    (Scenario { design: row.design, version: row.version, ..*small }, false)
                }
                Cell::Unknown { .. } | Cell::Unasked => continue,
            };
            if property.validate(&world).is_err() {
                continue;
            }
            for engine in [Engine::Shuttle, Engine::Loom] {
                let limits = Limits {
                    budget: each,
                    schedules: 100_000,
                    threads: 1,
                    bound: Some(2),
                    ..Limits::default()
                };
                let Ok((found, complete)) = tried(&world, property, engine, &limits) else { continue };
                let agreement = match (broken, found) {
                    (true, true) => Agreement::BothBroken,
                    (false, false) => Agreement::NeitherBroken,
                    (true, false) if complete => Agreement::Contradiction,
                    (true, false) => Agreement::Missed,
                    (false, true) => Agreement::Contradiction,
                };
                let (design, version) = (row.design, row.version);
                crossed.push(Crossed { design, version, property, engine, world, agreement });
            }
        }
    }
    crossed
}
