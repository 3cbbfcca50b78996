//! Each relative link, picture and included file of the documentation is there, with the anchor that it names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::block::prose;
use super::{pages, read, root};

#[test]
fn every_relative_link_and_picture_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        for (line, target) in links(&prose(&text).unwrap()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            if let Some(what) = trouble(&page, &target) {
                wrong.push(format!("{}:{line}: {target}: {what}", page.display()));
            }
        }
        for (number, line) in text.lines().enumerate() {
            let Some((_, include)) = line.split_once("{{#include ") else { continue };
            let file = include.split(['}', ':']).next().unwrap().trim();
            seen += 1;
            if !beside(&page, file).exists() {
                wrong.push(format!("{}:{}: the file {file} is not there", page.display(), number + 1));
            }
        }
    }
    assert!(seen > 200, "links are found: {seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In the built book there is nothing but what is in its folder.
#[test]
fn no_page_of_the_book_links_out_of_it() {
    for page in pages().iter().filter(|page| page.starts_with("docs")) {
        for (line, target) in links(&prose(&read(page)).unwrap()) {
            let depth = page.components().count() - 2;
            let up = target.split('/').take_while(|part| *part == "..").count();
            assert!(
                up <= depth,
                "{}:{line}: {target} is no part of the book: name the file instead",
                page.display()
            );
        }
    }
}

#[test]
fn every_page_of_the_documentation_is_in_the_book() {
    let summary = Path::new("docs/SUMMARY.md");
    let listed: BTreeSet<PathBuf> =
        links(&read(summary)).into_iter().map(|(_, target)| Path::new("docs").join(target)).collect();
    let there: BTreeSet<PathBuf> =
        pages().into_iter().filter(|page| page.starts_with("docs") && page != summary).collect();
    assert_eq!(listed, there);
}

fn beside(page: &Path, target: &str) -> PathBuf {
    root().join(page).parent().unwrap().join(target)
}

fn trouble(page: &Path, target: &str) -> Option<String> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() { root().join(page) } else { beside(page, path) };
    if !file.exists() {
        return Some("it is not there".to_owned());
    }
    if anchor.is_empty() || file.extension().is_none_or(|e| e != "md") {
        return None;
    }
    let text = std::fs::read_to_string(&file).unwrap();
    (!anchors(&text).contains(anchor)).then(|| format!("it has no #{anchor}"))
}

/// The targets of links and pictures, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = without_code(line);
        for (open, close) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
            for (at, _) in line.match_indices(open) {
                let after = &line[at + open.len()..];
                let target = after.split(close).next().unwrap().split(' ').next().unwrap();
                found.push((number + 1, target.to_owned()));
            }
        }
    }
    found
}

/// A line without what is between backticks.
fn without_code(line: &str) -> String {
    line.split('`').enumerate().filter(|(part, _)| part % 2 == 0).map(|(_, text)| text).collect()
}

/// The names that a link may end in: those of headings, and ids.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(text).unwrap().lines() {
        if let Some(heading) =
            line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
        {
            let slug = slug(heading);
            let name = std::iter::once(slug.clone())
                .chain((1..).map(|n| format!("{slug}-{n}")))
                .find(|name| !found.contains(name))
                .expect("one of them is free");
            found.insert(name);
        }
        for (at, open) in line.match_indices("id=\"") {
            found.extend(line[at + open.len()..].split('"').next().map(str::to_owned));
        }
    }
    found
}

fn slug(heading: &str) -> String {
    heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() })
        .collect()
}

mod tests {
    use super::*;

    #[test]
    fn links_and_pictures_are_found_and_code_is_not() {
        let text = "a [b](c.md#d), `[e](f)`\n![g](h.svg \"title\") <img src=\"i.svg\">";
        let found: Vec<_> =
            links(text).into_iter().map(|(line, target)| format!("{line} {target}")).collect();
        assert_eq!(found, ["1 c.md#d", "2 h.svg", "2 i.svg"]);
    }

    #[test]
    fn headings_and_ids_are_anchors() {
        let text = "# The `hub` (src/hub/)\n## Lanes\n## Lanes\n```text\n# no\n```\n<a id=\"here\"></a>";
        let found: Vec<String> = anchors(text).into_iter().collect();
        assert_eq!(found, ["here", "lanes", "lanes-1", "the-hub-srchub"]);
    }

    #[test]
    fn a_link_to_nowhere_is_trouble() {
        let page = Path::new("README.md");
        assert_eq!(trouble(page, "docs/MODEL.md"), None);
        assert_eq!(trouble(page, "docs/MODEL.md#at-rest"), None);
        assert!(trouble(page, "docs/MODEL.md#at-work").unwrap().contains("#at-work"));
        assert!(trouble(page, "docs/NOTHING.md").unwrap().contains("not there"));
    }
}
