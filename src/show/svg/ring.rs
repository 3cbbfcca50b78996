//! The cycle of a knot as a ring of boxes and arrows: tasks, and between them what they wait for.

use super::super::words;
use super::canvas::{Canvas, LINE, measure};
use crate::waits::{Edge, Kind, Knot};

/// A longer cycle is told in words alone.
const LONGEST: usize = 5;
/// Pixels of a box's height.
const HIGH: usize = 44;
/// Pixels between the two rows of the ring.
const BETWEEN: usize = 64;

/// A box of the ring, and what is written on the arrow that leaves it.
struct Node {
    class: &'static str,
    lines: Vec<String>,
    leaves: String,
}

/// Draws the cycle with its left upper corner at `x`, `y`; returns where it ends.
pub(super) fn ring(canvas: &mut Canvas, knot: &Knot, x: usize, y: usize) -> usize {
    let n = knot.cycle.len();
    if n > LONGEST {
        return y;
    }
    let nodes: Vec<Node> = knot.cycle.iter().flat_map(nodes).collect();
    if !words::closes(knot) {
        // What leads nowhere is drawn as it is: one wait a row.
        return nodes.chunks(2).fold(y, |y, pair| row(canvas, pair, x, y)) + LINE;
    }
    let wide = nodes.iter().map(Node::wide).max().unwrap_or(0);
    let label = nodes.iter().map(|node| measure(&node.leaves)).max().unwrap_or(0) + 40;
    if n == 1 {
        return pair(canvas, &nodes, x, y, [wide, label]);
    }
    // The first half goes right, the second comes back beneath it.
    let place = |i: usize| {
        let (column, lower) = if i < n { (i, 0) } else { (2 * n - 1 - i, 1) };
        [x + column * (wide + label), y + lower * (HIGH + BETWEEN)]
    };
    for (i, node) in nodes.iter().enumerate() {
        let ([left, top], [next_left, next_top]) = (place(i), place((i + 1) % (2 * n)));
        node.draw(canvas, [left, top, wide]);
        let middle = top + HIGH / 2;
        let down = left + wide / 2;
        match (left.cmp(&next_left), top < next_top) {
            (std::cmp::Ordering::Less, _) => {
                canvas.arrow("wait", [left + wide, middle], [next_left - 2, middle]);
                canvas.centred("label", left + wide + label / 2, middle - 8, &node.leaves);
            }
            (std::cmp::Ordering::Greater, _) => {
                canvas.arrow("wait", [left, middle], [next_left + wide + 2, middle]);
                canvas.centred("label", left - label / 2, middle - 8, &node.leaves);
            }
            (_, downwards) => {
                let (from, to) =
                    if downwards { (top + HIGH, next_top - 2) } else { (top, next_top + HIGH + 2) };
                canvas.arrow("wait", [down, from], [down, to]);
                canvas.text("label", down + 10, (from + to) / 2 + 4, &node.leaves);
            }
        }
    }
    y + 2 * HIGH + BETWEEN + LINE * 2
}

fn nodes(edge: &Edge) -> [Node; 2] {
    let verb = match edge.kind {
        Kind::Send => "waits to send on",
        Kind::Receive => "waits to receive from",
        Kind::Select => "waits for work on",
        Kind::Lock => "waits to lock",
        Kind::Read => "waits to read-lock",
        Kind::Write => "waits to write to",
        Kind::Owed | Kind::Signal => "waits for",
    };
    // What is left without the helpers is how full it is.
    let state = Edge { helpers: None, ..edge.clone() }.why();
    let leaves = edge.why().strip_prefix(&state).unwrap_or_default().trim_start_matches(", ").to_owned();
    let lines = [edge.on.to_string(), state].into_iter().filter(|line| !line.is_empty()).collect();
    [
        Node { class: "frame task", lines: vec![edge.task.to_string()], leaves: verb.to_owned() },
        Node { class: "frame on", lines, leaves },
    ]
}

/// Two boxes that point at each other.
fn pair(canvas: &mut Canvas, nodes: &[Node], x: usize, y: usize, [wide, label]: [usize; 2]) -> usize {
    let y = y + 6;
    let right = x + wide + label;
    nodes[0].draw(canvas, [x, y, wide]);
    nodes[1].draw(canvas, [right, y, wide]);
    canvas.arrow("wait", [x + wide, y + 14], [right - 2, y + 14]);
    canvas.centred("label", x + wide + label / 2, y + 6, &nodes[0].leaves);
    canvas.arrow("wait", [right, y + HIGH - 12], [x + wide + 2, y + HIGH - 12]);
    canvas.centred("label", x + wide + label / 2, y + HIGH + 4, &nodes[1].leaves);
    y + HIGH + LINE * 2
}

/// One wait that leads nowhere.
fn row(canvas: &mut Canvas, nodes: &[Node], x: usize, y: usize) -> usize {
    let [task, on] = nodes else { return y };
    let label = measure(&task.leaves) + 40;
    let right = x + task.wide() + label;
    let middle = y + HIGH / 2;
    task.draw(canvas, [x, y, task.wide()]);
    on.draw(canvas, [right, y, on.wide()]);
    canvas.arrow("wait", [x + task.wide(), middle], [right - 2, middle]);
    canvas.centred("label", x + task.wide() + label / 2, middle - 8, &task.leaves);
    canvas.text("label", right + on.wide() + 12, middle + 4, &on.leaves);
    y + HIGH + LINE
}

impl Node {
    fn wide(&self) -> usize {
        self.lines.iter().map(|line| measure(line)).max().unwrap_or(0) + 32
    }

    fn draw(&self, canvas: &mut Canvas, [x, y, wide]: [usize; 3]) {
        let round = if self.class == "frame on" { HIGH / 2 } else { 6 };
        canvas.rect(&format!("{} stuck", self.class), [x, y, wide, HIGH], round);
        let first = y + HIGH / 2 + 5 - self.lines.len().saturating_sub(1) * LINE / 2;
        for (n, line) in self.lines.iter().enumerate() {
            let class = if n == 0 { "heading" } else { "label" };
            canvas.centred(class, x + wide / 2, first + n * LINE, line);
        }
    }
}
