//! What can be seen at a moment: values, for whoever draws them.

use serde::Serialize;
use turnstile::Name;
use turnstile::show;
use turnstile::trace::{self, After};
use turnstile::view::{ChannelView, LockView, View};
use turnstile::waits::{Edge, Kind, Knot};

use super::options::Choice;
use super::{Explorer, facts};
use crate::check::replay;
use crate::engine::Quest;
use crate::player::{Breach, Status};
use crate::property::Property;
use crate::schedule::{Schedule, Turn};

/// A moment of a walk.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Moment {
    /// The numbers of the steps that led here.
    pub at: Vec<u32>,
    /// What happened so far.
    pub steps: Vec<StepView>,
    /// The tasks, in the order of their start.
    pub tasks: Vec<TaskView>,
    /// Each step that can be taken now.
    pub options: Vec<OptionView>,
    /// The channels.
    pub channels: Vec<ChannelView>,
    /// The locks that are held or waited for.
    pub locks: Vec<LockRow>,
    /// What else there is to see.
    pub facts: Vec<Fact>,
    /// Who waits for what.
    pub waits: Vec<WaitView>,
    /// Who is stuck.
    pub knot: Option<KnotView>,
    /// True if nothing can move any more, but at its whim.
    pub at_rest: bool,
    /// What broke the program, if something did.
    pub crashed: Option<String>,
    /// The properties that are broken at this moment, or by its last step.
    pub broken: Vec<Broken>,
    /// Where something is broken: to be given to `lab replay`.
    pub key: Option<String>,
}

/// A step that was taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StepView {
    /// Its number among the options at its moment.
    pub option: u32,
    /// Who took it.
    pub task: Name,
    /// What it did, in words.
    pub what: String,
    /// What it picked, in words, where there was something to pick.
    pub picks: Vec<String>,
    /// What became of the task: «goes», «waits» or «ends».
    pub after: &'static str,
    /// What it waits for, if it does.
    pub words: String,
    /// Whose waits it ended.
    pub wakes: Vec<Name>,
    /// The rules that it broke.
    pub breaks: Vec<Broken>,
}

/// A step that can be taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OptionView {
    /// Its number.
    pub option: u32,
    /// Who would take it.
    pub task: Name,
    /// What it would do, in words.
    pub what: String,
    /// What it would pick, in words, where there is something to pick.
    pub picks: Vec<String>,
    /// True if it comes at a whim, and so perhaps never.
    pub whim: bool,
    /// What would become of the task: «goes», «waits» or «ends».
    pub after: &'static str,
}

/// A task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TaskView {
    /// What it is called.
    pub name: Name,
    /// How it stands: «ready» to take a step, or to take one at its «whim», «waits», is «stuck», has «ended».
    pub stands: &'static str,
    /// What it waits for, if it does.
    pub words: String,
}

/// A lock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LockRow {
    /// What it is called.
    pub name: Name,
    /// Who holds it and who waits for it.
    #[serde(flatten)]
    pub lock: LockView,
}

/// A small table of what there is to see.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Fact {
    /// What it is about.
    pub title: String,
    /// What, and how it is.
    pub rows: Vec<(String, String)>,
}

/// Somebody who waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WaitView {
    /// Who.
    pub task: Name,
    /// To do what.
    pub kind: Kind,
    /// On what.
    pub on: Name,
    /// In a sentence.
    pub words: String,
    /// Who alone can end the wait; `None` where any task may.
    pub helpers: Option<Vec<Name>>,
}

/// Those who are stuck.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct KnotView {
    /// Those who wait for one another.
    pub cycle: Vec<Name>,
    /// Those who wait for them.
    pub collateral: Vec<Name>,
    /// What it is, then one sentence for each wait of the cycle.
    pub words: Vec<String>,
}

/// What is broken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Broken {
    /// The property.
    pub property: &'static str,
    /// How, in words.
    pub what: String,
}

impl Explorer {
    /// What can be seen after these turns; `at` are their numbers.
    pub(super) fn look(&mut self, at: &[u32], turns: &[Turn]) -> Result<Moment, String> {
        let options =
            self.choices(at, turns)?.iter().zip(0..).map(|(choice, option)| option_view(choice, option));
        let options = options.collect();
        let mut steps = Vec::new();
        for (index, number) in at.iter().enumerate() {
            let choice = &self.choices(&at[..index], &turns[..index])?[*number as usize];
            steps.push(step_view(choice, *number));
        }
        // With its words, for what it breaks; so the last step alone is narrated.
        let mut breaches: Vec<Breach> = Vec::new();
        self.play.restart(None);
        for (index, turn) in turns.iter().enumerate() {
            let slot = self.slot(index, turn)?;
            self.play.narrate(slot, &turn.picks, &mut self.segments);
            breaches = self
                .play
                .breaches()
                .into_iter()
                .map(|(rule, what)| Breach { step: index, rule, what })
                .collect();
            steps[index].breaks = breaches
                .iter()
                .map(|breach| Broken { property: breach.rule, what: breach.what.clone() })
                .collect();
        }
        let (graph, at_rest) = (self.play.graph(), self.play.at_rest());
        let crashed = self.play.crashed().map(str::to_owned);
        let knot = match (&crashed, at_rest) {
            (Some(_), _) => None,
            (None, true) => graph.knot_at_rest(),
            (None, false) => graph.knot(),
        };
        let mut moment = Moment {
            at: at.to_vec(),
            steps,
            tasks: self.tasks(knot.as_ref()),
            options,
            channels: Vec::new(),
            locks: Vec::new(),
            facts: facts::of(&self.play.outcome()),
            waits: graph.edges.iter().map(wait_view).collect(),
            knot: knot.as_ref().map(knot_view),
            at_rest,
            crashed,
            broken: Vec::new(),
            key: None,
        };
        for (name, view) in self.play.views() {
            match view {
                View::Channels(channels) => moment.channels.extend(channels),
                View::Lock(lock) if lock.holders.is_empty() && lock.waiting.is_empty() => {}
                View::Lock(lock) => moment.locks.push(LockRow { name, lock }),
                View::Hidden => {}
            }
        }
        // Not as they came to be: that differs from way to way to one and the same state.
        moment.locks.sort_by_key(|row| row.name);
        let Moment { waits, tasks, .. } = &mut moment;
        waits.sort_by_key(|wait| tasks.iter().position(|task| task.name == wait.task));
        moment.broken = self.broken(&moment, &breaches);
        moment.key = moment.broken.iter().find_map(|broken| self.key(broken.property, turns));
        Ok(moment)
    }

