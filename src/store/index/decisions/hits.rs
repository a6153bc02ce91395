//! Decisions that were found, a page at a time.

use chrono::{DateTime, Utc};

use super::filter::DecisionFilter;
use super::window::Window;
use super::{FROM, SEARCH_WINDOW};
use crate::error::Result;
use crate::model::Timestamp;
use crate::store::index::Index;
use crate::store::index::search::push_decision_rank;
use crate::store::session::Session;
use crate::store::sql::Sql;

/// The most windows that a search goes through, one after the other: what is beyond 100,000 matches has to be narrowed.
const MOST_WINDOWS: u32 = 50;

/// Where the next page of a search begins. Numbers of rows are not in it: they would tell how much others record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionCursor {
    /// How many windows come before.
    windows: u32,
    /// How many hits of the window come before.
    skip: u64,
}

impl DecisionCursor {
    /// The cursor as an opaque word.
    #[must_use]
    pub fn encode(&self) -> String {
        format!("{}.{}", self.windows, self.skip)
    }

    /// Reads what [`DecisionCursor::encode`] wrote; `None` for anything else.
    #[must_use]
    pub fn decode(word: &str) -> Option<Self> {
        let (windows, skip) = word.split_once('.')?;
        let windows = windows.parse().ok().filter(|windows| *windows <= MOST_WINDOWS)?;
        Some(Self { windows, skip: skip.parse().ok()? })
    }
}

/// A decision that was found, and what became of its run.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionHit {
    /// Its run.
    pub trace_id: String,
    /// Its name within the run.
    pub decision_id: String,
    /// The project of its run.
    pub project: String,
    /// The intent of its run.
    pub intent: Option<String>,
    /// Its stage.
    pub stage: String,
    /// Its key.
    pub key: String,
    /// What was chosen.
    pub what: String,
    /// Why.
    pub why: String,
    /// The beginning of what came back.
    pub result: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// The options that were not taken.
    pub options: Vec<String>,
    /// How sure the decider was, 0 to 1.
    pub confidence: Option<f64>,
    /// How many evidence items it names.
    pub evidence: i64,
    /// When it was made.
    pub decided_at: Timestamp,
    /// Where its run stands.
    pub status: String,
    /// The verdict on its run.
    pub passed: Option<bool>,
    /// The score of its run, on its own scale.
    pub score: Option<f64>,
    /// That scale.
    pub scale_max: Option<f64>,
}

/// Some decisions, and where the next ones begin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecisionPage {
    /// The decisions: those where more texts match before others, then the newest.
    pub hits: Vec<DecisionHit>,
    /// How many in the window meet all conditions.
    pub total: u64,
    /// How many rows were looked at.
    pub looked_at: u64,
    /// Whether there are more that the words match, below the window.
    pub is_partial: bool,
    /// Where it began.
    from: DecisionCursor,
}

impl DecisionPage {
    /// Where the list goes on behind the first `shown` hits of this page, if there are more.
    #[must_use]
    pub fn behind(&self, shown: usize) -> Option<DecisionCursor> {
        let DecisionCursor { windows, skip } = self.from;
        let skip = skip.saturating_add(shown as u64);
        if skip < self.total {
            return Some(DecisionCursor { windows, skip });
        }
        let next = DecisionCursor { windows: windows + 1, skip: 0 };
        (self.is_partial && next.windows <= MOST_WINDOWS).then_some(next)
    }
}

#[derive(sqlx::FromRow)]
struct HitRow {
    trace_id: String,
    decision_id: String,
    project: String,
    intent: Option<String>,
    stage: String,
    decision: String,
    what: String,
    why: String,
    result: Option<String>,
    error: Option<String>,
    confidence: Option<f64>,
    evidence_count: i64,
    decided_at: DateTime<Utc>,
    status: String,
    quality_gate_passed: Option<bool>,
    overall_quality_score: Option<f64>,
    quality_scale_max: Option<f64>,
    total: i64,
}

impl Index {
    /// Finds decisions, at most `limit`, from the beginning or from a cursor of the same filter.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn search_decisions(
        &self,
        filter: &DecisionFilter,
        limit: u32,
        cursor: Option<&DecisionCursor>,
    ) -> Result<DecisionPage> {
        let from = cursor.copied().unwrap_or_default();
        self.read(async |session| {
            let narrowing = filter.narrowing();
            let mut window = Window::of(session, &narrowing, i64::MAX, SEARCH_WINDOW).await?;
            for _ in 0..from.windows {
                if window.is_partial {
                    window = Window::of(session, &narrowing, window.below, SEARCH_WINDOW).await?;
                } else {
                    window = Window::default();
                }
            }
            let rows = hits(session, filter, &window, i64::from(limit), from.skip).await?;
            let total = match rows.first() {
                Some(row) => u64::try_from(row.total).unwrap_or(0),
                None => 0,
            };
            let hits = with_options(session, rows).await?;
            Ok(DecisionPage {
                hits,
                total,
                looked_at: window.rows.len() as u64,
                is_partial: window.is_partial,
                from,
            })
        })
        .await
    }
}

async fn hits(
    session: &mut Session,
    filter: &DecisionFilter,
    window: &Window,
    limit: i64,
    skip: u64,
) -> sqlx::Result<Vec<HitRow>> {
    let postgres = session.is_postgres();
    let mut sql = Sql::new(
        "select d.trace_id, d.decision_id, t.project, t.intent, d.stage, d.decision, d.what, d.why, d.result, d.error, \
         d.confidence, d.evidence_count, d.decided_at, t.status, t.quality_gate_passed, t.overall_quality_score, \
         t.quality_scale_max, count(*) over () as total",
    );
    sql.push(FROM);
    filter.push(&mut sql);
    window.push_condition(&mut sql, postgres);
    sql.push(" order by ");
    push_decision_rank(&mut sql, &filter.narrowing(), window.span(), postgres);
    sql.push("d.ended_at desc, d.trace_id, d.position, d.decision_id limit ").arg(limit);
    sql.push(" offset ").arg(i64::try_from(skip).unwrap_or(i64::MAX));
    session.fetch(sql).await
}

async fn with_options(session: &mut Session, rows: Vec<HitRow>) -> sqlx::Result<Vec<DecisionHit>> {
    let mut sql = Sql::new("select trace_id, decision_id, option from alternatives where trace_id in ");
    sql.list(rows.iter().map(|row| row.trace_id.as_str())).push(" and decision_id in ");
    sql.list(rows.iter().map(|row| row.decision_id.as_str()))
        .push(" order by trace_id, decision_id, position");
    let options: Vec<(String, String, String)> = session.fetch(sql).await?;
    let of = |row: &HitRow| {
        let own = options.iter().filter(|(run, id, _)| *run == row.trace_id && *id == row.decision_id);
        own.map(|(_, _, option)| option.clone()).collect()
    };
    Ok(rows.into_iter().map(|row| DecisionHit { options: of(&row), ..DecisionHit::from(row) }).collect())
}

impl From<HitRow> for DecisionHit {
    fn from(row: HitRow) -> Self {
        Self {
            trace_id: row.trace_id,
            decision_id: row.decision_id,
            project: row.project,
            intent: row.intent,
            stage: row.stage,
            key: row.decision,
            what: row.what,
            why: row.why,
            result: row.result,
            error: row.error,
            options: Vec::new(),
            confidence: row.confidence,
            evidence: row.evidence_count,
            decided_at: Timestamp::new(row.decided_at),
            status: row.status,
            passed: row.quality_gate_passed,
            score: row.overall_quality_score,
            scale_max: row.quality_scale_max,
        }
    }
}
