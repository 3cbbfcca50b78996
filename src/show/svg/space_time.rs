//! The steps on lifelines: time runs down, each task has a column, each step a row.

use std::collections::BTreeSet;

use super::super::Story;
use super::super::excerpt::{Row, excerpt};
use super::super::lives::{Life, Lives};
use super::super::words;
use super::super::wrap::wrap;
use super::MARGIN;
use super::canvas::{Canvas, LINE, measure, pixels};
use crate::name::Name;
use crate::trace::After;

/// Longer traces are cut in the middle.
const STEPS: usize = 80;
/// With more tasks, some share the last column.
const COLUMNS: usize = 8;
/// Pixels of text in a column, at most and at least.
const WIDEST: usize = 230;
const NARROWEST: usize = 70;
/// Pixels from a lifeline to its text.
const INDENT: usize = 14;
/// Pixels between a column's text and the next lifeline.
const GUTTER: usize = 26;

/// A column: its lifeline's place, and whose it is.
struct Column {
    x: usize,
    text: usize,
    heading: String,
    /// The task; `None` if several share it.
    task: Option<Name>,
}

/// Draws the steps; says how high that is. `None` if there are none.
pub(super) fn space_time(story: &Story<'_>) -> Option<(Canvas, usize)> {
    let rows = excerpt(story.trace.steps.len(), STEPS);
    let mut lives = Lives::new(story);
    let columns = columns(story, &lives, &rows);
    let right = columns.last().map(|c| c.x + INDENT + c.text)?;
    let mut canvas = Canvas { right, ..Canvas::default() };
    let mut y = headings(&mut canvas, &columns);
    // Lifelines are drawn first, under all the rest.
    let mut over = Canvas::default();
    for (n, row) in rows.iter().enumerate() {
        let top = y;
        match row {
            Row::Gap(skipped) => {
                over.text("aside", columns[0].x + INDENT, y + LINE, &Row::gap(*skipped));
                y += LINE * 2;
            }
            Row::Step(index) => {
                let spot = step(&mut over, story, &lives, &columns, *index, y);
                y = spot.next;
                if n % 2 == 1 {
                    canvas.rect("band", [MARGIN - 8, top, right - MARGIN + 16, y - top], 6);
                }
                lifelines(&mut canvas, &mut lives, &columns, *index, top, &spot);
                continue;
            }
        }
        for column in &columns {
            draw(&mut canvas, column.x, life(&lives, column), [top, y]);
        }
    }
    for column in &columns {
        draw(&mut canvas, column.x, life(&lives, column), [y, y + LINE]);
    }
    canvas.body.push_str(&over.body);
    y += LINE * 2;
    legend(&mut canvas, story, y);
    canvas.right = canvas.right.max(over.right);
    Some((canvas, y + LINE))
}

fn columns(story: &Story<'_>, lives: &Lives<'_>, rows: &[Row]) -> Vec<Column> {
    let steps = rows.iter().filter_map(|row| match row {
        Row::Step(index) => Some((*index, &story.trace.steps[*index])),
        Row::Gap(_) => None,
    });
    let mut tasks: Vec<(Name, usize)> = Vec::new();
    for (_, step) in steps.clone() {
        match tasks.iter_mut().find(|(task, _)| *task == step.task) {
            Some((_, count)) => *count += 1,
            None => tasks.push((step.task, 1)),
        }
    }
    let shared = tasks.len().checked_sub(COLUMNS).filter(|n| *n > 0).map(|n| n + 1);
    if shared.is_some() {
        // Those on the cycle have a column of their own, then those that do the most.
        let on_cycle = |task: Name| story.knot.is_some_and(|k| k.cycle.iter().any(|e| e.task == task));
        let mut ranked = tasks.clone();
        ranked.sort_by_key(|(task, count)| (!on_cycle(*task), std::cmp::Reverse(*count)));
        let own: BTreeSet<Name> = ranked.iter().take(COLUMNS - 1).map(|(task, _)| *task).collect();
        tasks.retain(|(task, _)| own.contains(task));
    }
    let digits = story.trace.steps.len().to_string().len();
    let mut x = MARGIN + 18 + 8 * digits;
    let mut columns: Vec<Column> = Vec::new();
    let others = shared.map(|n| (None, format!("{n} other tasks")));
    for (task, heading) in tasks.iter().map(|(task, _)| (Some(*task), task.to_string())).chain(others) {
        let mine = steps
            .clone()
            .filter(|(_, s)| task.map_or(!tasks.iter().any(|(t, _)| *t == s.task), |t| t == s.task));
        let said =
            mine.flat_map(|(index, _)| says(story, lives, index, task.is_none())).map(|(class, text)| {
                // What is stuck is bold, and so wider.
                if class == "stuck" { measure(&text) * 11 / 10 + 1 } else { measure(&text) }
            });
        let text = said.chain([measure(&heading)]).max().unwrap_or(0).clamp(NARROWEST, WIDEST);
        columns.push(Column { x, text, heading, task });
        x += INDENT + text + GUTTER;
    }
    columns
}

fn headings(canvas: &mut Canvas, columns: &[Column]) -> usize {
    let heads: Vec<_> = columns.iter().map(|c| wrap(&c.heading, c.text, pixels)).collect();
    let height = heads.iter().map(Vec::len).max().unwrap_or(1) * LINE + 10;
    for (column, head) in columns.iter().zip(heads) {
        // Bold letters are wider.
        let wide = head.iter().map(|line| measure(line) * 11 / 10).max().unwrap_or(0);
        let top = height - head.len() * LINE - 10;
        canvas.rect("frame task", [column.x - 10, top, wide + 20, height - top], 6);
        for (n, line) in head.iter().enumerate() {
            canvas.text("heading", column.x, top + LINE * (n + 1), line);
        }
        canvas.line("life", [column.x, height], [column.x, height + 8]);
    }
    height + 8
}

