//! The fenced blocks of a page, and the commands of those that are a console.

/// A fenced block: its tag, its lines, and where they are.
#[derive(Debug, PartialEq)]
pub(super) struct Block {
    /// What follows the opening fence: the language, and perhaps a word more.
    pub(super) tag: String,
    /// The number of its first line in the page, from 0: the one after the opening fence.
    pub(super) first: usize,
    pub(super) lines: Vec<String>,
}

/// A command, and what the page says that it prints.
#[derive(Debug, PartialEq)]
pub(super) struct Command {
    /// Its lines as they are written, `$ ` included.
    pub(super) written: Vec<String>,
    /// What a shell is given.
    pub(super) line: String,
    pub(super) output: Vec<String>,
}

/// The blocks of a page, in order. A block that is never closed is said to be an error.
pub(super) fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(tag)) => {
                open = Some(Block { tag: tag.trim().to_owned(), first: number + 1, lines: Vec::new() });
            }
            (Some(_), Some("")) => found.extend(open.take()),
            (Some(block), _) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    match open {
        Some(block) => Err(format!("line {}: the block ```{} is never closed", block.first, block.tag)),
        None => Ok(found),
    }
}

/// The page without its blocks, as many lines long.
pub(super) fn prose(page: &str) -> Result<String, String> {
    let mut lines: Vec<&str> = page.lines().collect();
    for block in blocks(page)? {
        lines[block.first..block.first + block.lines.len()].fill("");
    }
    Ok(lines.join("\n"))
}

/// The commands of a console block. What comes before the first is an error.
pub(super) fn commands(block: &Block) -> Result<Vec<Command>, String> {
    let mut found: Vec<Command> = Vec::new();
    let mut goes_on = false;
    for (number, line) in block.lines.iter().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            found.push(Command {
                written: vec![line.clone()],
                line: command.trim_end_matches('\\').to_owned(),
                output: Vec::new(),
            });
        } else {
            let at = block.first + number + 1;
            let last = found.last_mut().ok_or(format!("line {at}: output before the first `$ command`"))?;
            if goes_on {
                last.written.push(line.clone());
                last.line.push_str(line.trim().trim_end_matches('\\'));
            } else {
                last.output.push(line.trim_end().to_owned());
            }
        }
        goes_on = line.ends_with('\\') && (goes_on || line.starts_with("$ "));
    }
    Ok(found)
}

mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_tag_and_place() {
        let page = "one\n```console exact\n$ lab\nx\n```\n\n  ```\n  y\n  ```\n";
        let found = blocks(page).unwrap();
        assert_eq!((found[0].tag.as_str(), found[0].first), ("console exact", 2));
        assert_eq!(found[0].lines, ["$ lab", "x"]);
        assert_eq!((found[1].tag.as_str(), found[1].first), ("", 7));
        assert_eq!(prose(page).unwrap(), "one\n```console exact\n\n\n```\n\n  ```\n\n  ```");
        assert!(blocks("```text\nx\n").unwrap_err().contains("never closed"));
    }

    #[test]
    fn a_command_has_the_output_below_it_and_may_go_on_over_lines() {
        let page = "```console\n$ lab a \\\n    --b\n1\n\n2\n$ lab c\n```";
        let found = commands(&blocks(page).unwrap()[0]).unwrap();
        assert_eq!((found[0].line.as_str(), found[0].output.join("|").as_str()), ("lab a --b", "1||2"));
        assert_eq!(found[0].written.len(), 2);
        assert_eq!((found[1].line.as_str(), found[1].output.len()), ("lab c", 0));
        let early = "```console\nout\n$ lab\n```";
        assert!(commands(&blocks(early).unwrap()[0]).unwrap_err().contains("before the first"));
    }
}
