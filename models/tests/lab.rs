//! The command `lab` as its users meet it.

use std::process::{Command, Output};

use serde_json::Value;

fn lab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lab")).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn json(args: &[&str], code: i32) -> Value {
    let out = lab(args);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn a_failing_check_says_all_that_it_promises() {
    let found = json(&["check", "--json"], 1);
    assert_eq!(found["verdict"], "fails");
    for (name, value) in [
        ("property", "no-deadlock"),
        ("design", "single-select"),
        ("version", "v3.5.1"),
        ("engine", "exhaustive"),
    ] {
        assert_eq!(found[name], value);
    }
    assert_eq!(found["complete"], false);
    assert_eq!(found["bound"], Value::Null);
    assert_eq!(found["shortest"], true);
    assert_eq!(found["steps"], found["trace"].as_array().unwrap().len());
    assert!(found["states"].as_u64().unwrap() > 100);
    assert!(found["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(found["cycle"][0]["task"], "hub");
    assert_eq!(found["cycle"][0]["waits"], "to send on unregister");
    assert_eq!(found["cycle"][0]["why"], "1/1 full, which only hub drains");
    assert!(found["collateral"].as_array().unwrap().is_empty());

    let again = json(&["replay", "--json", found["replay"].as_str().unwrap()], 1);
    assert_eq!((&again["trace"], &again["cycle"]), (&found["trace"], &found["cycle"]));
}

#[test]
fn a_holding_check_is_complete_or_says_its_bound() {
    let holds = json(&["check", "--design", "split-loops", "--json"], 0);
    assert_eq!(
        (&holds["verdict"], &holds["complete"], &holds["bound"]),
        (&"holds".into(), &true.into(), &Value::Null)
    );

    let args =
        ["check", "--design", "split-loops", "--peers", "stay", "--engine", "loom", "--bound", "1", "--json"];
    let bounded = json(&args, 0);
    assert_eq!((&bounded["verdict"], &bounded["complete"]), (&"holds".into(), &false.into()));
    assert!(bounded["bound"].as_str().unwrap().contains("at most 1 preemption"));
}

#[test]
fn a_search_that_was_cut_short_is_unknown() {
    let cut = json(&["check", "--design", "split-loops", "--logins", "3", "--budget", "0.01", "--json"], 2);
    assert_eq!((&cut["verdict"], &cut["complete"]), (&"unknown".into(), &false.into()));
    let sampled =
        json(&["check", "--design", "split-loops", "--engine", "shuttle", "--schedules", "50", "--json"], 2);
    assert_eq!(sampled["verdict"], "unknown");
    assert!(sampled["schedules"].as_u64().unwrap() >= 50);
}

#[test]
fn bad_usage_gets_one_clear_line_and_64() {
    for (args, says) in [
        (&["check", "--design", "tripple-select"][..], "single-select"),
        (&["check", "--capacity", "1000000"], "--capacity is 1000000; it can be 0 to 100000"),
        (&["check", "--users", "0"], "--users is 0"),
        (&["check", "--bound", "2"], "--bound is for loom; the engine is exhaustive"),
        (&["check", "--engine", "loom", "--scheduler", "urw"], "--scheduler is for shuttle"),
        (&["check", "--engine", "loom", "--logins", "9"], "loom has 5 threads"),
        (&["check", "--engine", "shuttle", "--scheduler", "pct0"], "random, urw and pct1"),
        (&["check", "--budget", "-1"], "budget"),
        (&["replay", "ts2abcdefgh"], "checksum"),
        (&["replay", "hello"], "starts with ts2"),
        (&["replay", "@/no/such/file"], "cannot read the replay key in"),
        (&["explain", "--out", "/dev/null/pictures"], "cannot make the folder"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let out = lab(args);
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(64), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?} should say {says:?}: {err}");
        assert!(out.stdout.is_empty() && !err.contains("panicked"), "{args:?}: {err}");
    }
}

#[test]
fn the_text_fits_and_has_no_colour_where_none_is_wanted() {
    let out = lab(&["check"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("hub waits to send on unregister (1/1 full), which only hub drains"), "{text}");
    assert!(!text.contains('\u{1b}'));
    for line in text.lines().filter(|l| !l.starts_with("replay:") && !l.contains("states/s")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn the_lists_the_completions_and_the_manual_are_there() {
    let lists = json(&["list", "--json"], 0);
    for kind in ["designs", "versions", "properties", "engines"] {
        assert!(!lists[kind].as_array().unwrap().is_empty(), "{kind}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(String::from_utf8(lab(&["completions", shell]).stdout).unwrap().contains("lab"));
    }
    assert!(String::from_utf8(lab(&["man"]).stdout).unwrap().contains(".TH lab"));
    assert!(String::from_utf8(lab(&["--help"]).stdout).unwrap().contains("Examples:"));
}

#[test]
fn pictures_are_written() {
    let folder = std::env::temp_dir().join(format!("turnstile-pictures-{}", std::process::id()));
    let out = lab(&["explain", "--out", folder.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    for (file, has) in [
        ("single-select-no-deadlock.svg", "<svg"),
        ("single-select-no-deadlock-sequence.mmd", "sequenceDiagram"),
        ("single-select-no-deadlock-waits.mmd", "flowchart"),
        ("single-select-no-deadlock.txt", "Deadlock"),
        ("single-select-no-deadlock.json", "\"cycle\""),
    ] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains(has), "{file}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_pictures_in_the_docs_are_fresh() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let out = lab(&["pictures", "--check", "--docs", docs.to_str().unwrap()]);
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&out.stderr));
    assert!(said.ends_with("0 of them stale\n"), "{said}");
}

#[test]
fn a_stale_picture_is_named_and_can_be_drawn_again() {
    let docs = std::env::temp_dir().join(format!("turnstile-stale-{}", std::process::id()));
    std::fs::create_dir_all(docs.join("findings")).unwrap();
    let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/findings/keys.txt");
    std::fs::copy(kept, docs.join("findings/keys.txt")).unwrap();
    let run = |check: &[&str]| lab(&[&["pictures", "--docs", docs.to_str().unwrap()], check].concat());
    assert_eq!(run(&[]).status.code(), Some(0));
    assert_eq!(run(&["--check"]).status.code(), Some(0));

    let lock = docs.join("pictures/lock.svg");
    let drawn = std::fs::read_to_string(&lock).unwrap();
    std::fs::write(&lock, drawn.replace("unregister", "elsewhere")).unwrap();
    let out = run(&["--check"]);
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.contains("pictures/lock.svg is stale: lab pictures --docs "), "{said}");
    assert!(said.ends_with(" 1 of them stale\n"), "{said}");
    std::fs::remove_dir_all(docs).unwrap();
}

#[test]
fn what_cannot_be_written_is_said_and_a_reader_that_leaves_changes_no_verdict() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_lab")).arg("check").stdout(full).output().unwrap();
    assert_eq!(out.status.code(), Some(74), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(String::from_utf8_lossy(&out.stderr).contains("cannot write the output"));

    let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
        .arg("check")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_budget_is_kept_in_a_world_that_is_too_large() {
    let cut = json(
        &["check", "--users", "100", "--logins", "12", "--capacity", "1000", "--budget", "1", "--json"],
        2,
    );
    assert_eq!(cut["verdict"], "unknown");
    assert!(cut["stopped_by"].as_str().unwrap().contains("time budget"));
}
