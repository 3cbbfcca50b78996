//! The pictures: what they say, that they fit, and that they are well-formed, whatever they are given.

use proptest::prelude::*;
use turnstile::Name;
use turnstile::show::{self, Paint, Story};
use turnstile::trace::{After, Step, Trace};
use turnstile::waits::{Edge, Kind, Knot, WaitGraph};

const HUB: Name = Name::one("hub");
const REGISTER: Name = Name::one("register");
const UNREGISTER: Name = Name::one("unregister");

fn connection(number: u32) -> Name {
    Name::of("connection", number)
}

fn full(task: Name, on: Name) -> Edge {
    Edge { task, kind: Kind::Send, on, filled: Some((1, 1)), helpers: Some(vec![HUB]) }
}

fn lock(task: Name, on: Name, holder: Name) -> Edge {
    Edge { task, kind: Kind::Lock, on, filled: None, helpers: Some(vec![holder]) }
}

fn step(task: Name, what: &str, after: After, wakes: &[Name]) -> Step {
    Step { task, what: what.to_owned(), after, wakes: wakes.to_vec() }
}

/// The hub kicks connection 1 while connection 2 fills the channel that only the hub drains.
fn hub_waits_for_itself() -> (Trace, WaitGraph) {
    let idle =
        Edge { task: HUB, kind: Kind::Select, on: Name::one("hub channels"), filled: None, helpers: None };
    let steps = vec![
        step(HUB, "select: nothing on hub channels", After::Waits(idle), &[]),
        step(connection(2), "send on register", After::Goes, &[HUB]),
        step(HUB, "read closed flag of client 1: false", After::Goes, &[]),
        step(connection(2), "send on unregister", After::Ends, &[]),
        step(HUB, "send on unregister", After::Waits(full(HUB, UNREGISTER)), &[]),
    ];
    let w = Name::of("w of connection", 1);
    let edges = vec![full(HUB, UNREGISTER), lock(connection(1), w, HUB), full(connection(3), REGISTER)];
    (Trace { steps }, WaitGraph { edges, running: [Name::of("peer", 1)].into() })
}

#[test]
fn the_hub_that_waits_for_itself_is_told_in_columns() {
    let (trace, graph) = hub_waits_for_itself();
    let knot = graph.knot();
    let story = Story { title: "Kick", trace: &trace, knot: knot.as_ref(), graph: Some(&graph), ending: "" };
    let told = show::text(&story, Paint::Plain);
    assert_eq!(
        told,
        "\
Kick

Deadlock: hub waits for itself
  hub waits to send on unregister (1/1 full), which only hub drains

Collateral: 2 tasks wait behind it
  connection 1 waits to lock w of connection 1, which hub holds
  connection 3 waits to send on register (1/1 full), which only hub drains

Not stuck:
  peer 1 can go on

   hub                                                   connection 2
1  ● select: nothing on hub channels
   ┊ ⏸ waits for work on hub channels
2  ┊                                                     ● send on register
   ┊                                                     │ → wakes hub
   ╌╌ connection 2 could go on, hub goes first
3  ● read closed flag of client 1: false                 │
   ╌╌ hub could go on, connection 2 goes first
4  │                                                     ● send on unregister
   │                                                       ■ ends
5  ● send on unregister
   ┃ ⏸ waits to send on unregister (1/1 full), for ever
",
        "{told}"
    );
}

#[test]
fn colour_changes_nothing_but_colour() {
    let (trace, graph) = hub_waits_for_itself();
    let knot = graph.knot();
    let story = Story { title: "Kick", trace: &trace, knot: knot.as_ref(), graph: Some(&graph), ending: "" };
    let coloured = show::text(&story, Paint::Ansi);
    assert!(coloured.contains("\x1b[1;31mDeadlock: hub waits for itself\x1b[0m"));
    assert_eq!(without_colour(&coloured), show::text(&story, Paint::Plain));
}

#[test]
fn a_crowd_is_told_in_one_column_and_its_ending_in_words() {
    let steps = (1..=6).map(|n| step(connection(n), "send on register", After::Ends, &[])).collect();
    let story =
        Story { title: "", trace: &Trace { steps }, knot: None, graph: None, ending: "all have ended" };
    assert_eq!(
        show::text(&story, Paint::Plain).lines().take(6).collect::<Vec<_>>(),
        [
            "all have ended",
            "",
            "1  connection 1 │ send on register",
            "                │ ■ ends",
            "2  connection 2 │ send on register",
            "                │ ■ ends",
        ]
    );
}

