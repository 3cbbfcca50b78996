//! Breaking text into lines, and how wide text is.

/// How many columns of a terminal a character takes.
pub(super) fn columns(c: char) -> usize {
    let wide = matches!(u32::from(c),
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x2_0000..=0x3_FFFD);
    if wide { 2 } else { 1 }
}

/// How many columns of a terminal a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Breaks text into lines that measure at most `limit`: at spaces, and within a word only if it does not fit a line;
/// a name and its number are one word. At least one line, which may be empty.
pub(super) fn wrap(text: &str, limit: usize, measure: impl Fn(char) -> usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in words(text) {
        let long: usize = word.chars().map(&measure).sum();
        let gap = if line.is_empty() { 0 } else { measure(' ') };
        if used + gap + long <= limit {
            if gap > 0 {
                line.push(' ');
            }
            line.push_str(&word);
            used += gap + long;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for c in word.chars() {
            if used + measure(c) > limit && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += measure(c);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().map(shown).collect();
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        match words.last_mut().filter(|last| number && !last.contains(' ')) {
            Some(last) => *last = format!("{last} {word}"),
            None => words.push(word),
        }
    }
    words
}

/// What cannot be shown, such as the escapes of a terminal, becomes `�`.
pub(super) fn shown(c: char) -> char {
    // Besides controls: marks that reorder what follows, and what XML does not know.
    let hidden =
        matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    if c.is_control() || hidden || matches!(c, '\u{FFFE}' | '\u{FFFF}') { '\u{FFFD}' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_breaks_at_spaces_and_long_words_anywhere() {
        let rows: [(&str, usize, &[&str]); 7] = [
            ("", 5, &[""]),
            ("ab cd", 5, &["ab cd"]),
            ("ab cde", 5, &["ab", "cde"]),
            ("ab c 12 d", 6, &["ab", "c 12 d"]),
            ("abcdefg h", 5, &["abcde", "fg h"]),
            ("  a\n\tb ", 5, &["a b"]),
            ("a\u{1b}[31m 連接", 7, &["a\u{FFFD}[31m", "連接"]),
        ];
        for (text, limit, lines) in rows {
            assert_eq!(wrap(text, limit, columns), lines, "{text:?} at {limit}");
        }
    }
}