    fn tasks(&self, knot: Option<&Knot>) -> Vec<TaskView> {
        let is_stuck = |name: Name| {
            knot.is_some_and(|knot| knot.cycle.iter().chain(&knot.collateral).any(|edge| edge.task == name))
        };
        let view = |(name, status): (Name, Status)| {
            let (stands, words) = match &status {
                Status::Turn { whim: false } => ("ready", String::new()),
                Status::Turn { whim: true } => ("whim", String::new()),
                Status::Parked(None) => ("waits", String::new()),
                Status::Parked(Some(wait)) => {
                    let stands = if is_stuck(name) { "stuck" } else { "waits" };
                    (stands, waits_words(&Edge::of(name, wait)))
                }
                Status::Done => ("ended", String::new()),
            };
            TaskView { name, stands, words }
        };
        self.play.roster().into_iter().map(view).collect()
    }

    /// What is broken at a moment.
    fn broken(&self, moment: &Moment, breaches: &[Breach]) -> Vec<Broken> {
        let mut broken: Vec<Broken> = breaches
            .iter()
            .map(|breach| Broken { property: breach.rule, what: breach.what.clone() })
            .collect();
        if let Some(why) = &moment.crashed {
            broken.push(Broken {
                property: Property::NoCrash.name(),
                what: format!("the program breaks: {why}"),
            });
            return broken;
        }
        if let Some(knot) = &moment.knot {
            broken.push(Broken { property: Property::NoDeadlock.name(), what: knot.words.join("; ") });
        }
        if moment.at_rest {
            let outcome = self.play.outcome();
            let judged = |property: &Property| match property.quest() {
                Quest::Outcomes => moment.knot.is_none(),
                Quest::Progress => true,
                Quest::Knots | Quest::Breaches => false,
            };
            let asked = Property::ALL.into_iter().filter(judged);
            for property in asked.filter(|property| property.validate(&self.scenario).is_ok()) {
                if let Some(what) = property.judge(&self.scenario, &outcome) {
                    broken.push(Broken { property: property.name(), what });
                }
            }
        }
        broken
    }

    /// The key of a schedule that breaks a property.
    fn key(&self, property: &str, turns: &[Turn]) -> Option<String> {
        let property = Property::ALL.into_iter().find(|it| it.name() == property)?;
        let schedule = Schedule { turns: turns.to_vec() };
        replay(&self.scenario, property, &schedule).ok().map(|counterexample| counterexample.key)
    }
}

/// What a wait is, without who waits.
fn waits_words(edge: &Edge) -> String {
    let sentence = edge.to_string();
    let who = format!("{} ", edge.task);
    sentence.strip_prefix(&who).map_or(sentence.clone(), str::to_owned)
}

fn picks(choice: &Choice) -> Vec<String> {
    choice
        .picked
        .iter()
        .filter(|(_, of)| *of > 1)
        .map(|(which, of)| format!("choice {which} of {of}"))
        .collect()
}

fn after(step: &trace::Step) -> (&'static str, String) {
    match &step.after {
        After::Goes => ("goes", String::new()),
        After::Waits(edge) => ("waits", waits_words(edge)),
        After::Ends => ("ends", String::new()),
    }
}

fn what(step: &trace::Step) -> String {
    if step.what.is_empty() { "goes on".to_owned() } else { step.what.clone() }
}

fn step_view(choice: &Choice, option: u32) -> StepView {
    let (after, words) = after(&choice.step);
    StepView {
        option,
        task: choice.turn.task,
        what: what(&choice.step),
        picks: picks(choice),
        after,
        words,
        wakes: choice.step.wakes.clone(),
        breaks: Vec::new(),
    }
}

fn option_view(choice: &Choice, option: u32) -> OptionView {
    let (after, _) = after(&choice.step);
    OptionView {
        option,
        task: choice.turn.task,
        what: what(&choice.step),
        picks: picks(choice),
        whim: choice.whim,
        after,
    }
}

fn wait_view(edge: &Edge) -> WaitView {
    let Edge { task, kind, on, helpers, .. } = edge.clone();
    WaitView { task, kind, on, words: edge.to_string(), helpers }
}

fn knot_view(knot: &Knot) -> KnotView {
    let names = |edges: &[Edge]| edges.iter().map(|edge| edge.task).collect();
    KnotView { cycle: names(&knot.cycle), collateral: names(&knot.collateral), words: show::knot(knot) }
}
