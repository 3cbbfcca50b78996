//! A story for a terminal: how it ends, then one column per task and one row per step. Never wider than 100 columns.

use std::collections::BTreeSet;

use super::Story;
use super::excerpt::{Row, excerpt};
use super::lives::{Life, Lives};
use super::paint::{Paint, Tone};
use super::words;
use super::wrap::{columns, width, wrap};
use crate::name::Name;
use crate::trace::{After, Trace};

/// No line is wider.
const WIDTH: usize = 100;
/// With more tasks, they share one column.
const COLUMNS: usize = 5;
/// No column for a task is narrower.
const NARROWEST: usize = 12;
/// Longer traces are cut in the middle.
const STEPS: usize = 60;

/// Tells a story in at most 100 columns.
pub fn text(story: &Story<'_>, paint: Paint) -> String {
    let mut page = Page { paint, text: String::new() };
    page.paragraph(Tone::Heading, 0, story.title);
    conclusion(&mut page, story);
    let steps = &story.trace.steps;
    if !steps.is_empty() {
        page.gap();
        let rows = excerpt(steps.len(), STEPS);
        let tasks = tasks(story.trace, &rows);
        let mut lives = Lives::new(story);
        let cells = rows.iter().map(|row| Cell::new(story, &lives, *row)).collect::<Vec<_>>();
        let left = steps.len().to_string().len();
        match tasks.len() <= COLUMNS {
            true => side_by_side(&mut page, story.trace, &mut lives, &tasks, &cells, left),
            false => list(&mut page, story.trace, &tasks, &cells, left),
        }
    }
    page.text
}

fn conclusion(page: &mut Page, story: &Story<'_>) {
    let ending = words::ending(story);
    if !ending.is_empty() {
        page.gap();
        page.paragraph(if story.knot.is_some() { Tone::Stuck } else { Tone::Heading }, 0, &ending);
    }
    if let Some(knot) = story.knot {
        page.paragraphs(Tone::Plain, words::cycle(knot));
        if !knot.collateral.is_empty() {
            page.gap();
            page.paragraph(Tone::Heading, 0, &words::collateral(knot));
            page.paragraphs(Tone::Plain, words::sentences(&words::groups(&knot.collateral)));
        }
    }
    let others = words::others(story);
    if !others.is_empty() {
        page.gap();
        page.paragraph(Tone::Aside, 0, if story.knot.is_some() { "Not stuck:" } else { "At the end:" });
        page.paragraphs(Tone::Aside, others);
    }
}

/// The tasks whose steps are shown, in the order in which they are.
fn tasks(trace: &Trace, rows: &[Row]) -> Vec<Name> {
    let mut seen = BTreeSet::new();
    let shown = rows.iter().filter_map(|row| match row {
        Row::Step(index) => Some(trace.steps[*index].task),
        Row::Gap(_) => None,
    });
    shown.filter(|task| seen.insert(*task)).collect()
}

/// What a row says, before it is broken into lines.
struct Cell {
    row: Row,
    /// Whose step it is; `None` for a gap.
    task: Option<Name>,
    /// Why it is another task's turn, where the row above does not say so.
    switch: Option<String>,
    says: Vec<(Tone, String)>,
}

impl Cell {
    fn new(story: &Story<'_>, lives: &Lives<'_>, row: Row) -> Cell {
        let index = match row {
            Row::Step(index) => index,
            Row::Gap(skipped) => {
                return Cell { row, task: None, switch: None, says: vec![(Tone::Aside, Row::gap(skipped))] };
            }
        };
        let step = &story.trace.steps[index];
        let mut says = Vec::new();
        if !step.what.is_empty() {
            says.push((Tone::Plain, step.what.clone()));
        }
        if !step.wakes.is_empty() {
            says.push((Tone::Wakes, format!("→ wakes {}", words::names(&step.wakes))));
        }
        match &step.after {
            After::Goes => {}
            After::Waits(edge) if lives.for_ever(index, edge) => {
                says.push((Tone::Stuck, format!("⏸ {}, for ever", words::waits(edge))));
            }
            After::Waits(edge) => says.push((Tone::Waits, format!("⏸ {}", words::waits(edge)))),
            After::Ends => says.push((Tone::Aside, "■ ends".to_owned())),
        }
        // A task that waits or has ended is marked so in the row above.
        let could_go_on = index > 0 && story.trace.steps[index - 1].after == After::Goes;
        let switch = story.trace.switch(index).filter(|_| could_go_on);
        Cell { row, task: Some(step.task), switch, says }
    }

