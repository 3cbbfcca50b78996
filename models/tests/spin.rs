//! The second opinion: SPIN on a Promela model of the same steps. Needs SPIN and a C compiler; without them it says so, and
//! fails where `CI` is set.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

use turnstile::hub::{Design, Version};
use turnstile_models::spin::{self, Cell, Planted, Row, World};
use turnstile_models::{Limits, Property};

const HUB: &str = include_str!("../spin/hub.pml");
const MODEL: &str = include_str!("../../docs/MODEL.md");
const PAGE: &str = include_str!("../../docs/SPIN.md");

/// False if there is no SPIN to ask. That is no success, and in CI it is a failure.
fn spin_is_there() -> bool {
    match spin::versions() {
        Ok(_) => true,
        Err(why) if env::var_os("CI").is_some() => panic!("NOT CHECKED against SPIN, and this is CI: {why}"),
        Err(why) => {
            eprintln!("\n!!! NOT CHECKED against SPIN: {why} !!!\n");
            false
        }
    }
}

const fn world(users: u32, logins: u32, capacity: u32) -> World {
    World { users, logins, capacity }
}

fn row(version: Version, design: Design, property: Property) -> Row {
    Row { version, design, property }
}

fn ask(row: Row, world: World, planted: Option<Planted>) -> Cell {
    row.ask(world, planted, &Limits::default()).unwrap()
}

#[test]
fn both_say_the_same_of_small_worlds() {
    if !spin_is_there() {
        return;
    }
    let (old, new) = (Version::V3_5_1, Version::V3_8_3);
    let (one, two) = (Design::SingleSelect, Design::SplitLoops);
    let table = [
        (row(old, one, Property::NoDeadlock), world(1, 2, 1), false),
        (row(old, two, Property::NoDeadlock), world(1, 2, 1), true),
        (row(new, one, Property::NoDeadlock), world(1, 2, 0), false),
        (row(old, one, Property::NoLostSession), world(1, 2, 2), true),
        (row(old, two, Property::NoLostSession), world(1, 2, 1), false),
        (row(new, two, Property::NoLostSession), world(1, 2, 1), true),
        (row(old, two, Property::PolicyHolds), world(1, 2, 1), true),
        (row(old, one, Property::Counters), world(1, 2, 1), false),
        (row(Version::V3_5_1Unpooled, one, Property::NoCrash), world(1, 2, 1), true),
        (row(Version::V3_5_1Unpooled, two, Property::NoLeak), world(2, 1, 1), true),
    ];
    for (row, world, holds) in table {
        let cell = ask(row, world, None);
        let said = (cell.ours.holds, cell.spins.holds);
        assert_eq!(said, (Some(holds), Some(holds)), "{row:?} {world:?}: ours, SPIN's");
    }
}

#[test]
fn a_program_that_breaks_breaks_for_both() {
    if !spin_is_there() {
        return;
    }
    for version in [Version::V3_5_1, Version::V3_8_3] {
        let cell = ask(row(version, Design::SplitLoops, Property::NoCrash), world(1, 3, 1), None);
        assert_eq!((cell.ours.holds, cell.spins.holds), (Some(false), Some(false)), "{version:?}");
    }
}

/// The comparison is worth something only if it finds a mistake in either model.
#[test]
fn a_planted_mistake_is_a_disagreement() {
    if !spin_is_there() {
        return;
    }
    let old = Version::V3_5_1;
    let table = [
        (
            Planted::OneStepTable,
            row(old, Design::SplitLoops, Property::NoLostSession),
            world(1, 2, 0),
            (false, true),
        ),
        (
            Planted::RoomForOneMore,
            row(old, Design::SingleSelect, Property::NoGhost),
            world(1, 1, 0),
            (true, false),
        ),
    ];
    for (planted, row, world, (ours, spins)) in table {
        assert!(ask(row, world, None).agrees(), "without {planted:?} they agree");
        let cells = row.compare(&[world], Some(planted), &Limits::default(), |_| {}).unwrap();
        let cell = cells.last().unwrap();
        assert_eq!((cell.ours.holds, cell.spins.holds), (Some(ours), Some(spins)), "{planted:?}");
        assert!(!cell.agrees());
    }
}

