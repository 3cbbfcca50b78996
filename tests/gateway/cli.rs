//! The binary: its configuration, its signals, its log.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Serving on ports that are free.
const SERVE: [&str; 7] =
    ["serve", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", "--admin-page", "127.0.0.1:0"];

pub(super) fn turnstile(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnstile"));
    command.current_dir(folder).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

pub(super) fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// A server that is killed when the test ends, however it ends.
pub(super) struct Server {
    child: Child,
    pub(super) ws: String,
}

impl Server {
    pub(super) fn start(command: &mut Command) -> Server {
        Server::start_with(command, &[])
    }

    pub(super) fn start_with(command: &mut Command, flags: &[&str]) -> Server {
        let serve = command.args(SERVE).arg("--json").args(flags);
        let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Server { child, ws: said["ws"].as_str().unwrap().to_owned() }
    }

    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// The exit code and the log.
    pub(super) fn end(mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (status.code(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_wrong_configuration_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), "[limits]\nconections = 5\n").unwrap();
    let cases: [(&[&str], &str); 8] = [
        (&["--config", "none.toml"], "cannot read the configuration none.toml"),
        (&["--config", "c.toml"], "unknown field `conections`"),
        (&["--design", "circle"], "there is no design circle; there are single-select"),
        (&["--openim", "v9"], "there is no version v9"),
        (&["--policy", "2"], "there is no policy 2; there are 0 (no-kick)"),
        (&["--set", "limits.connections=0"], "limits.connections is 0"),
        (&["--set", "limits.connections=many"], "invalid type"),
        (&["--listen", "here"], "invalid socket address"),
    ];
    for (args, expected) in cases {
        let (code, out, err) = run(turnstile(folder.path()).args(["serve", "--check-config"]).args(args));
        assert_eq!((code, &*out), (Some(1), ""), "{args:?}");
        assert!(err.contains(expected), "{args:?}: {err}");
    }
    let (code, _, err) =
        run(turnstile(folder.path()).args(["serve", "--check-config"]).env("TURNSTILE_LIMIT", "1"));
    assert_eq!(code, Some(1));
    assert!(err.contains("unknown field `limit`"), "{err}");
    assert!(!folder.path().join("turnstile-data").exists(), "a check makes nothing");
}

#[test]
fn the_file_gives_way_to_the_environment_and_that_to_flags() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), "policy = 5\ntoken_days = 1\ncapacity = 1\n").unwrap();
    let mut command = turnstile(folder.path());
    command.args(["serve", "--print-config", "--config", "c.toml", "--set", "capacity=3"]);
    command
        .env("TURNSTILE_TOKEN_DAYS", "2")
        .env("TURNSTILE_CAPACITY", "2")
        .env("TURNSTILE_LIMITS__HEADERS", "9");
    let (code, out, _) = run(&mut command);
    assert_eq!(code, Some(0));
    for line in ["policy = 5", "token_days = 2", "capacity = 3", "headers = 9"] {
        assert!(out.lines().any(|said| said == line), "{line} is not in {out}");
    }
}

#[test]
fn no_default_secret_and_no_short_one() {
    let folder = tempfile::tempdir().unwrap();
    for weak in ["openIM123", "short", ""] {
        std::fs::create_dir_all(folder.path().join("d")).unwrap();
        std::fs::write(folder.path().join("d/secret"), weak).unwrap();
        let (code, _, err) = run(turnstile(folder.path()).args(["serve", "--data", "d"]));
        assert_eq!(code, Some(1), "{weak}");
        assert!(err.contains("put at least 16 random bytes there"), "{err}");
    }
    let (code, _, err) = run(turnstile(folder.path()).args(["token", "--data", "none", "--user", "a"]));
    assert_eq!(code, Some(1));
    assert!(err.contains("none is no data folder of a server"), "{err}");
}

#[test]
fn a_signal_drains_and_a_second_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut turnstile(folder.path()));
    let second = run(turnstile(folder.path()).args(SERVE));
    assert_eq!(second.0, Some(1));
    assert!(second.2.contains("stop the other server"), "{}", second.2);
    server.signal("-TERM");
    let (code, log) = server.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("drained"), "{log}");

    // Somebody who stays, and a long time to leave: the second signal does not wait.
    let slow =
        [("TURNSTILE_LIMITS__SHUTDOWN_SPREAD_MS", "900000"), ("TURNSTILE_LIMITS__SHUTDOWN_MS", "1800000")];
    let server = Server::start(turnstile(folder.path()).envs(slow));
    let mut chat = turnstile(folder.path())
        .args(["chat", "--user", "alice", "--url", &server.ws])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(chat.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "connected as alice\n");
    let began = Instant::now();
    server.signal("-TERM");
    std::thread::sleep(Duration::from_millis(100));
    server.signal("-TERM");
    let (code, log) = server.end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("a second signal"), "{log}");
    assert!(began.elapsed() < Duration::from_secs(8), "{log}");
    let _ = chat.kill();
    let _ = chat.wait();
}

#[test]
fn no_log_line_has_a_token_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(turnstile(folder.path()).env("RUST_LOG", "trace"));
    let token = |user: &str| {
        let (code, out, err) =
            run(turnstile(folder.path()).args(["token", "--user", user, "--platform", "7"]));
        assert_eq!(code, Some(0), "{err}");
        out.trim().to_owned()
    };
    let (alice, bob) = (token("alice"), token("bob"));
    let chat = |user: &str, token: &str| {
        let mut chat = turnstile(folder.path());
        chat.args(["chat", "--url", &server.ws, "--user", user, "--to", "bob"]).env("OPENIM_TOKEN", token);
        run(&mut chat)
    };
    assert_eq!(chat("alice", &alice).0, Some(0));
    // A token of another user, one that was changed, and one that is none.
    let changed = format!("{}x", &bob[..bob.len() - 1]);
    for token in [&*bob, &changed, "no-token-at-all"] {
        let (code, _, err) = chat("alice", token);
        assert_eq!(code, Some(1));
        assert!(err.contains("refuses: 150") && !err.contains(token), "{err}");
    }
    server.signal("-TERM");
    let (code, log) = server.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is to be complete: {log}");
    let secret = std::fs::read_to_string(folder.path().join("turnstile-data/secret")).unwrap();
    for secret in [&alice, &bob, &changed, &secret, "no-token-at-all"] {
        assert!(!log.contains(secret), "{secret} is in the log");
        let signature = secret.rsplit('.').next().unwrap();
        assert!(!log.contains(signature), "a signature is in the log");
    }
}

#[test]
fn commands_say_how_they_are_used() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["serve", "token", "chat", "storm"] {
        let (code, out, _) = run(turnstile(folder.path()).args([command, "--help"]));
        assert_eq!(code, Some(0));
        assert!(out.contains("Examples:"), "{out}");
    }
    let (code, out, _) = run(turnstile(folder.path()).args(["completions", "bash"]));
    assert!(code == Some(0) && out.contains("_turnstile"));
    let (code, _, err) = run(turnstile(folder.path()).args([
        "chat",
        "--user",
        "a",
        "--token",
        "t",
        "--url",
        "ws://127.0.0.1:1",
    ]));
    assert_eq!(code, Some(1));
    assert!(err.contains("cannot connect to ws://127.0.0.1:1"), "{err}");
    let (code, ..) = run(turnstile(folder.path()).arg("nonsense"));
    assert_eq!(code, Some(64));
    let (code, _, err) = run(turnstile(folder.path()).args(["token", "--user", "a", "--expires-in", "soon"]));
    assert_eq!(code, Some(64));
    assert!(err.contains("as 90d"), "{err}");
}