    fn lines(&self, limit: usize) -> Vec<(Tone, String)> {
        let lines: Vec<_> = self
            .says
            .iter()
            .flat_map(|(tone, text)| wrap(text, limit, columns).into_iter().map(|line| (*tone, line)))
            .collect();
        if lines.is_empty() { vec![(Tone::Plain, String::new())] } else { lines }
    }

    fn number(&self, left: usize, first: bool) -> String {
        match self.row {
            Row::Step(index) if first => format!("{:>left$}  ", index + 1),
            _ => " ".repeat(left + 2),
        }
    }
}

/// One column per task, with its lifeline.
fn side_by_side(
    page: &mut Page,
    trace: &Trace,
    lives: &mut Lives<'_>,
    tasks: &[Name],
    cells: &[Cell],
    left: usize,
) {
    let widths = fit(tasks, cells, WIDTH - (left + 2) - 2 * tasks.len() - 2 * (tasks.len() - 1));
    let heads: Vec<_> =
        tasks.iter().zip(&widths).map(|(t, w)| wrap(&t.to_string(), w + 2, columns)).collect();
    for line in 0..heads.iter().map(Vec::len).max().unwrap_or(0) {
        let mut spans = vec![(Tone::Plain, " ".repeat(left + 2))];
        for (head, w) in heads.iter().zip(&widths) {
            let text = head.get(line).cloned().unwrap_or_default();
            let pad = " ".repeat(w + 4 - width(&text));
            spans.extend([(Tone::Heading, text), (Tone::Plain, pad)]);
        }
        page.line(spans);
    }
    for cell in cells {
        if let Some(switch) = &cell.switch {
            page.paragraph(Tone::Aside, left + 2, &format!("╌╌ {switch}"));
        }
        let Row::Step(index) = cell.row else {
            page.paragraphs_at(left + 2, &cell.says);
            continue;
        };
        if index > 0 {
            lives.live_to(index - 1);
        }
        let before: Vec<Life> = tasks.iter().map(|t| lives.of(*t)).collect();
        lives.live_to(index);
        let turn = tasks.iter().position(|t| *t == trace.steps[index].task).unwrap_or(0);
        for (n, (tone, text)) in cell.lines(widths[turn]).into_iter().enumerate() {
            let mut spans = vec![(Tone::Aside, cell.number(left, n == 0))];
            for (column, w) in widths.iter().enumerate() {
                let (life, said) = match column == turn {
                    true if n == 0 => ((Tone::Plain, "● "), text.as_str()),
                    true => (lifeline(lives.of(tasks[column])), text.as_str()),
                    false => (lifeline(before[column]), ""),
                };
                spans.push((life.0, life.1.to_owned()));
                spans.extend([(tone, said.to_owned()), (Tone::Plain, " ".repeat(w + 2 - width(said)))]);
            }
            page.line(spans);
        }
    }
}

fn lifeline(life: Life) -> (Tone, &'static str) {
    match life {
        Life::Before | Life::Ended => (Tone::Plain, "  "),
        Life::Goes => (Tone::Aside, "│ "),
        Life::Waits => (Tone::Aside, "┊ "),
        Life::Stuck => (Tone::Stuck, "┃ "),
    }
}

