//! Progress: on a terminal a bar that lives while a search runs; elsewhere nothing.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use turnstile_models::engine::{Effort, Progress};

/// A line that tells how a search goes.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar for a search of what `what` says; hidden where standard error is no terminal, or where `quiet`.
    pub(crate) fn new(what: String, quiet: bool) -> Bar {
        if quiet || !std::io::stderr().is_terminal() {
            return Bar(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {prefix}  {msg}  {elapsed}")
            .expect("a constant template");
        let bar = ProgressBar::new_spinner().with_style(style).with_prefix(what);
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Bar(bar)
    }
}

impl Progress for Bar {
    fn tell(&self, effort: &Effort) {
        let count = |name: &str, n: Option<u64>| n.map(|n| format!("{} {name}", crate::words::thousands(n)));
        let parts = [
            count("states", effort.states),
            count("deep", effort.depth),
            count("schedules", effort.schedules),
        ];
        self.0.set_message(parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar for many searches.
pub(crate) struct TableBar(ProgressBar);

impl TableBar {
    /// A bar; hidden where standard error is no terminal, or where `quiet`.
    pub(crate) fn new(quiet: bool) -> TableBar {
        if quiet || !std::io::stderr().is_terminal() {
            return TableBar(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  {elapsed}")
            .expect("a constant template");
        let bar = ProgressBar::new(0).with_style(style);
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        TableBar(bar)
    }

    /// Says what is done now.
    pub(crate) fn say(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }
}

impl turnstile_models::table::Watch for TableBar {
    fn tell(&self, done: usize, of: usize, next: &turnstile_models::scenario::Scenario) {
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
        self.0.set_message(crate::words::world(next));
    }
}

impl Drop for TableBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
