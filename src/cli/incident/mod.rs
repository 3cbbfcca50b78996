//! `turnstile incident`: the post's incident, its fix, and the default design, one after another.

mod act;
mod chart;
mod page;
mod paper;
mod server;
mod table;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use turnstile::gateway::config::Config;
use turnstile::hub::{Design, Version};
use turnstile::storm::Plan;

use super::storm::{line, progress};
use super::{Wrong, say};
use act::{Act, Scene, Symptom};
use paper::Paper;
use table::Settings;

/// Exit code if it went otherwise than told.
const OTHERWISE: u8 = 3;
/// How often OpenIM's design is stormed at most until it hangs.
const ATTEMPTS: u32 = 3;
/// Exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Plays the incident of the post: OpenIM's hub is stormed until it hangs, then the post's fix, then the default design.
///
/// Nothing is to be prepared: the servers are processes of their own, in temporary folders, on free ports of this machine. Each
/// symptom is told as it appears, with what was measured; then what the hung server's own watchdog says; then all three side by
/// side, and as a page with charts.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 OpenIM's design hung since the hub waits to send on unregister, which only it drains, and the \
others went on; 3 it went otherwise; 1 it could not be done; 64 bad usage; 130 interrupted.

Examples:
  turnstile incident
  turnstile incident --report incident.html --json
  turnstile incident --users 40 --capacity 100 --seconds 6"
)]
pub(super) struct Incident {
    /// How many accounts there are.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(2..=10_000))]
    users: u64,
    /// Capacity of the hub's channels.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    capacity: u64,
    /// For how many seconds each server is stormed, at most; one that hangs is looked at a little longer.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u64).range(2..=80))]
    seconds: u64,
    /// Microseconds that each call takes which OpenIM makes to its services from within the hub's loop.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    service_us: u64,
    /// Where the page is written.
    #[arg(long, value_name = "FILE", default_value = "turnstile-incident.html")]
    report: PathBuf,
    /// Prints what came of it as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Incident {
    pub(super) fn run(self) -> Result<ExitCode, Wrong> {
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let code = tokio.block_on(async {
            // Both are caught before the first server is there.
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                code = self.play() => code,
                // The servers end with the futures that hold them.
                _ = interrupt.recv() => Ok(ExitCode::from(INTERRUPTED)),
                _ = terminate.recv() => Ok(ExitCode::from(INTERRUPTED)),
            }
        });
        tokio.shutdown_background();
        code
    }

    fn scenes(&self) -> [Scene; 3] {
        let plan = Plan {
            users: self.users,
            time: Duration::from_secs(self.seconds),
            // What is stored is not what this is about, and takes the disk.
            history: false,
            ..Plan::default()
        };
        let scene = |design, version| Scene {
            design,
            version,
            capacity: self.capacity as usize,
            service_us: self.service_us,
            plan: plan.clone(),
        };
        [
            scene(Design::SingleSelect, Version::V3_5_1),
            scene(Design::SplitLoops, Version::V3_5_1),
            scene(Config::default().design, Version::V3_5_1),
        ]
    }

    async fn play(&self) -> Result<ExitCode, Wrong> {
        let paper = Paper::at(&self.report)?;
        let settings = Settings {
            users: self.users,
            capacity: self.capacity as usize,
            service_us: self.service_us,
            seconds: self.seconds as f64,
        };
        let tell = |text: &str| {
            if !self.json {
                say(text);
            }
        };
        tell(&format!("{}\n", settings.text()));
        let mut acts = Vec::new();
        for scene in self.scenes() {
            let (design, version) = (scene.design.name(), scene.version.name());
            tell(&format!("\n{design}, {version}\n"));
            let act = self.until_told(scene, &tell).await?;
            tell(&ending(&act));
            acts.push(act);
        }
        let as_told = acts[0].hung
            && acts[0].expected_cycle
            && acts[0].lost.is_none()
            && acts[1..].iter().all(Act::went_on);
        // What was seen is said before the page is written: it may be that it cannot be.
        if self.json {
            let object = serde_json::json!({ "as_told": as_told, "report": self.report, "acts": acts });
            say(&format!("{object}\n"));
        } else {
            let width = terminal_width();
            say(&format!("\n{}\n", table::text(&acts, width)));
            say(&format!("{}\n", if as_told { "as told" } else { "NOT as told" }));
        }
        paper.write(&page::page(&settings, &acts, as_told))?;
        tell(&format!("the page is {}\n", self.report.display()));
        Ok(ExitCode::from(if as_told { 0 } else { OTHERWISE }))
    }

    /// Plays a scene; again if v3.5.1's pool broke the hub, or if the storm did not drive OpenIM's design into the hang: both are
    /// matters of chance.
    async fn until_told(&self, scene: Scene, tell: &impl Fn(&str)) -> Result<Act, Wrong> {
        let mut played = 1;
        loop {
            let act = Act { played, ..self.act(&scene).await? };
            let hangs = act.hung || scene.design != Design::SingleSelect;
            if played == ATTEMPTS || act.lost.is_some() || (hangs && act.crash.is_none()) {
                return Ok(act);
            }
            tell(&ending(&act));
            if act.crash.is_some() {
                tell("\n  the pool of client objects broke the hub\n");
            }
            tell("\n  once more\n");
            played += 1;
        }
    }

    async fn act(&self, scene: &Scene) -> Result<Act, Wrong> {
        let bar = if std::io::stderr().is_terminal() { progress() } else { ProgressBar::hidden() };
        let (_stop, stops) = watch::channel(false);
        let (quiet, shown) = (self.json, bar.clone());
        let tell = move |symptom: &Symptom| {
            if !quiet {
                shown.suspend(|| say(&format!("  {:>5.1} s  {}\n", symptom.seconds, symptom.words)));
            }
        };
        let act = scene.play(stops, |sample| bar.set_message(line(sample)), tell).await;
        bar.finish_and_clear();
        act
    }
}

fn ending(act: &Act) -> String {
    let mut text = String::new();
    if !act.words.is_empty() {
        text += &format!("\n  {}\n", act.words.join("\n  "));
    }
    if let Some(line) = &act.log_line {
        text += &format!("  in the server's log: {line}\n");
    }
    if let Some(remark) = table::remark(act) {
        text += &format!("  {remark}\n");
    }
    let outcome = match &act.lost {
        Some(lost) => lost,
        None if act.hung => "it hung",
        None => "it went on to the end",
    };
    text + &format!("  {outcome}: {} cycles, {:.0}/s\n", act.storm.cycles, act.storm.cycles_per_second)
}

/// How wide the terminal is; what is none is as wide as a terminal often is.
fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(120, |(width, _)| usize::from(width.0)).clamp(80, 200)
}
