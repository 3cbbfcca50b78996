//! The zoo: all kernels in a table, or the story of one.

use serde_json::{Value, json};
use turnstile::show::{self, Story, Tone};
use turnstile_models::Limits;
use turnstile_models::zoo::{self, Finding, Kernel, Variant};

use crate::args;
use crate::output::Out;
use crate::words;

/// How wide sentences run.
const WIDTH: usize = 98;

/// A variant, and what was found of it.
struct Row {
    kernel: &'static Kernel,
    variant: &'static Variant,
    finding: Finding,
}

impl Row {
    fn all(of: &'static Kernel, limits: &Limits) -> Vec<Row> {
        let one = |variant| Row { kernel: of, variant, finding: zoo::check(of, variant, limits) };
        of.variants.iter().map(one).collect()
    }

    fn is_as_known(&self) -> bool {
        self.finding.is(self.variant.expected)
    }

    fn steps(&self) -> Option<usize> {
        self.finding.hang().map(|hang| hang.trace.steps.len())
    }

    fn states(&self) -> u64 {
        self.finding.effort().states.unwrap_or_default()
    }

    fn tone(&self) -> Tone {
        if self.finding.hang().is_some() { Tone::Stuck } else { Tone::Plain }
    }

    fn json(&self) -> Value {
        let mut object = json!({
            "variant": self.variant.name,
            "about": self.variant.about,
            "verdict": self.finding.name(),
            "complete": matches!(self.finding, Finding::Holds(_)),
            "as_known": self.is_as_known(),
            "states": self.states(),
            "seconds": self.finding.effort().time.as_secs_f64(),
        });
        match &self.finding {
            Finding::Holds(_) => {}
            Finding::Deadlocks(_, hang) => {
                let cycle: Vec<Value> = hang
                    .knot
                    .cycle
                    .iter()
                    .map(|e| json!({ "task": e.task, "waits": e.waits_for(), "why": e.why() }))
                    .collect();
                object["line"] = Value::from(hang.cycle.as_str());
                object["cycle"] = Value::from(cycle);
                object["steps"] = Value::from(hang.trace.steps.len());
                object["trace"] = json!(hang.trace.steps);
            }
            Finding::Breaks(_, why) => object["broken"] = Value::from(why.as_str()),
            Finding::Unknown(_, why) => object["stopped_by"] = Value::from(why.as_str()),
        }
        object
    }
}

/// 0 if all is as it is known, 1 if something is not, 2 if a search did not come to an end.
fn code(rows: &[Row]) -> u8 {
    if rows.iter().any(|row| matches!(row.finding, Finding::Unknown(..))) {
        return 2;
    }
    u8::from(!rows.iter().all(Row::is_as_known))
}

pub(crate) fn run(out: &mut Out, args: &args::Zoo) -> Result<u8, String> {
    let kernels: &[Kernel] = match &args.name {
        None => Kernel::ALL,
        Some(name) => std::slice::from_ref(Kernel::find(name).ok_or_else(|| unknown(name))?),
    };
    let limits = Limits { budget: args.budget, ..Limits::default() };
    let rows: Vec<Row> = kernels.iter().flat_map(|kernel| Row::all(kernel, &limits)).collect();
    if args.json {
        out.json(&json_of(kernels, &rows));
    } else if args.markdown {
        out.line(markdown(&rows).trim_end());
    } else if args.name.is_some() {
        story(out, &kernels[0], &rows);
    } else {
        table(out, &rows);
    }
    Ok(code(&rows))
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = Kernel::ALL.iter().map(|kernel| kernel.name).collect();
    format!("the zoo has no {name:?}; it has {}", names.join(", "))
}

fn json_of(kernels: &[Kernel], rows: &[Row]) -> Value {
    let kernels: Vec<Value> = kernels
        .iter()
        .map(|kernel| {
            let variants: Vec<Value> =
                rows.iter().filter(|row| row.kernel.name == kernel.name).map(Row::json).collect();
            json!({
                "name": kernel.name,
                "system": kernel.system,
                "links": kernel.links,
                "happened": kernel.happened,
                "fix": kernel.fix,
                "simplified": kernel.simplified,
                "teaches": kernel.teaches,
                "variants": variants,
            })
        })
        .collect();
    json!({ "kernels": kernels })
}

