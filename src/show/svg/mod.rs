//! A story as one self-contained SVG picture: the steps on the tasks' lifelines, and below them who waits for whom.

mod canvas;
mod ring;
mod space_time;

use canvas::{Canvas, LINE, escape, pixels};

use super::Story;
use super::words;
use super::wrap::{columns, wrap};

/// Pixels around the picture.
const MARGIN: usize = 28;
/// The picture is at least so wide.
const NARROWEST: usize = 560;

/// Draws a story. The picture brings its own colours, for light and for dark surroundings, and words for those who
/// cannot see it; it needs no font, no script and no file.
///
/// ```
/// use turnstile::{show::{self, Story}, trace::Trace};
/// let story = Story { title: "Nothing yet", trace: &Trace::default(), knot: None, graph: None, ending: "at rest" };
/// assert!(show::svg(&story).starts_with("<svg "));
/// ```
pub fn svg(story: &Story<'_>) -> String {
    let mut canvas = Canvas::default();
    let mut y = MARGIN + 12;
    let steps = space_time::space_time(story);
    // What stands above and below the steps is as wide as they are.
    let wide = steps.as_ref().map_or(0, |(canvas, _)| canvas.right).max(NARROWEST) - MARGIN;
    y = paragraph(&mut canvas, "title", y, wide * 11 / 18, story.title);
    let ending = words::ending(story);
    if !ending.is_empty() {
        let class = if story.knot.is_some() { "stuck ending" } else { "ending" };
        y = paragraph(&mut canvas, class, y, wide, &ending);
    }
    if let Some((steps, height)) = steps {
        canvas.body.push_str(&format!("<g transform=\"translate(0 {y})\">\n{}</g>\n", steps.body));
        canvas.right = canvas.right.max(steps.right);
        y += height;
    }
    y = waits(&mut canvas, story, y, wide);
    let (width, height) = (canvas.right.max(NARROWEST) + MARGIN, y + MARGIN - LINE / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"turnstile\" role=\"img\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<title>{}</title>\n<desc>{}</desc>\n<style>{}</style>\n\
         <rect class=\"ground\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>\n{}</svg>\n",
        escape(&wrap(story.title, usize::MAX, columns).concat()),
        escape(&wrap(&description(story), usize::MAX, columns).concat()),
        include_str!("style.css").trim(),
        canvas.body,
    )
}

/// The waits at the end, drawn and in words; returns where it ends.
fn waits(canvas: &mut Canvas, story: &Story<'_>, mut y: usize, wide: usize) -> usize {
    if let Some(knot) = story.knot {
        y = heading(canvas, y + LINE, "Who waits for whom");
        y = ring::ring(canvas, knot, MARGIN, y);
        for said in words::cycle(knot) {
            y = paragraph(canvas, "said", y, wide, &said);
        }
        if !knot.collateral.is_empty() {
            y = heading(canvas, y + LINE / 2, &words::collateral(knot));
            for said in words::sentences(&words::groups(&knot.collateral)) {
                y = paragraph(canvas, "said", y, wide, &said);
            }
        }
    }
    let others = words::others(story);
    if !others.is_empty() {
        y = heading(canvas, y + LINE / 2, if story.knot.is_some() { "Not stuck" } else { "At the end" });
        for said in others {
            y = paragraph(canvas, "aside", y, wide, &said);
        }
    }
    y
}

fn heading(canvas: &mut Canvas, y: usize, text: &str) -> usize {
    canvas.text("heading", MARGIN, y + LINE, text);
    y + LINE * 2 + 4
}

/// Writes a text in lines; returns where the next one goes.
fn paragraph(canvas: &mut Canvas, class: &str, mut y: usize, wide: usize, text: &str) -> usize {
    for line in wrap(text, wide, pixels) {
        canvas.text(class, MARGIN, y, &line);
        y += LINE + if class == "title" { 8 } else { 2 };
    }
    y
}

/// The picture in words.
fn description(story: &Story<'_>) -> String {
    let steps = match story.trace.steps.len() {
        0 => String::new(),
        n => format!("{n} steps, from top to bottom; one lifeline per task. "),
    };
    let waits = story.knot.map_or(Vec::new(), words::cycle).join("; ");
    let behind = story.knot.filter(|k| !k.collateral.is_empty()).map_or(String::new(), |k| {
        format!(". {}: {}", words::collateral(k), words::sentences(&words::groups(&k.collateral)).join("; "))
    });
    let ending = words::ending(story);
    let gap = if waits.is_empty() { "" } else { ": " };
    format!("{steps}{ending}{gap}{waits}{behind}.")
}
