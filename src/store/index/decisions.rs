//! Decisions of all runs: found by what they say, and which option each of them chose or rejected.
//!
//! A frequent word is in a million decisions, and none of these questions reads them all. Each looks at a window: the
//! newest rows that the words narrow it to (text, project, key and intent have words), by the number of the row, so
//! that both databases read them in order and stop. All other conditions, the ranking and the counting are about
//! the rows in the window, and what lies below it can be asked for next.

mod filter;
mod window;

use std::collections::HashSet;

use chrono::{DateTime, Utc};

pub use filter::DecisionFilter;
use window::Window;

use super::search::push_decision_rank;
use super::{Index, Scope};
use crate::error::Result;
use crate::model::Timestamp;
use crate::store::session::Session;
use crate::store::sql::Sql;
use crate::words::{choice, words};

/// How many matches a search looks at. Measured with 1.4 million decisions, for a word that is in most of them: 6 ms
/// on SQLite for 2,000, and 20 ms for 5,000.
pub const SEARCH_WINDOW: u32 = 2_000;

/// How many matches the record of an option is counted over.
pub const RECORD_WINDOW: u32 = 2_000;

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

/// A decision that had an option before it.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionUse {
    /// The option in the form in which options are compared.
    pub choice: String,
    /// The option as it was said.
    pub said: String,
    /// Whether it was chosen, else rejected.
    pub chosen: bool,
    /// The run.
    pub trace_id: String,
    /// The intent of the run.
    pub intent: Option<String>,
    /// The verdict on the run.
    pub passed: Option<bool>,
    /// The score of the run, on the configured scale.
    pub score: Option<f64>,
}

/// Decisions that had an option before them, and how far was looked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptionUses {
    /// Each of them, the newest first.
    pub uses: Vec<OptionUse>,
    /// How many decisions were looked at.
    pub looked_at: u64,
    /// Whether there are older ones.
    pub is_partial: bool,
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

#[derive(sqlx::FromRow)]
struct UseRow {
    trace_id: String,
    decision_id: String,
    what: String,
    choice: Option<String>,
    intent: Option<String>,
    quality_gate_passed: Option<bool>,
    scaled_score: Option<f64>,
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

    /// The decisions that chose or rejected an option, among the newest `limit` that have its words in one of
    /// their texts. Chosen is what `what` is, or names as whole words without counting it among the options that
    /// were not taken.
    ///
    /// # Errors
    /// As [`Index::search_decisions`].
    pub async fn option_uses(&self, filter: &DecisionFilter, option: &str, limit: u32) -> Result<OptionUses> {
        let folded = choice(option);
        let filter = filter.clone().about_option(option);
        self.read(async |session| {
            let window = Window::of(session, &filter.narrowing(), i64::MAX, limit).await?;
            let rows = uses(session, &filter, &window).await?;
            let rejections = rejections(session, &filter, &window, Some(&folded)).await?;
            let rejecting: HashSet<(&str, &str)> =
                rejections.iter().map(|one| (one.trace_id.as_str(), one.decision_id.as_str())).collect();
            let names = words(option);
            let mut found = Vec::new();
            for row in rows {
                let is_it = row.choice.as_deref() == Some(folded.as_str());
                let is_rejected = rejecting.contains(&(row.trace_id.as_str(), row.decision_id.as_str()));
                let chosen = is_it || (!is_rejected && lists(&row.what, &names));
                if chosen || is_rejected {
                    found.push(OptionUse { chosen, ..row.into_use(&folded, option) });
                }
            }
            Ok(OptionUses { uses: found, looked_at: window.rows.len() as u64, is_partial: window.is_partial })
        })
        .await
    }

    /// What the newest decisions that meet the filter chose and rejected, at most `limit` decisions.
    ///
    /// # Errors
    /// As [`Index::search_decisions`].
    pub async fn choice_uses(&self, filter: &DecisionFilter, limit: u32) -> Result<OptionUses> {
        self.read(async |session| {
            let window = Window::of(session, &filter.narrowing(), i64::MAX, limit).await?;
            let mut found = Vec::new();
            for (chosen, rows) in [
                (true, uses(session, filter, &window).await?),
                (false, rejections(session, filter, &window, None).await?),
            ] {
                found.extend(rows.into_iter().filter_map(|row| {
                    let folded = row.choice.clone().filter(|folded| !folded.is_empty())?;
                    let said = row.what.clone();
                    Some(OptionUse { chosen, ..row.into_use(&folded, &said) })
                }));
            }
            Ok(OptionUses { uses: found, looked_at: window.rows.len() as u64, is_partial: window.is_partial })
        })
        .await
    }

