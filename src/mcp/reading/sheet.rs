//! An answer as it is put together: text and data side by side, within a budget.
//!
//! A tool puts pieces on a [`Sheet`] in the order of their worth, each with what it says as text and as data, so
//! that either part alone carries the answer. [`Sheet::finish`] keeps as many as fit, in order; within a list it
//! keeps a beginning, so that the rest can be asked for by its place. What is left out is counted in `cut`, by name
//! or, where the names would not fit, as so many `parts`; the call that continues is given in `next`. Both are part
//! of the budget.
//!
//! What comes out of a sheet holds no hidden characters, whatever was put on it. Heads, and the first item of a
//! list in its short form, are never left out: with names as long as the gate allows, that alone may exceed a
//! budget of a few hundred tokens. An answer never exceeds the larger of its budget and 2,000 tokens.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::budget::{Size, tokens};
use super::call::Call;
use crate::mcp::tool::Answer;
use crate::shown::{one_line, shown};

/// Tokens below which an answer may exceed its budget, when names and arguments are as long as they may be.
#[cfg(test)]
pub(super) const FLOOR: usize = 2_000;

/// An answer in the making.
pub(super) struct Sheet<'n> {
    pieces: Vec<Piece>,
    lists: IndexMap<&'static str, List>,
    next: Box<Next<'n>>,
    budget: usize,
}

/// Says which call continues, given what was kept.
type Next<'n> = dyn Fn(&Kept) -> Option<Call> + Send + 'n;

/// What was kept of a sheet, and what was not.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    kept: IndexMap<&'static str, usize>,
    cut: IndexMap<&'static str, usize>,
    is_short: bool,
}

#[derive(Default)]
struct List {
    heading: String,
    /// Items that were not put on the sheet, because they could not fit.
    beyond: usize,
    size: Size,
}

struct Piece {
    name: &'static str,
    kind: Kind,
    full: Part,
    /// What stands in place of the full part where that does not fit, and is never left out.
    least: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Field,
    Item,
    Line,
}

#[derive(Default)]
struct Part {
    text: String,
    value: Value,
}

/// How it is told what was cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    ByName,
    /// As one number, where there is no room for the names.
    InAll,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Out,
    Least,
    Full,
}

impl Kept {
    /// How many items of a list are shown.
    pub(super) fn count(&self, list: &str) -> usize {
        self.kept.get(list).copied().unwrap_or(0)
    }

    /// Whether an item is shown in its short form.
    pub(super) fn is_short(&self) -> bool {
        self.is_short
    }

    /// Whether everything is shown, and whole.
    pub(super) fn is_whole(&self) -> bool {
        self.cut.is_empty() && !self.is_short
    }

    /// Whether something of that name was cut.
    pub(super) fn is_cut(&self, name: &str) -> bool {
        self.cut.contains_key(name)
    }

    /// The name of the first thing that was cut.
    pub(super) fn first_cut(&self) -> Option<&'static str> {
        self.cut.keys().next().copied()
    }
}

impl<'n> Sheet<'n> {
    /// An empty sheet for so many tokens. `next` says which call continues, given what was kept.
    pub(super) fn new(budget: usize, next: impl Fn(&Kept) -> Option<Call> + Send + 'n) -> Self {
        Self { pieces: Vec::new(), lists: IndexMap::new(), next: Box::new(next), budget }
    }

    /// A field of the head, never left out.
    pub(super) fn head(&mut self, name: &'static str, value: impl Into<Value>, text: impl AsRef<str>) {
        let least = Part::of(value.into(), text.as_ref());
        self.push(name, Kind::Field, Part::default(), Some(least));
    }

    /// A field, left out where it does not fit. One that is null and says nothing is not there at all.
    pub(super) fn field(&mut self, name: &'static str, value: impl Into<Value>, text: impl AsRef<str>) {
        let part = Part::of(value.into(), text.as_ref());
        if !part.value.is_null() || !part.text.is_empty() {
            self.push(name, Kind::Field, part, None);
        }
    }

