//! SVG elements, and how wide text is in them.

use std::fmt::Write as _;

use super::super::wrap::{columns, shown};

/// Pixels from one line of text to the next.
pub(super) const LINE: usize = 18;

/// A drawing that is being made.
#[derive(Default)]
pub(super) struct Canvas {
    pub(super) body: String,
    /// How far to the right anything reaches.
    pub(super) right: usize,
}

impl Canvas {
    /// Text that begins at `x`, on the line `y`.
    pub(super) fn text(&mut self, class: &str, x: usize, y: usize, text: &str) {
        self.right = self.right.max(x + measure(text));
        let _ = writeln!(self.body, r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escape(text));
    }

    /// Text around `x`.
    pub(super) fn centred(&mut self, class: &str, x: usize, y: usize, text: &str) {
        self.text(&format!("{class} centred"), x, y, text);
    }

    /// Text that ends at `x`.
    pub(super) fn right_aligned(&mut self, class: &str, x: usize, y: usize, text: &str) {
        let _ = writeln!(self.body, r#"<text class="{class} end" x="{x}" y="{y}">{}</text>"#, escape(text));
    }

    /// A box with round corners.
    pub(super) fn rect(&mut self, class: &str, [x, y, w, h]: [usize; 4], round: usize) {
        self.right = self.right.max(x + w);
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}" rx="{round}"/>"#
        );
    }

    /// A line.
    pub(super) fn line(&mut self, class: &str, from: [usize; 2], to: [usize; 2]) {
        let ([x, y], [to_x, to_y]) = (from, to);
        let _ = writeln!(self.body, r#"<path class="{class}" d="M{x} {y}L{to_x} {to_y}"/>"#);
    }

    /// A dot.
    pub(super) fn dot(&mut self, class: &str, x: usize, y: usize, r: usize) {
        let _ = writeln!(self.body, r#"<circle class="{class}" cx="{x}" cy="{y}" r="{r}"/>"#);
    }

    /// An arrow straight across or straight down or up.
    pub(super) fn arrow(&mut self, class: &str, from: [usize; 2], to: [usize; 2]) {
        let ([x, y], [to_x, to_y]) = (from, to);
        // The line stops within the head, so that its end does not blunt the tip.
        let (stop, wings) = match (to_x.cmp(&x), to_y.cmp(&y)) {
            (std::cmp::Ordering::Greater, _) => ([to_x - 6, to_y], "l-9 -4v8z"),
            (std::cmp::Ordering::Less, _) => ([to_x + 6, to_y], "l9 -4v8z"),
            (_, std::cmp::Ordering::Greater) => ([to_x, to_y - 6], "l-4 -9h8z"),
            (_, _) => ([to_x, to_y + 6], "l-4 9h8z"),
        };
        self.line(class, from, stop);
        let _ = writeln!(self.body, r#"<path class="{class} head" d="M{to_x} {to_y}{wings}"/>"#);
    }
}

/// Pixels of a character in a wide sans-serif face of 13 pixels: what is drawn takes no more, whatever face is found.
pub(super) fn pixels(c: char) -> usize {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 4,
        ' ' | 'f' | 't' | 'r' | '(' | ')' | '-' | '/' | 'I' => 5,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' | '→' => 13,
        c if c.is_ascii_uppercase() => 10,
        c if c.is_ascii() => 8,
        c => 8 * columns(c),
    }
}

/// Pixels of a text.
pub(super) fn measure(text: &str) -> usize {
    text.chars().map(pixels).sum()
}

/// Text as XML writes it.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars().map(shown) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
