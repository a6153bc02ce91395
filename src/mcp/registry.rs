//! Which tools there are, in the order in which clients are shown them.
//!
//! The order never changes between calls, so that a client's cached prompt stays valid. Descriptions and schemas are
//! made once, when the server starts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rmcp::model::{self, JsonObject, ToolAnnotations};

use super::tool::Tool;
use super::{reading, recording, skills};
use crate::access::Principal;
use crate::store::index::Permission;

/// All tools, group by group.
const TOOLS: [&[Tool]; 2] = [&recording::TOOLS, &reading::TOOLS];

/// The names of all tools.
pub(super) fn all_names() -> impl Iterator<Item = &'static str> {
    TOOLS.into_iter().flatten().map(|tool| tool.name)
}

/// Which of the tools a client is offered: one that only reads carries only those definitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolSet {
    /// All of them.
    #[default]
    All,
    /// Those that ask.
    Read,
    /// Those that record.
    Write,
}

impl ToolSet {
    /// Whether it has the tools that record (`writes`), or those that ask.
    pub(super) fn has(self, writes: bool) -> bool {
        match self {
            Self::All => true,
            Self::Read => !writes,
            Self::Write => writes,
        }
    }
}

/// What of a set of tools one principal is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    asks: bool,
    records: bool,
}

impl Offer {
    /// Those of the set that the principal may call.
    pub(super) fn of(set: ToolSet, principal: &Principal) -> Self {
        let has = |writes: bool| set.has(writes) && principal.may(permission(writes));
        Self { asks: has(false), records: has(true) }
    }

    /// Whether it has the tools that record (`writes`), or those that ask.
    pub(super) fn has(self, writes: bool) -> bool {
        if writes { self.records } else { self.asks }
    }
}

/// What a caller of a tool that records (`writes`), or of one that asks, must be permitted.
fn permission(writes: bool) -> Permission {
    if writes { Permission::Write } else { Permission::Read }
}

/// What a message needs that is sent to a server, by its method and what it is of: the tool that it calls, or the
/// address that it reads. `None` where everybody may send it: then the answer shows what the caller may see.
#[must_use]
pub fn permission_for(method: &str, of: Option<&str>) -> Option<Permission> {
    match method {
        "tools/call" => {
            let tool = TOOLS.into_iter().flatten().find(|known| Some(known.name) == of)?;
            Some(permission(tool.writes))
        }
        "resources/read" if of.is_some_and(skills::is_skill) => None,
        "resources/read" | "resources/subscribe" | "subscriptions/listen" => Some(Permission::Read),
        _ => None,
    }
}

impl fmt::Display for ToolSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

/// Says that a word names no set of tools.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a set of tools: send all, read or write")]
pub struct UnknownToolSet;

impl FromStr for ToolSet {
    type Err = UnknownToolSet;
    fn from_str(word: &str) -> Result<Self, UnknownToolSet> {
        [Self::All, Self::Read, Self::Write]
            .into_iter()
            .find(|set| set.to_string() == word)
            .ok_or(UnknownToolSet)
    }
}

/// The tools of one set, and what clients are shown of them.
#[derive(Clone)]
pub(super) struct Registry {
    tools: Arc<[Tool]>,
    shown: Arc<[model::Tool]>,
}

impl Registry {
    pub(super) fn new(set: ToolSet) -> Self {
        Self::of(TOOLS.into_iter().flatten().filter(|tool| set.has(tool.writes)).copied())
    }

    pub(super) fn of(tools: impl IntoIterator<Item = Tool>) -> Self {
        let tools: Arc<[Tool]> = tools.into_iter().collect();
        let shown = tools.iter().map(shown).collect();
        Self { tools, shown }
    }

    /// The tool of this name, if the offer has it.
    pub(super) fn find(&self, name: &str, offer: Offer) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name && offer.has(tool.writes))
    }

    /// The names of the tools that the offer has.
    pub(super) fn names(&self, offer: Offer) -> Vec<&'static str> {
        self.tools.iter().filter(|tool| offer.has(tool.writes)).map(|tool| tool.name).collect()
    }

    /// The tools that the offer has, as clients are shown them.
    pub(super) fn offered(&self, offer: Offer) -> Vec<model::Tool> {
        let both = self.tools.iter().zip(self.shown.iter());
        both.filter(|(tool, _)| offer.has(tool.writes)).map(|(_, shown)| shown.clone()).collect()
    }

    /// All tools as clients are shown them.
    pub(super) fn shown(&self) -> &[model::Tool] {
        &self.shown
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.tools.iter().map(|tool| tool.name).collect();
        f.debug_tuple("Registry").field(&names).finish()
    }
}

fn shown(tool: &Tool) -> model::Tool {
    let annotations = ToolAnnotations::new()
        .read_only(!tool.writes)
        .destructive(false)
        .idempotent(tool.idempotent || !tool.writes)
        .open_world(false);
    model::Tool::new(tool.name, tool.description, Arc::new((tool.input_schema)()))
        .with_title(tool.title)
        .with_raw_output_schema(Arc::new(open(&(tool.output_schema)())))
        .with_annotations(annotations)
}

/// The schema of what a tool answers, so that an error's `{code, message, hint, retryable}` matches it as well: the
/// TypeScript SDK's client holds structured content to the schema also where `isError` is set, and shows its caller
/// the mismatch in place of the error.
fn open(schema: &JsonObject) -> JsonObject {
    let closed = ["required", "additionalProperties"];
    let kept = schema.iter().filter(|(keyword, _)| !closed.contains(&keyword.as_str()));
    kept.map(|(keyword, value)| (keyword.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_by_its_name() {
        for set in [ToolSet::All, ToolSet::Read, ToolSet::Write] {
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        assert_eq!("some".parse::<ToolSet>(), Err(UnknownToolSet));
    }
}
