//! Untrusted text inside Markdown: it says what it says, and forms nothing.
//!
//! By the rules of CommonMark and GitHub's extensions. Characters that can open something are escaped; words that
//! a renderer would turn into links by itself (`https://`, `www.`, addresses with an `@`) become code, because
//! GitHub looks for some of them after it has undone escapes. Text comes out on one line, except in [`quoted`].

use std::fmt::Write as _;

use crate::shown::{one_line, shown};

/// Text for a place where something of ours stands before it on the line, also in a table.
pub(super) fn inline(text: &str) -> String {
    let line = one_line(text);
    let words = line.split(' ').map(|word| if is_address(word) { code(word) } else { escaped(word) });
    words.collect::<Vec<_>>().join(" ")
}

/// Text as code, also in a table.
///
/// A backtick would end the code and a bar the table's cell: both stand outside, as character references.
pub(super) fn code(text: &str) -> String {
    let line = one_line(text);
    let mut marked = String::with_capacity(line.len() + 2);
    for piece in line.split_inclusive(['`', '|']) {
        let (inside, reference) = match (piece.strip_suffix('`'), piece.strip_suffix('|')) {
            (Some(inside), _) => (inside, "&#96;"),
            (None, Some(inside)) => (inside, "&#124;"),
            (None, None) => (piece, ""),
        };
        if !inside.is_empty() {
            let _ = write!(marked, "`{inside}`");
        }
        marked.push_str(reference);
    }
    marked
}

/// Text as a quotation that keeps its lines, cut after `max_chars` characters.
pub(super) fn quoted(text: &str, max_chars: usize) -> String {
    let text = shown(text);
    let text = text.trim();
    let end = text.char_indices().nth(max_chars).map_or(text.len(), |(end, _)| end);
    let (kept, cut) = text.split_at(end);
    let mut quotation = String::new();
    for line in kept.lines() {
        let _ = writeln!(quotation, "{}", format!("> {}", at_line_start(&inline(line))).trim_end());
    }
    if !cut.is_empty() {
        let _ = writeln!(quotation, ">\n> *... {} more characters*", cut.chars().count());
    }
    quotation
}

/// A path as a link to the file, or as code where it could be read as anything but the path of a file.
pub(super) fn file_link(path: &str) -> String {
    let path = one_line(path);
    if path.is_empty() || path.contains([':', '\\']) || path.starts_with("//") {
        return code(&path);
    }
    let mut target = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                target.push(char::from(byte));
            }
            _ => {
                let _ = write!(target, "%{byte:02X}");
            }
        }
    }
    format!("[{}]({target})", escaped(&path))
}

fn is_address(word: &str) -> bool {
    word.contains("://") || word.contains('@') || word.to_ascii_lowercase().contains("www.")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let within_word =
            [before, letters.peek().copied()].iter().all(|c| c.is_some_and(char::is_alphanumeric));
        let opens = match letter {
            '_' => !within_word,
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#' | '$' => true,
            _ => false,
        };
        if opens {
            safe.push('\\');
        }
        safe.push(letter);
        before = Some(letter);
    }
    safe
}

/// Escapes what has a meaning only at the beginning of a line: lists, underlines of headings and of tables.
fn at_line_start(line: &str) -> String {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let (number, rest) = line.split_at(digits);
    let opens =
        if digits == 0 { rest.starts_with(['-', '+', '=', ':']) } else { rest.starts_with(['.', ')']) };
    if opens { format!("{number}\\{rest}") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_opens_something_is_escaped_and_ordinary_words_are_left_alone() {
        for (text, safe) in [
            ("source_selection of 3.5 (v2), 100%!", "source_selection of 3.5 (v2), 100%!"),
            ("**bold** _it_", r"\*\*bold\*\* \_it\_"),
            ("![x](y) <b>&amp;", r"!\[x\](y) \<b\>\&amp;"),
            ("a | b\n# c", r"a \| b \# c"),
            (r"\| `code`", r"\\\| \`code\`"),
            ("see https://a.example/x_y or me@a.example", "see `https://a.example/x_y` or `me@a.example`"),
            ("WWW.a.example|x", "`WWW.a.example`&#124;`x`"),
        ] {
            assert_eq!(inline(text), safe, "{text}");
        }
    }

    #[test]
    fn a_quotation_keeps_its_lines_and_none_of_them_begins_anything() {
        let text = "- item\n1. one\n12) two\n+ x\n===\n---\n    code\n\n# h\n> q\n:-\n~~~\n2024 was";
        assert_eq!(
            quoted(text, 1000),
            "> \\- item\n> 1\\. one\n> 12\\) two\n> \\+ x\n> \\===\n> \\---\n> code\n>\n> \\# h\n> \\> q\n> \\:-\n\
             > \\~\\~\\~\n> 2024 was\n"
        );
        assert_eq!(quoted("abcdef", 4), "> abcd\n>\n> *... 2 more characters*\n");
    }

    #[test]
    fn only_the_path_of_a_file_becomes_a_link() {
        assert_eq!(file_link("out/my report(1).md"), "[out/my report(1).md](out/my%20report%281%29.md)");
        assert_eq!(file_link("javascript:alert(1)"), "`javascript:alert(1)`");
        assert_eq!(file_link("//host/share"), "`//host/share`");
        assert_eq!(file_link("a](b)<c"), r"[a\](b)\<c](a%5D%28b%29%3Cc)");
    }

    /// Takes out code spans and escaped characters: what is left is what a renderer may act upon.
    fn acted_upon(markdown: &str) -> String {
        let mut rest = String::new();
        let mut letters = markdown.chars();
        let mut in_code = false;
        while let Some(letter) = letters.next() {
            match letter {
                '`' => in_code = !in_code,
                _ if in_code => {}
                '\\' => {
                    assert!(letters.next().is_some_and(|c| c.is_ascii_punctuation()));
                }
                other => rest.push(other),
            }
        }
        assert!(!in_code, "code is closed: {markdown:?}");
        rest.replace("&#96;", "").replace("&#124;", "")
    }

    fn hostile() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "`", "``", "|", "\\", "[", "](", ")", "<", ">", "&", "*", "_", "~", "#", " ", "\n", "a", "1",
            ".", "-", "://", "www.", "@", "!", "$", "\u{202e}", "\r", "\t",
        ]);
        prop_oneof![any::<String>(), prop::collection::vec(odd, 0..30).prop_map(|parts| parts.concat())]
    }

    proptest! {
        #[test]
        fn nothing_that_opens_something_is_left(text in hostile()) {
            for markdown in [inline(&text), code(&text)] {
                let rest = acted_upon(&markdown);
                prop_assert!(!rest.contains(['`', '*', '[', ']', '<', '>', '&', '|', '~', '#', '\n']), "{}", markdown);
                prop_assert!(!rest.contains("://") && !rest.contains('@'), "{}", markdown);
            }
        }

        #[test]
        fn every_line_of_a_quotation_is_quoted(text in hostile(), max in 0usize..40) {
            prop_assert!(quoted(&text, max).lines().all(|line| line.starts_with('>')));
        }
    }
}
