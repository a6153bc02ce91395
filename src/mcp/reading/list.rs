//! `trace_list`: runs, a page at a time.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::budget::budget;
use super::call::Call;
use super::conditions::Conditions;
use super::failing::{of_many, refused};
use super::sheet::{Kept, Sheet};
use super::{asked, empty, shape};
use crate::gate::Refusal;
use crate::gate::request::{parse, plain_schema};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::query::Listing;
use crate::scorecard::{counted, duration_text, gate_word, money_text};
use crate::store::index::{Cursor, Sort, TraceLine};
use crate::view::saying::{id, moment, name, names, quote, score};
use crate::view::{Extent, run};

/// Runs of a page where nobody says otherwise, and at most.
const LIMIT: i64 = 20;
const MOST: i64 = 100;
/// Characters of a query or an error that a line shows.
const EXCERPT: usize = 80;
/// Gaps that a line names.
const GAPS: usize = 5;

pub(super) const TOOL: Tool = Tool {
    name: "trace_list",
    title: "List runs",
    description: "Find runs, newest first. Returns per run: id, status, gate, score, start, duration, \
                  cost, gaps, query, error. Not for totals (trace_summary) or one run's decisions \
                  (trace_full).",
    writes: false,
    idempotent: true,
    input_schema: plain_schema::<ListRequest>,
    output_schema,
    call: |context, arguments| Box::pin(call(context, arguments)),
};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "", extend("additionalProperties" = false))]
struct ListRequest {
    #[serde(flatten)]
    conditions: Conditions,
    #[schemars(with = "Option<String>", extend("enum" = Sort::ALL.map(Sort::as_str)))]
    sort: Option<Sort>,
    /// Default 20, most 100
    limit: Option<i64>,
    /// From the last page
    cursor: Option<String>,
    /// Default 4000, 300..20000
    max_tokens: Option<i64>,
}

async fn call(context: Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: ListRequest = parse(arguments).map_err(refused)?;
    let now = context.intake.recorder().clock().now();
    let filter = request.conditions.filter(&context.scope, now).map_err(refused)?;
    let sort = request.sort.unwrap_or_default();
    let cursor = request.cursor().map_err(refused)?;
    let limit = request.limit();
    let query = &context.query;
    let listing = of_many(&context, query.list(&filter, sort, limit, cursor.as_ref()).await).await?;
    let (answer, kept) = request.page(&listing, None);
    let shown = kept.count("runs");
    if shown == listing.page.lines.len() {
        return Ok(answer);
    }
    let count = u32::try_from(shown).unwrap_or(1);
    let behind = of_many(&context, query.cursor_behind(&filter, sort, count, cursor.as_ref()).await).await?;
    Ok(request.page(&listing, Some(&(shown, behind))).0)
}

impl ListRequest {
    fn limit(&self) -> u32 {
        u32::try_from(self.limit.unwrap_or(LIMIT).clamp(1, MOST)).unwrap_or(1)
    }

    fn fingerprint(&self) -> String {
        asked::fingerprint(self.conditions.arguments(), self.sort.unwrap_or_default().as_str())
    }

    /// Where to go on, if that is what is asked for. The cursor of another question is refused.
    fn cursor(&self) -> Result<Option<Cursor>, Refusal> {
        let Some(word) = self.cursor.as_ref().map(|word| word.trim()).filter(|word| !word.is_empty()) else {
            return Ok(None);
        };
        let refuse = |problem: &str, remedy: &str| {
            Refusal::new("cursor", problem, "the cursors that trace_list gave", remedy)
        };
        let found = word.split_at_checked(8).and_then(|(of, rest)| Some((of, Cursor::decode(rest)?)));
        let Some((of, cursor)) = found else {
            return Err(refuse(
                "is not among",
                "send the cursor of the last answer unchanged, or leave it out to begin at the first page",
            ));
        };
        if of != self.fingerprint() || cursor.sort() != self.sort.unwrap_or_default() {
            return Err(refuse(
                "belongs to a list with other conditions or another sort, outside",
                "send the conditions and the sort of the call that gave it, or leave the cursor out",
            ));
        }
        Ok(Some(cursor))
    }

