//! A server of our own binary: a process in a folder of its own, that ends when this one does.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use turnstile::gateway::config::PREFIX;
use turnstile::gateway::secret;
use turnstile::hub::{Design, Version};
use turnstile::storm::Target;

use super::super::Wrong;

/// A server that runs.
pub(super) struct Server {
    child: Child,
    folder: TempDir,
    pub(super) target: Target,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one on ports that are free.
    pub(super) async fn start(
        design: Design,
        version: Version,
        capacity: usize,
        service_us: u64,
    ) -> Result<Server, Wrong> {
        let folder = tempfile::Builder::new().prefix("turnstile-incident-").tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--json", "--until-stdin-ends", "--policy", "1"]);
        command.args(["--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", "--admin-page", "127.0.0.1:0"]);
        command.args(["--design", design.name(), "--openim", version.name()]);
        command.args([
            "--set",
            &format!("capacity={capacity}"),
            "--set",
            &format!("service_us={service_us}"),
        ]);
        command.arg("--data").arg(folder.path().join("data"));
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with(PREFIX)) {
                command.env_remove(name);
            }
        }
        // The log is read for the watchdog's line.
        let log = File::create(folder.path().join("log"))?;
        command.env("RUST_LOG", "info").env("NO_COLOR", "1").env("RUST_BACKTRACE", "0");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let said = child.stdout.take().map(|out| {
            let mut line = String::new();
            BufReader::new(out).read_line(&mut line).map(|_| line)
        });
        // From here on it is ended with this value.
        let mut server = Server { child, folder, target: nowhere() };
        let line = said.transpose()?.unwrap_or_default();
        let said: Value = serde_json::from_str(&line).map_err(|_| {
            Wrong(format!("a server of design {} has not started: {}", design.name(), server.log().trim()))
        })?;
        let url = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        let key = secret(&server.folder.path().join("data")).map_err(Wrong)?;
        let found = Target::find(&url("ws"), &url("api"), Some(&url("admin")), key, false).await;
        server.target = found.map_err(Wrong)?;
        Ok(server)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What it has logged.
    fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    /// The line of the log in which the watchdog names a deadlock.
    pub(super) fn watchdog_line(&self) -> Option<String> {
        let log = self.log();
        log.lines().find(|line| line.contains("ERROR") && line.contains("Deadlock")).map(str::to_owned)
    }

    /// How its process has ended by itself, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// The number of its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// A place that is replaced before it is used.
fn nowhere() -> Target {
    let place = turnstile::client::Place { url: String::new(), socket: ([127, 0, 0, 1], 0).into() };
    Target { ws: place.clone(), api: place, admin: None, secret: Default::default() }
}

/// The processor time that a process has used, in seconds, where the system says so: in ticks of 10 ms.
pub(super) fn cpu(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may have spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |n: usize| fields.get(n)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}
