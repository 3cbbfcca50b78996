//! Which figures depend on the machine, and when two outputs are the same but for those.
//!
//! Times, rates, memory, shares of a processor, ports, and how many clients of a server are concerned at a moment do. Steps, states,
//! executions and percentages of runs do not, and are compared to the last digit.

/// Whether an output is what the page says: line by line, up to figures; `...` on a line of its own stands for any lines.
pub(super) fn agree(said: &[String], printed: &[String], exact: bool) -> bool {
    let alike = |said: &String, printed: &String| {
        said == printed || (!exact && without_figures(said) == without_figures(printed))
    };
    // To where in `said` one can come with what was printed so far.
    let mut reached = vec![false; said.len() + 1];
    let skips = |reached: &mut Vec<bool>| {
        for (at, line) in said.iter().enumerate() {
            reached[at + 1] |= reached[at] && line == "...";
        }
    };
    reached[0] = true;
    skips(&mut reached);
    for line in printed {
        let mut next = vec![false; said.len() + 1];
        for (at, expected) in said.iter().enumerate().filter(|(at, _)| reached[*at]) {
            if expected == "..." {
                next[at] = true;
            } else {
                next[at + 1] |= alike(expected, line);
            }
        }
        // Any lines may come after a last `...`.
        next[said.len()] |= reached[said.len()] && said.last().is_some_and(|last| last == "...");
        skips(&mut next);
        reached = next;
    }
    reached[said.len()]
}

/// A line with a word in place of each figure that depends on the machine. If there is one, columns no longer count.
pub(super) fn without_figures(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    let mut any = false;
    while !rest.is_empty() {
        let inside = out.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let figure = if inside { None } else { figure(rest) };
        if let Some((word, length)) = figure {
            out.push_str(word);
            rest = &rest[length..];
            any = true;
        } else {
            let next = rest.chars().next().expect("it is not empty");
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    if !any {
        return out;
    }
    // A rate is only said of what took long enough to have one.
    out.split_whitespace().collect::<Vec<_>>().join(" ").replace("TIME, RATE", "TIME")
}

/// The figure that a text begins with, if it depends on the machine: what stands for it, and how long it is.
fn figure(text: &str) -> Option<(&'static str, usize)> {
    const HOST: &str = "127.0.0.1:";
    const SAYS: &str = "the server says ";
    if let Some(after) = text.strip_prefix(SAYS) {
        let count = after.bytes().take_while(u8::is_ascii_digit).count();
        return (count > 0).then_some(("the server says COUNT", SAYS.len() + count));
    }
    if let Some(after) = text.strip_prefix(HOST) {
        let port = after.bytes().take_while(u8::is_ascii_digit).count();
        return (port > 0).then_some(("127.0.0.1:PORT", HOST.len() + port));
    }
    let number = text.bytes().take_while(|b| b.is_ascii_digit() || b",.".contains(b)).count();
    if number == 0 || !text.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    // Not the comma after it.
    let number = text[..number].trim_end_matches([',', '.']).len();
    let after = &text[number..];
    let gap = after.len() - after.trim_start_matches(' ').len();
    let unit: &str = &after[gap..];
    let word = unit.find(|c: char| !c.is_alphabetic() && c != '/').unwrap_or(unit.len());
    let (kind, length) = match &unit[..word] {
        "ns" | "µs" | "ms" | "s" | "min" | "h" if gap > 0 => ("TIME", word),
        "B" | "KiB" | "MiB" | "GiB" if gap > 0 => ("MEMORY", word),
        rate if rate.ends_with("/s") => ("RATE", word),
        _ if unit.starts_with("% of a core") => ("SHARE", "% of a core".len()),
        _ if unit.starts_with("at once") => ("COUNT", "at once".len()),
        _ if unit.starts_with("tasks wait behind it") => ("COUNT", "tasks wait behind it".len()),
        _ => return None,
    };
    Some((kind, number + gap + length))
}

mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn each_figure_of_the_machine_has_a_word() {
        for (line, word) in [
            ("All of it in 19 s.", "All of it in TIME."),
            ("loom  510 ms", "loom TIME"),
            ("half of them within 1.6 min", "half of them within TIME"),
            ("133,037 states/s, 23 MiB", "RATE, MEMORY"),
            ("781 states, 60 ms, 12,345 states/s, 1 MiB", "781 states, TIME, MEMORY"),
            ("781 states, 40 ms, 1 MiB", "781 states, TIME, MEMORY"),
            ("(40 at once, one of them for 1.8 s)", "(COUNT, one of them for TIME)"),
            ("Collateral: 43 tasks wait behind it", "Collateral: COUNT"),
            ("the server says 43, unchanged", "the server says COUNT, unchanged"),
            ("7856 cycles in 4.0 s, 1963/s", "7856 cycles in TIME"),
            ("idle: 4 % of a core", "idle: SHARE"),
            ("ws://127.0.0.1:40795", "ws://127.0.0.1:PORT"),
        ] {
            assert_eq!(without_figures(line), word);
        }
    }

    #[test]
    fn what_does_not_depend_on_the_machine_stays() {
        for line in [
            "781 states, 1,752 transitions,  21 deep",
            "fails in 22 steps",
            "2,227 runs",
            "Deadlock: 4 tasks wait in a circle",
            "164 of 200 runs break it (82.00 %)",
            "v3.5.1, 1 user x 2 logins, capacity 1000",
            "hub waits to send on unregister (1/1 full)",
            "lab replay ts2aaaaeaibaiaq5 ",
        ] {
            assert_eq!(without_figures(line), line);
        }
    }

    #[test]
    fn outputs_agree_up_to_figures_and_no_further() {
        let said = lines("holds, complete\n  100 states,  1.6 s\n");
        assert!(agree(&said, &lines("holds, complete\n  100 states, 12.7 s"), false));
        assert!(!agree(&said, &lines("holds, complete\n  100 states, 12.7 s"), true));
        assert!(!agree(&said, &lines("holds, complete\n  101 states, 1.6 s"), false));
        assert!(!agree(&said, &lines("holds, complete"), false));
        assert!(!agree(&said, &lines("holds, complete\n  100 states, 1.6 s\nmore"), false));
        assert!(!agree(&[], &lines("more"), false));
    }

    #[test]
    fn three_dots_stand_for_any_lines() {
        let said = lines("a\n...\nd\n...");
        for printed in ["a\nb\nc\nd\ne\nf", "a\nd", "a\nd\nd", "a\nb\nd\nx\nd"] {
            assert!(agree(&said, &lines(printed), false), "{printed}");
        }
        for printed in ["a\nb\nc", "d", "b\nd"] {
            assert!(!agree(&said, &lines(printed), false), "{printed}");
        }
        assert!(agree(&lines("..."), &[], false));
        assert!(!agree(&lines("...\nb"), &lines("b\nc"), false));
    }
}
