//! One moment of a hub as boxes and arrows: who drains which channel, who waits to send on which, and what comes of it.
//!
//! The lock is the moment of the shortest hang. The unlock is the same moment in another design: the first at which somebody waits to
//! send on that very channel, full as it is; and the step that gets it on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use turnstile::Name;
use turnstile::view::ChannelView;
use turnstile::waits::Kind;

use super::paper::{Paper, Point, wide};
use crate::check::{Engine, check};
use crate::engine::exhaustive::{Graph, graph};
use crate::explore::{Explorer, Moment, StepView};
use crate::limits::Limits;
use crate::player::play;
use crate::property::Property;
use crate::scenario::{Scenario, Sight};
use crate::schedule::{Schedule, Turn};

/// A moment, drawn.
pub struct Diagram {
    /// As a picture that needs nothing else.
    pub svg: String,
    /// As a flowchart for pages that draw Mermaid.
    pub mermaid: String,
}

/// The moment of the shortest hang of a scenario.
///
/// # Errors
/// Says that it does not hang.
pub fn lock(title: &str, scenario: &Scenario) -> Result<Diagram, String> {
    let moment = hang(scenario)?;
    let stuck =
        moment.waits.iter().find(|wait| moment.knot.iter().any(|knot| knot.cycle.contains(&wait.task)));
    let stuck = stuck.map(|wait| wait.task).ok_or("nobody is stuck")?;
    let scene = Scene { title, ending: ending(&moment), moment: &moment, focus: stuck, next: None };
    Ok(scene.diagram())
}

/// The same moment of a design that does not hang there: the first at which somebody waits to send on the full channel that `locked`
/// hangs at, and the step that gets it on.
///
/// # Errors
/// Says that there is no such moment.
pub fn unlock(title: &str, scenario: &Scenario, locked: &Scenario) -> Result<Diagram, String> {
    let hang = hang(locked)?;
    let channel = hang.waits.iter().find(|wait| wait.kind == Kind::Send).map(|wait| wait.on);
    let channel = channel.ok_or("the hang is at no channel")?;
    let (turns, focus) = same_moment(scenario, channel)?;
    let mut explorer = Explorer::new(scenario)?;
    let at = explorer.numbers(&[], &Schedule { turns })?;
    let moment = explorer.moment(&at)?;
    for option in &moment.options {
        let after = explorer.moment(&[at.as_slice(), &[option.option]].concat())?;
        if let Some(next) = after.steps.last().filter(|step| step.wakes.contains(&focus)) {
            let ending = format!(
                "Step {}: {} takes one out of {channel}, and {focus} goes on.",
                after.steps.len(),
                next.task
            );
            let scene = Scene { title, ending: vec![ending], moment: &moment, focus, next: Some(next) };
            return Ok(scene.diagram());
        }
    }
    Err(format!("nobody gets {focus} on"))
}

fn hang(scenario: &Scenario) -> Result<Moment, String> {
    let verdict = check(scenario, Property::NoDeadlock, Engine::Exhaustive, &Limits::default(), &())?;
    let counterexample =
        verdict.counterexample().ok_or("this world does not hang, so there is no lock to draw")?;
    let mut explorer = Explorer::new(scenario)?;
    let at = explorer.numbers(&[], &counterexample.schedule)?;
    explorer.moment(&at)
}