#[test]
fn a_thousand_tasks_behind_the_cycle_are_one_sentence() {
    let edges = [full(HUB, UNREGISTER)].into_iter().chain((1..=1000).map(|n| full(connection(n), REGISTER)));
    let knot = WaitGraph { edges: edges.collect(), ..WaitGraph::default() }.knot();
    let story = Story { title: "", trace: &Trace::default(), knot: knot.as_ref(), graph: None, ending: "" };
    assert_eq!(
        show::text(&story, Paint::Plain),
        "\
Deadlock: hub waits for itself
  hub waits to send on unregister (1/1 full), which only hub drains

Collateral: 1000 tasks wait behind it
  1000 tasks wait to send on register (1/1 full), which only hub drains: connection 1,
    connection 2, connection 3, connection 4 and 996 more
"
    );
}

#[test]
fn a_knot_is_headed_by_its_shape() {
    let (a, b, c) = (Name::one("a"), Name::one("b"), Name::one("c"));
    let fork = Name::one("fork");
    let rows: [(Vec<Edge>, &str); 5] = [
        (vec![lock(a, fork, a)], "Deadlock: a waits for itself"),
        (vec![lock(a, fork, b), lock(b, fork, a)], "Deadlock: a and b wait for each other"),
        (vec![lock(a, fork, b), lock(b, fork, c), lock(c, fork, a)], "Deadlock: 3 tasks wait in a circle"),
        (vec![lock(a, fork, b)], "Stuck: a waits for what will never come"),
        (vec![lock(a, fork, b), lock(b, fork, c)], "Stuck: 2 tasks wait for what will never come"),
    ];
    for (cycle, heading) in rows {
        let knot = Knot { cycle, collateral: vec![] };
        let story =
            Story { title: "", trace: &Trace::default(), knot: Some(&knot), graph: None, ending: "unused" };
        assert_eq!(show::text(&story, Paint::Plain).lines().next(), Some(heading));
    }
}

