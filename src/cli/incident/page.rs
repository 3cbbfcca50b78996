//! The report as a page that needs nothing beside it: no script, no font, no picture from elsewhere.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::act::Act;
use super::chart::{Axis, Dots, Line, dots, lines};
use super::table::{self, Settings};

const STYLE: &str = include_str!("page.css");

/// The page.
pub(super) fn page(settings: &Settings, acts: &[Act], as_told: bool) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>turnstile incident</title><style>{STYLE}</style></head>\
         <body><main>"
    );
    let verdict = if as_told {
        r#"<span class="good">As told</span>: OpenIM's design hung in the hub's own send, the others went on."#
    } else {
        r#"<span class="bad">Not as told</span>: what differs is said below."#
    };
    let _ = write!(html, "<h1>The incident, three times</h1><p>{verdict}</p>");
    let _ = write!(html, "<p class=\"aside\">{}</p>", escaped(&settings.text()));
    html += "<h2>Side by side</h2>";
    html += &table(acts);
    for note in settings.notes() {
        let _ = write!(html, "<p class=\"aside\">{}</p>", escaped(note));
    }
    html += "<h2>Over time</h2><div class=\"grid2\">";
    html += &charts(settings, acts);
    html += "</div>";
    for act in acts {
        html += &story(act);
    }
    html + "</main></body></html>\n"
}

/// A text as it is written in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn name(act: &Act) -> String {
    format!("{}, {}", act.design, act.version)
}

fn table(acts: &[Act]) -> String {
    let mut html = String::from("<div class=\"scroll\"><table><thead><tr><th></th>");
    for act in acts {
        let _ = write!(html, "<th>{}<br><span class=\"aside\">{}</span></th>", act.design, act.version);
    }
    html += "</tr></thead><tbody>";
    for (row, cells) in table::rows(acts) {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escaped(row));
        for (act, cell) in acts.iter().zip(cells) {
            let class = match (row, act.went_on()) {
                ("outcome", true) => " class=\"good\"",
                ("outcome", false) => " class=\"bad\"",
                _ => "",
            };
            let _ = write!(html, "<td{class}>{}</td>", escaped(&cell));
        }
        html += "</tr>";
    }
    html + "</tbody></table></div>"
}

fn figure(caption: &str, svg: &str) -> String {
    format!("<figure><figcaption>{}</figcaption>{svg}</figure>", escaped(caption))
}

fn charts(settings: &Settings, acts: &[Act]) -> String {
    let mut html = String::new();
    let longest = acts.iter().map(|act| act.storm.seconds).fold(1.0, f64::max);
    let each = |values: &dyn Fn(&Act) -> Vec<(f64, f64)>| -> Vec<Line> {
        let line =
            |(series, act): (usize, &Act)| Line { name: act.design.to_owned(), series, points: values(act) };
        acts.iter().enumerate().map(line).collect()
    };
    let logins = each(&|act| {
        let samples = &act.storm.samples;
        // Over half a second or so: each second sample.
        let points: Vec<(f64, u64)> = samples.iter().step_by(2).map(|it| (it.seconds, it.logins)).collect();
        let rate =
            |pair: &[(f64, u64)]| (pair[1].0, (pair[1].1 - pair[0].1) as f64 / (pair[1].0 - pair[0].0));
        points.windows(2).map(rate).collect()
    });
    let most = logins.iter().flat_map(|line| &line.points).map(|(_, rate)| *rate).fold(10.0, f64::max);
    html += &figure(
        "Logins that are answered",
        &lines("Logins", "/s, log", longest, Axis::log_for(most), &logins),
    );
    let connections =
        each(&|act| act.looks.iter().map(|look| (look.seconds, look.connections as f64)).collect());
    let most = connections.iter().flat_map(|line| &line.points).map(|(_, count)| *count).fold(10.0, f64::max);
    let axis = Axis::To(most * 1.1);
    html +=
        &figure("Connections that the server counts", &lines("Connections", "", longest, axis, &connections));
    for act in acts {
        let queues: Vec<Line> = ["register", "unregister"]
            .into_iter()
            .zip([3, 1])
            .map(|(queue, series)| {
                let at = |look: &super::act::Look| Some((look.seconds, *look.queues.get(queue)? as f64));
                Line { name: queue.to_owned(), series, points: act.looks.iter().filter_map(at).collect() }
            })
            .filter(|line| !line.points.is_empty())
            .collect();
        if !queues.is_empty() {
            let axis = Axis::To(settings.capacity.max(1) as f64);
            let caption = format!("Queues of {}", name(act));
            html += &figure(&caption, &lines("Queues", "queued", longest, axis, &queues));
        }
    }
    let cpu =
        each(&|act| act.looks.iter().filter_map(|look| Some((look.seconds, look.cpu_percent?))).collect());
    let most = cpu.iter().flat_map(|line| &line.points).map(|(_, percent)| *percent).fold(100.0, f64::max);
    html +=
        &figure("Processor time of the server", &lines("CPU", "% of a core", longest, Axis::To(most), &cpu));
    let rows: Vec<Dots> = acts
        .iter()
        .enumerate()
        .filter_map(|(series, act)| {
            let took = act.storm.phases.get(&turnstile::storm::Phase::Cycle)?;
            let points = [
                ("p50", took.p50_ms),
                ("p90", took.p90_ms),
                ("p99", took.p99_ms),
                ("p99.9", took.p99_9_ms),
                ("max", took.max_ms),
            ];
            Some(Dots { name: act.design.to_owned(), series, points: points.to_vec() })
        })
        .collect();
    let most = rows.iter().flat_map(|row| &row.points).map(|(_, ms)| *ms).fold(10.0, f64::max);
    html += &figure(
        "How long the cycles took that came to their end",
        &dots("Latency", "milliseconds, log", most, &rows),
    );
    html
}

/// What one server went through.
fn story(act: &Act) -> String {
    let mut html = format!("<h2>{}</h2>", escaped(&name(act)));
    if let Some(words) = table::remark(act) {
        let _ = write!(html, "<p>{}</p>", escaped(&words));
    }
    if !act.symptoms.is_empty() {
        html += "<ol class=\"symptoms\">";
        for symptom in &act.symptoms {
            let _ = write!(
                html,
                "<li><span class=\"at\">{:.1} s</span><span>{}</span></li>",
                symptom.seconds,
                escaped(&symptom.words)
            );
        }
        html += "</ol>";
    }
    if !act.words.is_empty() {
        let words: Vec<String> = act.words.iter().map(|line| escaped(line)).collect();
        let _ = write!(html, "<div class=\"cycle\">{}</div>", words.join("<br>"));
    }
    if let Some(line) = &act.log_line {
        let _ = write!(
            html,
            "<h3>The watchdog's line in the server's log</h3><pre class=\"log\">{}</pre>",
            escaped(line)
        );
    }
    if let Some(drawing) = act.drawing.as_ref().filter(|_| !act.words.is_empty()) {
        // As a picture, so that its styles and the page's do not meet.
        let data = STANDARD.encode(drawing);
        let _ = write!(
            html,
            "<h3>Who waits for whom</h3><img class=\"graph\" alt=\"The wait-for graph\" \
             src=\"data:image/svg+xml;base64,{data}\">"
        );
    }
    let _ = write!(html, "<h3>The storm</h3><pre>{}</pre>", escaped(act.storm.text().trim_end()));
    html
}
