//! What errors of object stores mean, in a sentence for people.
//!
//! The errors' own texts hold addresses and whole answers in XML; here the code and the message of an answer are taken
//! out of them, or the innermost cause.

use std::error::Error as StdError;

use object_store::Error as StoreError;
use object_store::client::HttpError;

/// The longest text of a store that is passed on.
const CHARS: usize = 240;

/// Why the store is not there, if that is what the error says: nobody answered, or somebody who cannot now.
pub(super) fn outage(error: &StoreError) -> Option<String> {
    if causes(error).any(<dyn StdError>::is::<HttpError>) {
        return Some(unreachable(error));
    }
    let (status, text) = answer(error)?;
    status.starts_with('5').then_some(()).filter(|()| !status.starts_with("501"))?;
    Some(format!("it answered {status}{}", said(&text)))
}

/// Whether there is nothing at a path, as against no bucket that it could be in.
pub(super) fn means_nothing_there(error: &StoreError) -> bool {
    matches!(error, StoreError::NotFound { .. }) && !lacks_bucket(&error.to_string())
}

/// Whether the store says that it does not know what was asked.
pub(super) fn means_not_implemented(error: &StoreError) -> bool {
    matches!(error, StoreError::NotImplemented { .. } | StoreError::NotSupported { .. })
        || answer(error)
            .is_some_and(|(status, text)| status.starts_with("501") || text.contains("NotImplemented"))
}

/// What was wrong.
pub(super) fn sentence(error: &StoreError) -> String {
    if causes(error).any(<dyn StdError>::is::<HttpError>) {
        return unreachable(error);
    }
    let Some((status, text)) = answer(error) else { return shortened(&innermost(error)) };
    let said = said(&text);
    if lacks_bucket(&text) {
        return format!("there is no such bucket{said}");
    }
    match status.get(..3) {
        Some("401" | "403") => format!("it refuses the credentials: {status}{said}"),
        _ => format!("it answered {status}{said}"),
    }
}

fn unreachable(error: &StoreError) -> String {
    let cause = innermost(error);
    let hint =
        if cause.contains("scheme is not allowed") { "; plain http needs AWS_ALLOW_HTTP=true" } else { "" };
    format!("it cannot be reached: {}{hint}", shortened(&cause))
}

fn causes(error: &StoreError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |cause: &&(dyn StdError + 'static)| (*cause).source())
}

fn innermost(error: &StoreError) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// The status of an answer that was no success, and what came with it.
fn answer(error: &StoreError) -> Option<(String, String)> {
    let text = error.to_string();
    let (_, rest) = text.split_once("status code: ")?;
    let (status, body) = rest.split_once(": ").unwrap_or((rest, ""));
    Some((shortened(status.trim_end_matches(':')), body.to_owned()))
}

/// Code and message of an answer in XML, in brackets; nothing where it is something else.
fn said(text: &str) -> String {
    match (element(text, "Code"), element(text, "Message")) {
        (Some(code), Some(message)) => format!(" ({}: {})", shortened(code), shortened(message)),
        (Some(one), None) | (None, Some(one)) => format!(" ({})", shortened(one)),
        (None, None) => String::new(),
    }
}

fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(content, _)| content).filter(|content| !content.is_empty())
}

fn lacks_bucket(text: &str) -> bool {
    ["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"]
        .iter()
        .any(|sign| text.contains(sign))
}

fn shortened(text: &str) -> String {
    text.chars().take(CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
