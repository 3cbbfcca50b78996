//! The dashboard and the documentation, against what a gateway that has served some clients really exposes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use promql_parser::parser::{self, AggregateExpr, BinaryExpr, Expr, LabelModifier};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;

use super::metrics::{Exposed, used};

/// What Prometheus itself puts on each series.
const TARGET: [&str; 2] = ["job", "instance"];

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names and labels that a query speaks of.
#[derive(Default)]
struct Spoken {
    /// Each metric with the labels and values that it is selected by.
    metrics: Vec<(String, Vec<(String, String)>)>,
    /// The labels that are grouped by or matched on.
    labels: BTreeSet<String>,
}

impl ExprVisitor for Spoken {
    type Error = ();

    fn pre_visit(&mut self, query: &Expr) -> Result<bool, ()> {
        let mut says =
            |modifier: &LabelModifier| self.labels.extend(modifier.labels().labels.iter().cloned());
        match query {
            Expr::Aggregate(AggregateExpr { modifier: Some(modifier), .. }) => says(modifier),
            Expr::Binary(BinaryExpr { modifier: Some(modifier), .. }) => {
                modifier.matching.iter().for_each(says);
            }
            Expr::VectorSelector(selector) => self.select(selector),
            Expr::MatrixSelector(range) => self.select(&range.vs),
            _ => {}
        }
        Ok(true)
    }
}

impl Spoken {
    fn select(&mut self, selector: &parser::VectorSelector) {
        let name = selector.name.clone().expect("a metric is named");
        let matchers = selector.matchers.matchers.iter();
        self.metrics.push((name, matchers.map(|m| (m.name.clone(), m.value.clone())).collect()));
    }
}

/// Each query of the dashboard, with the labels that its legend shows.
fn queries(dashboard: &Value) -> Vec<(String, BTreeSet<String>)> {
    let legend = |target: &Value| {
        let text = target["legendFormat"].as_str().or(target["textFormat"].as_str()).unwrap_or_default();
        let parts = text.split("{{").skip(1).filter_map(|part| part.split_once("}}"));
        parts.map(|(label, _)| label.trim().to_owned()).collect()
    };
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let notes = dashboard["annotations"]["list"].as_array().unwrap();
    targets.chain(notes).map(|it| (it["expr"].as_str().unwrap().to_owned(), legend(it))).collect()
}

#[tokio::test]
async fn every_query_of_the_dashboard_finds_what_it_asks_for() {
    let exposed = Exposed::of(&used().await).await;
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for ((name, labels), _) in &exposed.samples {
        known.entry(name).or_default().extend(labels.keys().map(String::as_str).chain(TARGET));
    }
    let dashboard: Value = serde_json::from_str(&file("docs/grafana.json")).unwrap();
    let queries = queries(&dashboard);
    assert!(queries.len() >= 30, "the dashboard is read");
    let mut families = BTreeSet::new();
    for (query, legend) in &queries {
        let real = query.replace("$__rate_interval", "1m");
        let parsed = parser::parse(&real).unwrap_or_else(|why| panic!("{query}: {why}"));
        let mut spoken = Spoken::default();
        walk_expr(&mut spoken, &parsed).unwrap();
        assert!(!spoken.metrics.is_empty(), "{query} asks for nothing");
        let mut there: BTreeSet<&str> = BTreeSet::new();
        for (metric, matchers) in &spoken.metrics {
            let labels = known.get(&**metric).unwrap_or_else(|| panic!("{query}: no {metric} is exposed"));
            there.extend(labels);
            families.insert(exposed.family(metric).to_owned());
            for (label, value) in matchers {
                assert!(labels.contains(&**label), "{query}: {metric} has no label {label}");
                let variable = value.starts_with('$');
                let found = exposed
                    .samples
                    .iter()
                    .any(|((name, has), _)| name == metric && has.get(label).is_some_and(|v| v == value));
                assert!(variable || found, "{query}: no {metric} has the {label} {value}");
            }
        }
        for label in spoken.labels.iter().chain(legend) {
            assert!(there.contains(&**label), "{query}: there is no label {label}");
        }
        // A legend shows only what the outermost aggregation keeps.
        if let Expr::Aggregate(AggregateExpr { modifier, .. }) = &parsed {
            let kept = match modifier {
                Some(LabelModifier::Include(labels)) => labels.labels.iter().cloned().collect(),
                _ => BTreeSet::new(),
            };
            assert!(legend.is_subset(&kept), "{query}: the legend shows {legend:?}, and there is {kept:?}");
        }
    }
    // What one wants to see in the incident.
    for wanted in [
        "turnstile_connections",
        "turnstile_hub_queue_length",
        "turnstile_registers_total",
        "turnstile_kicks_total",
        "turnstile_hub_register_seconds",
        "turnstile_refused_total",
        "turnstile_slow_consumers_total",
        "turnstile_store_append_seconds",
        "turnstile_push_queue_length",
        "turnstile_deadlocked",
        "turnstile_starved_tasks",
    ] {
        assert!(families.contains(wanted), "the dashboard does not show {wanted}");
    }
}

#[test]
fn the_panels_stand_side_by_side_and_explain_what_needs_it() {
    let dashboard: Value = serde_json::from_str(&file("docs/grafana.json")).unwrap();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{panel}");
        for cell in
            (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)))
        {
            assert!(taken.insert(cell), "{} is on top of another", panel["title"]);
        }
    }
}

/// What `docs/TELEMETRY.md` says of each metric. With `WRITE_DOCS=1` the test writes it there.
#[tokio::test]
async fn the_table_of_metrics_is_the_one_that_is_documented() {
    let exposed = Exposed::of(&used().await).await;
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for ((name, has), _) in &exposed.samples {
        let shown = has.keys().map(String::as_str).filter(|label| *label != "le");
        labels.entry(exposed.family(name)).or_default().extend(shown);
    }
    let mut table = "| metric | kind | labels | what |\n|---|---|---|---|\n".to_owned();
    for (name, labels) in &labels {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let (kind, what) = (&exposed.kinds[*name], exposed.helps[*name].trim_end_matches('.'));
        table += &format!("| `{name}` | {kind} | {labels} | {what} |\n");
    }
    let text = file("docs/TELEMETRY.md");
    let (before, rest) = text.split_once("<!-- metrics -->\n").expect("the table begins with a mark");
    let (documented, after) = rest.split_once("<!-- end -->").expect("the table ends with a mark");
    if std::env::var_os("WRITE_DOCS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/TELEMETRY.md");
        std::fs::write(path, format!("{before}<!-- metrics -->\n{table}<!-- end -->{after}")).unwrap();
        return;
    }
    assert_eq!(documented, table, "run this test with WRITE_DOCS=1 to write the table anew");
}