/// The shortest way to where somebody waits to send on a full channel, and its drainer is about to receive; and who waits.
fn same_moment(scenario: &Scenario, channel: Name) -> Result<(Vec<Turn>, Name), String> {
    let limits = Limits { symmetry: false, ..Limits::default() };
    let graph: Graph<Sight> = graph(scenario, &limits, &());
    // Who sends there is to be a loop, as in the lock, which has work of its own to get on with.
    let start = Explorer::new(scenario)?.moment(&[])?;
    let loops: Vec<Name> =
        start.channels.iter().flat_map(|channel| channel.drained_by.iter().flatten()).copied().collect();
    let mut ways: BTreeMap<u32, Vec<Turn>> = BTreeMap::from([(1, Vec::new())]);
    for state in graph.states() {
        let Some(way) = ways.get(&state).cloned() else { continue };
        let played = play(scenario, &Schedule { turns: way.clone() })?;
        let is_full = |filled: Option<(usize, usize)>| filled.is_some_and(|(len, capacity)| len >= capacity);
        let waits = played.graph.edges.iter().find(|edge| {
            let drained = edge.helpers.iter().flatten().all(|helper| played.graph.running.contains(helper));
            edge.kind == Kind::Send
                && loops.contains(&edge.task)
                && edge.on == channel
                && is_full(edge.filled)
                && drained
        });
        if let Some(edge) = waits {
            let frees = |step: &&crate::engine::exhaustive::Step| {
                let turn = &graph.turns[step.turn as usize];
                let next = Schedule { turns: [way.as_slice(), std::slice::from_ref(turn)].concat() };
                let woken = |played: crate::Played<_>| {
                    played.trace.steps.last().is_some_and(|step| step.wakes.contains(&edge.task))
                };
                edge.helpers.iter().flatten().any(|helper| *helper == turn.task)
                    && play(scenario, &next).is_ok_and(woken)
            };
            if graph.steps(state).iter().any(|step| frees(&step)) {
                return Ok((way, edge.task));
            }
        }
        for step in graph.steps(state).iter().filter(|step| step.to > state) {
            let on = || [way.as_slice(), &[graph.turns[step.turn as usize].clone()]].concat();
            ways.entry(step.to).or_insert_with(on);
        }
        ways.remove(&state);
    }
    Err(format!("nobody ever waits to send on {channel} while it is full"))
}

/// How a hang ends, in sentences.
fn ending(moment: &Moment) -> Vec<String> {
    moment.knot.iter().flat_map(|knot| knot.words.iter()).map(|words| format!("{words}.")).collect()
}

/// What is drawn.
struct Scene<'a> {
    title: &'a str,
    moment: &'a Moment,
    /// Who waits to send on the full channel.
    focus: Name,
    /// The step that gets it on, if one does.
    next: Option<&'a StepView>,
    ending: Vec<String>,
}

/// Who waits to do what on which channel, or drains it.
struct Arrow {
    task: Name,
    channel: Name,
    drains: bool,
    class: &'static str,
    says: String,
}

const TASK: Point = (150.0, 44.0);
const CHANNEL: Point = (190.0, 62.0);
const COLUMNS: [f64; 3] = [0.0, 270.0, 640.0];
const ROW: f64 = 130.0;
/// A channel with more places than that shows so many.
const PLACES: usize = 6;

