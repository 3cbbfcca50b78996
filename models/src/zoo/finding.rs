//! What a search of a kernel came to.

use std::collections::BTreeSet;

use turnstile::Name;
use turnstile::trace::Trace;
use turnstile::waits::{Edge, Knot, WaitGraph};

use super::Expected;
use crate::engine::{Effort, End, Quest, exhaustive};
use crate::limits::Limits;
use crate::model::Model;
use crate::player::play;

/// What a search of a variant came to.
#[derive(Clone, Debug)]
pub enum Finding {
    /// Every interleaving and every choice was searched; none hangs or breaks the program.
    Holds(Effort),
    /// A hang.
    Deadlocks(Effort, Box<Hang>),
    /// The program breaks, as Go does at a send on a closed channel.
    Breaks(Effort, String),
    /// None that was seen hangs, and this stopped the search.
    Unknown(Effort, String),
}

/// A hang, and the shortest way into it.
#[derive(Clone, Debug)]
pub struct Hang {
    /// Who waits for whom, in one line.
    pub cycle: String,
    /// What happens until then.
    pub trace: Trace,
    /// Who waits for whom at its end.
    pub graph: WaitGraph,
    /// Who is stuck.
    pub knot: Knot,
}

impl Finding {
    /// How much was searched.
    pub fn effort(&self) -> &Effort {
        match self {
            Finding::Holds(effort)
            | Finding::Deadlocks(effort, _)
            | Finding::Breaks(effort, _)
            | Finding::Unknown(effort, _) => effort,
        }
    }

    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Finding::Holds(_) => "holds",
            Finding::Deadlocks(..) => "deadlocks",
            Finding::Breaks(..) => "breaks",
            Finding::Unknown(..) => "unknown",
        }
    }

    /// The hang, if it is one.
    pub fn hang(&self) -> Option<&Hang> {
        match self {
            Finding::Deadlocks(_, hang) => Some(hang),
            _ => None,
        }
    }

    /// True if it is what is known.
    pub fn is(&self, expected: Expected) -> bool {
        match (self, expected) {
            (Finding::Holds(_), Expected::Holds) => true,
            (Finding::Deadlocks(_, hang), Expected::Deadlocks(cycle)) => hang.cycle == cycle,
            _ => false,
        }
    }

    /// What there is to say of it, in one line: the cycle, what broke or what stopped the search.
    pub fn line(&self) -> &str {
        match self {
            Finding::Holds(_) => "",
            Finding::Deadlocks(_, hang) => &hang.cycle,
            Finding::Breaks(_, why) | Finding::Unknown(_, why) => why,
        }
    }
}

/// Searches all interleavings of a model for a hang.
pub(super) fn search<M: Model>(model: &M, limits: &Limits) -> Finding {
    let mut crashed = None;
    let report = exhaustive::explore(model, Quest::Knots, limits, &(), &mut |ending| {
        crashed = ending.crashed;
        true
    });
    match report.end {
        End::Exhausted => Finding::Holds(report.effort),
        End::Stopped(why) => Finding::Unknown(report.effort, why),
        End::Found(finding) => match crashed {
            Some(why) => Finding::Breaks(report.effort, why),
            None => {
                let played = play(model, &finding.schedule).expect("what was found can be played");
                let knot = if played.at_rest { played.graph.knot_at_rest() } else { played.graph.knot() };
                let knot = knot.expect("what was found is a hang");
                let cycle = line(&knot, &played.graph);
                Finding::Deadlocks(
                    report.effort,
                    Box::new(Hang { cycle, trace: played.trace, graph: played.graph, knot }),
                )
            }
        },
    }
}

/// The waits of a knot in one line, each after the one that it is waited for; and, where they do not close, how it is with whom
/// the last of them waits for.
fn line(knot: &Knot, graph: &WaitGraph) -> String {
    let mut said: Vec<String> = knot.cycle.iter().map(ToString::to_string).collect();
    let mut seen: BTreeSet<Name> = knot.cycle.iter().map(|edge| edge.task).collect();
    let mut last: &Edge = knot.cycle.last().expect("a knot has a wait");
    while let Some(next) = last.helpers.iter().flatten().find(|helper| !seen.contains(helper)) {
        seen.insert(*next);
        let waits = graph.edges.iter().find(|edge| edge.task == *next);
        match waits {
            Some(edge) => {
                said.push(edge.to_string());
                last = edge;
            }
            None => {
                said.extend((!graph.running.contains(next)).then(|| format!("{next} has ended")));
                break;
            }
        }
    }
    said.join("; ")
}
