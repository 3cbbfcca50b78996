//! The verdict table: each design at each version against each property.

mod cross;
mod worlds;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use turnstile::hub::{Design, Version};

pub use cross::{Agreement, Crossed, cross_check};
pub use worlds::{Depth, World, committed, read};

use crate::check::survey;
use crate::limits::Limits;
use crate::property::Property;
use crate::scenario::Scenario;
use crate::verdict::{Counterexample, Verdict};

/// What is known of a property, of a design at a version.
#[derive(Clone, Debug)]
pub enum Cell {
    /// It holds in each world that it was judged in; each was searched to its end.
    Holds {
        /// In how many worlds.
        worlds: usize,
        /// The one of most states.
        largest: Scenario,
        /// How many states that has.
        states: u64,
    },
    /// It fails.
    Fails {
        /// The smallest of the worlds where it does.
        world: Scenario,
        /// The shortest counterexample there.
        counterexample: Box<Counterexample>,
    },
    /// It holds in the worlds that were searched to their end, and in this one the search was cut short.
    Unknown {
        /// The world.
        world: Scenario,
        /// What stopped the search.
        why: String,
        /// In how many worlds it holds.
        holds: usize,
    },
    /// No world asks.
    Unasked,
}

impl Cell {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Cell::Holds { .. } => "holds",
            Cell::Fails { .. } => "fails",
            Cell::Unknown { .. } => "unknown",
            Cell::Unasked => "unasked",
        }
    }
}

/// A design at a version, and what is known of each property, in the order of [`Property::ALL`].
#[derive(Clone, Debug)]
pub struct Row {
    /// The design.
    pub design: Design,
    /// The version.
    pub version: Version,
    /// By property.
    pub cells: Vec<Cell>,
}

impl Row {
    /// What is known of a property.
    pub fn cell(&self, property: Property) -> &Cell {
        let at = Property::ALL.iter().position(|p| *p == property);
        &self.cells[at.expect("every property is in its list")]
    }

    /// True if every property that was asked about holds.
    pub fn holds_everything(&self) -> bool {
        self.cells.iter().all(|cell| matches!(cell, Cell::Holds { .. } | Cell::Unasked))
    }
}

/// The table, and how long it took.
#[derive(Clone, Debug)]
pub struct Table {
    /// By version, then by design.
    pub rows: Vec<Row>,
    /// Searches made.
    pub searches: usize,
    /// States seen in all of them.
    pub states: u64,
    /// Wall-clock time.
    pub time: Duration,
}

/// Who is told how the table comes along.
pub trait Watch: Sync {
    /// So many of so many searches are over; this is the next.
    fn tell(&self, done: usize, of: usize, next: &Scenario);
}

impl Watch for () {
    fn tell(&self, _: usize, _: usize, _: &Scenario) {}
}

/// Searches all worlds up to a depth for some designs and versions, on some threads.
///
/// # Panics
/// If a world cannot be searched; [`read`] and the scenario's own validation say so before.
pub fn build(
    designs: &[Design],
    versions: &[Version],
    worlds: &[World],
    depth: Depth,
    limits: &Limits,
    watch: &dyn Watch,
) -> Table {
    let began = Instant::now();
    let asked: Vec<(Design, Version)> =
        versions.iter().flat_map(|version| designs.iter().map(move |design| (*design, *version))).collect();
    let worlds: Vec<&World> = worlds.iter().filter(|world| world.when <= depth).collect();
    let of =
        |(design, version)| worlds.iter().filter(move |world| world.of(design, version).is_some()).count();
    let total = asked.iter().map(|pair| of(*pair)).sum();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Mutex<Vec<Option<(Row, usize, u64)>>> = Mutex::new(vec![None; asked.len()]);
    std::thread::scope(|scope| {
        for _ in 0..limits.threads.clamp(1, asked.len().max(1)) {
            scope.spawn(|| {
                // The last ones first: they take longest, and nobody likes to wait for one that came last.
                let from_last = || asked.len().checked_sub(1 + next.fetch_add(1, Ordering::Relaxed));
                while let Some((design, version)) = from_last().map(|at| &asked[at]) {
                    let at = asked.iter().position(|pair| pair == &(*design, *version));
                    let tell = |scenario: &Scenario, over: bool| {
                        let over = done.fetch_add(usize::from(over), Ordering::Relaxed);
                        watch.tell(over, total, scenario);
                    };
                    let row = build_row(*design, *version, &worlds, limits, &tell);
                    let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    results[at.expect("the pair is one of those asked about")] = Some(row);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut table = Table { rows: Vec::new(), searches: 0, states: 0, time: Duration::ZERO };
    for (row, searches, states) in results.into_iter().map(|row| row.expect("every row was built")) {
        table.rows.push(row);
        table.searches += searches;
        table.states += states;
    }
    table.time = began.elapsed();
    table
}

fn build_row(
    design: Design,
    version: Version,
    worlds: &[&World],
    limits: &Limits,
    tell: &dyn Fn(&Scenario, bool),
) -> (Row, usize, u64) {
    let mut cells = vec![Cell::Unasked; Property::ALL.len()];
    let (mut searches, mut states) = (0, 0);
    for (world, scenario) in worlds.iter().filter_map(|w| Some((w, w.of(design, version)?))) {
        let open: Vec<Property> = Property::ALL
            .into_iter()
            .zip(&cells)
            .filter(|(property, cell)| world.judges.contains(property) && !matches!(cell, Cell::Fails { .. }))
            .map(|(property, _)| property)
            .collect();
        if open.is_empty() {
            tell(&scenario, true);
            continue;
        }
        tell(&scenario, false);
        let verdicts = survey(&scenario, &open, limits, &()).expect("the world can be searched");
        searches += 1;
        states += verdicts.first().and_then(|v| v.search().effort.states).unwrap_or(0);
        for verdict in verdicts {
            let at = Property::ALL.iter().position(|p| *p == verdict.search().property);
            let cell = &mut cells[at.expect("every property is in its list")];
            *cell = add(std::mem::replace(cell, Cell::Unasked), scenario, verdict);
        }
        tell(&scenario, true);
    }
    (Row { design, version, cells }, searches, states)
}

/// What a verdict in one more world adds.
fn add(cell: Cell, world: Scenario, verdict: Verdict) -> Cell {
    match (cell, verdict) {
        (_, Verdict::Fails(_, counterexample)) => Cell::Fails { world, counterexample },
        (Cell::Unknown { world, why, holds }, Verdict::Holds(_)) => {
            Cell::Unknown { world, why, holds: holds + 1 }
        }
        (cell @ Cell::Unknown { .. }, Verdict::Unknown(..)) => cell,
        (Cell::Holds { worlds, .. }, Verdict::Unknown(_, why)) => Cell::Unknown { world, why, holds: worlds },
        (_, Verdict::Unknown(_, why)) => Cell::Unknown { world, why, holds: 0 },
        (cell, Verdict::Holds(search)) => {
            let states = search.effort.states.unwrap_or(0);
            match cell {
                Cell::Holds { worlds, largest, states: most } if most >= states => {
                    Cell::Holds { worlds: worlds + 1, largest, states: most }
                }
                Cell::Holds { worlds, .. } => Cell::Holds { worlds: worlds + 1, largest: world, states },
                _ => Cell::Holds { worlds: 1, largest: world, states },
            }
        }
    }
}