/// One line for each variant, whatever its length.
fn table(out: &mut Out, rows: &[Row]) {
    let wide = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).len()).max().unwrap_or(0);
    let (names, variants) = (wide(|row| row.kernel.name), wide(|row| row.variant.name));
    let head =
        format!("{:names$}  {:variants$}  {:9}  {:>7}  steps", "kernel", "variant", "verdict", "states");
    out.heading(&format!("{head}  who waits for whom"));
    let mut last = "";
    for row in rows {
        let name = if row.kernel.name == last { "" } else { row.kernel.name };
        last = row.kernel.name;
        let verdict = out.paint.paint(row.tone(), &format!("{:9}", row.finding.name()));
        let steps = row.steps().map_or(String::new(), |steps| steps.to_string());
        let line = format!(
            "{name:names$}  {:variants$}  {verdict}  {:>7}  {steps:>5}  {}",
            row.variant.name,
            words::thousands(row.states()),
            row.finding.line()
        );
        out.line(line.trim_end());
        if !row.is_as_known() {
            out.line(
                &out.paint.paint(Tone::Stuck, &format!("{:names$}  known is: {}", "", row.variant.expected)),
            );
        }
    }
    out.line("");
    let hangs = rows.iter().filter(|row| row.finding.hang().is_some()).count();
    let holds = rows.iter().filter(|row| matches!(row.finding, Finding::Holds(_))).count();
    let time = rows.iter().map(|row| row.finding.effort().time).sum();
    out.aside(&format!(
        "{} programs: {hangs} deadlock, {holds} hold, in {}. Holds: every interleaving was searched. Steps: the shortest way into",
        rows.len(),
        words::time(time)
    ));
    out.aside("the hang. lab zoo NAME tells the story of one.");
}

/// The sentences of one kernel, and the shortest way into each of its hangs as a picture.
fn story(out: &mut Out, kernel: &Kernel, rows: &[Row]) {
    out.heading(&format!("{}: {}", kernel.name, kernel.system));
    for link in kernel.links {
        out.aside(link);
    }
    for (what, text) in [
        ("What happened", kernel.happened),
        ("The fix", kernel.fix),
        ("Simplified", kernel.simplified),
        ("What it teaches", kernel.teaches),
    ] {
        out.line("");
        for line in wrapped(&format!("{what}: {text}")) {
            out.line(&line);
        }
    }
    for row in rows {
        out.line("");
        let title = format!("{} ({})", row.variant.name, row.variant.about);
        let effort = words::effort(row.finding.effort());
        match &row.finding {
            Finding::Holds(_) => {
                out.heading(&title);
                out.line("holds: every interleaving and every choice was searched");
            }
            Finding::Deadlocks(_, hang) => {
                let title =
                    format!("{title}: hangs after {} steps, and none is shorter", hang.trace.steps.len());
                let picture = Story {
                    title: &title,
                    trace: &hang.trace,
                    knot: Some(&hang.knot),
                    graph: Some(&hang.graph),
                    ending: "",
                };
                out.line(show::text(&picture, out.paint).trim_end());
            }
            Finding::Breaks(_, why) => {
                out.heading(&title);
                out.line(&format!("breaks: {why}"));
            }
            Finding::Unknown(_, why) => {
                out.heading(&title);
                out.line(&format!("unknown: {why} stopped the search"));
            }
        }
        out.aside(&effort);
        if !row.is_as_known() {
            out.line(&out.paint.paint(Tone::Stuck, &format!("known is: {}", row.variant.expected)));
        }
    }
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line");
        match line.is_empty() {
            true => line.push_str(word),
            false if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            false => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The table of `docs/ZOO.md`. No figure in it depends on the machine.
fn markdown(rows: &[Row]) -> String {
    let mut out =
        String::from("| kernel | variant | verdict | steps | who waits for whom |\n|---|---|---|---|---|\n");
    let mut last = "";
    for row in rows {
        let name = match row.kernel.name {
            name if name == last => String::new(),
            name => format!("[{name}]({})", row.kernel.links[0]),
        };
        last = row.kernel.name;
        let steps = row.steps().map_or(String::new(), |steps| steps.to_string());
        let about = format!("{}: {}", row.variant.name, row.variant.about).replace('|', "\\|");
        out += &format!("| {name} | {about} | {} | {steps} | {} |\n", row.finding.name(), row.finding.line());
    }
    let mut kernels: Vec<&Kernel> = rows.iter().map(|row| row.kernel).collect();
    kernels.dedup_by_key(|kernel| kernel.name);
    for kernel in kernels {
        let links: Vec<String> = kernel.links.iter().map(|link| format!("<{link}>")).collect();
        out += &format!(
            "\n### {}\n\n{}. {}\n\n* **What happened.** {}\n* **The fix.** {}\n* **Simplified.** {}\n* **What it teaches.** {}\n",
            kernel.name,
            kernel.system,
            links.join(" · "),
            kernel.happened,
            kernel.fix,
            kernel.simplified,
            kernel.teaches
        );
    }
    out
}
