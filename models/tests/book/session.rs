//! A page's commands, run one after another as a reader would: in one folder, by a shell, with the built programs at hand.
//!
//! A command that ends in `&` stays in the background until `kill %1` (the first of them) or the end of the page. Servers listen where
//! the system has room. The folder has a copy of what `docs/course/code` has. `cargo run … --example NAME` runs the example that is built already.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::root;

/// After so long a command is taken to hang: far longer than any here takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// How a reader runs an example of the laboratory.
const EXAMPLE: &str = "cargo run -p turnstile-models --example ";

/// A page that is being run.
pub(super) struct Session {
    folder: PathBuf,
    behind: Vec<Behind>,
}

/// A command in the background, and what it has printed.
struct Behind {
    child: Child,
    printed: Arc<Mutex<String>>,
}

impl Session {
    pub(super) fn begin(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("turnstile-book-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for entry in std::fs::read_dir(root().join("docs/course/code")).into_iter().flatten() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
        Self { folder, behind: Vec::new() }
    }

    /// What a command prints, errors included. `is_it` says whether that is what it should: of a command in the background, whose output
    /// does not end, it is asked until it is so.
    pub(super) fn run(
        &mut self,
        line: &str,
        is_it: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<String>, String> {
        if let Some(line) = line.trim_end().strip_suffix('&') {
            return self.start(line, is_it);
        }
        if let Some(example) = line.strip_prefix(EXAMPLE) {
            return self.run(&programs().join("examples").join(example).to_string_lossy(), is_it);
        }
        if let Some(number) = line.trim().strip_prefix("kill %") {
            return self.stop(number);
        }
        // Who looks at a server looks again: what has just been sent to it may be under way.
        let begun = Instant::now();
        loop {
            let printed = self.run_once(line)?;
            let looks = line.starts_with("turnstile waits") && begun.elapsed() < Duration::from_secs(30);
            if !looks || is_it(&printed) {
                return Ok(printed);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn run_once(&self, line: &str) -> Result<Vec<String>, String> {
        let mut child = self.shell(&format!("exec 2>&1\n{line}")).spawn().expect("there is a shell");
        let mut pipe = child.stdout.take().expect("it was asked for");
        let (done, all) = mpsc::channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = pipe.read_to_string(&mut text).map(|_| text);
            // Whoever has lost patience does not listen.
            let _ = done.send(read);
        });
        let Ok(text) = all.recv_timeout(PATIENCE) else {
            end(&mut child);
            return Err(format!("it has not come to an end after {} s", PATIENCE.as_secs()));
        };
        let code = child.wait().unwrap().code();
        let text = text.map_err(|e| format!("its output is no text: {e}"))?;
        match code {
            // Our own: bad usage; the shell's: not found; nothing: a signal.
            Some(64 | 126 | 127) | None => Err(format!("it could not be run: {text}")),
            Some(_) => Ok(lines(&text)),
        }
    }

    fn start(&mut self, line: &str, is_it: impl Fn(&[String]) -> bool) -> Result<Vec<String>, String> {
        let mut shell = self.shell(&format!("exec {line} 2>>background.log"));
        if line.starts_with("turnstile serve") {
            for key in ["LISTEN", "API", "ADMIN_PAGE"] {
                shell.env(format!("TURNSTILE_{key}"), "127.0.0.1:0");
            }
        }
        // Open, and silent: a chat waits for lines.
        let mut child = shell.stdin(Stdio::piped()).spawn().expect("there is a shell");
        let mut pipe = child.stdout.take().expect("it was asked for");
        let printed = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut part) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..length]));
            }
        });
        self.behind.push(Behind { child, printed });
        let begun = Instant::now();
        loop {
            let behind = self.behind.last_mut().expect("it was just put there");
            let so_far = lines(&behind.printed.lock().unwrap());
            if !so_far.is_empty() && is_it(&so_far) {
                return Ok(so_far);
            }
            if begun.elapsed() > Duration::from_secs(30) || behind.child.try_wait().unwrap().is_some() {
                let log = std::fs::read_to_string(self.folder.join("background.log")).unwrap_or_default();
                return if so_far.is_empty() {
                    Err(format!("it said nothing; its log: {log}"))
                } else {
                    Ok(so_far)
                };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&mut self, number: &str) -> Result<Vec<String>, String> {
        let behind = number
            .trim()
            .parse::<usize>()
            .ok()
            .and_then(|number| self.behind.get_mut(number.checked_sub(1)?))
            .ok_or(format!("there is no command %{number} in the background"))?;
        let told = Command::new("kill").arg(behind.child.id().to_string()).output();
        behind.child.wait().map_err(|e| format!("{told:?}, {e}"))?;
        Ok(Vec::new())
    }

    fn shell(&self, script: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .current_dir(&self.folder)
            .process_group(0)
            .env("PATH", format!("{}:{path}", programs().display()))
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        shell
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for behind in &mut self.behind {
            end(&mut behind.child);
        }
        // What a command has written; nobody misses it if it is gone already.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where the built programs are: beside each other, unless `BOOK_PROGRAMS` names a folder.
pub(super) fn programs() -> PathBuf {
    let folder = std::env::var_os("BOOK_PROGRAMS")
        .map_or_else(|| Path::new(env!("CARGO_BIN_EXE_lab")).parent().unwrap().to_owned(), PathBuf::from);
    assert!(
        folder.join("turnstile").exists(),
        "the book runs `turnstile`, which is not in {}: build it with `cargo build -p turnstile`, or run `cargo test` for both packages",
        folder.display()
    );
    folder
}

/// Ends a command with all that it has started.
fn end(child: &mut Child) {
    if child.try_wait().ok().flatten().is_none() {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).output();
        let _ = child.wait();
    }
}

fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}
