//! Asks of a model of your own: can it hang, can it crash, and is what you claim of it true?

use std::fmt;
use std::time::Duration;

use turnstile::show::{self, Paint, Story};

use crate::check::Engine;
use crate::claim::{Claim, Says, retell};
use crate::engine::{Effort, End, Ending, Finding, Quest, exhaustive};
use crate::limits::Limits;
use crate::model::Model;
use crate::shrink::simpler;
use crate::verdict::{Failure, Searched, Verdict};

/// A question about a model: whether any interleaving makes a task wait for ever, crashes the program, breaks a rule, or
/// breaks what you claim.
///
/// ```
/// use turnstile_models::prelude::*;
///
/// /// Two tasks add one to the same number, each with a read and a write.
/// #[derive(Clone)]
/// struct Sum;
///
/// impl Model for Sum {
///     type World<R: Runtime> = Shared<R, u32>;
///     type Outcome = u32;
///
///     fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
///         let sum = Shared::new(runtime, Name::one("sum"), 0);
///         for n in 1..=2 {
///             let sum = sum.clone();
///             Task::spawn(runtime, Name::of("adder", n), async move |me| {
///                 let was = sum.step(&me, "read", |sum| *sum).await;
///                 sum.step(&me, "write", |sum| *sum = was + 1).await;
///             });
///         }
///         sum
///     }
///
///     fn look<R: Runtime>(&self, sum: &Shared<R, u32>) -> u32 {
///         sum.peek(|sum| *sum)
///     }
/// }
///
/// let never_hangs = Check::of(Sum).run();
/// never_hangs.unwrap_holds();
///
/// let failure = Check::of(Sum).at_rest("the sum is 2", |sum| *sum == 2).run().unwrap_fails();
/// assert_eq!(failure.broken, "at rest, not so: the sum is 2; there is 1");
/// assert_eq!(failure.trace.steps.len(), 4);
/// ```
pub struct Check<M: Model> {
    model: M,
    name: String,
    claims: Vec<Own<M::Outcome>>,
    engine: Engine,
    limits: Limits,
}

/// A claim about what can be seen.
struct Own<O> {
    name: String,
    recurs: bool,
    holds: Box<dyn Fn(&O) -> bool>,
}

/// How long a schedule may be worked on that is not proven to be shortest.
const SHRINKING: Duration = Duration::from_secs(5);

impl<M: Model> Check<M> {
    /// Asks whether a model can hang, crash or break a rule: by the exhaustive engine, with the usual [`Limits`].
    pub fn of(model: M) -> Check<M> {
        let path = std::any::type_name::<M>();
        let name = path.split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or(path);
        Check {
            model,
            name: name.to_owned(),
            claims: Vec::new(),
            engine: Engine::Exhaustive,
            limits: Limits::default(),
        }
    }

    /// What the model is called in verdicts and pictures; else that is the name of its type.
    pub fn called(self, name: &str) -> Check<M> {
        Check { name: name.to_owned(), ..self }
    }

    /// Claims that wherever the world comes to rest, `holds` is true of what [`look`](Model::look) sees. At rest nothing can move
    /// any more; where it goes round for ever, it is judged in each state that it comes back to. Where somebody hangs it is not:
    /// the hang is what is wrong.
    pub fn at_rest(self, claim: &str, holds: impl Fn(&M::Outcome) -> bool + 'static) -> Check<M> {
        self.with(claim, false, holds)
    }

    /// Claims that under a fair scheduler `holds` comes true in the end, and again and again from then on.
    pub fn in_the_end(self, claim: &str, holds: impl Fn(&M::Outcome) -> bool + 'static) -> Check<M> {
        self.with(claim, true, holds)
    }

    fn with(mut self, name: &str, recurs: bool, holds: impl Fn(&M::Outcome) -> bool + 'static) -> Check<M> {
        self.claims.push(Own { name: name.to_owned(), recurs, holds: Box::new(holds) });
        self
    }

    /// Has another engine search. Only the exhaustive one and loom can come to «holds».
    pub fn engine(self, engine: Engine) -> Check<M> {
        Check { engine, ..self }
    }

