//! One execution of a model, from its start to its end, on any scheduler.

use turnstile::Runtime;

use super::watch::{Watch, What};
use super::{Ending, Finding, Quest};
use crate::model::Model;

/// An ending, and how it was come to.
pub(crate) struct Sighting<O> {
    pub(crate) ending: Ending<O>,
    pub(crate) finding: Finding,
}

/// Runs a model until it has come to rest, or to what else ends it, and tears it down. This is the main task.
pub(crate) async fn run<M: Model, R: Runtime>(
    model: &M,
    runtime: &R,
    watch: &Watch,
    quest: Quest,
) -> Vec<Sighting<M::Outcome>> {
    let world = model.start(runtime);
    watch.started();
    watch.settled().await;
    let sightings = sightings(model, &world, watch, quest);
    watch.tear_down();
    watch.cleared().await;
    sightings
}

/// What there was to see, in order.
fn sightings<M: Model, R: Runtime>(
    model: &M,
    world: &M::World<R>,
    watch: &Watch,
    quest: Quest,
) -> Vec<Sighting<M::Outcome>> {
    let mut sightings = Vec::new();
    let (mut knotted, mut crashed) = (false, false);
    for sight in watch.sights() {
        let schedule = watch.schedule(sight.turns);
        let (ending, knot, breaches) = match sight.what {
            What::Knot(knot) => (Ending::new(None, Some(&knot), None), Some(knot), Vec::new()),
            What::Breach(breach) => (Ending::of_step(vec![breach.rule], None), None, vec![breach]),
            What::Crash(why) => {
                crashed = true;
                (Ending::of_step(Vec::new(), Some(&why)), None, Vec::new())
            }
        };
        knotted |= knot.is_some();
        sightings.push(Sighting { ending, finding: Finding { schedule, knot, breaches, lasso: None } });
    }
    // What was cut off, broken or stopped at its knot is not at rest.
    if crashed || watch.is_over() {
        return sightings;
    }
    let knot = watch.graph().knot_at_rest();
    let outcome = match quest {
        Quest::Outcomes | Quest::Progress => Some(model.look(world)),
        // A knot was told when it was tied; what is left are waits that rest alone makes hopeless.
        Quest::Knots if !knotted && knot.is_some() => None,
        Quest::Knots | Quest::Breaches => return sightings,
    };
    let ending = Ending::new(outcome, knot.as_ref(), None);
    let schedule = watch.schedule(watch.turns());
    let finding = Finding { schedule, knot, breaches: Vec::new(), lasso: None };
    sightings.push(Sighting { ending, finding });
    sightings
}