    /// How many decisions there are in scope, and the most frequent keys and stages of the newest of them.
    ///
    /// # Errors
    /// As [`Index::search_decisions`].
    pub async fn decision_values(
        &self,
        scope: &Scope,
        limit: u32,
    ) -> Result<(u64, Vec<(&'static str, Vec<(String, u64)>)>)> {
        let filter = DecisionFilter { scope: scope.clone(), ..DecisionFilter::default() };
        self.read(async |session| {
            let postgres = session.is_postgres();
            let mut sql = Sql::new("select count(*) from decisions d where true");
            if let Scope::Projects(projects) = scope {
                sql.push(" and d.project in ").list(projects.iter().map(String::as_str));
            }
            let (count,): (i64,) = session.fetch_one(sql).await?;
            let window = Window::of(session, &filter.narrowing(), i64::MAX, SEARCH_WINDOW).await?;
            let mut values = Vec::new();
            for (name, column) in [("decision", "d.decision"), ("stage", "d.stage")] {
                let mut sql = Sql::new("select ");
                sql.push(column).push(", count(*) from decisions d");
                filter.push(&mut sql);
                window.push_condition(&mut sql, postgres);
                sql.push(" group by ").push(column).push(" order by count(*) desc, ").push(column);
                sql.push(" limit ").arg(i64::from(limit));
                let rows: Vec<(String, i64)> = session.fetch(sql).await?;
                let counted = |(value, count): (String, i64)| (value, u64::try_from(count).unwrap_or(0));
                values.push((name, rows.into_iter().map(counted).collect()));
            }
            Ok((u64::try_from(count).unwrap_or(0), values))
        })
        .await
    }
}

impl UseRow {
    fn into_use(self, choice: &str, said: &str) -> OptionUse {
        OptionUse {
            choice: choice.to_owned(),
            said: said.to_owned(),
            chosen: false,
            trace_id: self.trace_id,
            intent: self.intent,
            passed: self.quality_gate_passed,
            score: self.scaled_score,
        }
    }
}

/// What all questions read from.
const FROM: &str = " from decisions d join traces t on t.trace_id = d.trace_id";

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

async fn uses(session: &mut Session, filter: &DecisionFilter, window: &Window) -> sqlx::Result<Vec<UseRow>> {
    let postgres = session.is_postgres();
    let mut sql = Sql::new(
        "select d.trace_id, d.decision_id, d.what, d.choice, d.intent, d.quality_gate_passed, t.scaled_score",
    );
    sql.push(FROM);
    filter.push(&mut sql);
    window.push_condition(&mut sql, postgres);
    sql.push(" order by d.row_id desc");
    session.fetch(sql).await
}

/// The options that decisions of the window did not take, all of them or one.
async fn rejections(
    session: &mut Session,
    filter: &DecisionFilter,
    window: &Window,
    choice: Option<&str>,
) -> sqlx::Result<Vec<UseRow>> {
    let postgres = session.is_postgres();
    let mut sql = Sql::new(
        "select d.trace_id, d.decision_id, a.option as what, a.choice, d.intent, d.quality_gate_passed, t.scaled_score",
    );
    sql.push(FROM);
    sql.push(" join alternatives a on a.trace_id = d.trace_id and a.decision_id = d.decision_id");
    filter.push(&mut sql);
    window.push_condition(&mut sql, postgres);
    if let Some(choice) = choice {
        sql.push(" and a.choice = ").arg(choice);
    }
    sql.push(" order by d.row_id desc, a.position");
    session.fetch(sql).await
}

/// Whether a text names these words, one directly after the other.
fn lists(what: &str, names: &[String]) -> bool {
    !names.is_empty() && words(what).windows(names.len()).any(|window| window == names)
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