#[test]
fn the_wait_for_graph_is_a_flowchart() {
    let (_, graph) = hub_waits_for_itself();
    let knot = graph.knot();
    let story = Story {
        title: "Kick",
        trace: &Trace::default(),
        knot: knot.as_ref(),
        graph: Some(&graph),
        ending: "",
    };
    assert_eq!(
        show::flowchart(&story),
        "\
flowchart LR
    accTitle: Kick
    n1[\"hub\"]
    n2([\"unregister<br/>1/1 full\"])
    n3[\"connection 1\"]
    n4([\"w of connection 1\"])
    n5[\"connection 3\"]
    n6([\"register<br/>1/1 full\"])
    n1 -- \"waits to send\" --> n2
    n2 -- \"only hub drains it\" --> n1
    n3 -- \"waits to lock\" --> n4
    n4 -- \"hub holds it\" --> n1
    n5 -- \"waits to send\" --> n6
    n6 -- \"only hub drains it\" --> n1
    classDef cycle fill:#fde8e8,stroke:#c62828,stroke-width:2px,color:#5f1010
    class n1,n2 cycle
    linkStyle 0,1 stroke:#c62828,stroke-width:2px
"
    );
}

#[test]
fn the_svg_says_in_words_what_it_shows() {
    let (trace, graph) = hub_waits_for_itself();
    let knot = graph.knot();
    let story =
        Story { title: "A <kick>", trace: &trace, knot: knot.as_ref(), graph: Some(&graph), ending: "" };
    let svg = show::svg(&story);
    assert_eq!(well_formed(&svg), Ok(()));
    assert!(svg.contains("<title>A &lt;kick&gt;</title>"));
    assert!(svg.contains(
        "<desc>5 steps, from top to bottom; one lifeline per task. Deadlock: hub waits for itself: \
         hub waits to send on unregister (1/1 full), which only hub drains. \
         Collateral: 2 tasks wait behind it: "
    ));
}

/// Roles of any length, and with what each of the formats would misread.
const ROLES: [&str; 9] = [
    "hub",
    "connection",
    "a task whose name is so long that nobody would ever want to read all of it, let alone in one column",
    "aVeryLongNameWithoutAnySpaceInItThatMustBeBrokenSomewhereEvenIfThatIsNotPrettyAtAllSinceItDoesNotFit",
    "\"quoted\"; #1 <b> & 'c' --> end",
    "連接",
    "",
    "end",
    "\x1b[31mred\n\u{202e}",
];

fn a_name() -> impl Strategy<Value = Name> {
    (prop::sample::select(&ROLES[..]), 0..40_u32).prop_map(|(role, number)| Name::of(role, number))
}

fn an_edge(task: Name) -> impl Strategy<Value = Edge> {
    let kind = prop::sample::select(vec![
        Kind::Send,
        Kind::Receive,
        Kind::Select,
        Kind::Lock,
        Kind::Read,
        Kind::Owed,
        Kind::Signal,
    ]);
    let helpers = prop::option::of(prop::collection::vec(a_name(), 0..3));
    (kind, a_name(), prop::option::of((0..9_usize, 0..9_usize)), helpers)
        .prop_map(move |(kind, on, filled, helpers)| Edge { task, kind, on, filled, helpers })
}

fn a_step() -> impl Strategy<Value = Step> {
    let wakes = prop::collection::vec(a_name(), 0..3);
    (a_name(), ".{0,12}|[a-z ;#\"<&]{0,200}", wakes).prop_flat_map(|(task, what, wakes)| {
        let after = prop_oneof![Just(After::Goes), Just(After::Ends), an_edge(task).prop_map(After::Waits),];
        after.prop_map(move |after| Step { task, what: what.clone(), after, wakes: wakes.clone() })
    })
}

/// A trace of few tasks or many, short or long, and any graph at all.
fn a_story() -> impl Strategy<Value = (Trace, WaitGraph, String)> {
    let some = prop::collection::vec(a_step(), 0..90);
    let few = (prop::collection::vec(a_name(), 1..6), prop::collection::vec(a_step(), 0..30)).prop_map(
        |(tasks, mut steps)| {
            for (n, step) in steps.iter_mut().enumerate() {
                step.task = tasks[n % tasks.len()];
            }
            steps
        },
    );
    let edges = prop::collection::btree_set(a_name(), 0..30)
        .prop_flat_map(|tasks| tasks.into_iter().map(an_edge).collect::<Vec<_>>());
    let running = prop::collection::btree_set(a_name(), 0..9);
    (prop_oneof![some, few], edges, running, ".{0,150}")
        .prop_map(|(steps, edges, running, words)| (Trace { steps }, WaitGraph { edges, running }, words))
}

/// A knot out of any waits; what the pictures are given need not make sense.
fn a_knot(graph: &WaitGraph) -> Option<Knot> {
    graph.knot_at_rest().or_else(|| {
        let (cycle, collateral) = graph.edges.split_at(graph.edges.len() / 2);
        (!cycle.is_empty()).then(|| Knot { cycle: cycle.to_vec(), collateral: collateral.to_vec() })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_wider_than_100_columns((trace, graph, words) in a_story()) {
        let knot = a_knot(&graph);
        for knot in [None, knot.as_ref()] {
            let story = Story { title: &words, trace: &trace, knot, graph: Some(&graph), ending: &words };
            let plain = show::text(&story, Paint::Plain);
            for line in plain.lines() {
                prop_assert!(columns(line) <= 100, "{} columns: {line:?}", columns(line));
                prop_assert_eq!(line, line.trim_end());
                prop_assert!(!line.contains(char::is_control), "{line:?}");
            }
            prop_assert_eq!(without_colour(&show::text(&story, Paint::Ansi)), plain);
        }
    }

    #[test]
    fn every_svg_is_well_formed((trace, graph, words) in a_story()) {
        let knot = a_knot(&graph);
        let story =
            Story { title: &words, trace: &trace, knot: knot.as_ref(), graph: Some(&graph), ending: &words };
        prop_assert_eq!(well_formed(&show::svg(&story)), Ok(()));
    }

    #[test]
    fn every_mermaid_diagram_is_balanced((trace, graph, words) in a_story()) {
        let knot = a_knot(&graph);
        let story =
            Story { title: &words, trace: &trace, knot: knot.as_ref(), graph: Some(&graph), ending: &words };
        prop_assert_eq!(sequence_fits(&show::sequence(&story)), Ok(()));
        prop_assert_eq!(flowchart_fits(&show::flowchart(&story)), Ok(()));
    }
}

/// Columns of a terminal, by a rule of its own: what is not from Europe counts two.
fn columns(line: &str) -> usize {
    line.chars()
        .map(|c| if (0x1100..=0x115F).contains(&u32::from(c)) || ('連' == c || '接' == c) { 2 } else { 1 })
        .sum()
}

fn without_colour(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

/// Checks what XML asks of elements, attributes and characters.
fn well_formed(xml: &str) -> Result<(), String> {
    if let Some(c) =
        xml.chars().find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
    {
        return Err(format!("{c:?} is no character of XML"));
    }
    let mut open = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        entities(&rest[..at])?;
        let end = rest[at..].find('>').ok_or("a tag has no end")? + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
        } else {
            let name = tag.split([' ', '/']).next().unwrap_or_default();
            attributes(tag[name.len()..].trim_end_matches('/'))?;
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        if open.is_empty() && !rest.trim().is_empty() {
            return Err(format!("{rest:?} stands outside"));
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} are open")) }
}

fn attributes(text: &str) -> Result<(), String> {
    let mut parts = text.split('"');
    let mut seen = Vec::new();
    loop {
        let name = parts.next().unwrap_or_default().trim();
        let Some(value) = parts.next() else {
            return if name.is_empty() { Ok(()) } else { Err(format!("{name:?} is no attribute")) };
        };
        if !name.ends_with('=') || value.contains('<') || seen.contains(&name) {
            return Err(format!("{name}{value:?} is no attribute"));
        }
        seen.push(name);
        entities(value)?;
    }
}

fn entities(text: &str) -> Result<(), String> {
    let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
    match text.split('&').skip(1).find(|part| !known.iter().any(|known| part.starts_with(known))) {
        None => Ok(()),
        Some(part) => Err(format!("&{part} is no entity")),
    }
}

/// Text with its entities and line breaks taken out has nothing left that Mermaid would read as syntax.
fn inert(text: &str) -> Result<(), String> {
    let mut left = String::new();
    for (n, part) in text.replace("<br/>", " ").split('#').enumerate() {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        match (n, part[digits..].strip_prefix(';')) {
            (0, _) => left.push_str(part),
            (_, Some(rest)) if digits > 0 => left.push_str(rest),
            _ => return Err(format!("#{part} is no entity")),
        }
    }
    match left.contains(['"', ';', '<', '>', '`', '{', '}']) {
        true => Err(format!("{left:?} is syntax")),
        false => Ok(()),
    }
}

fn sequence_fits(diagram: &str) -> Result<(), String> {
    let mut lines = diagram.lines();
    if lines.next() != Some("sequenceDiagram") {
        return Err("no sequence diagram".to_owned());
    }
    let mut depth = 0;
    for line in lines.map(str::trim_start) {
        match line {
            "rect rgba(220, 40, 40, 0.2)" => depth += 1,
            "end" => depth -= 1,
            _ => match line.split_once(" as ").filter(|(head, _)| head.starts_with("participant t")) {
                Some((_, name)) => inert(name)?,
                None => {
                    let (head, text) = line.split_once(": ").or(line.split_once(':')).ok_or(line)?;
                    let known =
                        head == "accTitle" || head.starts_with("Note over t") || head.contains("->>t");
                    if !known {
                        return Err(format!("{line:?} is no line"));
                    }
                    inert(text)?;
                }
            },
        }
        if !(0..=1).contains(&depth) {
            return Err("end without rect".to_owned());
        }
    }
    if depth == 0 { Ok(()) } else { Err("rect without end".to_owned()) }
}

fn flowchart_fits(diagram: &str) -> Result<(), String> {
    let mut lines = diagram.lines();
    if lines.next() != Some("flowchart LR") {
        return Err("no flowchart".to_owned());
    }
    for line in lines.map(str::trim_start) {
        let settings = ["classDef ", "class ", "linkStyle "].iter().any(|s| line.starts_with(s));
        match line.split('"').collect::<Vec<_>>().as_slice() {
            [_] if settings => {}
            [title] => inert(title.strip_prefix("accTitle:").ok_or(line)?)?,
            [head, text, tail] => {
                inert(text)?;
                let node = (head.ends_with('[') && *tail == "]") || (head.ends_with("([") && *tail == "])");
                let link = head.ends_with(" -- ") && tail.starts_with(" --> n");
                if !node && !link {
                    return Err(format!("{line:?} is neither node nor link"));
                }
            }
            _ => return Err(format!("{line:?} has too many quotes")),
        }
    }
    Ok(())
}
