//! Runs as resources: the document as JSON, and its summary as Markdown.
//!
//! Many clients never show resources to a model; whatever they give, the tools give as well. Ids stand in URIs
//! percent-encoded, because a caller may bring any text as an id.

mod uri;

use rmcp::ErrorData;
use rmcp::model::{CacheScope, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};

use super::failure::quoted_id;
use super::tool::Context;
use crate::error::Error;
use crate::model::{Trace, TraceId};
use crate::scorecard;
use crate::shown::{excerpt, is_visible, shown};
use crate::store::index::{Filter, Sort, TraceLine};
use uri::Part;
pub(super) use uri::TraceUri;

/// How many runs are listed: the most recent ones.
const LISTED_RUNS: u32 = 20;

/// The most that one read gives, in bytes.
const MOST_BYTES: usize = 1024 * 1024;

/// How long a client may keep an ended run, in milliseconds: an hour, for late events may still come.
const ENDED_FOR_MS: u64 = 3_600_000;

const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";

/// The two forms of every run.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("trace://{trace_id}", "trace")
            .with_title("A run")
            .with_description("The whole document of a run: decisions, evidence, prompts, quality, cost")
            .with_mime_type(JSON),
        ResourceTemplate::new("trace://{trace_id}/summary", "trace_summary")
            .with_title("A run, summarised")
            .with_description("A run for reading: scores, stages, decisions with their reasons")
            .with_mime_type(MARKDOWN),
    ]
}

/// Whether a URI is that of a template, as a client has it from the list.
pub(super) fn is_template(uri: &str) -> bool {
    templates().iter().any(|template| template.uri_template == uri)
}

/// The most recent runs, each in both forms, the shorter one first.
///
/// # Errors
/// When the database is away.
pub(super) async fn recent(context: &Context) -> Result<Vec<Resource>, ErrorData> {
    let filter = Filter { scope: context.scope.clone(), ..Filter::default() };
    let listing =
        context.query.list(&filter, Sort::Newest, LISTED_RUNS, None).await.map_err(|error| away(&error))?;
    Ok(listing.page.lines.iter().flat_map(both).collect())
}

/// Reads one run in one form.
///
/// # Errors
/// When the URI names no run that the caller may see, or the run cannot be read now.
pub(super) async fn read(uri: &str, context: &Context) -> Result<ReadResourceResult, ErrorData> {
    let TraceUri { trace_id, part } = parse(uri)?;
    let stores = context.intake.recorder().stores();
    let found = stores.load(&trace_id, &context.scope).await.map_err(|error| away(&error))?;
    let found = found.ok_or_else(|| unknown(&trace_id))?;
    let (text, kind) = match part {
        Part::Document => (document(&found.trace)?, JSON),
        Part::Summary => (shown(&scorecard::markdown(&found.trace)).into_owned(), MARKDOWN),
    };
    let contents = if text.len() > MOST_BYTES {
        ResourceContents::text(too_long(&trace_id, text.len()), uri).with_mime_type("text/plain")
    } else {
        ResourceContents::text(text, uri).with_mime_type(kind)
    };
    let ttl = if found.trace.status().is_finished() { ENDED_FOR_MS } else { 0 };
    Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(ttl).with_cache_scope(CacheScope::Private))
}

/// The run that a URI names, be there one or not.
///
/// # Errors
/// When it is no URI of a run.
pub(super) fn parse(uri: &str) -> Result<TraceUri, ErrorData> {
    TraceUri::parse(uri).ok_or_else(|| {
        let message = "no such resource: there are trace://{trace_id} and trace://{trace_id}/summary";
        ErrorData::resource_not_found(message, None)
    })
}

/// Says that there is no such run, or none that the caller may see.
pub(super) fn unknown(trace_id: &TraceId) -> ErrorData {
    let id = quoted_id(trace_id.as_str());
    ErrorData::resource_not_found(format!("there is no trace {id}; trace_list shows those there are"), None)
}

/// Says that something is unavailable.
pub(super) fn away(error: &Error) -> ErrorData {
    ErrorData::internal_error(excerpt(&error.to_string(), 400), None)
}

fn both(line: &TraceLine) -> Vec<Resource> {
    // What is no id any more cannot be read either.
    let Ok(trace_id) = line.trace_id.parse::<TraceId>() else { return Vec::new() };
    let query = excerpt(&line.query, 80);
    let about = format!("{}, {}, started {}", excerpt(&line.project, 80), line.status, line.started_at);
    let resource = |part: Part, title: String, kind: &str| {
        let uri = TraceUri { trace_id: trace_id.clone(), part }.to_string();
        Resource::new(uri, shown(trace_id.as_str()))
            .with_title(title)
            .with_description(about.clone())
            .with_mime_type(kind)
    };
    vec![
        resource(Part::Summary, format!("Summary: {query}"), MARKDOWN),
        resource(Part::Document, format!("Run: {query}"), JSON),
    ]
}

/// The document as JSON. What nobody would see of a text stands as an escape, so that the value is the stored one and
/// the text hides nothing.
fn document(trace: &Trace) -> Result<String, ErrorData> {
    let json = serde_json::to_string_pretty(trace)
        .map_err(|error| ErrorData::internal_error(format!("the run has no JSON form: {error}"), None))?;
    if json.chars().all(is_visible) {
        return Ok(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_visible(c) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Ok(escaped)
}

fn too_long(trace_id: &TraceId, bytes: usize) -> String {
    let id = quoted_id(trace_id.as_str());
    format!(
        "This run takes {bytes} bytes, and a resource gives at most {MOST_BYTES}. Read it in parts: trace_full with \
         trace_id {id} for the whole in brief, trace_full with trace_id {id} and a section, stage or decision_id for \
         one part in full, or trace://{}/summary for the summary.",
        uri::encoded(trace_id.as_str())
    )
}