    /// Lines of text that say what stands elsewhere in the data, each left out where it does not fit.
    pub(super) fn lines(&mut self, name: &'static str, text: &str) {
        for line in text.lines() {
            self.push(name, Kind::Line, Part::of(Value::Null, line), None);
        }
    }

    /// A list, empty at first; where none of its items fits, it is not there. The heading is shown above its first
    /// item.
    pub(super) fn list(&mut self, name: &'static str, heading: impl Into<String>) {
        let list = self.lists.entry(name).or_default();
        list.heading = heading.into();
    }

    /// Items of a list, taken as long as they could fit.
    pub(super) fn items(
        &mut self,
        name: &'static str,
        items: impl ExactSizeIterator<Item = (Value, String)>,
    ) {
        self.items_from(name, items, |_| None);
    }

    /// The same; `least` gives the short form of the first item, which is never left out: so whoever asks on from
    /// where an answer ended always gets further.
    pub(super) fn items_from(
        &mut self,
        name: &'static str,
        mut items: impl ExactSizeIterator<Item = (Value, String)>,
        least: impl Fn(&Value) -> Option<(Value, String)>,
    ) {
        let limit = Size::of_tokens(self.budget);
        for (value, text) in items.by_ref() {
            let full = Part::of(value, &text);
            let is_first = self.lists.get(name).is_none_or(|list| list.size == Size::default());
            let least =
                if is_first { least(&full.value).map(|(value, text)| Part::of(value, &text)) } else { None };
            let list = self.lists.entry(name).or_default();
            list.size = list.size.plus(full.size(name, Kind::Item));
            let could_fit = list.size.is_within(limit);
            self.push(name, Kind::Item, full, least);
            if !could_fit {
                break;
            }
        }
        self.beyond(name, items.len());
    }

    /// Notes items of a list that are not put on the sheet, as cut.
    pub(super) fn beyond(&mut self, name: &'static str, count: usize) {
        self.lists.entry(name).or_default().beyond += count;
    }

    /// The answer, and what it holds.
    pub(super) fn finish(self) -> (Answer, Kept) {
        let limit = Size::of_tokens(self.budget);
        let mut reserve = Size::default();
        loop {
            let choices = self.choose(limit.minus(reserve));
            let (answer, kept) = self.build(&choices, Telling::ByName);
            let size = Size::of_text(&answer.text).plus(Size::of_json(&answer.structured));
            if size.is_within(limit) {
                debug_assert!(tokens(&answer) <= self.budget);
                return (answer, kept);
            }
            if !choices.contains(&Choice::Full) {
                return self.build(&choices, Telling::InAll);
            }
            // What is cut has to be told, which takes room itself: less is kept until both fit.
            reserve = reserve.plus(size.minus(limit));
        }
    }

    fn push(&mut self, name: &'static str, kind: Kind, full: Part, least: Option<Part>) {
        self.pieces.push(Piece { name, kind, full, least });
    }

    /// Keeps what must be kept, then what fits, in order, of each list a beginning.
    fn choose(&self, limit: Size) -> Vec<Choice> {
        let of_lists = self.lists.iter().map(|(name, list)| list_size(name, list));
        let least = self.pieces.iter().map(Piece::least_size);
        let mut used = of_lists.chain(least).fold(Size::default(), Size::plus);
        let mut ended: Vec<&str> = Vec::new();
        let choose = |piece: &Piece| {
            let otherwise = if piece.least.is_some() { Choice::Least } else { Choice::Out };
            if piece.is_head() {
                return otherwise;
            }
            let with = used.minus(piece.least_size()).plus(piece.full.size(piece.name, piece.kind));
            if !ended.contains(&piece.name) && with.is_within(limit) {
                used = with;
                return Choice::Full;
            }
            if piece.kind != Kind::Field {
                ended.push(piece.name);
            }
            otherwise
        };
        self.pieces.iter().map(choose).collect()
    }