    /// The call of the page that begins at `cursor`.
    fn next(&self, cursor: &str) -> Call {
        Call::new(TOOL.name)
            .with_all(self.conditions.arguments())
            .with_some("sort", self.sort.map(Sort::as_str))
            .with_some("limit", self.limit)
            .with_some("max_tokens", self.max_tokens)
            .with("cursor", format!("{}{cursor}", self.fingerprint()))
    }

    /// The answer, and what of it fitted. `cut` says that only so many lines are shown, and where the list goes on
    /// behind them. While that is not known, room is kept for the longest cursor that it could be.
    fn page(&self, listing: &Listing, cut: Option<&(usize, Option<Cursor>)>) -> (Answer, Kept) {
        let lines = &listing.page.lines;
        let most = cut.map_or(lines.len(), |(most, _)| *most);
        let mut sheet = Sheet::new(budget(self.max_tokens), |kept| {
            let behind = match cut {
                Some((_, behind)) => behind.as_ref(),
                None if kept.count("runs") < lines.len() => return Some(self.next(&longest_cursor(lines))),
                None => listing.page.next.as_ref(),
            };
            behind.map(|cursor| self.next(&cursor.encode()))
        });
        sheet.head("total", listing.total, self.headline(listing));
        empty::pending(&mut sheet, listing.pending);
        sheet.list("runs", "");
        empty::explain(&mut sheet, listing.without_filter.as_ref());
        sheet.items_from("runs", lines.iter().take(most).map(run_line), |run| {
            let short = run.get("trace_id").and_then(Value::as_str).unwrap_or_default();
            Some((json!({"trace_id": short}), short.to_owned()))
        });
        sheet.beyond("runs", lines.len() - most.min(lines.len()));
        sheet.finish()
    }

    fn headline(&self, listing: &Listing) -> String {
        let of = self.conditions.described();
        let of = if of.is_empty() { String::new() } else { format!(" with {of}") };
        let page = if self.cursor.is_some() { ", further on" } else { "" };
        let sort = self.sort.unwrap_or_default().as_str();
        match listing.total {
            0 => format!("No runs{of}"),
            total => {
                let total = usize::try_from(total).unwrap_or(usize::MAX);
                format!("{}{of}, sorted by {sort}{page}", counted(total, "run"))
            }
        }
    }
}

/// A word as long as the longest cursor behind one of these lines.
fn longest_cursor(lines: &[TraceLine]) -> String {
    let id = lines.iter().map(|line| Value::from(line.trace_id.as_str()).to_string().len()).max();
    "0".repeat(2 * (80 + id.unwrap_or(0)))
}

fn run_line(run: &TraceLine) -> (Value, String) {
    let value = run::line(run, Extent::Brief);
    let mut parts = vec![id(&run.trace_id), name(&run.project), run.status.clone()];
    if run.passed.is_some() {
        parts.push(gate_word(run.passed).to_owned());
    }
    parts.extend(score(run.score, run.scale_max));
    parts.push(moment(run.started_at));
    parts.extend(run.duration_seconds.map(duration_text));
    parts.extend(run.cost_usd.map(money_text));
    parts.push(counted(usize::try_from(run.decisions).unwrap_or(0), "decision"));
    if !run.gaps.is_empty() {
        parts.push(format!("gaps {}", names(&run.gaps, GAPS)));
    }
    if run.flagged {
        parts.push("flagged".to_owned());
    }
    let mut text = format!("{}\n  {}", parts.join("  "), quote(&run.query, EXCERPT));
    if let Some(error) = &run.error {
        text.push_str(&format!(" error: {}", quote(error, EXCERPT)));
    }
    (value, text)
}

fn output_schema() -> Map<String, Value> {
    shape::answer(&[
        ("total!", "integer", "Runs that meet the conditions"),
        ("runs!", "array", ""),
        ("pending", "integer", "Events not in this answer yet"),
        ("without_filter", "object", "When nothing was found"),
        ("values", "array", "What could be asked for"),
    ])
}
