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
        let style = ProgressStyle::with_template("{spinner} {prefix}  {msg}  {elapsed}").expect("a constant template");
        let bar = ProgressBar::new_spinner().with_style(style).with_prefix(what);
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Bar(bar)
    }
}

impl Progress for Bar {
    fn tell(&self, effort: &Effort) {
        let count = |name: &str, n: Option<u64>| n.map(|n| format!("{} {name}", crate::words::thousands(n)));
        let parts = [count("states", effort.states), count("deep", effort.depth), count("schedules", effort.schedules)];
        self.0.set_message(parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
