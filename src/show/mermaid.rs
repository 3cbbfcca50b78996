//! A story as Mermaid diagrams, for pages that draw those: the steps, and who waits for whom.

use std::collections::{BTreeMap, BTreeSet};

use super::Story;
use super::excerpt::{Row, excerpt};
use super::lives::Lives;
use super::words;
use super::wrap::{columns, shown, wrap};
use crate::name::Name;
use crate::trace::After;
use crate::waits::{Edge, Kind};

/// Longer traces are cut in the middle.
const STEPS: usize = 80;
/// With more tasks, those that come last share one lifeline.
const LIFELINES: usize = 10;
/// How many waits, or groups of them, are drawn.
const WAITS: usize = 24;
/// Columns of a note.
const NOTE: usize = 32;

/// The steps as a sequence diagram.
///
/// ```
/// use turnstile::{Name, show::{self, Story}, trace::{After, Step, Trace}};
/// let (a, b) = (Name::one("a"), Name::one("b"));
/// let trace = Trace { steps: vec![
///     Step { task: b, what: "receive from c".into(), after: After::Goes, wakes: vec![] },
///     Step { task: a, what: "send on c".into(), after: After::Ends, wakes: vec![b] },
/// ] };
/// let story = Story { title: "Two tasks", trace: &trace, knot: None, graph: None, ending: "" };
/// assert_eq!(show::sequence(&story), "\
/// sequenceDiagram
///     accTitle: Two tasks
///     participant t1 as b
///     participant t2 as a
///     Note over t1: 1 · receive from c
///     Note over t2: 2 · send on c<br/>ends
///     t2->>t1: wakes
/// ");
/// ```
pub fn sequence(story: &Story<'_>) -> String {
    let mut page = Page::new("sequenceDiagram");
    page.title(story.title);
    let steps = &story.trace.steps;
    let rows = excerpt(steps.len(), STEPS);
    let lives = Lives::new(story);
    let mut ids: BTreeMap<Name, usize> = BTreeMap::new();
    let mut order = Vec::new();
    for row in &rows {
        if let Row::Step(index) = row {
            ids.entry(steps[*index].task).or_insert_with(|| {
                order.push(steps[*index].task);
                order.len().min(LIFELINES)
            });
        }
    }
    let shared = order.len() > LIFELINES;
    for (n, task) in order.iter().take(LIFELINES).enumerate() {
        let name = match shared && n + 1 == LIFELINES {
            true => format!("{} other tasks", order.len() - n),
            false => task.to_string(),
        };
        page.line(format!("participant t{} as {}", n + 1, lines(&name, NOTE)));
    }
    for row in rows {
        let index = match row {
            Row::Step(index) => index,
            Row::Gap(skipped) => {
                let last =
                    if order.len() > 1 { format!(",t{}", order.len().min(LIFELINES)) } else { String::new() };
                page.line(format!("Note over t1{last}: {}", escape(&Row::gap(skipped))));
                continue;
            }
        };
        let step = &steps[index];
        let id = ids[&step.task];
        let who = if shared && id == LIFELINES { format!("{}: ", step.task) } else { String::new() };
        let mut note = vec![lines(&format!("{} · {who}{}", index + 1, step.what), NOTE)];
        let mut for_ever = false;
        match &step.after {
            After::Goes => {}
            After::Waits(edge) => {
                for_ever = lives.for_ever(index, edge);
                let end = if for_ever { ", for ever" } else { "" };
                note.push(lines(&format!("{}{end}", words::waits(edge)), NOTE));
            }
            After::Ends => note.push("ends".to_owned()),
        }
        if for_ever {
            page.line("rect rgba(220, 40, 40, 0.2)");
        }
        page.line(format!("Note over t{id}: {}", note.join("<br/>")));
        if for_ever {
            page.line("end");
        }
        let woken: BTreeSet<usize> = step.wakes.iter().filter_map(|t| ids.get(t)).copied().collect();
        for other in woken.into_iter().filter(|other| *other != id) {
            page.line(format!("t{id}->>t{other}: wakes"));
        }
    }
    page.text
}

/// The waits at the end as a graph: tasks are boxes, what they wait for is round, the cycle stands out.
pub fn flowchart(story: &Story<'_>) -> String {
    let mut page = Page::new("flowchart LR");
    page.title(story.title);
    let mut net = Net::default();
    if let Some(knot) = story.knot {
        for edge in knot.cycle.iter().take(WAITS) {
            net.add(edge, &[edge.task], true);
        }
        if let Some(more) = knot.cycle.len().checked_sub(WAITS).filter(|n| *n > 0) {
            net.nodes.push(format!("more[\"{}\"]", escape(&format!("… {more} more waits on the cycle"))));
        }
    }
    let stuck: BTreeSet<Name> = story.knot.iter().flat_map(|k| &k.cycle).map(|e| e.task).collect();
    let graph = story.graph.iter().flat_map(|g| &g.edges);
    let behind = story.knot.iter().flat_map(|k| &k.collateral).chain(graph);
    let mut seen = stuck;
    let groups = words::groups(behind.filter(|e| seen.insert(e.task)));
    for group in groups.iter().take(WAITS) {
        net.add(group.edge, &group.tasks, false);
    }
    if let Some(more) = groups.len().checked_sub(WAITS).filter(|n| *n > 0) {
        net.nodes.push(format!("rest[\"{}\"]", escape(&format!("… waits for {more} other things"))));
    }
    for line in net.nodes.into_iter().chain(net.links) {
        page.line(line);
    }
    if !net.hot.is_empty() {
        page.line("classDef cycle fill:#fde8e8,stroke:#c62828,stroke-width:2px,color:#5f1010");
        page.line(format!("class {} cycle", net.hot.into_iter().collect::<Vec<_>>().join(",")));
        let links: Vec<String> = net.hot_links.iter().map(usize::to_string).collect();
        page.line(format!("linkStyle {} stroke:#c62828,stroke-width:2px", links.join(",")));
    }
    page.text
}