    fn build(&self, choices: &[Choice], telling: Telling) -> (Answer, Kept) {
        let mut kept = Kept::default();
        let mut lines: Vec<String> = Vec::new();
        let mut fields = Map::new();
        for (piece, choice) in self.pieces.iter().zip(choices) {
            let part = match (choice, &piece.least) {
                (Choice::Full, _) => &piece.full,
                (Choice::Least, Some(least)) => {
                    kept.is_short |= piece.kind == Kind::Item;
                    least
                }
                _ => {
                    *kept.cut.entry(piece.name).or_default() += 1;
                    continue;
                }
            };
            match piece.kind {
                Kind::Field if !part.value.is_null() => {
                    fields.insert(piece.name.to_owned(), part.value.clone());
                }
                Kind::Item => {
                    let count = kept.kept.entry(piece.name).or_default();
                    if let Some(list) = self.lists.get(piece.name).filter(|_| *count == 0) {
                        push_line(&mut lines, &list.heading);
                    }
                    *count += 1;
                    let items = fields.entry(piece.name).or_insert_with(|| Value::Array(Vec::new()));
                    if let Value::Array(items) = items {
                        items.push(part.value.clone());
                    }
                }
                Kind::Field | Kind::Line => {}
            }
            push_line(&mut lines, &part.text);
        }
        for (name, list) in &self.lists {
            if list.beyond > 0 {
                *kept.cut.entry(name).or_default() += list.beyond;
            }
            // A list that was cut as a whole is not shown as an empty one.
            if !kept.is_cut(name) {
                fields.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
            }
        }
        self.close(&kept, telling, &mut lines, &mut fields);
        let answer = Answer { text: lines.join("\n"), structured: Value::Object(fields) };
        (answer, kept)
    }

    /// Tells what was cut and how to go on.
    fn close(&self, kept: &Kept, telling: Telling, lines: &mut Vec<String>, fields: &mut Map<String, Value>) {
        if !kept.cut.is_empty() {
            let all = kept.cut.values().sum();
            let counts: Vec<(&str, usize)> = match telling {
                Telling::ByName => kept.cut.iter().map(|(name, count)| (*name, *count)).collect(),
                Telling::InAll => vec![("parts", all)],
            };
            let text: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            lines.push(format!("Cut to fit: {}", text.join(", ")));
            let data = counts.into_iter().map(|(name, count)| (name.to_owned(), Value::from(count)));
            fields.insert("cut".to_owned(), Value::Object(data.collect()));
        }
        if let Some(call) = (self.next)(kept) {
            lines.push(format!("Next: {}", call.text()));
            fields.insert("next".to_owned(), call.data());
        }
    }
}

impl Piece {
    fn least_size(&self) -> Size {
        self.least.as_ref().map(|least| least.size(self.name, self.kind)).unwrap_or_default()
    }

    /// Whether it has one form only, which is never left out.
    fn is_head(&self) -> bool {
        self.kind == Kind::Field && self.least.is_some()
    }
}

impl Part {
    fn of(value: Value, text: &str) -> Self {
        Self { text: shown(text).into_owned(), value: clean(value) }
    }

    fn size(&self, name: &str, kind: Kind) -> Size {
        let key = match kind {
            Kind::Field if !self.value.is_null() => {
                Size::of_json(&self.value).plus(Size::of_ascii(name.len() + 4))
            }
            Kind::Item => Size::of_json(&self.value).plus(Size::of_ascii(1)),
            Kind::Field | Kind::Line => Size::default(),
        };
        // A line end travels as two characters.
        let text = if self.text.is_empty() { 0 } else { 2 };
        key.plus(Size::of_text(&self.text)).plus(Size::of_ascii(text))
    }
}

fn list_size(name: &str, list: &List) -> Size {
    Size::of_text(&list.heading).plus(Size::of_ascii(name.len() + 8))
}

fn push_line(lines: &mut Vec<String>, line: &str) {
    if !line.is_empty() {
        lines.push(line.to_owned());
    }
}

/// The value without hidden characters, in keys and texts.
fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(shown(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(clean).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (one_line(&key), clean(value))).collect()
        }
        other => other,
    }
}
