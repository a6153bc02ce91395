//! Completion: what a person may mean who has typed the beginning of an argument.
//!
//! Arguments of prompts and of resource templates are completed by their names, and by what is filled in already: a
//! project narrows runs, intents and domains, a run gives its stages, a stage its keys. Nothing is offered that whoever
//! asks may not see. That there is nothing to offer is no error, for a person can type on.

use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use super::registry::Offer;
use super::tool::Context;
use super::{prompts, resources};
use crate::shown::is_visible;
use crate::store::index::{Choice, Scope};

/// The most values that the protocol lets an answer have.
const MOST: usize = CompletionInfo::MAX_VALUES;

/// So many values are counted; beyond them it is only said that there are more.
const COUNTED: usize = 1_000;

/// What stands for a run in every tool that reads.
const RELATIVE: [&str; 2] = ["last", "last-failed"];

/// The run that a prompt is about which names none.
const DEFAULT_RUN: &str = "last-failed";

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
    let filled = |name: &str| {
        let filled = request.context.as_ref().and_then(|context| context.get_argument(name));
        filled.map(String::as_str).filter(|text| !text.is_empty())
    };
    let narrowed = narrowed(&context.scope, filled("project"));
    let run = filled("trace_id").unwrap_or(DEFAULT_RUN);
    let query = &context.query;
    let values = match argument {
        // Who may only record has nothing to look up.
        _ if !offer.has(false) => Vec::new(),
        "trace_id" | "a" | "b" => runs(typed, is_resource, &narrowed, context).await,
        "project" => choices(Choice::Project, typed, &context.scope, context).await,
        "intent" => choices(Choice::Intent, typed, &narrowed, context).await,
        "domain" => choices(Choice::Domain, typed, &narrowed, context).await,
        "stage" => like(typed, query.stages_of(run, &context.scope).await),
        "decision" => like(typed, query.keys_of(run, filled("stage"), &context.scope).await),
        // Free text, such as a task.
        _ => Vec::new(),
    };
    offered(values)
}

/// The first values, and how many there are.
fn offered(mut values: Vec<String>) -> Result<CompleteResult, ErrorData> {
    // One that hides something is not for picking from a list.
    values.retain(|value| value.chars().all(is_visible));
    let total = u32::try_from(values.len()).ok().filter(|_| values.len() <= COUNTED);
    let has_more = values.len() > MOST;
    values.truncate(MOST);
    CompletionInfo::with_pagination(values, total, has_more)
        .map(CompleteResult::new)
        .map_err(|error| ErrorData::internal_error(error, None))
}

/// The scope within one project, where one is filled in; nothing is in that of a project that may not be seen.
fn narrowed(scope: &Scope, project: Option<&str>) -> Scope {
    match project {
        None => scope.clone(),
        Some(project) => {
            let own = scope.has(project).then(|| project.to_owned());
            Scope::Projects(own.into_iter().collect())
        }
    }
}

async fn runs(typed: &str, exact: bool, scope: &Scope, context: &Context) -> Vec<String> {
    let found = context.query.ids_like(typed, scope, limit()).await;
    let relative = RELATIVE.into_iter().filter(|_| !exact).map(str::to_owned);
    let relative = relative.filter(|value| value.starts_with(typed));
    relative.chain(found.into_iter().map(String::from)).collect()
}

async fn choices(field: Choice, typed: &str, scope: &Scope, context: &Context) -> Vec<String> {
    context.query.choices(field, typed, scope, limit()).await
}

/// Those that begin as typed, whatever the case, in their order.
fn like(typed: &str, mut values: Vec<String>) -> Vec<String> {
    let typed = typed.to_lowercase();
    values.retain(|value| value.to_lowercase().starts_with(&typed));
    values
}

fn limit() -> u32 {
    u32::try_from(COUNTED + 1).unwrap_or(u32::MAX)
}