impl Scene<'_> {
    fn diagram(&self) -> Diagram {
        Diagram { svg: self.svg(), mermaid: self.mermaid() }
    }

    /// The channels that loops drain and that have been used, in their order.
    fn channels(&self) -> Vec<&ChannelView> {
        let used = |channel: &ChannelView| {
            let ends = [format!("send on {}", channel.name), format!("receive from {}", channel.name)];
            self.moment.steps.iter().any(|step| ends.iter().any(|end| step.what.contains(end)))
        };
        self.moment.channels.iter().filter(|channel| channel.drained_by.is_some() && used(channel)).collect()
    }

    /// Those who drain them, in the order of the channels.
    fn loops(&self) -> Vec<Name> {
        let mut loops: Vec<Name> = Vec::new();
        for name in self.channels().iter().flat_map(|channel| channel.drained_by.iter().flatten()) {
            if !loops.contains(name) {
                loops.push(*name);
            }
        }
        loops
    }

    /// The others that wait for a channel, or can go on.
    fn others(&self) -> Vec<Name> {
        let loops = self.loops();
        let here =
            self.moment.tasks.iter().filter(|task| task.stands != "ended" && !loops.contains(&task.name));
        here.map(|task| task.name).collect()
    }

    fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for channel in self.channels() {
            for task in channel.drained_by.iter().flatten() {
                let only = channel.drained_by.as_ref().is_some_and(|tasks| tasks.len() == 1);
                let frees =
                    self.next.is_some_and(|next| next.task == *task) && channel.senders.contains(&self.focus);
                let (class, says) = match (frees, self.is_stuck(*task)) {
                    (true, _) => ("on", format!("takes one: step {}", self.moment.steps.len() + 1)),
                    (false, true) => {
                        ("", format!("{}{task} drains, and it waits", if only { "only " } else { "" }))
                    }
                    (false, false) => ("", format!("{}{task} drains", if only { "only " } else { "" })),
                };
                arrows.push(Arrow { task: *task, channel: channel.name, drains: true, class, says });
            }
            for task in &channel.senders {
                let class = if self.is_stuck(*task) { "hang" } else { "line" };
                let says = match *task == self.focus {
                    true => format!("waits to send: step {}", self.last_step(*task)),
                    false => "waits to send".to_owned(),
                };
                arrows.push(Arrow { task: *task, channel: channel.name, drains: false, class, says });
            }
        }
        arrows
    }

    fn is_stuck(&self, task: Name) -> bool {
        self.moment.knot.iter().any(|knot| knot.cycle.contains(&task) || knot.collateral.contains(&task))
    }

    /// The number of the last step of a task.
    fn last_step(&self, task: Name) -> usize {
        self.moment.steps.iter().rposition(|step| step.task == task).map_or(0, |index| index + 1)
    }

    /// What the task is in the midst of: its steps since it last took something up, and who gave it that.
    fn midst(&self) -> Vec<String> {
        let steps = &self.moment.steps;
        let own = |at: &usize| steps[*at].task == self.focus;
        let takes = |at: &usize| {
            let given = steps[*at].wakes.contains(&self.focus);
            given || (own(at) && steps[*at].after != "waits" && steps[*at].what.contains("receive from"))
        };
        let from = (0..steps.len()).rev().find(takes).unwrap_or(0);
        let told = (from..steps.len()).filter(|at| *at == from || own(at));
        told.map(|at| format!("{}. {}: {}", at + 1, steps[at].task, steps[at].what)).collect()
    }

    fn svg(&self) -> String {
        let (channels, loops, others) = (self.channels(), self.loops(), self.others());
        let mut drawing = Paper::default();
        let row = |at: usize| ROW * at as f64 + 10.0;
        let channel_at: BTreeMap<Name, f64> =
            channels.iter().enumerate().map(|(at, channel)| (channel.name, row(at))).collect();
        // A loop is as tall as the channels that it drains.
        let mut tasks: BTreeMap<Name, [f64; 4]> = BTreeMap::new();
        for task in &loops {
            let own = channels
                .iter()
                .filter(|channel| channel.drained_by.iter().flatten().any(|name| name == task));
            let ys: Vec<f64> = own.map(|channel| channel_at[&channel.name]).collect();
            let (top, bottom) =
                (ys.iter().copied().fold(f64::MAX, f64::min), ys.iter().copied().fold(0.0, f64::max));
            tasks.insert(*task, [COLUMNS[2], top, TASK.0, bottom - top + CHANNEL.1]);
        }
        let gap = (ROW * channels.len() as f64 / others.len().max(1) as f64).clamp(TASK.1 + 12.0, ROW);
        for (at, task) in others.iter().enumerate() {
            tasks.insert(*task, [COLUMNS[0], 10.0 + gap * at as f64, TASK.0, TASK.1]);
        }
        for arrow in self.arrows() {
            let [x, y, w, h] = tasks[&arrow.task];
            let (left, top) = (COLUMNS[1], channel_at[&arrow.channel]);
            let (right, own_row) = (left + CHANNEL.0, (y..=y + h).contains(&top));
            let middle = top + CHANNEL.1 / 2.0;
            let (from, to) = match (arrow.drains, x > left) {
                (true, _) => ((right, middle - 14.0), (x, middle - 14.0)),
                (false, true) if own_row => ((x, middle + 16.0), (right, middle + 16.0)),
                (false, true) => ((x, y + h / 2.0 + 16.0), (right, middle + 16.0)),
                (false, false) => ((x + w, y + h / 2.0), (left, middle)),
            };
            // To a channel in another row it goes down, or up, before the boxes.
            let lane = x - 22.0;
            let is_straight = arrow.drains || own_row || x < left;
            let points = match is_straight {
                true => vec![from, to],
                false => vec![from, (lane, from.1), (lane, to.1), to],
            };
            drawing.line(arrow.class, &points);
            drawing.head(arrow.class, points[points.len() - 2], to);
            let words = match is_straight {
                true => ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0),
                false => ((lane + to.0) / 2.0, to.1),
            };
            let class = if arrow.class == "line" { "aside" } else { arrow.class };
            drawing.text(&format!("middle {class}"), (words.0, words.1 - 6.0), &arrow.says);
        }
        for channel in &channels {
            draw_channel(&mut drawing, channel, (COLUMNS[1], channel_at[&channel.name]));
        }
        for (task, [x, y, w, h]) in &tasks {
            let goes_on = self.next.is_some_and(|next| next.task == *task);
            let class = if self.is_stuck(*task) {
                "task hang"
            } else if goes_on {
                "task on"
            } else {
                "task"
            };
            drawing.rect(class, (*x, *y), (*w, *h), 6.0);
            drawing.text("middle strong", (x + w / 2.0, y + h / 2.0 - 2.0), &task.to_string());
            drawing.text("middle step", (x + w / 2.0, y + h / 2.0 + 14.0), &self.stands(*task));
        }

        let mut paper = Paper::default();
        paper.text("title", (0.0, 14.0), self.title);
        paper.text(
            "aside",
            (0.0, 38.0),
            &format!("After {} steps, of the real core:", self.moment.steps.len()),
        );
        paper.place(&drawing, (0.0, 56.0));
        let mut y = paper.size().1 + 30.0;
        paper.text("strong", (0.0, y), &format!("How {} came to this", self.focus));
        let midst = self.midst();
        for line in &midst {
            y += 18.0;
            paper.text("", (0.0, y), line);
        }
        y += 12.0;
        for line in &self.ending {
            y += 18.0;
            paper.text(if self.next.is_some() { "strong on" } else { "strong hang" }, (0.0, y), line);
        }
        paper.svg(self.title, &format!("{}. {}", midst.join("; "), self.ending.join(" ")))
    }

    /// How a task stands, in a word or three.
    fn stands(&self, task: Name) -> String {
        let stands = self.moment.tasks.iter().find(|view| view.name == task).map_or("", |view| view.stands);
        let on = self.moment.waits.iter().find(|wait| wait.task == task);
        match (stands, on) {
            ("stuck", _) => "waits for ever".to_owned(),
            ("waits", Some(wait)) => format!("waits for {}", wait.on),
            ("ready", _) => "can go on".to_owned(),
            ("whim", _) => "may leave".to_owned(),
            (other, _) => other.to_owned(),
        }
    }

    fn mermaid(&self) -> String {
        let mut text = format!("flowchart LR\n    accTitle: {}\n", self.title);
        let id = |name: Name| name.to_string().replace(' ', "_");
        for channel in self.channels() {
            let _ =
                writeln!(text, "    {}([\"{}<br/>{}\"])", id(channel.name), channel.name, filled(channel));
        }
        let arrows = self.arrows();
        let tasks = self.others().into_iter().chain(self.loops());
        for task in tasks.filter(|task| arrows.iter().any(|arrow| arrow.task == *task)) {
            let _ = writeln!(text, "    {}[\"{task}<br/>{}\"]", id(task), self.stands(task));
        }
        let mut styles = String::new();
        for (number, arrow) in arrows.iter().enumerate() {
            let (from, to) =
                if arrow.drains { (arrow.channel, arrow.task) } else { (arrow.task, arrow.channel) };
            let _ = writeln!(text, "    {} -- \"{}\" --> {}", id(from), arrow.says, id(to));
            let colour = match arrow.class {
                "hang" => "#c62828",
                "on" => "#0d7f78",
                _ => continue,
            };
            let _ = writeln!(styles, "    linkStyle {number} stroke:{colour},stroke-width:2px");
        }
        text + &styles
    }
}

fn filled(channel: &ChannelView) -> String {
    match channel.capacity {
        Some(0) => "unbuffered".to_owned(),
        Some(capacity) if channel.len >= capacity => format!("{}/{capacity} full", channel.len),
        Some(capacity) => format!("{}/{capacity}", channel.len),
        None => format!("{} in it", channel.len),
    }
}

fn draw_channel(paper: &mut Paper, channel: &ChannelView, at: Point) {
    paper.rect("channel", at, CHANNEL, 31.0);
    paper.text("middle strong", (at.0 + CHANNEL.0 / 2.0, at.1 + 20.0), &channel.name.to_string());
    let places = channel.capacity.unwrap_or(channel.len).min(PLACES);
    let says = filled(channel);
    let size = 16.0;
    let all = (size + 4.0) * places as f64 + wide(&says) + 6.0;
    let mut x = at.0 + (CHANNEL.0 - all) / 2.0;
    for place in 0..places {
        paper.rect(
            if place < channel.len { "place taken" } else { "place" },
            (x, at.1 + 31.0),
            (size, size),
            3.0,
        );
        x += size + 4.0;
    }
    paper.text("step", (x + 4.0, at.1 + 43.0), &says);
}
