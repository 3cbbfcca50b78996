//! What is left of a process that ended because of a deadlock: a file for those who look for the cause.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::glance::Glance;
use super::live::Live;
use super::scenario;
use crate::gateway::config::Config;
use crate::hub::{Design, Version};
use crate::show::{self, Story};
use crate::trace::Trace;

/// How the hub was set up.
pub(super) struct Setting {
    design: Design,
    version: Version,
    policy: u8,
    capacity: usize,
}

impl Setting {
    pub(super) fn of(config: &Config) -> Setting {
        Setting {
            design: config.design,
            version: config.version,
            policy: config.policy.number(),
            capacity: config.capacity,
        }
    }
}

/// Writes the report into the data folder, readable by its owner.
pub(super) fn write(
    data: &Path,
    setting: &Setting,
    live: &Live,
    glance: &Glance,
) -> std::io::Result<PathBuf> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let path = data.join(format!("deadlock-{seconds}-{}.md", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(report(setting, live, glance).as_bytes())?;
    file.sync_all()?;
    Ok(path)
}

/// The report, in Markdown.
pub(super) fn report(setting: &Setting, live: &Live, glance: &Glance) -> String {
    let Setting { design, version, policy, capacity } = setting;
    let mut text = String::new();
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    say("# Why the gateway ended\n");
    say(&format!(
        "turnstile {}, design `{}`, version `{}`, policy {policy}, capacity {capacity}.\n",
        env!("CARGO_PKG_VERSION"),
        design.name(),
        version.name(),
    ));
    if let Some(crash) = live.crash() {
        say(&format!("The program broke, where Go would have ended it: {crash}.\n"));
    }
    let Some(knot) = &glance.knot else { return text };
    let words = show::knot(knot);
    say(&format!("{}:\n", words[0]));
    for (said, edge) in words[1..].iter().zip(&knot.cycle) {
        say(&format!("- {said}, for {:.1} s", glance.lasts(edge).as_secs_f64()));
    }
    if !knot.collateral.is_empty() {
        say(&format!("\n{} more cannot go on because of it:\n", knot.collateral.len()));
        show::waits(&knot.collateral).iter().for_each(|said| say(&format!("- {said}")));
    }
    let story = Story {
        title: "Who waits for whom",
        trace: &Trace::default(),
        knot: Some(knot),
        graph: Some(&glance.graph),
        ending: "",
    };
    say(&format!("\n```mermaid\n{}```", show::flowchart(&story)));
    say("\n## The last steps of those on the cycle\n");
    say("Steps are kept while some task waits, newest last.");
    for edge in &knot.cycle {
        say(&format!("\n{}:\n", edge.task));
        let steps = live.steps(edge.task);
        if steps.is_empty() {
            say("- none: nobody waited before");
        }
        steps.iter().for_each(|step| say(&format!("- {step}")));
        say(&format!("- waits {}", edge.waits_for()));
    }
    say("\n## The same in the laboratory\n");
    match scenario::command(*design, *version) {
        Some(command) => say(&format!(
            "The smallest world in which this design hangs, with the shortest way there:\n\n```sh\n{command}\n```"
        )),
        None => say(
            "The laboratory has searched this design's small worlds to the end and found no deadlock. So this is new: keep this file and report it.",
        ),
    }
    text
}
