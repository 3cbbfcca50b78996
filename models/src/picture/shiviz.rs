//! A trace as a log with vector clocks, for ShiViz (<https://bestchai.bitbucket.io/shiviz/>).
//!
//! Each task is a host. An event knows of another if it is a later one of the same task, or if a wake-up or a message came from there:
//! then its clock has the other's.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use turnstile::Name;
use turnstile::trace::{After, Trace};

/// How ShiViz is to read the log: its «log parsing regular expression».
pub const PARSER: &str = r"(?<host>\S+) (?<clock>\{.*\})\n(?<event>.*)";

/// How far each task had come.
type Clock = BTreeMap<Name, u64>;

/// Writes a trace as ShiViz reads it: for each step a line with its task and clock, and one with what it did.
///
/// ```
/// use turnstile::{Name, trace::{After, Step, Trace}};
/// use turnstile_models::picture::shiviz;
///
/// let (a, b) = (Name::one("a"), Name::of("b", 1));
/// let step = |task, what: &str, wakes| Step { task, what: what.into(), after: After::Goes, wakes };
/// let trace = Trace { steps: vec![step(a, "send on mail", vec![]), step(b, "receive from mail", vec![])] };
/// assert_eq!(shiviz(&trace), "\
/// a {\"a\":1}
/// send on mail
/// b_1 {\"a\":1, \"b_1\":1}
/// receive from mail
/// ");
/// ```
pub fn shiviz(trace: &Trace) -> String {
    let mut log = String::new();
    for (step, clock) in trace.steps.iter().zip(clocks(trace)) {
        let entries: Vec<String> =
            clock.iter().map(|(task, count)| format!("\"{}\":{count}", host(*task))).collect();
        let _ = writeln!(log, "{} {{{}}}", host(step.task), entries.join(", "));
        let waits = match &step.after {
            After::Waits(edge) => format!("; waits {}", edge.waits_for()),
            After::Goes => String::new(),
            After::Ends => "; ends".to_owned(),
        };
        let _ = writeln!(log, "{}{waits}", if step.what.is_empty() { "goes on" } else { &step.what });
    }
    log
}

/// A task's name without spaces.
fn host(task: Name) -> String {
    task.to_string().replace(' ', "_")
}

/// The clock of each step.
fn clocks(trace: &Trace) -> Vec<Clock> {
    let mut own: BTreeMap<Name, Clock> = BTreeMap::new();
    // What a wake-up brings, until the woken task's next step.
    let mut brought: BTreeMap<Name, Vec<Clock>> = BTreeMap::new();
    // By channel: the clocks of what is in it or waits to be, first in line first.
    let mut mail: BTreeMap<&str, VecDeque<Clock>> = BTreeMap::new();
    let mut clocks = Vec::new();
    for step in &trace.steps {
        let mut clock = own.remove(&step.task).unwrap_or_default();
        brought.remove(&step.task).into_iter().flatten().for_each(|other| merge(&mut clock, &other));
        let operations: Vec<&str> =
            step.what.split(", ").map(|part| part.trim_start_matches("select: ")).collect();
        if !matches!(step.after, After::Waits(_)) {
            for channel in operations.iter().filter_map(|part| part.strip_prefix("receive from ")) {
                mail.get_mut(channel)
                    .and_then(VecDeque::pop_front)
                    .iter()
                    .for_each(|sent| merge(&mut clock, sent));
            }
        }
        *clock.entry(step.task).or_default() += 1;
        // A send that wakes somebody was handed over; the others are in the channel, or in line for it.
        for channel in operations.iter().filter_map(|part| part.strip_prefix("send on ")) {
            if step.wakes.is_empty() {
                mail.entry(channel).or_default().push_back(clock.clone());
            }
        }
        for woken in &step.wakes {
            brought.entry(*woken).or_default().push(clock.clone());
        }
        own.insert(step.task, clock.clone());
        clocks.push(clock);
    }
    clocks
}

fn merge(clock: &mut Clock, other: &Clock) {
    for (task, count) in other {
        let own = clock.entry(*task).or_default();
        *own = (*own).max(*count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Engine, check};
    use crate::limits::Limits;
    use crate::property::Property;
    use crate::scenario::Scenario;

    fn hang() -> Trace {
        let verdict =
            check(&Scenario::default(), Property::NoDeadlock, Engine::Exhaustive, &Limits::default(), &());
        verdict.unwrap().counterexample().expect("it hangs").trace.clone()
    }

    /// A log as ShiViz would read it: hosts, clocks and events.
    fn read(log: &str) -> Vec<(String, BTreeMap<String, u64>, String)> {
        let lines: Vec<&str> = log.lines().collect();
        let one = |pair: &[&str]| {
            let (host, clock) = pair[0].split_once(' ').expect("a host without spaces, then a clock");
            (host.to_owned(), serde_json::from_str(clock).expect("a clock is JSON"), pair[1].to_owned())
        };
        lines.chunks(2).map(one).collect()
    }

    #[test]
    fn each_event_counts_on_its_own_entry_and_forgets_nothing() {
        let trace = hang();
        let events = read(&shiviz(&trace));
        assert_eq!(events.len(), trace.steps.len());
        let mut last: BTreeMap<&str, &BTreeMap<String, u64>> = BTreeMap::new();
        for (host, clock, _) in &events {
            let before = last.insert(host, clock);
            let own = before.map_or(0, |before| before[host]);
            assert_eq!(clock[host], own + 1, "{host}");
            for (task, count) in before.into_iter().flatten() {
                assert!(clock[task] >= *count, "{host} forgets {task}");
            }
            // What is known of another is something that it has done.
            for (task, count) in clock.iter().filter(|(task, _)| *task != host) {
                let done = events.iter().filter(|(other, ..)| other == task).count() as u64;
                assert!((1..=done).contains(count), "{host} knows {count} of {task}'s {done} events");
            }
        }
    }

    #[test]
    fn wakes_and_messages_carry_clocks() {
        let trace = hang();
        let events = read(&shiviz(&trace));
        let mut wakes = 0;
        for (at, step) in trace.steps.iter().enumerate() {
            for woken in &step.wakes {
                let next = (at + 1..events.len()).find(|next| trace.steps[*next].task == *woken);
                let Some(next) = next else { continue };
                wakes += 1;
                let known = events[next].1.get(&events[at].0).copied().unwrap_or(0);
                assert!(
                    known >= events[at].1[&events[at].0],
                    "step {}: {woken} does not know who woke it",
                    next + 1
                );
            }
        }
        assert!(wakes >= 3, "the way into the hang has wake-ups");

        let (a, b) = (Name::one("a"), Name::one("b"));
        let step = |task, what: &str| turnstile::trace::Step {
            task,
            what: what.to_owned(),
            after: After::Goes,
            wakes: Vec::new(),
        };
        let steps = ["send on mail", "send on other", "send on mail"].map(|what| step(a, what));
        let takes = ["select: receive from mail", "receive from mail", "receive from other"]
            .map(|what| step(b, what));
        let clocks = clocks(&Trace { steps: steps.into_iter().chain(takes).collect() });
        let known: Vec<u64> = clocks[3..].iter().map(|clock| clock[&a]).collect();
        assert_eq!(known, [1, 3, 3], "a channel gives what came first, and what is known stays known");
    }

    #[test]
    fn concurrent_steps_do_not_know_of_each_other() {
        let trace = hang();
        let clocks = clocks(&trace);
        let (first, second) = (&trace.steps[1], &trace.steps[2]);
        assert_ne!(first.task, second.task);
        assert!(!clocks[2].contains_key(&first.task), "the connections begin side by side");
    }
}
