//! The course and the rest of the documentation: each command is run, each output compared, each link followed.
//!
//! A block ```` ```console ```` has commands, each a line that begins with `$ `, and below each what it prints. All of a page are run in order, in one
//! folder. What is printed has to be what is written, but for figures that depend on the machine (`figures.rs`; ```` ```console exact ```` compares those,
//! too), and for a line `...`, which stands for any lines.
//!
//! `BOOK=write cargo test --test laboratory book` writes into the pages what is printed, where it differs.
//! `BOOK_PAGE=05-search` runs that page alone. `BOOK_PROGRAMS` names another folder with `lab` and `turnstile`.

mod block;
mod figures;
mod links;
mod session;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use block::Block;
use session::Session;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The pages, from the root of the repository.
fn pages() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("README.md")];
    for folder in ["docs", "docs/course"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = Path::new(folder).join(entry.unwrap().file_name());
            if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 12, "{found:?}");
    found
}

fn read(page: &Path) -> String {
    std::fs::read_to_string(root().join(page)).unwrap()
}

fn is_console(block: &Block) -> bool {
    block.tag.split(' ').next() == Some("console")
}

#[test]
fn every_command_prints_what_the_page_says() {
    session::programs();
    let only = std::env::var("BOOK_PAGE");
    let chosen = |page: &PathBuf| {
        only.as_ref().is_ok_and(|only| page.file_stem().is_some_and(|stem| stem != only.as_str()))
    };
    let waiting = Mutex::new(pages().into_iter().filter(|page| !chosen(page)).collect::<Vec<_>>());
    let wrong = Mutex::new(Vec::new());
    let run = || {
        while let Some(page) = { waiting.lock().unwrap().pop() } {
            let found = play(&page);
            wrong.lock().unwrap().extend(found);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(run);
        scope.spawn(run);
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{}\n\nBOOK=write cargo test --test laboratory book writes what is printed into the pages.",
        wrong.join("\n\n")
    );
}

/// Runs the commands of a page, and says which do not print what it says.
fn play(page: &Path) -> Vec<String> {
    let text = read(page);
    let blocks: Vec<Block> = block::blocks(&text).unwrap().into_iter().filter(is_console).collect();
    if blocks.is_empty() {
        return Vec::new();
    }
    let writes = std::env::var("BOOK").is_ok_and(|mode| mode == "write");
    let mut session = Session::begin(page.file_stem().unwrap().to_str().unwrap());
    let mut fresh: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut moved: isize = 0;
    let mut wrong = Vec::new();
    for block in &blocks {
        let exact = block.tag == "console exact";
        let mut written = Vec::new();
        for command in block::commands(block).unwrap_or_else(|e| panic!("{}: {e}", page.display())) {
            let at = format!("{}, from line {}: $ {}", page.display(), block.first, command.line);
            let agree = |printed: &[String]| figures::agree(&command.output, printed, exact);
            written.extend(command.written.iter().cloned());
            if cannot_run(&command.line) {
                written.extend(command.output.iter().cloned());
                continue;
            }
            match session.run(&command.line, agree) {
                Ok(printed) if agree(&printed) => written.extend(command.output.iter().cloned()),
                Ok(printed) if writes => written.extend(printed),
                Ok(printed) => wrong.push(format!(
                    "{at}\nsays:\n{}\nprints:\n{}",
                    command.output.join("\n"),
                    printed.join("\n")
                )),
                Err(what) => wrong.push(format!("{at}\n{what}")),
            }
        }
        if writes {
            let first = block.first.strict_add_signed(moved);
            moved += written.len() as isize - block.lines.len() as isize;
            fresh.splice(first..first + block.lines.len(), written);
        }
    }
    if writes && wrong.is_empty() {
        std::fs::write(root().join(page), fresh.join("\n") + "\n").unwrap();
    }
    wrong
}

/// Go is not everywhere. Where there is none, its blocks are not run, loudly, and not at all under CI.
fn cannot_run(line: &str) -> bool {
    if !line.starts_with("go ") || std::process::Command::new("go").arg("version").output().is_ok() {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "there is no Go here to run `{line}`: install golang-go");
    eprintln!("NOT CHECKED: there is no Go here to run `{line}`");
    true
}

#[test]
fn what_looks_like_a_command_is_run() {
    for page in pages() {
        let course = page.starts_with("docs/course");
        for block in block::blocks(&read(&page)).unwrap() {
            let at = format!("{}:{}: a block ```{}", page.display(), block.first, block.tag);
            if is_console(&block) {
                let found = block::commands(&block).unwrap_or_else(|e| panic!("{at}: {e}"));
                assert!(!found.is_empty(), "{at} has no command");
                for command in found {
                    assert!(command.output != ["..."], "{at}: of `{}` nothing is compared", command.line);
                }
                assert!(
                    ["console", "console exact"].contains(&block.tag.as_str()),
                    "{at} has an unknown word"
                );
                continue;
            }
            assert!(
                !block.lines.iter().any(|line| line.trim_start().starts_with("$ ")),
                "{at} has a command that is not run: tag it console, or leave out the $"
            );
            assert!(
                !course || ["text", "rust", "rust,ignore", "go", "toml"].contains(&block.tag.as_str()),
                "{at}: the course has console, text, rust, go and toml, so that no command is left unrun"
            );
        }
    }
}
