//! Every interleaving of a world of up to five tasks, under loom: partial-order reduction, C11 memory.
//!
//! A second opinion on the exhaustive engine: somebody else's search, on steps that are not atomic. loom may switch tasks
//! at each access to a cell, so it also checks that a step does nothing that others could see half done.
//!
//! Choices are no business of loom's: an outer search fixes them for a whole loom run; see `loom/script.rs`.

mod ordered;
mod runtime;
mod script;
mod stage;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use self::ordered::Ordered;
use self::runtime::Loom;
use self::script::{Ask, Script};
use self::stage::{Stopped, play};
use super::relay::{Line, attend};
use super::run::run;
use super::watch::{Habits, Watch};
use super::{End, Ending, Progress, Quest, Report};
use crate::limits::Limits;
use crate::model::Model;

/// Longer executions are cut off. loom keeps room for so many switches, and a task that never rests never ends.
const MOST_SWITCHES: usize = 20_000;

/// Searches a model with loom, for each way its choices can go. `visit` is asked about each ending that the quest is
/// after, once for each that is different; once it says true, the search ends there.
///
/// Of executions that differ only in the order of steps that have nothing to do with each other, loom runs one. A knot or
/// a crash is there in all of them or in none, but what other tasks wait for at that moment may differ: that is told for
/// the one that was run.
pub fn explore<M: Model>(
    model: &M,
    quest: Quest,
    limits: &Limits,
    progress: &dyn Progress,
    visit: &mut dyn FnMut(Ending<M::Outcome>) -> bool,
) -> Report {
    let (model, bound) = (model.clone(), limits.bound);
    let work = move |line| search(&model, quest, bound, &line);
    let went = attend(limits, progress, visit, vec![Box::new(work)]);
    let effort = went.effort;
    let bound = limits.bound.map(|bound| {
        let plural = if bound == 1 { "" } else { "s" };
        format!("at most {bound} preemption{plural}")
    });
    Report { end: went.end(limits, || End::Exhausted), effort, bound, shortest: false }
}

/// The outer search, over choices.
fn search<M: Model>(model: &M, quest: Quest, bound: Option<usize>, line: &Line<M::Outcome>) {
    let ordered = Arc::new(Ordered::new(quest));
    let mut open = vec![Script::default()];
    while let Some(script) = open.pop() {
        match interleavings(model, quest, bound, &script, &ordered, line) {
            _ if ordered.is_outdated() => open.push(script),
            Ok(asked) => open.extend(script.others(&asked)),
            Err(panic) if panic.is::<Stopped>() => return,
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// Runs all interleavings with one way of choosing; returns what was asked beyond what the script says.
fn interleavings<M: Model>(
    model: &M,
    quest: Quest,
    bound: Option<usize>,
    script: &Script,
    ordered: &Arc<Ordered>,
    line: &Line<M::Outcome>,
) -> Result<Vec<Ask>, Box<dyn Any + Send>> {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound;
    builder.max_branches = MOST_SWITCHES * 3;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    builder.location = false;
    ordered.freeze();
    let asked = script::Asked::default();
    let habits = Habits { quest, goes_on: true, most_turns: MOST_SWITCHES };
    let (model, script, line, asking) = (model.clone(), script.clone(), line.clone(), asked.clone());
    let ordered = ordered.clone();
    let execution = move || {
        if ordered.is_outdated() || !line.begin(u64::MAX) {
            // Nothing has been started yet.
            resume_unwind(Box::new(Stopped));
        }
        let watch = Watch::new(habits);
        let runtime = Loom::new(watch.clone(), script.clone(), asking.clone(), ordered.clone());
        let sightings = play(&runtime, run(&model, &runtime, &watch, quest));
        watch.rethrow();
        if let Some(why) = watch.why_cut() {
            line.cut(why);
        }
        line.tell(sightings);
    };
    catch_unwind(AssertUnwindSafe(|| builder.check(execution)))?;
    Ok(asked.take())
}