/// Nodes and links of a flowchart.
#[derive(Default)]
struct Net {
    ids: BTreeMap<String, String>,
    nodes: Vec<String>,
    links: Vec<String>,
    /// Ids of nodes and numbers of links on the cycle.
    hot: BTreeSet<String>,
    hot_links: Vec<usize>,
}

impl Net {
    fn add(&mut self, edge: &Edge, tasks: &[Name], on_cycle: bool) {
        let who = match tasks {
            [one] => self.task(*one),
            many => self.node(&format!("many {}", words::names(many)), &words::names(many), ["[", "]"]),
        };
        // Without the task, what is left is the state of what it waits for.
        let state = Edge { helpers: None, ..edge.clone() }.why();
        let label = if state.is_empty() { edge.on.to_string() } else { format!("{}<br/>{state}", edge.on) };
        let what = self.node(&format!("on {}", edge.on), &label, ["([", "])"]);
        let verb = match edge.kind {
            Kind::Send => "waits to send",
            Kind::Receive => "waits to receive",
            Kind::Select => "waits for work",
            Kind::Lock => "waits to lock",
            Kind::Read => "waits to read-lock",
            Kind::Write => "waits to write",
            Kind::Owed | Kind::Signal => "waits for",
        };
        self.link(&who, verb, &what, on_cycle);
        for helper in edge.helpers.iter().flatten().take(WAITS) {
            let label = match edge.kind {
                Kind::Lock => format!("{helper} holds it"),
                Kind::Read => format!("{helper} comes first"),
                Kind::Owed => format!("{helper} owes it"),
                _ => format!("only {helper} drains it"),
            };
            let helper = self.task(*helper);
            let line = format!("{what} -- \"{}\" --> {helper}", escape(&label));
            if self.links.contains(&line) {
                continue;
            }
            self.link(&what, &label, &helper, on_cycle);
        }
        if on_cycle {
            self.hot.extend([who, what]);
        }
    }

    fn task(&mut self, task: Name) -> String {
        self.node(&format!("task {task}"), &task.to_string(), ["[", "]"])
    }

    fn node(&mut self, key: &str, label: &str, [open, close]: [&str; 2]) -> String {
        if let Some(id) = self.ids.get(key) {
            return id.clone();
        }
        let id = format!("n{}", self.ids.len() + 1);
        self.ids.insert(key.to_owned(), id.clone());
        let label: Vec<String> = label.split("<br/>").map(|part| lines(part, NOTE)).collect();
        // An empty label is a mistake to Mermaid.
        let label = Some(label.join("<br/>")).filter(|l| !l.is_empty()).unwrap_or_else(|| "#160;".to_owned());
        self.nodes.push(format!("{id}{open}\"{label}\"{close}"));
        id
    }

    fn link(&mut self, from: &str, label: &str, to: &str, on_cycle: bool) {
        if on_cycle {
            self.hot_links.push(self.links.len());
        }
        self.links.push(format!("{from} -- \"{}\" --> {to}", escape(label)));
    }
}

/// A diagram that is being written.
struct Page {
    text: String,
}

impl Page {
    fn new(kind: &str) -> Page {
        Page { text: format!("{kind}\n") }
    }

    fn title(&mut self, title: &str) {
        if !title.is_empty() {
            self.line(format!("accTitle: {}", lines(title, usize::MAX)));
        }
    }

    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str("    ");
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }
}

/// Text in lines of so many columns.
fn lines(text: &str, limit: usize) -> String {
    wrap(text, limit, columns).iter().map(|line| escape(line)).collect::<Vec<_>>().join("<br/>")
}

/// Mermaid reads entities by number or name, without the ampersand; what it might read as syntax becomes one.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars().map(shown) {
        match c {
            '#' | ';' | '"' | '<' | '>' | '&' | '`' | '%' | '{' | '}' | '\\' | '*' | '_' | '~' | '$' => {
                escaped.push_str(&format!("#{};", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mermaid_would_read_as_syntax_is_escaped() {
        assert_eq!(escape("say \"a;b\" #1 <c> & d"), "say #34;a#59;b#34; #35;1 #60;c#62; #38; d");
    }
}
