//! What was found, as text, Markdown and JSON.

use std::collections::BTreeMap;

use crate::loads::Row;

/// Values by row and server, one for each round.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) rows: Vec<Row>,
    pub(crate) servers: Vec<String>,
    pub(crate) values: BTreeMap<(usize, usize), Vec<f64>>,
    /// What went wrong.
    pub(crate) failures: Vec<String>,
}

impl Findings {
    /// The middle one of the rounds.
    pub(crate) fn median(&self, row: usize, server: usize) -> Option<f64> {
        let mut values = self.values.get(&(row, server))?.clone();
        values.sort_by(f64::total_cmp);
        let (low, high) = (values.get((values.len() - 1) / 2)?, values.get(values.len() / 2)?);
        Some((low + high) / 2.0)
    }

    /// The row of this name.
    pub(crate) fn row(&self, name: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.name == name)
    }

    /// The cells of a row: medians, each but the first with its ratio to that one.
    fn cells(&self, row: usize) -> Vec<String> {
        let first = self.median(row, 0);
        let compares = self.rows[row].more_is_better.is_some();
        (0..self.servers.len())
            .map(|server| match self.median(row, server) {
                None => "-".to_owned(),
                Some(value) => {
                    let ratio =
                        first.filter(|first| compares && server > 0 && *first > 0.0).map(|f| value / f);
                    let ratio = ratio.map(|ratio| format!(" ({ratio:.2}x)")).unwrap_or_default();
                    format!("{}{ratio}", number(value))
                }
            })
            .collect()
    }

    fn lines(&self) -> Vec<Vec<String>> {
        let head = ["", "unit", "better"].map(str::to_owned).into_iter().chain(self.servers.iter().cloned());
        let rows = self.rows.iter().enumerate().filter(|(n, _)| self.values.keys().any(|(row, _)| row == n));
        let rows = rows.map(|(n, row)| {
            let better = row.more_is_better.map_or("", |more| if more { "more" } else { "less" });
            [row.name.clone(), row.unit.to_owned(), better.to_owned()]
                .into_iter()
                .chain(self.cells(n))
                .collect()
        });
        std::iter::once(head.collect()).chain(rows).collect()
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let lines = self.lines();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for line in &lines {
            let mut cells = String::new();
            for (column, cell) in line.iter().enumerate() {
                let width = width(column);
                let padded =
                    if column < 3 { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
                cells.push_str(&padded);
            }
            text.push_str(cells.trim_end());
            text.push('\n');
        }
        text
    }

    /// For a document.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for (n, line) in self.lines().iter().enumerate() {
            text.push_str(&format!("| {} |\n", line.join(" | ")));
            if n == 0 {
                text.push_str(&format!("|---|---|---|{}\n", "--:|".repeat(self.servers.len())));
            }
        }
        text
    }

    /// For programs: all values, round by round.
    pub(crate) fn json(&self) -> serde_json::Value {
        let rows: Vec<serde_json::Value> = (self.rows.iter().enumerate())
            .map(|(n, row)| {
                let of = |server: usize| self.values.get(&(n, server)).cloned().unwrap_or_default();
                let values: serde_json::Map<_, _> = (self.servers.iter().enumerate())
                    .map(|(server, name)| (name.clone(), of(server).into()))
                    .collect();
                serde_json::json!({
                    "figure": row.name, "unit": row.unit, "more_is_better": row.more_is_better, "values": values,
                })
            })
            .collect();
        serde_json::json!({ "rows": rows, "failures": self.failures })
    }
}

/// Three digits, or the whole number.
fn number(value: f64) -> String {
    if value >= 1000.0 {
        let digits = format!("{value:.0}");
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|g| str::from_utf8(g).unwrap_or("")).collect();
        return groups.join(",");
    }
    let decimals = if value >= 100.0 { 0 } else { 1 };
    format!("{value:.decimals$}")
}
