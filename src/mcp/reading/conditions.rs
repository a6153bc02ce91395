//! Which runs a question is about, as its arguments say it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::asked;
use super::moment::moment;
use crate::gate::Refusal;
use crate::gate::refusal::quoted;
use crate::model::{Status, Timestamp};
use crate::store::index::{Contradiction, Filter, Gate, Scope};
use crate::view::saying::name;
use crate::words::SearchQuery;

/// Longest text that is searched for, in characters.
const TEXT_CHARS: usize = 500;
/// Longest name that is asked for, in characters.
const NAME_CHARS: usize = 128;

/// The conditions that lists and statistics share; a run meets all that are given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(description = "")]
pub(super) struct Conditions {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-not-shown" = true))]
    report_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = Status::ALL.map(Status::as_str)))]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<Verdict>,
    /// On the 0..3 scale
    #[serde(skip_serializing_if = "Option::is_none")]
    score_min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score_max: Option<f64>,
    /// RFC 3339, or ago: 30m, 24h, 7d, 2w
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Failed principle
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flagged: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    /// In query, tags, error
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// The verdict of the quality gate, as something to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(description = "")]
pub(super) enum Verdict {
    /// The run passed.
    Passed,
    /// It did not.
    Failed,
    /// There is none.
    Unknown,
}

impl Verdict {
    /// The verdict as a filter asks for it.
    pub(super) fn gate(self) -> Gate {
        match self {
            Self::Passed => Gate::Passed,
            Self::Failed => Gate::Failed,
            Self::Unknown => Gate::Unknown,
        }
    }
}

impl Conditions {
    /// Conditions on these three alone.
    pub(super) fn on(project: Option<String>, intent: Option<String>, domain: Option<String>) -> Self {
        Self { project, intent, domain, ..Self::default() }
    }

    /// The conditions as a filter over what is in scope.
    pub(super) fn filter(&self, scope: &Scope, now: Timestamp) -> Result<Filter, Refusal> {
        let text = given("text", &self.text)?;
        let at = |field, text: &Option<String>| {
            given(field, text)?.map(|text| moment(field, &text, now)).transpose()
        };
        let filter = Filter {
            scope: scope.clone(),
            project: given("project", &self.project)?,
            intent: given("intent", &self.intent)?,
            domain: given("domain", &self.domain)?,
            report_type: given("report_type", &self.report_type)?,
            status: self.status,
            gate: self.gate.map(Verdict::gate),
            score_min: self.score_min,
            score_max: self.score_max,
            since: at("since", &self.since)?,
            until: at("until", &self.until)?,
            gap: given("gap", &self.gap)?,
            flagged: self.flagged,
            tag: given("tag", &self.tag)?,
            text: text.as_deref().map(SearchQuery::parse),
            ..Filter::default()
        };
        match filter.contradiction() {
            Some(contradiction) => Err(refusal(contradiction)),
            None => Ok(filter),
        }
    }

    /// Whether nothing is asked for in particular.
    pub(super) fn is_empty(&self) -> bool {
        self.arguments().is_empty()
    }

    /// The conditions as arguments of a call.
    pub(super) fn arguments(&self) -> Map<String, Value> {
        asked::arguments(self)
    }

    /// The conditions in words, as they follow "runs with": `project "cobot", status failed`; empty without any.
    pub(super) fn described(&self) -> String {
        asked::described(&self.arguments())
    }
}

/// A value that was given and is not blank.
pub(super) fn given(field: &str, value: &Option<String>) -> Result<Option<String>, Refusal> {
    let most_chars = if field == "text" { TEXT_CHARS } else { NAME_CHARS };
    let Some(value) = value.as_ref().filter(|value| !value.trim().is_empty()) else { return Ok(None) };
    let chars = value.chars().count();
    if chars > most_chars {
        return Err(Refusal::new(
            field,
            format!("{chars} characters were sent, above"),
            format!("the limit of {most_chars}"),
            format!("send less of it than {}", name(&quoted(value))),
        ));
    }
    Ok(Some(value.clone()))
}

/// What a model is told of conditions that nothing can meet.
pub(super) fn refusal(contradiction: Contradiction) -> Refusal {
    match contradiction {
        Contradiction::EndlessScore => {
            Refusal::new("score_min", "is outside", "the finite numbers", "send a score such as 2.0")
        }
        Contradiction::NoShare { bound, value } => {
            Refusal::new(bound, format!("{value} is outside"), "0..=1", "send a share such as 0.6")
        }
        Contradiction::Crossed { of, min, max } => {
            let remedy = match of {
                "score" => format!("send score_min {max} and score_max {min}, or one of them"),
                _ => "send them the other way round".to_owned(),
            };
            Refusal::new(format!("{of}_min"), format!("{min} is above"), format!("{of}_max {max}"), remedy)
        }
        Contradiction::Backwards { since, until } => Refusal::new(
            "since",
            format!("{since} is not before"),
            format!("until {until}"),
            "send an earlier since or a later until",
        ),
        Contradiction::WordlessText => Refusal::new(
            "text",
            "holds no word to look for, below",
            "the minimum of one",
            "send words, or leave it out",
        ),
        Contradiction::WordlessOption => Refusal::new(
            "option",
            "holds no word, below",
            "the minimum of one",
            "send the option as it was recorded",
        ),
        Contradiction::Nothing => Refusal::new(
            "text",
            "is missing, as is any condition, below",
            "the minimum of one",
            "send e.g. text, or decision, or gate \"failed\"",
        ),
    }
}
