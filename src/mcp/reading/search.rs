//! `trace_search_decisions`: decisions of all runs by what they say, and the records of options.

mod found;
mod records;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::asked;
use super::call::Call;
use super::conditions::{Verdict, given, refusal};
use super::failing::{of_many, refused};
use super::moment::moment;
use super::shape;
use crate::gate::Refusal;
use crate::gate::request::{parse, plain_schema};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::model::{Status, Timestamp};
use crate::store::index::{DecisionCursor, DecisionFilter, Scope};
use crate::words::SearchQuery;

/// Decisions of a page where nobody says otherwise, and at most.
const LIMIT: i64 = 10;
const MOST: i64 = 50;
/// Choices of a key that are listed with their records.
const CHOICES: usize = 10;

pub(super) const TOOL: Tool = Tool {
    name: "trace_search_decisions",
    title: "Search decisions",
    description: "Past decisions of all runs by words or conditions, each with its run's outcome; with option, or \
                  decision alone: what became of that choice before (chosen/rejected, gate rate, score). Not for one \
                  run (trace_full).",
    writes: false,
    idempotent: true,
    input_schema: plain_schema::<SearchRequest>,
    output_schema,
    call: |context, arguments| Box::pin(call(context, arguments)),
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
struct SearchRequest {
    /// In what, why, result, options
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-not-shown" = true))]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    /// Key
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence_min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence_max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without: Option<Lack>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-not-shown" = true))]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-not-shown" = true))]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
}

/// What a decision does without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(description = "")]
enum Lack {
    /// No alternative is named.
    Alternatives,
    /// No evidence is named.
    Evidence,
}

async fn call(context: Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: SearchRequest = parse(arguments).map_err(refused)?;
    let now = context.intake.recorder().clock().now();
    let filter = request.filter(&context.scope, now).map_err(refused)?;
    let query = &context.query;
    if let Some(option) = given("option", &request.option).map_err(refused)? {
        let known = of_many(&context, query.option_record(&filter, &option).await).await?;
        return Ok(records::answer(&request, &known));
    }
    let cursor = request.cursor().map_err(refused)?;
    let found = query.search_decisions(&filter, request.limit(), cursor.as_ref()).await;
    let found = of_many(&context, found).await?;
    let choices = if request.asks_for_choices() && !found.page.hits.is_empty() {
        Some(of_many(&context, query.frequent_choices(&filter, CHOICES).await).await?)
    } else {
        None
    };
    Ok(found::answer(&request, &filter, &found, choices.as_ref()))
}

impl SearchRequest {
    fn filter(&self, scope: &Scope, now: Timestamp) -> Result<DecisionFilter, Refusal> {
        let at = |field, text: &Option<String>| {
            given(field, text)?.map(|text| moment(field, &text, now)).transpose()
        };
        let filter = DecisionFilter {
            scope: scope.clone(),
            text: given("text", &self.text)?.as_deref().map(SearchQuery::parse),
            project: given("project", &self.project)?,
            intent: given("intent", &self.intent)?,
            domain: given("domain", &self.domain)?,
            stage: given("stage", &self.stage)?,
            key: given("decision", &self.decision)?,
            confidence_min: self.confidence_min,
            confidence_max: self.confidence_max,
            without_alternatives: self.without == Some(Lack::Alternatives),
            without_evidence: self.without == Some(Lack::Evidence),
            gate: self.gate.map(Verdict::gate),
            status: self.status,
            since: at("since", &self.since)?,
            until: at("until", &self.until)?,
        };
        let option = given("option", &self.option)?;
        match filter.contradiction(option.as_deref()) {
            Some(contradiction) => Err(refusal(contradiction)),
            None => Ok(filter),
        }
    }

    fn limit(&self) -> u32 {
        u32::try_from(self.limit.unwrap_or(LIMIT).clamp(1, MOST)).unwrap_or(1)
    }

    /// Whether it asks what was chosen for a key, rather than for words.
    fn asks_for_choices(&self) -> bool {
        let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        is_given(&self.decision) && !is_given(&self.text) && !is_given(&self.cursor)
    }

    /// The conditions as arguments of a call.
    fn arguments(&self) -> Map<String, Value> {
        let conditions = Self { limit: None, cursor: None, max_tokens: None, ..self.clone() };
        asked::arguments(&conditions)
    }

    /// The conditions in words: `text "exa", gate "failed"`.
    fn described(&self) -> String {
        let mut arguments = self.arguments();
        arguments.retain(|field, _| field != "option");
        asked::described(&arguments)
    }

    fn fingerprint(&self) -> String {
        asked::fingerprint(self.arguments(), "")
    }

    /// Where to go on, if that is what is asked for. The cursor of another question is refused.
    fn cursor(&self) -> Result<Option<DecisionCursor>, Refusal> {
        let Some(word) = self.cursor.as_ref().map(|word| word.trim()).filter(|word| !word.is_empty()) else {
            return Ok(None);
        };
        let found = word.split_at_checked(8).and_then(|(of, rest)| Some((of, DecisionCursor::decode(rest)?)));
        match found {
            Some((of, cursor)) if of == self.fingerprint() => Ok(Some(cursor)),
            _ => Err(Refusal::new(
                "cursor",
                "is not among",
                "the cursors that trace_search_decisions gave for these conditions",
                "send the cursor and the conditions of the last answer unchanged, or leave the cursor out",
            )),
        }
    }

    /// The same question, asked anew.
    fn again(&self) -> Call {
        Call::new(TOOL.name)
            .with_all(self.arguments())
            .with_some("limit", self.limit)
            .with_some("max_tokens", self.max_tokens)
    }
}

fn output_schema() -> Map<String, Value> {
    shape::answer(&[
        ("total", "integer", "Decisions found among those looked at"),
        ("looked_at", "integer", "Matches looked at, the newest"),
        ("partial", "boolean", "There are older ones"),
        ("hits", "array", "Matched words between **"),
        ("choices", "array", "What was chosen for the key, with records"),
        ("record", "object", "Of the option; a run counts once a side"),
        ("pending", "integer", "Events not in this answer yet"),
        ("not_searchable", "integer", "Decisions that wait for whytrace reindex"),
        ("without_filter", "object", "When nothing was found"),
        ("values", "array", "What could be asked for"),
    ])
}
