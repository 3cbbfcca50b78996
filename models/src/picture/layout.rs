//! Where states and steps go on a sheet: in layers, from the top down, with a place for what is written on each step.
//!
//! rust-sugiyama finds the places. A link that is longer than from one layer to the next is given to it in pieces, so that it has
//! room of its own on each layer that it crosses.

use rust_sugiyama::configure::{Config, RankingType};
use rust_sugiyama::from_vertices_and_edges;

use super::paper::Point;

/// A link from one node to another, and how wide its words are.
pub(super) struct Span {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) wide: f64,
}

/// Where everything is; points are middles.
pub(super) struct Layout {
    /// By node.
    pub(super) nodes: Vec<Point>,
    /// By link: the places that it goes through, the first of which is that of its words.
    pub(super) spans: Vec<Vec<Point>>,
}

/// Pixels of a node, of a line of words, and of a link that only passes.
const NODE: Point = (30.0, 34.0);
const WORDS: f64 = 22.0;
const PASSES: Point = (10.0, 10.0);

/// Finds places for so many nodes, of which the first is the beginning. No link leads back to where it came from.
pub(super) fn layout(nodes: usize, spans: &[Span]) -> Layout {
    let layers = layers(nodes, spans);
    let mut vertices: Vec<(u32, Point)> = (0..nodes as u32).map(|node| (node, NODE)).collect();
    let mut edges = Vec::new();
    let mut pieces: Vec<Vec<usize>> = Vec::new();
    for span in spans {
        let (mut last, mut own) = (span.from as u32, Vec::new());
        for layer in layers[span.from] + 1..layers[span.to] {
            let next = vertices.len() as u32;
            let is_words = layer == layers[span.from] + 1;
            vertices.push((next, if is_words { (span.wide.max(PASSES.0), WORDS) } else { PASSES }));
            edges.push((last, next));
            own.push(next as usize);
            last = next;
        }
        edges.push((last, span.to as u32));
        pieces.push(own);
    }
    let config = Config { vertex_spacing: 12.0, ranking_type: RankingType::Up, ..Config::default() };
    let mut places = vec![(0.0, 0.0); vertices.len()];
    for (placed, ..) in from_vertices_and_edges(&vertices, &edges, &config) {
        for (vertex, place) in placed {
            places[vertex] = place;
        }
    }
    // The middle of the leftmost is at 0.
    let left =
        vertices.iter().zip(&places).map(|((_, size), place)| place.0 - size.0 / 2.0).fold(0.0, f64::min);
    let place = |vertex: usize| (places[vertex].0 - left, places[vertex].1 + NODE.1 / 2.0);
    Layout {
        nodes: (0..nodes).map(place).collect(),
        spans: pieces.iter().map(|own| own.iter().map(|vertex| place(*vertex)).collect()).collect(),
    }
}

/// The layer of each node: below all that lead to it, with one between for words.
fn layers(nodes: usize, spans: &[Span]) -> Vec<usize> {
    let mut layers = vec![0; nodes];
    let mut waits = vec![0; nodes];
    for span in spans {
        waits[span.to] += 1;
    }
    let mut open: Vec<usize> = (0..nodes).filter(|node| waits[*node] == 0).collect();
    let mut placed = 0;
    while let Some(node) = open.pop() {
        placed += 1;
        for span in spans.iter().filter(|span| span.from == node) {
            layers[span.to] = layers[span.to].max(layers[node] + 2);
            waits[span.to] -= 1;
            if waits[span.to] == 0 {
                open.push(span.to);
            }
        }
    }
    assert_eq!(placed, nodes, "what is laid out leads nowhere back");
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_down_and_nothing_lies_on_anything_else() {
        let span = |(from, to)| Span { from, to, wide: 60.0 };
        let spans: Vec<Span> =
            [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3), (3, 4), (1, 4), (2, 5)].map(span).into_iter().collect();
        let layout = layout(6, &spans);
        let mut all: Vec<Point> = layout.nodes.clone();
        for (span, points) in spans.iter().zip(&layout.spans) {
            let way = [&[layout.nodes[span.from]][..], points, &[layout.nodes[span.to]]].concat();
            assert!(way.windows(2).all(|pair| pair[0].1 < pair[1].1), "{way:?}");
            all.extend(points);
        }
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert!((one.0 - other.0).abs() > 5.0 || (one.1 - other.1).abs() > 5.0, "{one:?} {other:?}");
            }
        }
    }
}
