//! The verdict table: its quick part is searched anew, and docs/TABLE.md must say the same.

use turnstile::hub::{Design, Version};
use turnstile_models::table::{Cell, Depth, Row, Table, build, committed, cross_check};
use turnstile_models::{Limits, Property, scenario::Scenario};

const PAGE: &str = include_str!("../../docs/TABLE.md");

fn quick() -> Table {
    build(&Design::ALL, &Version::PUBLISHED, &committed(), Depth::Quick, &Limits::default(), &())
}

/// What the page says of a cell: the verdict's words.
fn said(row: &Row, property: Property) -> &'static str {
    let (_, part) =
        PAGE.split_once(&format!("## {} (", row.version.name())).expect("the page has the version");
    let start = format!("| `{}` | {} | ", row.design.name(), property.name());
    let line = part.lines().find_map(|line| line.strip_prefix(&start));
    let line = line.unwrap_or_else(|| panic!("{}: no line {start}", row.version.name()));
    line.split(" | ").next().expect("a line has cells")
}

#[test]
fn the_page_says_what_the_quick_worlds_say() {
    let table = quick();
    let mut asked = 0;
    for row in &table.rows {
        for (property, cell) in Property::ALL.into_iter().zip(&row.cells) {
            let where_it_is = format!("{} {} {}", row.version.name(), row.design.name(), property.name());
            match cell {
                Cell::Unasked => continue,
                // Quick worlds come first: where one fails, the page has that very counterexample.
                Cell::Fails { counterexample, .. } => {
                    let steps = format!("fails in {} steps", counterexample.schedule.len());
                    assert_eq!(said(row, property), steps, "{where_it_is}");
                    assert!(PAGE.contains(&counterexample.key), "{where_it_is}: another key");
                    assert!(counterexample.shortest, "{where_it_is}");
                }
                Cell::Holds { .. } => {
                    let said = said(row, property);
                    let may = said.starts_with("holds") || said.starts_with("fails");
                    assert!(may, "{where_it_is}: {said}");
                }
                Cell::Unknown { world, why, .. } => panic!("{where_it_is}: stopped by {why} in {world:?}"),
            }
            asked += 1;
        }
    }
    assert_eq!(table.rows.len(), Design::ALL.len() * Version::PUBLISHED.len());
    assert!(asked > 300, "{asked} cells");
    // What we ship fails in none of them.
    for design in [Design::Lanes, Design::LockedTable] {
        let row = table.rows.iter().find(|r| (r.design, r.version) == (design, Version::Main));
        assert!(row.unwrap().holds_everything(), "{design:?}");
    }
}

#[test]
fn other_engines_do_not_contradict() {
    let designs = [Design::SingleSelect, Design::LockedTable];
    let table = build(&designs, &[Version::Main], &committed(), Depth::Quick, &Limits::default(), &());
    let crossed = cross_check(&table, &Scenario::default(), std::time::Duration::from_millis(300));
    assert!(crossed.len() > 20, "{}", crossed.len());
    use turnstile_models::table::Agreement::{BothBroken, Contradiction, NeitherBroken};
    assert!(crossed.iter().all(|c| c.agreement != Contradiction), "{crossed:?}");
    assert!(crossed.iter().any(|c| c.agreement == BothBroken), "shuttle finds some of them");
    assert!(crossed.iter().any(|c| c.agreement == NeitherBroken));
}

#[test]
fn a_search_that_is_cut_short_leaves_the_cell_unknown() {
    let limits = Limits { memory: 1, ..Limits::default() };
    let table = build(&[Design::SplitLoops], &[Version::Main], &committed(), Depth::Table, &limits, &());
    let cell = table.rows[0].cell(Property::NoCrash);
    assert!(matches!(cell, Cell::Unknown { .. } | Cell::Holds { .. }), "{cell:?}");
    let unknown = table.rows[0].cells.iter().filter(|c| matches!(c, Cell::Unknown { .. })).count();
    assert!(unknown > 0, "a byte is too little");
    assert!(!table.rows[0].holds_everything());
}
