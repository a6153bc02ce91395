//! The tools that read: lists, summaries, single runs, comparisons, patterns, flags and confidence.
//!
//! Each file of a tool holds what a client is shown of it, what it is given, and how its answer is put together;
//! the answering is [`Query`](crate::query::Query)'s. Every answer is put on a [`Sheet`](sheet::Sheet), which keeps
//! it within its budget and tells what was left out. Stored text goes through [`saying`](crate::view::saying) before it is shown.

mod asked;
mod budget;
mod call;
mod compare;
mod conditions;
mod confidence;
mod diagnose;
mod empty;
mod failing;
mod figures;
mod flags;
mod full;
mod group;
mod list;
mod moment;
mod notes;
mod patterns;
mod scored;
mod search;
mod shape;
mod sheet;
mod summary;
mod window;

use super::tool::Tool;

/// The tools that read, in the order in which clients are shown them.
pub(super) const TOOLS: [Tool; 9] = [
    list::TOOL,
    summary::TOOL,
    full::TOOL,
    compare::TOOL,
    search::TOOL,
    diagnose::TOOL,
    patterns::TOOL,
    flags::TOOL,
    confidence::TOOL,
];

#[cfg(test)]
mod tests;
