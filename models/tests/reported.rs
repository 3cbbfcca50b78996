//! The command that a gateway's report of a deadlock names does find one.

use std::process::Command;

use turnstile::gateway::watch::command;
use turnstile::hub::{Design, Version};

#[test]
fn the_laboratory_reproduces_what_a_watchdog_reports() {
    let mut hangs = Vec::new();
    for design in Design::ALL {
        for version in Version::ALL {
            let Some(line) = command(design, version) else { continue };
            let mut words = line.split(' ');
            assert_eq!(words.next(), Some("lab"));
            let output = Command::new(env!("CARGO_BIN_EXE_lab")).args(words).output().expect("lab runs");
            let said = String::from_utf8(output.stdout).expect("it is text");
            assert_eq!(output.status.code(), Some(1), "{line}: {said}");
            assert!(said.starts_with("no-deadlock FAILS"), "{line}: {said}");
            hangs.push(design);
        }
    }
    hangs.dedup();
    // Those that the verdict table says hang nowhere have no command, and no other has none.
    let rest: Vec<Design> = Design::ALL.into_iter().filter(|design| !hangs.contains(design)).collect();
    assert_eq!(rest, [Design::Unbounded, Design::LockedTable, Design::Lanes]);
}
