//! Completion: what a person may mean who has typed the beginning of an argument.
//!
//! Arguments of prompts and of resource templates are completed by their names: runs by their ids, projects by the
//! projects that there are. Nothing is offered that whoever asks may not see. With the database away there is nothing
//! to offer but what this process has recorded; that is no error, for a person can type on.

use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use super::registry::Offer;
use super::tool::Context;
use super::{prompts, resources};
use crate::shown::is_visible;
use crate::store::index::ValueOf;

/// The most values that the protocol lets an answer have.
const MOST: usize = CompletionInfo::MAX_VALUES;

/// The most projects among which those are looked for that begin as typed.
const MOST_PROJECTS: u32 = 1_000;

/// What stands for a run in every tool that reads.
const RELATIVE: [&str; 2] = ["last", "last-failed"];

/// Completes one argument.
///
/// # Errors
/// When there is no such prompt or template, or it has no such argument.
pub(super) async fn complete(
    request: &CompleteRequestParams,
    offer: Offer,
    context: &Context,
) -> Result<CompleteResult, ErrorData> {
    let argument = request.argument.name.as_str();
    let is_resource = match &request.r#ref {
        Reference::Prompt(prompt) => {
            prompts::argument(offer, &prompt.name, argument)?;
            false
        }
        Reference::Resource(resource) => {
            if argument != "trace_id" || !resources::is_template(&resource.uri) {
                let message =
                    "no such argument: trace://{trace_id} and trace://{trace_id}/summary have trace_id";
                return Err(ErrorData::invalid_params(message, None));
            }
            true
        }
        _ => return Err(ErrorData::invalid_params("only prompts and resources have arguments", None)),
    };
    let typed = request.argument.value.as_str();
    let mut values = match argument {
        // Who may only record has nothing to look up.
        _ if !offer.has(false) => Vec::new(),
        "trace_id" | "a" | "b" => runs(typed, is_resource, context).await,
        "project" => projects(typed, context).await,
        // Free text, such as a task.
        _ => Vec::new(),
    };
    // One that hides something is not for picking from a list.
    values.retain(|value| value.chars().all(is_visible));
    let has_more = values.len() > MOST;
    values.truncate(MOST);
    CompletionInfo::with_pagination(values, None, has_more)
        .map(CompleteResult::new)
        .map_err(|error| ErrorData::internal_error(error, None))
}

async fn runs(typed: &str, exact: bool, context: &Context) -> Vec<String> {
    let limit = u32::try_from(MOST + 1).unwrap_or(u32::MAX);
    let found = match context.query.ids_like(typed, &context.scope, limit).await {
        Ok(found) => found,
        Err(_) => context.query.at_hand(&context.scope, MOST),
    };
    let relative = RELATIVE.into_iter().filter(|_| !exact).map(str::to_owned);
    let ids = found.into_iter().map(String::from);
    relative.chain(ids).filter(|value| value.starts_with(typed)).collect()
}

/// Projects that begin as typed, then those that hold it elsewhere; case does not matter to who is typing.
async fn projects(typed: &str, context: &Context) -> Vec<String> {
    let found = context.query.values_of(ValueOf::Project, &context.scope, MOST_PROJECTS).await;
    let typed = typed.to_lowercase();
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for project in found.unwrap_or_default() {
        match project.to_lowercase().find(&typed) {
            Some(0) => first.push(project),
            Some(_) => then.push(project),
            None => {}
        }
    }
    first.append(&mut then);
    first
}
