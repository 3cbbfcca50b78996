//! A claim about a model: what in a search breaks it, and what there is to tell of a schedule that does.

use turnstile::waits::Knot;

use crate::engine::{Ending, Finding, Quest};
use crate::model::Model;
use crate::player::{Played, play, round};
use crate::schedule::Schedule;
use crate::verdict::Failure;

/// Something that is claimed of a model.
pub(crate) struct Claim<'a, O> {
    /// What it is called; the rule that a step breaks has the same name.
    pub(crate) name: &'a str,
    /// What it says.
    pub(crate) says: Says<'a, O>,
}

/// What is wrong with what can be seen of the world, if anything.
pub(crate) type Judge<'a, O> = Box<dyn Fn(&O) -> Option<String> + 'a>;

/// What a claim says.
pub(crate) enum Says<'a, O> {
    /// Nobody waits for ever.
    NoHang,
    /// The program does not break.
    NoCrash,
    /// No step breaks the rule of the claim's name.
    Rule,
    /// No step breaks any rule.
    EveryRule,
    /// At rest, all is well.
    AtRest(Judge<'a, O>),
    /// Sooner or later all is well, and remains so: be it stuck or not.
    InTheEnd(Judge<'a, O>),
}

impl<O> Claim<'_, O> {
    /// What a search has to watch for it.
    pub(crate) fn quest(&self) -> Quest {
        match self.says {
            Says::NoHang | Says::NoCrash => Quest::Knots,
            Says::Rule | Says::EveryRule => Quest::Breaches,
            Says::AtRest(_) => Quest::Outcomes,
            Says::InTheEnd(_) => Quest::Progress,
        }
    }

    /// Whether a step that breaks `rule` breaks the claim.
    pub(crate) fn is_of(&self, rule: &str) -> bool {
        matches!(self.says, Says::EveryRule) || self.name == rule
    }

    /// What is wrong with what is seen, if anything.
    pub(crate) fn judge(&self, outcome: &O) -> Option<String> {
        match &self.says {
            Says::AtRest(judge) | Says::InTheEnd(judge) => judge(outcome),
            Says::NoHang | Says::NoCrash | Says::Rule | Says::EveryRule => None,
        }
    }

    /// How an ending breaks the claim, if it does.
    pub(crate) fn broken_by(&self, ending: &Ending<O>) -> Option<String> {
        if let Some(rule) = ending.breaches.iter().find(|rule| self.is_of(rule)) {
            return Some(format!("a step breaks the rule {rule}"));
        }
        match (&ending.crashed, &self.says) {
            (Some(why), Says::NoCrash) => Some(format!("the program breaks: {why}")),
            (Some(_), _) | (None, Says::NoCrash) => None,
            (None, Says::NoHang) if ending.stuck.is_empty() => None,
            (None, Says::NoHang) => Some("tasks wait for ever".to_owned()),
            // What a hang leaves behind is its doing; but who it keeps from getting on is kept from it.
            (None, Says::AtRest(_)) if !ending.stuck.is_empty() => None,
            (None, _) => self.judge(ending.outcome.as_ref()?),
        }
    }

    /// Who is stuck where a schedule ends, and how its last step, or what there is at rest, breaks the claim.
    fn broken_at_once(&self, played: &Played<O>) -> (Option<Knot>, Option<String>) {
        let knot = if played.crashed.is_some() {
            None
        } else if played.at_rest {
            played.graph.knot_at_rest()
        } else {
            played.graph.knot()
        };
        let breach = played.breaches.iter().find(|breach| self.is_of(breach.rule));
        let broken = match (&played.crashed, &self.says) {
            _ if breach.is_some() => breach.map(|breach| breach.what.clone()),
            (Some(why), Says::NoCrash) => Some(format!("the program breaks: {why}")),
            (Some(_), _) | (None, Says::NoCrash) => None,
            (None, Says::NoHang) => knot.as_ref().map(waits_for_ever),
            (None, _) if !played.at_rest => None,
            (None, _) => self.judge(&played.outcome),
        };
        (knot, broken)
    }
}

/// Plays a schedule and says how it breaks a claim: with a step, at rest, or by going round: then the state at its end is one
/// that it had come to before.
pub(crate) fn retell<M: Model>(
    model: &M,
    claim: &Claim<'_, M::Outcome>,
    schedule: &Schedule,
) -> Result<Failure, String> {
    let played = play(model, schedule)?;
    let (knot, lasso, broken) = match claim.broken_at_once(&played) {
        (knot, Some(broken)) => (knot, None, broken),
        (knot, None) => broken_for_ever(model, claim, &played)?
            .map(|(round, lasso, broken)| (knot.or(round), Some(lasso), broken))
            .ok_or_else(|| format!("nothing breaks {} in this schedule", claim.name))?,
    };
    Ok(Failure {
        claim: claim.name.to_owned(),
        schedule: played.schedule,
        trace: played.trace,
        graph: played.graph,
        knot,
        broken,
        shortest: false,
        lasso,
    })
}

/// How what goes round breaks the claim: who is stuck, after how many steps the round begins, and what is wrong.
fn broken_for_ever<M: Model>(
    model: &M,
    claim: &Claim<'_, M::Outcome>,
    played: &Played<M::Outcome>,
) -> Result<Option<(Option<Knot>, usize, String)>, String> {
    let quest = claim.quest();
    if played.at_rest || quest == Quest::Breaches {
        return Ok(None);
    }
    let Some(round) = round(model, &played.schedule, !quest.looks())?.filter(|round| round.all_move) else {
        return Ok(None);
    };
    let knot = (!round.waits.is_empty()).then(|| Knot { cycle: round.waits.clone(), collateral: Vec::new() });
    let broken = match (quest, &knot) {
        (Quest::Knots, Some(knot)) if matches!(claim.says, Says::NoHang) => Some(waits_for_ever(knot)),
        (Quest::Outcomes, None) => claim.judge(&played.outcome),
        (Quest::Progress, _) if round.outcomes.iter().all(|outcome| claim.judge(outcome).is_some()) => {
            claim.judge(&played.outcome)
        }
        _ => None,
    };
    Ok(broken.map(|broken| (knot, round.begins, broken)))
}

fn waits_for_ever(knot: &Knot) -> String {
    let tasks: Vec<String> = knot.cycle.iter().map(|e| e.task.to_string()).collect();
    let verb = if tasks.len() == 1 { "waits" } else { "wait" };
    format!("{} {verb} for ever", tasks.join(" and "))
}

impl Failure {
    /// What a search found that cannot be played: loom and tokio also interleave within steps, which the player does not.
    pub(crate) fn untold(claim: &str, finding: Finding, broken: String, shortest: bool) -> Failure {
        let said = finding.breaches.into_iter().find(|breach| breach.rule == claim);
        Failure {
            claim: claim.to_owned(),
            schedule: finding.schedule,
            trace: turnstile::trace::Trace::default(),
            graph: turnstile::waits::WaitGraph::default(),
            knot: finding.knot,
            broken: said.map_or(broken, |breach| breach.what),
            shortest,
            lasso: finding.lasso,
        }
    }
}