    /// How far to search. Engines other than the exhaustive one search several times, for hangs, for rules and for claims; each
    /// time up to these limits.
    pub fn limits(self, limits: Limits) -> Check<M> {
        Check { limits, ..self }
    }

    /// Searches, until something is broken.
    ///
    /// # Panics
    /// If a task panics, or if the model does not do the same each time under the same schedule.
    pub fn run(&self) -> Verdict<Searched, Failure> {
        let claims = self.all();
        let went = match self.engine {
            Engine::Exhaustive => self.search_at_once(&claims),
            _ => self.search_in_turn(&claims),
        };
        let Went { broken, stopped, effort, bound } = went;
        let searched = Searched { model: self.name.clone(), engine: self.engine, effort, bound };
        match (broken, stopped) {
            (Some(broken), _) => Verdict::Fails(searched, Box::new(self.tell(&claims, broken))),
            (None, Some(why)) => Verdict::Unknown(searched, why),
            (None, None) => Verdict::Holds(searched),
        }
    }

    fn all(&self) -> Vec<Claim<'_, M::Outcome>> {
        let own = self.claims.iter().map(|own| {
            let when = if own.recurs { "in the end" } else { "at rest" };
            let judge = Box::new(move |outcome: &M::Outcome| {
                let wrong = || format!("{when}, not so: {}; there is {outcome:?}", own.name);
                (!(own.holds)(outcome)).then(wrong)
            });
            let says = if own.recurs { Says::InTheEnd(judge) } else { Says::AtRest(judge) };
            Claim { name: &own.name, says }
        });
        let given = [
            Claim { name: "no task waits for ever", says: Says::NoHang },
            Claim { name: "the program does not crash", says: Says::NoCrash },
            Claim { name: "no step breaks a rule", says: Says::EveryRule },
        ];
        given.into_iter().chain(own).collect()
    }

    /// One search for all claims.
    fn search_at_once(&self, claims: &[Claim<'_, M::Outcome>]) -> Went {
        let quests: Vec<Quest> = claims.iter().map(Claim::quest).collect();
        let mut words = vec![None; claims.len()];
        let mut visit = |at: usize, ending: &Ending<M::Outcome>| {
            words[at] = claims[at].broken_by(ending);
            words[at].is_some()
        };
        let survey = exhaustive::first(&self.model, &quests, &self.limits, &mut visit);
        let broken = survey.found.into_iter().enumerate().find_map(|(claim, found)| {
            let words = words[claim].take().unwrap_or_default();
            found.map(|finding| Broken { claim, finding, words, shortest: true })
        });
        Went { broken, stopped: survey.stopped, effort: survey.effort, bound: None }
    }

    /// A search for each kind of claim.
    fn search_in_turn(&self, claims: &[Claim<'_, M::Outcome>]) -> Went {
        let mut went = Went::default();
        for quest in [Quest::Knots, Quest::Breaches, Quest::Outcomes, Quest::Progress] {
            if !claims.iter().any(|claim| claim.quest() == quest) {
                continue;
            }
            let mut words = None;
            let mut visit = |ending: Ending<M::Outcome>| {
                let concerned = claims.iter().enumerate().filter(|(_, claim)| claim.quest() == quest);
                words = concerned.into_iter().find_map(|(at, it)| Some((at, it.broken_by(&ending)?)));
                words.is_some()
            };
            let report = self.engine.explore(&self.model, quest, &self.limits, &(), &mut visit);
            let so_far = went.effort.schedules.unwrap_or_default();
            went.effort.schedules = report.effort.schedules.map(|runs| runs + so_far);
            went.effort.time += report.effort.time;
            went.bound = report.bound;
            match (report.end, words) {
                (End::Exhausted, _) => {}
                (End::Stopped(why), _) => went.stopped = went.stopped.or(Some(why)),
                (End::Found(finding), Some((claim, words))) => {
                    let (finding, shortest) = (*finding, report.shortest);
                    went.broken = Some(Broken { claim, finding, words, shortest });
                    return went;
                }
                (End::Found(_), None) => unreachable!("a search ends with what breaks a claim"),
            }
        }
        went
    }

    fn tell(&self, claims: &[Claim<'_, M::Outcome>], broken: Broken) -> Failure {
        let Broken { claim, mut finding, words, shortest } = broken;
        let claim = &claims[claim];
        // What goes round has no shorter schedule that is known of, and the shrinker knows only what comes to an end.
        let shortest = shortest && finding.lasso.is_none();
        if !shortest
            && finding.lasso.is_none()
            && let Some(schedule) = simpler(&self.model, claim, &finding.schedule, SHRINKING)
        {
            finding.schedule = schedule;
        }
        match retell(&self.model, claim, &finding.schedule) {
            Ok(failure) => Failure { shortest, ..failure },
            Err(_) => Failure::untold(claim.name, finding, words, shortest),
        }
    }
}

/// What a search came to, before it is told.
#[derive(Default)]
struct Went {
    broken: Option<Broken>,
    stopped: Option<String>,
    effort: Effort,
    bound: Option<String>,
}

/// A claim that is broken, and by what.
struct Broken {
    claim: usize,
    finding: Finding,
    words: String,
    shortest: bool,
}

impl Verdict<Searched, Failure> {
    /// For tests: a search that came to «holds».
    ///
    /// # Panics
    /// If it did not, with the whole story: what is broken, the steps that lead there, and who waits for whom.
    #[track_caller]
    pub fn unwrap_holds(self) -> Searched {
        match self {
            Verdict::Holds(searched) => searched,
            Verdict::Unknown(..) => panic!("{self}"),
            Verdict::Fails(_, ref failure) => panic!("{self}\n\n{}", failure.text()),
        }
    }

    /// For tests: the failure that a search has found.
    ///
    /// # Panics
    /// If it has found none.
    #[track_caller]
    pub fn unwrap_fails(self) -> Failure {
        match self {
            Verdict::Fails(_, failure) => *failure,
            Verdict::Holds(_) | Verdict::Unknown(..) => panic!("{self}"),
        }
    }
}

impl fmt::Display for Verdict<Searched, Failure> {
    /// A sentence that never says more than was searched.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Searched { model, engine, effort, bound } = self.search();
        let engine = engine.name();
        match (self, bound) {
            (Verdict::Holds(_), None) => {
                write!(f, "{model} holds: {engine} searched every interleaving and every choice, ")?;
                match (effort.states, effort.schedules) {
                    (Some(states), _) => write!(f, "{states} states"),
                    (None, runs) => write!(f, "{} runs", runs.unwrap_or_default()),
                }
            }
            (Verdict::Holds(_), Some(bound)) => write!(f, "{model} holds within a bound: {engine}, {bound}"),
            (Verdict::Fails(_, failure), _) => {
                let Failure { broken, shortest, schedule, .. } = &**failure;
                let proof = if *shortest { ", and no schedule is shorter" } else { "" };
                write!(f, "{model} fails: {broken}; {} steps{proof}", schedule.len())
            }
            (Verdict::Unknown(_, why), _) => {
                write!(
                    f,
                    "{model} is unknown: nothing that {engine} saw breaks it, but {why} stopped the search"
                )
            }
        }
    }
}

impl Failure {
    /// What there is to tell, for the pictures in [`turnstile::show`]: [`sequence`](show::sequence) and [`flowchart`](show::flowchart)
    /// draw it for Mermaid.
    pub fn story<'a>(&'a self, title: &'a str) -> Story<'a> {
        Story {
            title,
            trace: &self.trace,
            knot: self.knot.as_ref(),
            graph: Some(&self.graph),
            ending: &self.broken,
        }
    }

    /// As text: one column per task, one step per row, then why nothing goes on.
    pub fn text(&self) -> String {
        show::text(&self.story(&format!("Not so: {}", self.claim)), Paint::Plain)
    }

    /// As a picture that needs nothing else: a space-time diagram, and below it who waits for whom.
    pub fn svg(&self) -> String {
        show::svg(&self.story(&format!("Not so: {}", self.claim)))
    }
}
