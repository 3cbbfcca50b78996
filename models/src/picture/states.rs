//! All states of a small model as a picture: where it can hang, from where on that is certain, and the shortest way there.

use super::layout::{Span, layout};
use super::map::{Brief, Link, Map, Node};
use super::paper::{Paper, Point, wide};
use crate::engine::exhaustive::graph;
use crate::limits::Limits;
use crate::model::Model;

/// With more than that, steps are left out that make no difference.
const MANY: usize = 70;
/// More than that is no picture any more.
const MOST: usize = 120;

const RADIUS: f64 = 11.0;

/// Draws all states of a model that can be come to, from the first one down. States that differ only in who is who are one, steps
/// without another way to go are one arrow, and what comes after a hang is left out.
///
/// # Errors
/// Says why there is no such picture.
pub fn states<M: Model>(title: &str, model: &M, limits: &Limits) -> Result<String, String> {
    let graph = graph(model, limits, &());
    if let Some(why) = &graph.stopped {
        return Err(format!(
            "{title}: {why} stopped the search, and half a map is none; take a smaller world"
        ));
    }
    let map_of = |brief| Map::of(&graph, brief).map_err(|why| format!("{title}: {why}"));
    let (mut map, mut brief) = (map_of(Brief::Nothing)?, Brief::Nothing);
    for more in [Brief::Numbered, Brief::All] {
        if map.nodes.len() > MANY {
            (map, brief) = (map_of(more)?, more);
        }
    }
    if map.nodes.len() > MOST {
        return Err(format!(
            "{title}: {} states to draw are too many to read, {MOST} at most; take a smaller world",
            map.nodes.len()
        ));
    }
    Ok(draw(title, &map, brief))
}

fn draw(title: &str, map: &Map, brief: Brief) -> String {
    let movers = movers(map);
    let says: Vec<String> = map.links.iter().map(words).collect();
    let span = |(link, says): (&Link, &String)| {
        let wide = if says.is_empty() { 0.0 } else { wide(says) + 8.0 };
        Span { from: link.from, to: link.to, wide }
    };
    let spans: Vec<Span> = map.links.iter().zip(&says).map(span).collect();
    let places = layout(map.nodes.len(), &spans);
    let mut drawing = Paper::default();
    // What matters is drawn last, over the rest.
    let mut order: Vec<usize> = (0..map.links.len()).collect();
    order.sort_by_key(|at| map.links[*at].on_way);
    for at in order {
        let link = &map.links[at];
        let ends = [places.nodes[link.from], places.nodes[link.to]];
        draw_link(&mut drawing, &class(link, &movers), &says[at], ends, &places.spans[at]);
    }
    for (at, (node, place)) in map.nodes.iter().zip(&places.nodes).enumerate() {
        draw_node(&mut drawing, node, at == 0, *place);
    }

    let facts = facts(map, brief);
    let mut paper = Paper::default();
    paper.text("title", (0.0, 14.0), title);
    paper.text("strong", (0.0, 40.0), &facts[0]);
    for (line, fact) in facts[1..].iter().enumerate() {
        paper.text("aside", (0.0, 60.0 + 18.0 * line as f64), fact);
    }
    let top = 60.0 + 18.0 * facts.len() as f64;
    paper.place(&legend(map, &movers), (0.0, top));
    let (legend_wide, legend_deep) = legend(map, &movers).size();
    let middle = ((paper.size().0.max(legend_wide) - drawing.size().0) / 2.0).max(0.0);
    paper.place(&drawing, (middle, top + legend_deep + 24.0));
    paper.svg(title, &facts.join(". "))
}

/// What there is to see, in sentences.
fn facts(map: &Map, brief: Brief) -> Vec<String> {
    let certain = map.nodes.iter().filter(|node| node.lost).count();
    let depth = map.nodes.iter().filter(|node| node.dead).map(|node| node.depth).min();
    let first = match depth {
        Some(depth) => format!(
            "{} states; in {} of them somebody waits for ever, the nearest is {depth} steps away",
            map.states, map.dead
        ),
        None => format!("{} states, all there are; in none of them does anybody wait for ever", map.states),
    };
    let second = format!(
        "{} are drawn: an arrow is all that is forced, states that differ only in who is who are one{}",
        map.nodes.len(),
        if depth.is_some() { ", what comes after a hang is left out" } else { "" }
    );
    let certain = match certain {
        0 => None,
        _ if map.nodes[0].lost => {
            Some("from the start on it is certain that somebody will, whatever comes next".to_owned())
        }
        many => Some(format!(
            "in {many} of those nobody waits for ever yet, but somebody will, whatever comes next"
        )),
    };
    let reduced = match brief {
        Brief::Nothing => None,
        Brief::Numbered => {
            Some("steps of numbered tasks that can come at any time, to the same end, are left out")
        }
        Brief::All => Some("steps that can come at any time, to the same end, are left out"),
    };
    let reduced = reduced.map(str::to_owned);
    [Some(first), Some(second), reduced, certain].into_iter().flatten().collect()
}

