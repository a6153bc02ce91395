//! Rust sources as text: which modules of the crate a file names, and where it names something from outside.
//!
//! A reader of text is enough here, and needs no compiler's help. It knows grouped imports, `super` and comments; it
//! does not know strings from code, or what a macro makes of its input.

use std::fs;
use std::path::Path;

use regex::Regex;

/// One file under `src`.
pub(crate) struct Source {
    /// The path from the root of the repository, with `/`.
    pub(crate) file: String,
    /// The module directly under the crate's root that the file belongs to; `lib` or `main` for the roots themselves.
    pub(crate) module: String,
    /// How many modules lie between the crate's root and an item of this file, the file's own module included.
    depth: usize,
    /// The text without its comments, line for line.
    code: String,
}

/// A name, and the line that it stands on.
#[derive(Debug, PartialEq)]
pub(crate) struct Mention {
    pub(crate) line: usize,
    pub(crate) name: String,
}

impl Source {
    /// Reads every file under `src`, in the order of their paths.
    pub(crate) fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        collect(&root.join("src"), &mut files);
        files.sort();
        assert!(!files.is_empty(), "no sources under {}", root.display());
        let read = |file: &String| {
            let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read {file}: {error}"));
            let from_root = Path::new(file).strip_prefix(root).expect("a file under the root");
            Self::new(&from_root.to_string_lossy().replace('\\', "/"), &text)
        };
        files.iter().map(read).collect()
    }

    fn new(file: &str, text: &str) -> Self {
        let path = file.trim_start_matches("src/").trim_end_matches(".rs");
        let module = path.split('/').next().unwrap_or_default().to_owned();
        let depth = if matches!(path, "lib" | "main") { 0 } else { path.split('/').count() };
        let comment = Regex::new(r"(?m)(^|\s)//.*$").expect("a valid pattern");
        Self { file: file.to_owned(), module, depth, code: comment.replace_all(text, "$1").into_owned() }
    }

    /// The names that follow the crate's root in a path: `b` and `c` for `use crate::{b::x, c}`.
    pub(crate) fn modules_named(&self) -> Vec<Mention> {
        let paths = Regex::new(r"(?:\bcrate|\bwhytrace|\bsuper(?:::super)*)::\{?").expect("a valid pattern");
        let mut mentions = Vec::new();
        for path in paths.find_iter(&self.code).filter(|path| self.starts_a_path(path.start())) {
            let begins_at_root = !path.as_str().starts_with("super");
            if !begins_at_root && path.as_str().matches("super").count() < self.depth {
                continue;
            }
            let rest = &self.code[path.end()..];
            let items = if path.as_str().ends_with('{') { group(rest) } else { vec![(0, rest)] };
            for (offset, item) in items {
                let name: String = item.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                // In a module written inside a file, `super` reaches less far than it seems; so only a name that can
                // be no item of that file counts there.
                let counts = begins_at_root || self.is_sibling(&name);
                if counts && !name.is_empty() && name != "self" {
                    mentions.push(Mention { line: self.line_at(path.end() + offset), name });
                }
            }
        }
        mentions
    }

    /// Where the code names `path`, as a path's beginning (`sqlx`) or as its end (`Utc::now`).
    pub(crate) fn mentions_of(&self, path: &str) -> Vec<Mention> {
        let as_end = path.contains("::");
        let pattern = if as_end {
            format!(r"\b{path}\b")
        } else {
            format!(r"\b{path}\s*::|\buse\s+(?:::)?{path}\b|#\[{path}\b|\bextern\s+crate\s+{path}\b")
        };
        let pattern = Regex::new(&pattern).expect("a valid pattern");
        let found = pattern.find_iter(&self.code);
        let found = found.filter(|found| as_end || self.starts_a_path(found.start()));
        found.map(|found| Mention { line: self.line_at(found.start()), name: path.to_owned() }).collect()
    }

    /// Whether a path that stands at this offset begins there, and does not go on from a name before it.
    fn starts_a_path(&self, at: usize) -> bool {
        let before = self.code[..at].trim_end_matches("::");
        before.len() == at || !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>')
    }

    fn is_sibling(&self, name: &str) -> bool {
        super::layer_of(name).is_some() && name != self.module
    }

    fn line_at(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }
}

fn collect(folder: &Path, files: &mut Vec<String>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path.to_str().expect("a path in UTF-8").to_owned());
        }
    }
}

/// The items of a group that has just been opened, each with its offset; what lies in groups within it belongs to
/// the item there.
fn group(text: &str) -> Vec<(usize, &str)> {
    let mut items = Vec::new();
    let (mut depth, mut begin) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let item = text[begin..at].trim_start();
                items.push((at - item.len(), item));
                begin = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    items
}

mod tests {
    use super::*;

    fn named(file: &str, text: &str) -> Vec<(usize, String)> {
        let mentions = Source::new(file, text).modules_named();
        mentions.into_iter().map(|mention| (mention.line, mention.name)).collect()
    }

    #[test]
    fn a_module_is_found_in_every_spelling_of_its_path() {
        let text = "use crate::model::Trace;\n\
                    use crate::{\n    store::{Journal, index},\n    gate,\n};\n\
                    fn f(x: crate::query::Page) -> Result<(), crate::Error> {}\n\
                    pub(in crate::mcp) fn g() {}\n";
        let expected = [(1, "model"), (3, "store"), (4, "gate"), (6, "query"), (6, "Error"), (7, "mcp")];
        let expected: Vec<_> = expected.map(|(line, name)| (line, name.to_owned())).into();
        assert_eq!(named("src/store/journal.rs", text), expected);
    }

    #[test]
    fn super_counts_where_it_reaches_the_root() {
        let text = "use super::super::recorder::Queue;\nuse super::index;\n";
        assert_eq!(named("src/store/journal.rs", text), [(1, "recorder".to_owned())]);
        assert_eq!(named("src/store/index/sqlite.rs", text), []);
        assert_eq!(
            named("src/gate.rs", "use super::{model, store};\nmod tests { use super::Rule; }"),
            [(1, "model".to_owned()), (1, "store".to_owned())]
        );
    }

    #[test]
    fn comments_and_other_paths_with_the_same_name_do_not_count() {
        let text = "//! See [`crate::store`], and sqlx::Pool.\nlet url = \"http://crate\"; // crate::mcp\n\
                    use some::crate_::x;\nuse crate::model::sqlx::Thing;\n";
        assert_eq!(named("src/gate.rs", text), [(4, "model".to_owned())]);
        assert_eq!(Source::new("src/gate.rs", text).mentions_of("sqlx"), []);
    }

    #[test]
    fn an_outsider_is_found_in_every_spelling_of_its_path() {
        let text = "use sqlx::Pool;\n#[derive(sqlx::FromRow)]\n#[sqlx(rename = \"a\")]\nuse sqlx as s;\n\
                    let f = ::sqlx::query;\nlet now = chrono::Utc::now();\n";
        let source = Source::new("src/gate.rs", text);
        let lines =
            |path| source.mentions_of(path).into_iter().map(|mention| mention.line).collect::<Vec<_>>();
        assert_eq!(lines("sqlx"), [1, 2, 3, 4, 5]);
        assert_eq!(lines("Utc::now"), [6]);
    }
}
