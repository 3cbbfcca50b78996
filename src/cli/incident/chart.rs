//! Charts as SVG, drawn with the page's colours so that they follow light and dark. `series` classes are the page's, too.

use std::fmt::Write;

/// What is drawn.
pub(super) struct Line {
    pub(super) name: String,
    /// Which of the page's colours.
    pub(super) series: usize,
    pub(super) points: Vec<(f64, f64)>,
}

/// How an axis goes.
#[derive(Clone, Copy)]
pub(super) enum Axis {
    /// From 0 up to a value.
    To(f64),
    /// From 1 up to a value, by powers of ten, and 0 as far below 1 as 10 is above it.
    Log(f64),
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 40.0;

impl Axis {
    /// Where a value is, from 0 to 1.
    fn at(self, value: f64) -> f64 {
        let share = match self {
            Axis::To(most) => value / most,
            Axis::Log(most) if value < 1.0 => value / (1.0 + most.log10()),
            Axis::Log(most) => (1.0 + value.log10()) / (1.0 + most.log10()),
        };
        share.clamp(0.0, 1.0)
    }

    /// Values to write beside it.
    fn ticks(self) -> Vec<f64> {
        match self {
            Axis::To(most) => {
                let rough = most / 4.0;
                let power = 10f64.powf(rough.log10().floor());
                let step =
                    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough);
                let step = step.unwrap_or(rough);
                (0..).map(|n| f64::from(n) * step).take_while(|value| *value <= most * 1.0001).collect()
            }
            Axis::Log(most) => {
                let powers = (0..).map(|n| 10f64.powi(n)).take_while(|value| *value <= most * 1.0001);
                std::iter::once(0.0).chain(powers).collect()
            }
        }
    }

    /// One that has room for a value.
    pub(super) fn log_for(most: f64) -> Axis {
        Axis::Log(10f64.powf(most.max(10.0).log10().ceil()))
    }
}

/// A number in few characters.
pub(super) fn short(value: f64) -> String {
    match value {
        v if v >= 10_000.0 => format!("{:.0}k", v / 1000.0),
        v if v >= 10.0 || v.fract() == 0.0 => format!("{v:.0}"),
        v => format!("{v:.1}"),
    }
}

fn open(title: &str, height: f64) -> String {
    format!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">"#)
}