/// Widths of columns that together fit `room`. While they do not, the one is narrowed that it costs the fewest lines.
fn fit(tasks: &[Name], cells: &[Cell], room: usize) -> Vec<usize> {
    let lines = |task: Name, w: usize| -> usize {
        cells.iter().filter(|c| c.task == Some(task)).map(|c| c.lines(w).len()).sum()
    };
    let natural = |task: Name| {
        let said = cells.iter().filter(|c| c.task == Some(task)).flat_map(|c| &c.says).map(|(_, s)| width(s));
        said.chain([width(&task.to_string())]).max().unwrap_or(0).clamp(NARROWEST, room.max(NARROWEST))
    };
    let mut widths: Vec<usize> = tasks.iter().map(|t| natural(*t)).collect();
    let cost = |task: Name, w: usize| match w > NARROWEST {
        true => lines(task, w - 1).saturating_sub(lines(task, w)),
        false => usize::MAX,
    };
    let mut costs: Vec<usize> = tasks.iter().zip(&widths).map(|(t, w)| cost(*t, *w)).collect();
    while widths.iter().sum::<usize>() > room {
        let cheapest = (0..tasks.len()).min_by_key(|c| (costs[*c], std::cmp::Reverse(widths[*c])));
        let Some(column) = cheapest.filter(|c| widths[*c] > NARROWEST) else { break };
        widths[column] -= 1;
        costs[column] = cost(tasks[column], widths[column]);
    }
    widths
}

/// One column for all, with the task's name in front.
fn list(page: &mut Page, trace: &Trace, tasks: &[Name], cells: &[Cell], left: usize) {
    let wide = tasks.iter().map(|t| width(&t.to_string())).max().unwrap_or(0).min(WIDTH / 4);
    let room = WIDTH - (left + 2) - wide - 3;
    for cell in cells {
        if let Some(switch) = &cell.switch {
            page.paragraph(Tone::Aside, left + 2, &format!("╌╌ {switch}"));
        }
        let Row::Step(index) = cell.row else {
            page.paragraphs_at(left + 2, &cell.says);
            continue;
        };
        let name = wrap(&trace.steps[index].task.to_string(), wide, columns);
        let lines = cell.lines(room);
        for n in 0..name.len().max(lines.len()) {
            let name = name.get(n).map_or("", String::as_str);
            let (tone, text) = lines.get(n).cloned().unwrap_or((Tone::Plain, String::new()));
            page.line(vec![
                (Tone::Aside, cell.number(left, n == 0)),
                (Tone::Heading, name.to_owned()),
                (Tone::Plain, " ".repeat(wide - width(name))),
                (Tone::Aside, " │ ".to_owned()),
                (tone, text),
            ]);
        }
    }
}

/// The page that is being written.
struct Page {
    paint: Paint,
    text: String,
}

impl Page {
    fn line(&mut self, mut spans: Vec<(Tone, String)>) {
        while spans.last().is_some_and(|(_, text)| text.trim().is_empty()) {
            spans.pop();
        }
        if let Some((_, last)) = spans.last_mut() {
            last.truncate(last.trim_end().len());
        }
        for (tone, text) in spans {
            match text.trim().is_empty() {
                true => self.text.push_str(&text),
                false => self.text.push_str(&self.paint.paint(tone, &text)),
            }
        }
        self.text.push('\n');
    }

    /// An empty line, but not at the top.
    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn paragraph(&mut self, tone: Tone, indent: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        for (n, line) in wrap(text, WIDTH - indent - 2, columns).into_iter().enumerate() {
            let indent = if n == 0 { indent } else { indent + 2 };
            self.line(vec![(Tone::Plain, " ".repeat(indent)), (tone, line)]);
        }
    }

    fn paragraphs(&mut self, tone: Tone, texts: Vec<String>) {
        for text in texts {
            self.paragraph(tone, 2, &text);
        }
    }

    fn paragraphs_at(&mut self, indent: usize, texts: &[(Tone, String)]) {
        for (tone, text) in texts {
            self.paragraph(*tone, indent, text);
        }
    }
}
