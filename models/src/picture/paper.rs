//! A sheet to draw on, that becomes an SVG file.

use std::fmt::Write as _;

/// A point, in pixels.
pub(super) type Point = (f64, f64);

/// What is drawn so far.
#[derive(Default)]
pub(super) struct Paper {
    body: String,
    right: f64,
    bottom: f64,
}

/// Pixels around everything.
const MARGIN: f64 = 24.0;

/// Pixels that a text takes at most, in a face of 12 pixels.
pub(super) fn wide(text: &str) -> f64 {
    text.chars().map(|c| if "ijlft.,:;' ()1r".contains(c) { 4.6 } else { 7.4 }).sum()
}

/// A number as it is written: no more of it than can be seen.
fn short(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

impl Paper {
    fn reaches(&mut self, (x, y): Point) {
        self.right = self.right.max(x);
        self.bottom = self.bottom.max(y);
    }

    /// Text from `at` on, or around it if the class says `middle`.
    pub(super) fn text(&mut self, class: &str, at: Point, text: &str) {
        let size = if class.contains("title") { 1.4 } else { 1.0 };
        let wide = wide(text) * size / if class.contains("middle") { 2.0 } else { 1.0 };
        self.reaches((at.0 + wide, at.1 + 4.0));
        let (x, y) = (short(at.0), short(at.1));
        let _ = writeln!(self.body, r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escape(text));
    }

    /// A circle, and what it says to who points at it.
    pub(super) fn circle(&mut self, class: &str, (x, y): Point, radius: f64, says: &str) {
        self.reaches((x + radius, y + radius));
        let (x, y) = (short(x), short(y));
        let title = if says.is_empty() { String::new() } else { format!("<title>{}</title>", escape(says)) };
        let _ =
            writeln!(self.body, r#"<circle class="{class}" cx="{x}" cy="{y}" r="{radius}">{title}</circle>"#);
    }

    /// A box with its left upper corner at `at`.
    pub(super) fn rect(&mut self, class: &str, at: Point, size: Point, round: f64) {
        self.reaches((at.0 + size.0, at.1 + size.1));
        let ((x, y), (w, h)) = ((short(at.0), short(at.1)), (short(size.0), short(size.1)));
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}" rx="{round}"/>"#
        );
    }

    /// A line straight through the points.
    pub(super) fn line(&mut self, class: &str, points: &[Point]) {
        let mut d = String::new();
        for (index, point) in points.iter().enumerate() {
            self.reaches(*point);
            let _ = write!(d, "{}{} {}", if index == 0 { 'M' } else { 'L' }, short(point.0), short(point.1));
        }
        let _ = writeln!(self.body, r#"<path class="{class}" d="{d}"/>"#);
    }

    /// A line through the points that leaves and reaches each of them straight down.
    pub(super) fn fall(&mut self, class: &str, points: &[Point]) {
        let mut d = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            self.reaches((*x, *y));
            if index == 0 {
                let _ = write!(d, "M{} {}", short(*x), short(*y));
                continue;
            }
            let (from_x, from_y) = points[index - 1];
            let middle = short((from_y + y) / 2.0);
            let _ =
                write!(d, "C{} {middle} {} {middle} {} {}", short(from_x), short(*x), short(*x), short(*y));
        }
        let _ = writeln!(self.body, r#"<path class="{class}" d="{d}"/>"#);
    }

    /// The head of an arrow that comes from `from` and ends at `tip`.
    pub(super) fn head(&mut self, class: &str, from: Point, tip: Point) {
        let (dx, dy) = (tip.0 - from.0, tip.1 - from.1);
        let long = dx.hypot(dy).max(0.001);
        let (dx, dy) = (dx / long * 9.0, dy / long * 9.0);
        let wing = |side: f64| (tip.0 - dx - side * dy * 0.45, tip.1 - dy + side * dx * 0.45);
        let [a, b] = [wing(1.0), wing(-1.0)].map(|(x, y)| (short(x), short(y)));
        let (x, y) = (short(tip.0), short(tip.1));
        let _ = writeln!(
            self.body,
            r#"<path class="{class} head" d="M{x} {y}L{} {}L{} {}z"/>"#,
            a.0, a.1, b.0, b.1
        );
    }

    /// Draws another sheet on this one, with its corner at `at`.
    pub(super) fn place(&mut self, other: &Paper, at: Point) {
        self.reaches((at.0 + other.right, at.1 + other.bottom));
        let (x, y) = (short(at.0), short(at.1));
        let _ = writeln!(self.body, "<g transform=\"translate({x} {y})\">\n{}</g>", other.body);
    }

    /// How far to the right and down it reaches.
    pub(super) fn size(&self) -> Point {
        (self.right, self.bottom)
    }

    /// The file: with its own colours for light and dark surroundings, and words for those who cannot see it.
    pub(super) fn svg(&self, title: &str, description: &str) -> String {
        let (width, height) = ((self.right + 2.0 * MARGIN).ceil(), (self.bottom + 2.0 * MARGIN).ceil());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"laboratory\" role=\"img\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\">\n<title>{}</title>\n<desc>{}</desc>\n<style>{}</style>\n\
             <rect class=\"ground\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>\n\
             <g transform=\"translate({MARGIN} {MARGIN})\">\n{}</g>\n</svg>\n",
            escape(title),
            escape(description),
            include_str!("paper.css").trim(),
            self.body,
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
