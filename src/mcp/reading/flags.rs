//! `calibration_flags`: what the automatic checks found, and what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::budget::budget;
use super::call::Call;
use super::conditions::given;
use super::failing::{of_many, refused};
use super::sheet::Sheet;
use super::{empty, shape};
use crate::calibration::{Flag, FlagKind, FlagState};
use crate::gate::request::{parse, plain_schema};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::scorecard::counted;
use crate::shown::excerpt;
use crate::view::saying::{data, moment, name};
use crate::view::{self, Extent};

pub(super) const TOOL: Tool = Tool {
    name: "calibration_flags",
    title: "Calibration flags",
    description: "Automatic findings that need attention, of the kinds below. Returns numbers, runs, \
                  state, and the trace_review call to answer with. They block nothing.",
    writes: false,
    idempotent: true,
    input_schema: plain_schema::<FlagsRequest>,
    output_schema,
    call: |context, arguments| Box::pin(call(context, arguments)),
};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub(super) struct FlagsRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = FlagKind::ALL.map(FlagKind::as_str)))]
    kind: Option<FlagKind>,
    /// Default open
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Standing>,
    /// Items to skip
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
}

/// The state of a flag, as something to ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(description = "")]
enum Standing {
    /// It needs attention.
    #[default]
    Open,
    /// Somebody knows.
    Acknowledged,
    /// Silent for a while.
    Snoozed,
    /// Done with.
    Resolved,
    /// Any of these.
    All,
}

async fn call(context: Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let mut request: FlagsRequest = parse(arguments).map_err(refused)?;
    request.project = given("project", &request.project).map_err(refused)?;
    let flags = of_many(&context, context.query.flags(&context.scope).await).await?;
    Ok(request.answer(&flags, context.query.pending_in(&context.scope)))
}

impl FlagsRequest {
    pub(super) fn answer(&self, flags: &[Flag], pending: usize) -> Answer {
        let skipped = usize::try_from(self.offset.unwrap_or(0)).unwrap_or(0);
        let found: Vec<&Flag> = flags.iter().filter(|flag| self.asks_for(flag)).collect();
        let mut sheet = Sheet::new(budget(self.max_tokens), |kept| {
            kept.first_cut()?;
            let reached = skipped + kept.count("flags");
            let arguments = serde_json::to_value(self).unwrap_or_default();
            let call = Call::new(TOOL.name).with_all(arguments.as_object().cloned().unwrap_or_default());
            Some(call.with("offset", reached))
        });
        sheet.head("total", found.len(), self.headline(found.len(), skipped));
        empty::pending(&mut sheet, pending);
        sheet.list("flags", "");
        if found.is_empty() {
            without_conditions(&mut sheet, flags);
        }
        let rows: Vec<(Value, String)> = found.iter().skip(skipped).map(|flag| row(flag)).collect();
        sheet.items_from("flags", rows.into_iter(), |row| {
            let short = row.get("flag_id").and_then(Value::as_str)?.to_owned();
            Some((json!({"flag_id": short}), format!("- {short}")))
        });
        sheet.finish().0
    }

    fn asks_for(&self, flag: &Flag) -> bool {
        let state = match self.state.unwrap_or_default() {
            Standing::Open => flag.state == FlagState::Open,
            Standing::Acknowledged => flag.state == FlagState::Acknowledged,
            Standing::Snoozed => matches!(flag.state, FlagState::Snoozed { .. }),
            Standing::Resolved => matches!(flag.state, FlagState::Resolved { .. }),
            Standing::All => true,
        };
        state
            && self.project.as_ref().is_none_or(|project| *project == flag.project)
            && self.kind.is_none_or(|kind| kind == flag.kind)
    }

    fn headline(&self, found: usize, skipped: usize) -> String {
        let state = match self.state.unwrap_or_default() {
            Standing::Open => "open ",
            Standing::Acknowledged => "acknowledged ",
            Standing::Snoozed => "snoozed ",
            Standing::Resolved => "resolved ",
            Standing::All => "",
        };
        let kind = self.kind.map(|kind| format!(" of kind {kind}")).unwrap_or_default();
        let project = self.project.as_deref().map(|project| format!(" in project {}", name(project)));
        let from = if skipped > 0 { format!(", from the {}. on", skipped + 1) } else { String::new() };
        let count = counted(found, &format!("{state}calibration flag"));
        format!("{count}{kind}{}, last seen first{from}", project.unwrap_or_default())
    }
}

/// Says what flags there are at all.
fn without_conditions(sheet: &mut Sheet<'_>, flags: &[Flag]) {
    if flags.is_empty() {
        sheet.field("without_filter", json!({"flags": 0}), "No flag was ever raised here");
        return;
    }
    let text =
        format!("Without the conditions there are {}. Values to ask for:", counted(flags.len(), "flag"));
    sheet.field("without_filter", json!({"flags": flags.len()}), text);
    sheet.list("values", "");
    let by = |of: fn(&Flag) -> &str| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for flag in flags {
            *counts.entry(name(of(flag))).or_default() += 1;
        }
        counts
    };
    let fields = [
        ("state", by(|flag| flag.state.as_str())),
        ("kind", by(|flag| flag.kind.as_str())),
        ("project", by(|flag| &flag.project)),
    ];
    let rows = fields.map(|(field, counts)| {
        let text: Vec<String> = counts.iter().map(|(value, count)| format!("{value} ({count})")).collect();
        let value = json!({"field": field, "flags": data(&json!(counts), 128)});
        (value, format!("  {field}: {}", excerpt(&text.join(", "), 400)))
    });
    sheet.items("values", rows.into_iter());
}

fn row(flag: &Flag) -> (Value, String) {
    let (snoozed_until, resolved_at) = view::flag::times(flag);
    let action = if flag.state == FlagState::Open { "acknowledge" } else { "reopen" };
    let review = Call::new("trace_review").with("flag_id", flag.id.as_str()).with("flag_action", action);
    let runs = view::flag::runs(flag, Extent::Brief);
    let mut value = view::flag::fields(flag, Extent::Brief);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("review".to_owned(), review.data());
    }
    let until = snoozed_until.map(|until| format!(" until {}", moment(until))).unwrap_or_default();
    let at = resolved_at.map(|at| format!(" at {}", moment(at))).unwrap_or_default();
    let text = format!(
        "- {}, {}{until}{at}, project {}: {}\n  n {}, {}; fired by {}, {} to {}\n  runs ({} of {}): {}\n  review: {}",
        flag.severity.as_str(),
        flag.state.as_str(),
        name(&flag.project),
        excerpt(&flag.message, 300),
        flag.n,
        view::flag::baseline(flag).join(", "),
        counted(usize::try_from(flag.fired).unwrap_or(0), "run"),
        moment(flag.first_seen),
        moment(flag.last_seen),
        runs.len(),
        flag.trace_ids.len(),
        runs.join(", "),
        review.text()
    );
    (value, text)
}

fn output_schema() -> Map<String, Value> {
    shape::answer(&[
        ("total!", "integer", "Flags that meet the conditions"),
        ("flags!", "array", "Each with the call that reviews it"),
        ("pending", "integer", "Events not in this answer yet"),
        ("without_filter", "object", "When nothing was found"),
        ("values", "array", "What could be asked for"),
    ])
}