/// What a step says, with the class of each piece.
fn says(story: &Story<'_>, lives: &Lives<'_>, index: usize, named: bool) -> Vec<(&'static str, String)> {
    let step = &story.trace.steps[index];
    let who = if named { format!("{}: ", step.task) } else { String::new() };
    let mut says = vec![("said", format!("{who}{}", step.what))];
    match &step.after {
        After::Goes => {}
        After::Waits(edge) if lives.for_ever(index, edge) => {
            says.push(("stuck", format!("{}, for ever", words::waits(edge))));
        }
        After::Waits(edge) => says.push(("waits", words::waits(edge))),
        After::Ends => says.push(("aside", "ends".to_owned())),
    }
    says
}

fn lane(columns: &[Column], task: Name) -> Option<&Column> {
    columns.iter().find(|c| c.task == Some(task))
}

/// Where a step was drawn.
struct Spot {
    /// The column's and the dot's place.
    dot: [usize; 2],
    /// Where its arrows are.
    wakes: usize,
    /// Where the next step begins.
    next: usize,
}

/// Draws a step.
fn step(
    canvas: &mut Canvas,
    story: &Story<'_>,
    lives: &Lives<'_>,
    columns: &[Column],
    index: usize,
    top: usize,
) -> Spot {
    let step = &story.trace.steps[index];
    let column = lane(columns, step.task).unwrap_or(&columns[columns.len() - 1]);
    let mut y = top;
    // A task that waits or has ended says so above.
    let preempted = index > 0 && story.trace.steps[index - 1].after == After::Goes;
    if let Some(switch) = story.trace.switch(index).filter(|_| preempted) {
        for line in wrap(&switch, column.text, pixels) {
            y += LINE;
            canvas.text("switch", column.x + INDENT, y, &line);
        }
        y += 4;
    }
    let first = y;
    let mut for_ever = false;
    for (class, text) in says(story, lives, index, column.task.is_none()) {
        for_ever |= class == "stuck";
        let room = if class == "stuck" { column.text * 10 / 11 } else { column.text };
        for line in wrap(&text, room, pixels) {
            y += LINE;
            canvas.text(class, column.x + INDENT, y, &line);
        }
    }
    canvas.right_aligned("number", columns[0].x - 18, first + LINE, &(index + 1).to_string());
    canvas.dot(if for_ever { "stuck" } else { "step" }, column.x, first + LINE - 5, 5);
    y += 8;
    let woken: Vec<&Column> =
        step.wakes.iter().filter_map(|t| lane(columns, *t)).filter(|c| c.x != column.x).collect();
    for other in &woken {
        // Beneath the step's own text, where the row is empty.
        let stop = if other.x > column.x { other.x - 5 } else { other.x + 5 };
        canvas.arrow("wake", [column.x, y], [stop, y]);
        canvas.dot("woken", other.x, y, 3);
    }
    let wakes = if woken.is_empty() { first + LINE - 5 } else { y };
    Spot { dot: [column.x, first + LINE - 5], wakes, next: y + if woken.is_empty() { 2 } else { 8 } }
}

/// Draws all lifelines beside a step, as they are before and after it.
fn lifelines(
    canvas: &mut Canvas,
    lives: &mut Lives<'_>,
    columns: &[Column],
    index: usize,
    top: usize,
    spot: &Spot,
) {
    if index > 0 {
        lives.live_to(index - 1);
    }
    let before: Vec<Life> = columns.iter().map(|c| life(lives, c)).collect();
    lives.live_to(index);
    for (column, before) in columns.iter().zip(before) {
        let after = life(lives, column);
        // The mover's line changes at its dot, or ends after its arrows; a woken task's where the arrow arrives.
        let turn = if column.x == spot.dot[0] && after != Life::Ended { spot.dot[1] } else { spot.wakes };
        draw(canvas, column.x, before, [top, turn]);
        draw(canvas, column.x, after, [turn, spot.next]);
        if after == Life::Ended && before != Life::Ended {
            canvas.line("life", [column.x - 6, turn], [column.x + 6, turn]);
        }
    }
}

fn life(lives: &Lives<'_>, column: &Column) -> Life {
    column.task.map_or(Life::Goes, |task| lives.of(task))
}

fn draw(canvas: &mut Canvas, x: usize, life: Life, [top, bottom]: [usize; 2]) {
    let class = match life {
        Life::Ended => return,
        Life::Before | Life::Goes => "life",
        Life::Waits => "life idle",
        Life::Stuck => "life stuck",
    };
    canvas.line(class, [x, top], [x, bottom]);
}

fn legend(canvas: &mut Canvas, story: &Story<'_>, y: usize) {
    let mut x = MARGIN;
    let stuck = story.knot.map(|_| ("life stuck", "stuck for ever"));
    for (class, text) in [("life", "can go on"), ("life idle", "waits")].into_iter().chain(stuck) {
        canvas.line(class, [x, y - 4], [x + 24, y - 4]);
        canvas.text("label", x + 32, y, text);
        x += 32 + measure(text) + 24;
    }
    canvas.arrow("wake", [x, y - 4], [x + 28, y - 4]);
    canvas.text("label", x + 36, y, "wakes");
}