/// Who moves at all, in the order in which they come.
fn movers(map: &Map) -> Vec<&'static str> {
    let mut movers = Vec::new();
    for (who, _) in map.links.iter().flat_map(|link| link.moves.iter().flatten()) {
        if !movers.contains(who) {
            movers.push(*who);
        }
    }
    movers
}

/// How a link is drawn: each mover has a line of its own kind.
fn class(link: &Link, movers: &[&'static str]) -> String {
    let kind = match link.moves.as_slice() {
        [one] if one.len() == 1 => movers.iter().position(|who| *who == one[0].0).unwrap_or(0),
        _ => 0,
    };
    format!("{}by-{}", if link.on_way { "way " } else { "" }, kind % 4)
}

/// What is written on a link: nothing on a single step, which its line says.
fn words(link: &Link) -> String {
    let one = |(who, times): &(&'static str, usize)| {
        if *times == 1 { (*who).to_owned() } else { format!("{who} ×{times}") }
    };
    let way = |moves: &Vec<(&'static str, usize)>| match moves.len() {
        // A long way is told by how long it is.
        4.. => format!("{} … {} steps", moves[0].0, moves.iter().map(|(_, times)| times).sum::<usize>()),
        _ => moves.iter().map(one).collect::<Vec<_>>().join(", "),
    };
    match link.moves.as_slice() {
        [one] if one.len() == 1 && one[0].1 == 1 => String::new(),
        [only] => way(only),
        [first, ..] => format!("{} or …", way(first)),
        [] => String::new(),
    }
}

fn draw_link(paper: &mut Paper, class: &str, says: &str, [from, to]: [Point; 2], places: &[Point]) {
    let (start, end) = ((from.0, from.1 + RADIUS), (to.0, to.1 - RADIUS - 2.0));
    let way = [&[start][..], places, &[(end.0, end.1 - 7.0)]].concat();
    paper.fall(class, &way);
    paper.head(class, (end.0, end.1 - 9.0), end);
    if let Some(at) = places.first().filter(|_| !says.is_empty()) {
        let size = (wide(says) + 6.0, 15.0);
        paper.rect("ground", (at.0 - size.0 / 2.0, at.1 - 8.0), size, 3.0);
        paper.text(
            if class.starts_with("way") { "step middle hang" } else { "step middle" },
            (at.0, at.1 + 4.0),
            says,
        );
    }
}

fn draw_node(paper: &mut Paper, node: &Node, is_start: bool, at: Point) {
    let (class, says) = if node.dead {
        ("dead", "somebody waits for ever")
    } else if node.lost {
        ("lost", "somebody will wait for ever, whatever comes next")
    } else if node.rest {
        ("rest", "at rest")
    } else if is_start {
        ("start", "the start")
    } else {
        ("", "")
    };
    paper.circle(class, at, RADIUS, says);
    if node.rest {
        paper.circle("ring", at, RADIUS + 3.0, "");
    } else if is_start && class != "start" {
        paper.circle("first", at, RADIUS + 3.0, "");
    }
    let text = if node.dead { "middle in-dead" } else { "middle" };
    paper.text(text, (at.0, at.1 + 4.0), &node.depth.to_string());
}

fn legend(map: &Map, movers: &[&'static str]) -> Paper {
    let mut paper = Paper::default();
    let mut x = RADIUS;
    let mut entry = |node: Node, is_start: bool, says: &str| {
        draw_node(&mut paper, &node, is_start, (x, RADIUS));
        paper.text("aside", (x + RADIUS + 6.0, RADIUS + 4.0), says);
        x += 2.0 * RADIUS + 30.0 + wide(says);
    };
    let plain = Node { depth: 0, dead: false, lost: false, rest: false };
    entry(plain, true, "the start; numbers are steps from it, at least");
    let find = |is: fn(&Node) -> bool| map.nodes.iter().find(|node| is(node)).map(|node| node.depth);
    if let Some(depth) = find(|node| node.rest) {
        entry(Node { depth, dead: false, lost: false, rest: true }, false, "at rest, nobody waits for ever");
    }
    if let Some(depth) = find(|node| node.lost) {
        entry(Node { depth, dead: false, lost: true, rest: false }, false, "the hang is certain");
    }
    if let Some(depth) = find(|node| node.dead) {
        entry(Node { depth, dead: true, lost: false, rest: false }, false, "somebody waits for ever");
        paper.line("way", &[(x, RADIUS), (x + 30.0, RADIUS)]);
        paper.head("way", (x, RADIUS), (x + 38.0, RADIUS));
        paper.text("aside", (x + 46.0, RADIUS + 4.0), "a shortest way into it");
    }
    let mut x = 0.0;
    for (kind, who) in movers.iter().enumerate() {
        paper.line(&format!("by-{}", kind % 4), &[(x, 3.6 * RADIUS), (x + 40.0, 3.6 * RADIUS)]);
        let says = format!("a step of {who}");
        paper.text("aside", (x + 48.0, 3.6 * RADIUS + 4.0), &says);
        x += 78.0 + wide(&says);
    }
    paper
}