/// Lines over time, with a legend above. The second is dashed: what lies below it is seen.
pub(super) fn lines(title: &str, unit: &str, seconds: f64, values: Axis, lines: &[Line]) -> String {
    let mut svg = open(title, HEIGHT);
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let time = Axis::To(seconds.max(1.0));
    let x = |value: f64| LEFT + time.at(value) * (right - LEFT);
    let y = |value: f64| bottom - values.at(value) * (bottom - TOP);
    for tick in values.ticks() {
        let at = y(tick);
        let _ = write!(svg, r#"<path class="grid" d="M{LEFT} {at:.1}H{right}"/>"#);
        let _ = write!(
            svg,
            r#"<text class="end" x="{:.1}" y="{:.1}">{}</text>"#,
            LEFT - 6.0,
            at + 4.0,
            short(tick)
        );
    }
    for tick in time.ticks() {
        let _ = write!(
            svg,
            r#"<text class="mid" x="{:.1}" y="{:.1}">{}</text>"#,
            x(tick),
            bottom + 16.0,
            short(tick)
        );
    }
    let _ = write!(
        svg,
        r#"<text class="mid" x="{:.1}" y="{:.1}">seconds</text>"#,
        (LEFT + right) / 2.0,
        bottom + 34.0
    );
    let _ = write!(svg, r#"<text x="4" y="14">{unit}</text>"#);
    let mut legend = LEFT + 60.0;
    for (nth, Line { name, series, points }) in lines.iter().enumerate() {
        let dashed = if nth == 1 { " dashed" } else { "" };
        let place = |n: usize, (at, value): &(f64, f64)| {
            format!("{}{:.1} {:.1}", if n == 0 { 'M' } else { 'L' }, x(*at), y(*value))
        };
        let path: String = points.iter().enumerate().map(|(n, point)| place(n, point)).collect();
        let _ = write!(svg, r#"<path class="line series{series}{dashed}" d="{path}"/>"#);
        let _ = write!(svg, r#"<path class="line series{series}{dashed}" d="M{legend:.1} 10h18"/>"#);
        let _ = write!(svg, r#"<text x="{:.1}" y="14">{name}</text>"#, legend + 24.0);
        legend += 40.0 + 7.5 * name.chars().count() as f64;
    }
    svg + "</svg>"
}

/// A row of dots.
pub(super) struct Dots {
    pub(super) name: String,
    /// Which colour.
    pub(super) series: usize,
    /// Each dot's label and value.
    pub(super) points: Vec<(&'static str, f64)>,
}

/// Values in rows of dots on one logarithmic axis.
pub(super) fn dots(title: &str, unit: &str, most: f64, rows: &[Dots]) -> String {
    let height = TOP + 44.0 * rows.len() as f64 + BOTTOM;
    let mut svg = open(title, height);
    let (left, right, bottom) = (150.0, WIDTH - 24.0, height - BOTTOM);
    let values = Axis::log_for(most);
    let x = |value: f64| left + values.at(value) * (right - left);
    for tick in values.ticks() {
        let at = x(tick);
        let _ = write!(svg, r#"<path class="grid" d="M{at:.1} {TOP}V{bottom:.1}"/>"#);
        let _ =
            write!(svg, r#"<text class="mid" x="{at:.1}" y="{:.1}">{}</text>"#, bottom + 16.0, short(tick));
    }
    let _ = write!(
        svg,
        r#"<text class="mid" x="{:.1}" y="{:.1}">{unit}</text>"#,
        (left + right) / 2.0,
        bottom + 34.0
    );
    for (n, Dots { name, series, points }) in rows.iter().enumerate() {
        let at = TOP + 44.0 * n as f64 + 28.0;
        let _ = write!(svg, r#"<text x="4" y="{:.1}">{name}</text>"#, at + 4.0);
        if let (Some(first), Some(last)) = (points.first(), points.last()) {
            let _ = write!(
                svg,
                r#"<path class="line series{series}" d="M{:.1} {at:.1}H{:.1}"/>"#,
                x(first.1),
                x(last.1)
            );
        }
        let mut free = 0.0;
        for (label, value) in points {
            let here = x(*value);
            let _ = write!(svg, r#"<circle class="dot series{series}" cx="{here:.1}" cy="{at:.1}" r="4"/>"#);
            // A label that would be written over the one before it is left out; the table has the number.
            if here - free > 4.0 + 7.0 * label.len() as f64 {
                let _ = write!(
                    svg,
                    r#"<text class="mid small" x="{here:.1}" y="{:.1}">{label}</text>"#,
                    at - 9.0
                );
                free = here;
            }
        }
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(Axis::To(1000.0).ticks(), [0.0, 250.0, 500.0, 750.0, 1000.0]);
        assert_eq!(Axis::To(25.0).ticks(), [0.0, 10.0, 20.0]);
        assert_eq!(Axis::log_for(4556.0).ticks(), [0.0, 1.0, 10.0, 100.0, 1000.0, 10_000.0]);
        let places = [0.0, 0.5, 1.0, 10.0, 1e3, 1e9].map(|value| Axis::Log(1e3).at(value));
        assert_eq!(places, [0.0, 0.125, 0.25, 0.5, 1.0, 1.0], "nothing and one are told apart");
    }

    #[test]
    fn what_is_drawn_is_xml_without_holes() {
        let line =
            |name: &str| Line { name: name.to_owned(), series: 0, points: vec![(0.0, 0.0), (1.0, 10.0)] };
        let both = [line("register"), line("unregister")];
        let svg = lines("queues", "queued", 2.0, Axis::To(10.0), &both);
        assert_eq!(svg.matches("dashed").count(), 2, "one of two that lie upon one another, and its legend");
        assert!(svg.contains(r#"d="M56.0 200.0L342.0 30.0""#), "{svg}");
        assert!(!svg.contains("NaN") && svg.ends_with("</svg>"));
        assert!(!lines("none", "", 0.0, Axis::To(1.0), &[]).contains("NaN"));
    }
}
