//! `turnstile incident`: the hang, the fix, the default, and that nothing is left behind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take that comes soon.
const SOON: Duration = Duration::from_secs(60);

/// The command, with temporary folders in `folder`, by which its servers are found.
fn incident(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnstile"));
    command.args(["incident", "--users", "30", "--capacity", "60", "--seconds", "4", "--json"]);
    command.current_dir(folder).env("TMPDIR", folder).stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The servers that run whose data is in a folder: their folders below `/proc`, and their command lines.
fn running(folder: &Path) -> Vec<(PathBuf, String)> {
    let folder = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let command = |process: PathBuf| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        (process, String::from_utf8_lossy(&command).into_owned())
    };
    let ours =
        |(_, command): &(PathBuf, String)| command.contains("until-stdin-ends") && command.contains(folder);
    processes.map(command).filter(ours).collect()
}

/// How many they are.
fn servers(folder: &Path) -> usize {
    running(folder).len()
}

/// The number of a server of a design that has had some work: ticks of processor time.
fn at_work(folder: &Path, design: &str) -> Option<String> {
    let (process, _) = running(folder).into_iter().find(|(_, command)| command.contains(design))?;
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(11)?.parse().ok()?;
    (ticks >= 30).then(|| process.file_name().unwrap().to_str().unwrap().to_owned())
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends it when the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(name: &str, child: &Child) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn the_hub_of_openim_hangs_as_told_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = incident(folder.path()).args(["--report", "r.html"]).output().unwrap();
    let (said, complaint) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let result: Value = serde_json::from_str(&said).unwrap_or_else(|why| panic!("{why}: {said} {complaint}"));
    let acts = result["acts"].as_array().unwrap();
    let outcome =
        |act: &Value| format!("{} {} {} {}", act["design"], act["hung"], act["words"], act["crash"]);
    let outcomes: Vec<String> = acts.iter().map(outcome).collect();
    assert_eq!((out.status.code(), &result["as_told"]), (Some(0), &Value::Bool(true)), "{outcomes:#?}");
    let designs: Vec<&str> = acts.iter().map(|act| act["design"].as_str().unwrap()).collect();
    assert_eq!(designs, ["single-select", "split-loops", "lanes"]);

    let hung = &acts[0];
    let words = "hub waits to send on unregister (60/60 full), which only hub drains";
    assert_eq!(hung["words"][1], words);
    assert!(hung["log_line"].as_str().unwrap().contains(words), "the watchdog has logged it");
    let symptoms: Vec<&str> = hung["symptoms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|symptom| symptom["words"].as_str().unwrap())
        .collect();
    for expected in [
        "the channel unregister is full: 60/60",
        "the server's watchdog: Deadlock: hub waits for itself",
        "get no answer",
        "users cannot go offline",
        "the number of connections has stopped changing",
    ] {
        assert!(symptoms.iter().any(|words| words.contains(expected)), "{expected}: {symptoms:#?}");
    }
    assert_eq!(hung["fullest"]["unregister"], 60);
    for other in &acts[1..] {
        assert!(
            other["storm"]["cycles"].as_u64().unwrap() > 30 && other["storm"]["stall"].is_null(),
            "{other}"
        );
        assert!(other["words"].as_array().unwrap().is_empty() && other["log_line"].is_null());
    }
    assert_eq!(acts[2]["ghosts"], 0, "the default design forgets nobody");

    let page = fs::read_to_string(folder.path().join("r.html")).unwrap();
    for expected in
        [words, "Logins that are answered", "Queues of single-select", "data:image/svg+xml;base64,"]
    {
        assert!(page.contains(expected), "{expected} is not in the page");
    }
    for foreign in ["<script", "<link", "src=\"http", "url(", "@import", "NaN"] {
        assert!(!page.contains(foreign), "{foreign} is in the page");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!((left, servers(folder.path())), (vec!["r.html".into()], 0), "nothing is left");
}

#[test]
fn a_server_that_is_killed_has_not_gone_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let out = File::create(folder.path().join("out")).unwrap();
    let mut incident = Running(incident(folder.path()).stdout(out).spawn().unwrap());
    let mut victim = None;
    until("the last server is at work", || {
        victim = at_work(folder.path(), "lanes");
        victim.is_some()
    });
    assert!(Command::new("kill").args(["-KILL", &victim.unwrap()]).status().unwrap().success());
    assert_eq!(incident.0.wait().unwrap().code(), Some(3));
    let said = fs::read_to_string(folder.path().join("out")).unwrap();
    let result: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(result["as_told"], false);
    let last = &result["acts"][2];
    assert_eq!(last["lost"], "the server ended by itself (signal: 9 (SIGKILL))");
    assert!(
        last["storm"]["stall"]["words"].to_string().contains("the server is gone"),
        "{}",
        last["storm"]["stall"]
    );
    let page = fs::read_to_string(folder.path().join("turnstile-incident.html")).unwrap();
    assert!(page.contains("<td class=\"bad\">the server ended by itself"), "the table says so");
}

#[test]
fn its_servers_end_however_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    for (name, code) in [("-INT", Some(130)), ("-TERM", Some(130)), ("-KILL", None)] {
        let mut running = Running(incident(folder.path()).stdout(Stdio::null()).spawn().unwrap());
        until("a server runs", || servers(folder.path()) > 0);
        signal(name, &running.0);
        assert_eq!(running.0.wait().unwrap().code(), code, "{name}");
        until(name, || servers(folder.path()) == 0);
        // Who is killed cannot tidy up.
        assert!(code.is_none() || fs::read_dir(folder.path()).unwrap().next().is_none(), "{name}");
    }
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for args in [["--users", "1"], ["--capacity", "0"], ["--seconds", "1000"]] {
        let out = Command::new(env!("CARGO_BIN_EXE_turnstile")).arg("incident").args(args).output().unwrap();
        assert_eq!(out.status.code(), Some(64), "{args:?}");
    }
    for report in ["none/r.html", "."] {
        let out = incident(folder.path()).args(["--report", report]).output().unwrap();
        let complaint = String::from_utf8_lossy(&out.stderr);
        let expected = format!("cannot write {report}");
        assert!(out.status.code() == Some(1) && complaint.contains(&expected), "{complaint}");
        assert!(out.stdout.is_empty(), "nothing was played");
    }
}
