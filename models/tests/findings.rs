//! The findings: each is still found, as long and as drawn as the docs say; and the odds are counted as they say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn lab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lab")).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// A new folder for a test of its own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let each = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    each.map(|e| (e.file_name().into_string().unwrap(), fs::read_to_string(e.path()).unwrap())).collect()
}

#[test]
fn the_docs_tell_what_is_found() {
    let new = folder("findings");
    let (page, out) = (new.join("page.md"), new.join("findings"));
    // What is in the markers comes from the command, and not from the page that it is compared with.
    let kept = fs::read_to_string(docs().join("findings.md")).unwrap();
    let mut emptied = String::new();
    let mut generated = false;
    for line in kept.lines() {
        generated &= line != "<!-- end -->";
        if !generated {
            emptied += &format!("{line}\n");
        }
        generated |= line.starts_with("<!-- findings: ");
    }
    assert!(emptied.len() + 10_000 < kept.len(), "the page has tables between its markers");
    fs::write(&page, emptied).unwrap();

    let keys = docs().join("findings/keys.txt");
    let [keys, out_name, page_name] = [&keys, &out, &page].map(|path| path.to_str().unwrap());
    let ran = lab(&["findings", "--keys", keys, "--out", out_name, "--page", page_name]);
    let says = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{says}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(says.contains("15 findings, 0 of their cells not as they are known"), "{says}");

    let stale = "run `lab findings --page docs/findings.md`";
    assert!(fs::read_to_string(&page).unwrap() == kept, "docs/findings.md is stale: {stale}");
    let (found, kept) = (files(&out), files(&docs().join("findings")));
    assert_eq!(found.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
    for (name, text) in &found {
        assert!(*text == kept[name], "docs/findings/{name} is stale: {stale}");
    }
}

#[test]
fn a_key_of_another_world_is_refused_and_so_is_a_page_without_markers() {
    let folder = folder("findings-refused");
    let keys = fs::read_to_string(docs().join("findings/keys.txt")).unwrap();
    let lines: Vec<&str> = keys.lines().collect();
    let last = |line: &str| line.rsplit_once(" | ").map(|(rest, key)| (rest.to_owned(), key.to_owned()));
    let failing: Vec<(String, String)> =
        lines.iter().filter_map(|line| last(line)).filter(|(_, key)| key != "-").collect();
    // The first finding's keys are swapped for the last one's, and said to come from large searches.
    let foreign = &failing.last().unwrap().1;
    let wrong: String = lines
        .iter()
        .map(|line| match last(line) {
            Some((rest, key)) if key != "-" => {
                format!("{} | 99999 | {foreign}\n", rest.rsplit_once(" | ").unwrap().0)
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let (keys, page) = (folder.join("keys.txt"), folder.join("page.md"));
    fs::write(&keys, wrong).unwrap();
    fs::write(&page, "no markers\n").unwrap();
    let out = folder.join("out");
    let [out, keys, page] = [&out, &keys, &page].map(|path| path.to_str().unwrap());
    for (args, says) in
        [(vec!["--keys", keys], "of another world"), (vec!["--page", page], "lacks the markers of \"ghost\"")]
    {
        let ran = lab(&[&["findings", "--out", out], &args[..]].concat());
        let err = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(64), "{err}");
        assert!(err.contains(says), "{err}");
    }
}

/// The flags of the measured rows in the docs, and their counts.
fn measured(page: &str) -> Vec<(String, String)> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `lab odds "));
    rows.map(|row| {
        let (flags, rest) = row.split_once("` | ").unwrap();
        (flags.to_owned(), rest.split(" | ").next().unwrap().to_owned())
    })
    .collect()
}

#[test]
fn a_measured_row_is_what_its_command_counts() {
    let page = fs::read_to_string(docs().join("findings.md")).unwrap();
    let rows = measured(&page);
    assert!(rows.len() > 30, "{}", rows.len());
    let mut again = 0;
    for (flags, count) in &rows {
        // The large ones take too long here.
        if !flags.contains("--property counters --version main --design single-select --logins 1")
            && !flags
                .contains("--property kick-heard --version v3.8.3 --design single-select --writers --cap")
        {
            continue;
        }
        let args: Vec<&str> = ["odds", "--json"].into_iter().chain(flags.split_whitespace()).collect();
        let ran = lab(&args);
        let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let odds = &said["odds"][0];
        assert_eq!(*count, format!("{} of {}", odds["broken"], odds["runs"]), "{flags}");
        again += 1;
    }
    assert_eq!(again, 2);
}

#[test]
fn lab_odds_says_its_load_and_exits_with_2_where_there_was_no_time() {
    let ran = lab(&["odds", "--runs", "200", "--property", "no-ghost", "--property", "no-deadlock"]);
    let says = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{says}");
    let lines: Vec<&str> = says.lines().collect();
    assert_eq!(lines[0], "single-select (v3.5.1), 1 user x 2 logins, capacity 1, peers leave");
    assert_eq!(
        lines[1],
        "random scheduler, seed 1 on 2 threads; a peer that may leave does so in 4 of 8 cases"
    );
    assert!(lines[2].starts_with("no-ghost: ") && lines[3].starts_with("no-deadlock: "), "{says}");
    assert!(lines[2].contains(" of 200 runs break it (") && lines[2].contains("95 % interval"), "{says}");

    let cut = lab(&["odds", "--users", "20", "--logins", "5", "--runs", "1000000", "--budget", "0.05"]);
    assert_eq!(cut.status.code(), Some(2));
    let foreign = lab(&["odds", "--property", "no-leak"]);
    let err = String::from_utf8_lossy(&foreign.stderr);
    assert_eq!(foreign.status.code(), Some(64));
    assert!(err.contains("add --pushers 1"), "{err}");
}

/// What the page says of halves of a fix, in its own words.
#[test]
fn half_a_fix_still_hangs_as_the_page_says() {
    let page = fs::read_to_string(docs().join("findings.md")).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for (design, stuck, says) in [
        ("inline-removal", &["connection 1", "hub"][..], "inline-removal` finds it in 20 steps"),
        ("send-after-unlock", &["hub"], "(`send-after-unlock`, 18 steps)"),
        ("biased-select", &["hub"], "(`biased-select`, 20 steps)"),
    ] {
        let ran = lab(&["check", "--version", "main", "--design", design, "--json"]);
        let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let cycle: Vec<&str> =
            found["cycle"].as_array().unwrap().iter().map(|e| e["task"].as_str().unwrap()).collect();
        assert_eq!(cycle, stuck, "{design}");
        let steps = found["steps"].as_u64().unwrap();
        assert!(says.contains(&format!("{steps} steps")), "{design}: {steps} steps");
        assert!(page.contains(says), "{design}: the page does not say {says:?}");
    }
}
