//! What a check came to, for people and for machines.

use std::io::Write;

use serde_json::{Value, json};
use turnstile::show::{self, Paint, Story, Tone};
use turnstile::waits::Edge;
use turnstile_models::scenario::Scenario;
use turnstile_models::{Counterexample, Verdict};

use crate::words;

/// Where text goes: standard output, in colour where that is a terminal and NO_COLOR is not set.
pub(crate) struct Out {
    to: anstream::AutoStream<std::io::Stdout>,
    pub(crate) paint: Paint,
    /// Why nothing more is printed.
    failed: Option<std::io::Error>,
}

impl Out {
    pub(crate) fn new() -> Out {
        let to = anstream::AutoStream::auto(std::io::stdout());
        let paint = Paint::new(to.current_choice() != anstream::ColorChoice::Never);
        Out { to, paint, failed: None }
    }

    /// What kept the output from being written; a reader that has gone away, as `head` does, is no failure.
    pub(crate) fn failure(&mut self) -> Option<std::io::Error> {
        self.failed = self.failed.take().or(self.to.flush().err());
        self.failed.take().filter(|e| e.kind() != std::io::ErrorKind::BrokenPipe)
    }

    /// Prints a line, unless an earlier one could not be printed.
    pub(crate) fn line(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = writeln!(self.to, "{text}").err();
        }
    }

    pub(crate) fn heading(&mut self, text: &str) {
        let text = self.paint.paint(Tone::Heading, text);
        self.line(&text);
    }

    pub(crate) fn aside(&mut self, text: &str) {
        let text = self.paint.paint(Tone::Aside, text);
        self.line(&text);
    }

    pub(crate) fn json(&mut self, value: &Value) {
        self.line(&format!("{value:#}"));
    }

    /// A verdict in one or two lines.
    pub(crate) fn verdict(&mut self, verdict: &Verdict) {
        let tone = if verdict.counterexample().is_some() { Tone::Stuck } else { Tone::Heading };
        let line = self.paint.paint(tone, &words::verdict(verdict));
        self.line(&line);
        self.aside(&words::world(&verdict.search().scenario));
        self.aside(&words::effort(&verdict.search().effort));
    }

    /// A counterexample: what happens, who waits for whom, how to see it again.
    pub(crate) fn counterexample(
        &mut self,
        counterexample: &Counterexample,
        saved: Option<&std::path::Path>,
    ) {
        let title = words::world(&counterexample.scenario);
        let picture = show::text(&story(&title, counterexample), self.paint);
        self.line(picture.trim_end());
        self.line("");
        match (counterexample.key.len(), saved) {
            (0, _) => self.line("No replay key: this schedule interleaves within steps, which replay does not."),
            (1..=400, _) => self.line(&format!("replay: lab replay {}", counterexample.key)),
            (_, Some(file)) => self.line(&format!("replay: lab replay @{}", file.display())),
            (long, None) => self.line(&format!(
                "replay: the key has {} characters; lab check with --save FILE writes it, lab replay @FILE plays it",
                words::thousands(long as u64)
            )),
        }
    }
}

/// A counterexample as the pictures want it.
pub(crate) fn story<'a>(title: &'a str, counterexample: &'a Counterexample) -> Story<'a> {
    Story {
        title,
        trace: &counterexample.trace,
        knot: counterexample.knot.as_ref(),
        graph: Some(&counterexample.graph),
        ending: &counterexample.broken,
    }
}

/// A verdict as one object.
pub(crate) fn verdict_json(verdict: &Verdict) -> Value {
    let search = verdict.search();
    let mut object = json!({
        "verdict": verdict.name(),
        "property": search.property.name(),
        "engine": search.engine.name(),
        "complete": verdict.complete(),
        "bound": search.bound,
        "symmetry": search.symmetry,
        "seconds": search.effort.time.as_secs_f64(),
    });
    merge(&mut object, world_json(&search.scenario));
    for (name, count) in [
        ("states", search.effort.states),
        ("transitions", search.effort.transitions),
        ("depth", search.effort.depth),
        ("schedules", search.effort.schedules),
        ("bytes", search.effort.memory),
    ] {
        if let Some(count) = count {
            merge(&mut object, json!({ name: count }));
        }
    }
    match verdict {
        Verdict::Holds(_) => {}
        Verdict::Unknown(_, why) => merge(&mut object, json!({ "stopped_by": why })),
        Verdict::Fails(_, counterexample) => merge(&mut object, counterexample_json(counterexample)),
    }
    object
}

/// A world as one object.
pub(crate) fn world_json(scenario: &Scenario) -> Value {
    json!({
        "design": scenario.design.name(),
        "version": scenario.version.name(),
        "policy": scenario.policy.name(),
        "users": scenario.users,
        "logins": scenario.logins,
        "capacity": scenario.capacity,
        "peers": scenario.peers.name(),
        "platforms": scenario.platforms.name(),
        "same_token": scenario.same_token,
        "pushers": scenario.pushers,
        "kickers": scenario.kickers,
        "nodes": scenario.nodes,
        "writers": scenario.writers,
        "stop": scenario.stop,
        "lanes": scenario.lanes,
    })
}

/// A counterexample as one object.
pub(crate) fn counterexample_json(counterexample: &Counterexample) -> Value {
    let edges = |edges: &[Edge]| -> Vec<Value> {
        edges
            .iter()
            .map(
                |e| json!({ "task": e.task, "waits": e.waits_for(), "why": e.why(), "words": e.to_string() }),
            )
            .collect()
    };
    let knot = counterexample.knot.as_ref();
    json!({
        "broken": counterexample.broken,
        "steps": counterexample.schedule.len(),
        "switches": counterexample.schedule.switches(),
        "shortest": counterexample.shortest,
        "shown": words::world(&counterexample.scenario),
        "cycle": knot.map(|k| edges(&k.cycle)).unwrap_or_default(),
        "collateral": knot.map(|k| edges(&k.collateral)).unwrap_or_default(),
        "trace": counterexample.trace.steps,
        "replay": counterexample.key,
    })
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