#[test]
fn a_search_that_was_cut_short_agrees_with_nothing() {
    if !spin_is_there() {
        return;
    }
    let row = row(Version::V3_5_1, Design::SplitLoops, Property::NoDeadlock);
    let limits = Limits { memory: 8 << 20, ..Limits::default() };
    let answer =
        spin::ask(&row.scenario(world(1, 3, 1)), row.property, spin::Order::DepthFirst, None, &limits)
            .unwrap();
    assert_eq!(answer.holds, None);
}

#[test]
fn what_the_promela_does_not_know_is_refused() {
    let row = row(Version::V3_5_1, Design::SplitLoopsShared, Property::NoDeadlock);
    let scenario = row.scenario(world(1, 2, 1));
    let asked = spin::ask(&scenario, row.property, spin::Order::BreadthFirst, None, &Limits::default());
    assert_eq!(asked.unwrap_err().to_string(), "the Promela does not know design split-loops-shared");
}

#[test]
fn without_spin_the_packages_are_named() {
    let lab = env!("CARGO_BIN_EXE_lab");
    let out = Command::new(lab).args(["spin", "--quick"]).env("PATH", "/nonexistent").output().unwrap();
    assert_eq!(out.status.code(), Some(64));
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(said, "lab: there is no `spin` on the path; on Debian: apt-get install spin gcc libc6-dev\n");
}

/// The steps of a model, as the first column of the table in docs/MODEL.md names them.
fn steps_of_the_table() -> BTreeSet<&'static str> {
    let (_, table) = MODEL.split_once("| step, as the trace says it").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| line.split('|').nth(1).unwrap().trim()).collect()
}

const STEP: &str = "/* step \"";

#[test]
fn the_promela_has_the_steps_of_the_table_and_no_others() {
    let labels = HUB.split(STEP).skip(1).map(|rest| rest.split_once('"').unwrap().0);
    assert_eq!(labels.collect::<BTreeSet<_>>(), steps_of_the_table());
}

#[test]
fn each_step_of_the_promela_says_which_it_is() {
    let (model, _) = HUB.split_once("/* ---- Properties ---- */").unwrap();
    let mut named = false;
    for (at, line) in model.lines().enumerate() {
        named |= line.contains(STEP);
        // A step that breaks the program is that same step, and is looked at only where this is asked.
        if line.contains("d_step {") && !line.contains("assert(false)") {
            assert!(named, "hub.pml, line {}: which step is it?", at + 1);
            named = false;
        }
    }
}

/// The lines of the table in docs/SPIN.md, by column.
fn lines_of_the_page() -> Vec<Vec<String>> {
    let (_, table) = PAGE.split_once("<!-- lab spin --markdown -->").unwrap();
    let (table, _) = table.split_once("<!-- end -->").unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    table.trim().lines().skip(2).map(|line| cells(line)[1..9].to_vec()).collect()
}

#[test]
fn the_page_has_each_row() {
    let rows: Vec<String> = spin::rows()
        .iter()
        .map(|row| format!("{} {} {}", row.version.name(), row.design.name(), row.property.name()))
        .collect();
    let lines: Vec<String> = lines_of_the_page().iter().map(|line| line[..3].join(" ")).collect();
    assert_eq!(lines, rows, "docs/SPIN.md is stale: put what lab spin --markdown prints between its marks");
}

/// Times are not compared. The whole table is, by `lab spin --against docs/SPIN.md` in CI.
#[test]
fn the_page_says_what_is_found_where_that_takes_no_time() {
    if !spin_is_there() {
        return;
    }
    let lines = lines_of_the_page();
    for (row, line) in spin::rows().iter().zip(lines).filter(|(row, _)| row.property == Property::NoGhost) {
        let cells = row.compare(&spin::WORLDS, None, &Limits::default(), |_| {}).unwrap();
        let cell = cells.last().unwrap();
        let World { users, logins, capacity } = cell.world;
        let size = format!("{users} x {logins}, cap. {capacity}");
        let (ours, spins) = (cell.ours.states.to_string(), cell.spins.states.to_string());
        let found = [cell.ours.name(), cell.spins.name(), &size, &ours, &spins];
        let said: Vec<String> = line[3..]
            .iter()
            .enumerate()
            .map(|(at, cell)| match at {
                // 1,234 is 1234.
                3.. => cell.replace(',', ""),
                _ => cell.clone(),
            })
            .collect();
        assert_eq!(
            said, found,
            "docs/SPIN.md is stale: put what lab spin --markdown prints between its marks"
        );
    }
}
