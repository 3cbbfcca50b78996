//! What the repository promises about itself: import directions, licences, what the gateway depends on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
        }
    }
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}

/// The code of a file, without comments and documentation.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn names(text: &str, word: &str) -> bool {
    code(text).match_indices(word).any(|(at, _)| {
        let text = code(text);
        let before = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let after = text[at + word.len()..].starts_with("::");
        before && after
    })
}

/// The layers of the root crate, lowest first: a module imports from its own layer and those below.
const LAYERS: [&[&str]; 8] = [
    &["name", "session", "policy", "registry", "live"],
    &["view", "waits", "trace", "runtime"],
    &["sync", "show"],
    &["hub"],
    &["gateway"],
    &["client"],
    &["storm"],
    &["cli", "main", "lib"],
];

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or_else(|| panic!("module {module} has no place in the layers of tests/tidy.rs"))
}

#[test]
fn imports_run_downwards() {
    for (path, text) in sources("src") {
        let module = path
            .components()
            .nth(1)
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs")
            .to_owned();
        if module == "lib" || module == "main" || module == "cli" {
            continue;
        }
        for (at, _) in code(&text).match_indices("crate::") {
            let code = code(&text);
            let imported: String =
                code[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // What lib.rs re-exports from the lowest layers.
            let imported = match imported.as_str() {
                "Name" => "name",
                "Runtime" | "Task" => "runtime",
                other => other,
            };
            if imported.is_empty() {
                continue;
            }
            assert!(
                layer(imported) <= layer(&module),
                "{} imports {imported}, which is above it",
                path.display()
            );
        }
    }
}

#[test]
fn the_pure_parts_know_no_runtime() {
    for (path, text) in sources("src") {
        let pure = ["session.rs", "policy.rs", "registry.rs", "name.rs"]
            .iter()
            .any(|f| path == Path::new("src").join(f));
        if pure || path.starts_with("src/show") {
            for word in ["async", "Runtime", "Instant", "SystemTime", "fastrand"] {
                assert!(!code(&text).contains(word), "{} names {word}", path.display());
            }
        }
    }
}

#[test]
fn only_gateway_and_clients_name_tokio_and_only_the_engines_name_the_checkers() {
    for (path, text) in sources("src") {
        assert!(
            !names(&text, "tokio")
                || ["gateway", "client", "storm", "cli"]
                    .iter()
                    .any(|part| path.starts_with(Path::new("src").join(part))),
            "{} names tokio",
            path.display()
        );
        for word in ["loom", "shuttle"] {
            assert!(!names(&text, word), "{} names {word}", path.display());
        }
    }
    for (path, text) in sources("models/src") {
        for word in ["loom", "shuttle", "tokio"] {
            // The real gateway, asked how soon it hangs; and the server of the explorer's page.
            let real = ["models/src/likely/real.rs", "models/src/bin/lab/explore/serve.rs"];
            let served = word == "tokio" && real.iter().any(|file| path == Path::new(file));
            let ours = served
                || path.starts_with("models/src/engine")
                || text.contains(&format!("engine::{word}"))
                || code(&text).contains("use crate::engine::")
                || text.contains("use turnstile_models::engine::");
            assert!(!names(&text, word) || ours, "{} names {word}", path.display());
        }
    }
}

#[test]
fn a_design_imports_no_other_design() {
    let files = sources("src/hub/designs");
    let designs: Vec<String> = files
        .iter()
        .map(|(path, _)| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|stem| stem != "mod")
        .collect();
    assert!(designs.len() >= 10, "{designs:?}");
    for (path, text) in &files {
        for other in designs.iter().filter(|other| !path.ends_with(format!("{other}.rs"))) {
            assert!(path.ends_with("mod.rs") || !names(text, other), "{} names {other}", path.display());
        }
    }
}

#[test]
fn no_cfg_chooses_between_worlds() {
    for (path, text) in sources("src").into_iter().chain(sources("models/src")) {
        for line in code(&text).lines().filter(|line| line.contains("cfg(")) {
            // Whether the core is looked at, and by what, changes nothing that it does.
            let looks = ["cfg(test)", "feature = \"unwatched\"", "feature = \"console\""];
            assert!(looks.iter().any(|l| line.contains(l)), "{}: {}", path.display(), line.trim());
        }
    }
}

fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let out = Command::new(cargo).args(args).current_dir(root()).output().expect("cargo runs");
    assert!(out.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn the_installed_gateway_depends_on_no_checker() {
    let tree =
        cargo(&["tree", "--locked", "--offline", "-e", "normal", "-p", "turnstile", "--prefix", "none"]);
    assert!(tree.contains("tokio v"), "the tree is read: {tree}");
    for checker in ["loom v", "shuttle v", "stateright v", "turnstile-models"] {
        assert!(!tree.lines().any(|line| line.starts_with(checker)), "turnstile depends on {checker}");
    }
}

#[test]
fn every_dependency_has_a_licence_that_we_accept() {
    let accepted: BTreeSet<&str> = [
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unlicense",
        "Unicode-3.0",
        "0BSD",
        "CC0-1.0",
        "MIT-0",
        "BSL-1.0",
    ]
    .into();
    let listed = cargo(&[
        "tree",
        "--workspace",
        "--locked",
        "-e",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
        "--target",
        "all",
    ]);
    let mut seen = 0;
    for line in listed.lines().filter(|line| !line.is_empty()) {
        // Headings of kinds of dependencies have none.
        let Some((package, licence)) = line.split_once('|') else { continue };
        let licence = licence.trim_end_matches(" (*)");
        seen += 1;
        // One of the alternatives, all of its parts.
        let fits = licence.split(" OR ").flat_map(|l| l.split('/')).any(|alternative| {
            alternative.split(" AND ").all(|l| accepted.contains(l.trim_matches(['(', ')', ' '])))
        });
        assert!(fits, "{package} has licence {licence:?}, which is not in the list of tests/tidy.rs");
    }
    assert!(seen > 50, "the list of dependencies is read");
}
