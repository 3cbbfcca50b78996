//! The page, as it was built in.

/// A file of the page.
pub(super) struct Asset {
    /// What it is called.
    pub(super) name: &'static str,
    /// What it is, for a browser.
    pub(super) kind: &'static str,
    /// What is in it.
    pub(super) text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        Asset { name: $name, kind: $kind, text: include_str!(concat!("page/", $name)) }
    };
}

/// The document, the first of [`ALL`].
pub(super) const DOCUMENT: &str = "index.html";

/// All files.
pub(super) const ALL: [Asset; 15] = [
    asset!("index.html", "text/html; charset=utf-8"),
    asset!("style.css", "text/css; charset=utf-8"),
    asset!("app.js", SCRIPT),
    asset!("challenges.js", SCRIPT),
    asset!("diagram.js", SCRIPT),
    asset!("dom.js", SCRIPT),
    asset!("export.js", SCRIPT),
    asset!("player.js", SCRIPT),
    asset!("settings.js", SCRIPT),
    asset!("side.js", SCRIPT),
    asset!("source.js", SCRIPT),
    asset!("tasks.js", SCRIPT),
    asset!("waits.js", SCRIPT),
    asset!("walk.js", SCRIPT),
    asset!("words.js", SCRIPT),
];

/// Where the document of an export loads its data.
pub(super) const DATA_PLACE: &str = "<!-- data -->";

/// The file of this name; the document where there is none.
pub(super) fn find(name: &str) -> Option<&'static Asset> {
    let name = if name.is_empty() { DOCUMENT } else { name };
    ALL.iter().find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_asks_for_what_is_there_and_for_nothing_else() {
        let document = find("").unwrap().text;
        assert_eq!(document.matches(DATA_PLACE).count(), 1);
        let attributes =
            document.split("src=\"").skip(1).chain(document.split("rel=\"stylesheet\" href=\"").skip(1));
        let asked: BTreeSet<&str> = attributes.map(|rest| rest.split('"').next().unwrap()).collect();
        let there: BTreeSet<&str> =
            ALL.iter().map(|asset| asset.name).filter(|name| *name != DOCUMENT).collect();
        assert_eq!(asked, there);
    }
}
