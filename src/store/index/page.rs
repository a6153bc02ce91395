//! Runs a page at a time: a stable order, and a cursor that says where the next page begins.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::{Filter, Index, search};
use crate::error::Result;
use crate::model::{Timestamp, TraceId};
use crate::store::sql::Sql;

/// In which order runs come. What compares equal is ordered by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Latest start first; with a text, first those where more fields match.
    #[default]
    Newest,
    /// Earliest start first.
    Oldest,
    /// Highest score first; those without a score last.
    ScoreHigh,
    /// Lowest score first; those without a score last.
    ScoreLow,
    /// Longest first; those without a duration last.
    Longest,
    /// Most expensive first; those without a cost last.
    Costliest,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Newest, Self::Oldest, Self::ScoreHigh, Self::ScoreLow, Self::Longest, Self::Costliest];

    /// The name in questions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::ScoreHigh => "score_high",
            Self::ScoreLow => "score_low",
            Self::Longest => "longest",
            Self::Costliest => "costliest",
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Newest | Self::Oldest => "t.started_at",
            Self::ScoreHigh | Self::ScoreLow => "t.scaled_score",
            Self::Longest => "t.duration_seconds",
            Self::Costliest => "t.synthesis_cost_usd",
        }
    }

    /// Whether runs come by how well they match rather than by what they are: with a text, the newest.
    #[must_use]
    pub fn is_ranked(self, filter: &Filter) -> bool {
        self == Self::Newest && filter.text.as_ref().is_some_and(|query| !query.terms.is_empty())
    }

    fn is_descending(self) -> bool {
        !matches!(self, Self::Oldest | Self::ScoreLow)
    }
}

/// Where the next page begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    sort: Sort,
    after: After,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum After {
    /// Behind the run of this id, whose sorted value was this time.
    Time(Timestamp, String),
    /// Behind the run of this id, whose sorted value was this number, or unknown.
    Number(Option<f64>, String),
    /// Behind so many runs: among ranked hits.
    Count(u64),
}

/// One run in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceLine {
    /// Its id.
    pub trace_id: String,
    /// Its project.
    pub project: String,
    /// What was asked.
    pub query: String,
    /// Its intent.
    pub intent: Option<String>,
    /// Its domain.
    pub domain: Option<String>,
    /// Where it stands.
    pub status: String,
    /// What went wrong.
    pub error: Option<String>,
    /// The gate's verdict.
    pub passed: Option<bool>,
    /// Its score on its own scale.
    pub score: Option<f64>,
    /// Its scale.
    pub scale_max: Option<f64>,
    /// Its score on the configured scale.
    pub scaled_score: Option<f64>,
    /// When it began.
    pub started_at: Timestamp,
    /// Seconds it took.
    pub duration_seconds: Option<f64>,
    /// US dollars it cost.
    pub cost_usd: Option<f64>,
    /// How many decisions it holds.
    pub decisions: i64,
    /// Its gaps.
    pub gaps: Vec<String>,
    /// Whether somebody should look at it.
    pub flagged: bool,
    /// Who ran it.
    pub agent: Option<String>,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    trace_id: String,
    project: String,
    query: String,
    intent: Option<String>,
    domain: Option<String>,
    status: String,
    error: Option<String>,
    quality_gate_passed: Option<bool>,
    overall_quality_score: Option<f64>,
    quality_scale_max: Option<f64>,
    scaled_score: Option<f64>,
    started_at: DateTime<Utc>,
    duration_seconds: Option<f64>,
    synthesis_cost_usd: Option<f64>,
    decision_count: i64,
    gap_principles: Json<Vec<String>>,
    flagged_for_review: bool,
    agent_name: Option<String>,
}

const SELECT_LINE: &str = "select t.trace_id, t.project, t.query, t.intent, t.domain, t.status, t.error, \
    t.quality_gate_passed, t.overall_quality_score, t.quality_scale_max, t.scaled_score, t.started_at, \
    t.duration_seconds, t.synthesis_cost_usd, t.decision_count, t.gap_principles, t.flagged_for_review, \
    t.agent_name from traces t";

/// Some runs, and where the next ones begin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The runs.
    pub lines: Vec<TraceLine>,
    /// Where to go on, if there are more.
    pub next: Option<Cursor>,
}

impl Cursor {
    /// The cursor as an opaque word.
    #[must_use]
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        json.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads what [`Cursor::encode`] wrote; `None` for anything else.
    #[must_use]
    pub fn decode(word: &str) -> Option<Self> {
        let bytes: Option<Vec<u8>> = (0..word.len())
            .step_by(2)
            .map(|place| word.get(place..place + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        serde_json::from_slice(&bytes?).ok()
    }

    /// Goes on behind the first `count` runs of a list that is [ranked](Sort::is_ranked).
    #[must_use]
    pub fn behind_hits(count: u64) -> Self {
        Self { sort: Sort::Newest, after: After::Count(count) }
    }

    /// The order that it continues.
    #[must_use]
    pub fn sort(&self) -> Sort {
        self.sort
    }
}

impl Index {
    /// Lists runs that meet the filter, at most `limit`, from the beginning or from a cursor of the same order.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn list(
        &self,
        filter: &Filter,
        sort: Sort,
        limit: u32,
        cursor: Option<&Cursor>,
    ) -> Result<Page> {
        let ranked = sort.is_ranked(filter);
        let skipped = match cursor.map(|cursor| &cursor.after) {
            Some(After::Count(count)) => *count,
            _ => 0,
        };
        let rows: Vec<LineRow> = self
            .read(async |session| {
                let postgres = session.is_postgres();
                let mut sql = Sql::new(SELECT_LINE);
                filter.push(&mut sql, postgres);
                if !ranked && let Some(cursor) = cursor {
                    push_after(&mut sql, sort, &cursor.after);
                }
                sql.push(" order by ");
                if ranked && let Some(query) = &filter.text {
                    search::push_rank(&mut sql, query, postgres);
                    sql.push(" desc, ");
                }
                sql.push(sort.column()).push(if sort.is_descending() { " desc" } else { " asc" });
                // Every run has a start: said all the same, it would keep Postgres from reading its index in order.
                if !matches!(sort, Sort::Newest | Sort::Oldest) {
                    sql.push(" nulls last");
                }
                sql.push(", t.trace_id limit ").arg(i64::from(limit) + 1);
                if ranked {
                    sql.push(" offset ").arg(i64::try_from(skipped).unwrap_or(i64::MAX));
                }
                session.fetch(sql).await
            })
            .await?;
        let more = rows.len() > limit as usize;
        let lines: Vec<TraceLine> = rows.into_iter().take(limit as usize).map(TraceLine::from).collect();
        let next = more.then(|| next_cursor(sort, ranked, skipped, &lines)).flatten();
        Ok(Page { lines, next })
    }

    /// Where a list in this order, which is not [ranked](Sort::is_ranked), goes on behind a run, whether or not the
    /// run is in the list; `None` when there is no such run.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn cursor_behind(&self, trace_id: &TraceId, sort: Sort) -> Result<Option<Cursor>> {
        let rows: Vec<LineRow> = self
            .read(async |session| {
                let mut sql = Sql::new(SELECT_LINE);
                sql.push(" where t.trace_id = ").arg(trace_id.as_str());
                session.fetch(sql).await
            })
            .await?;
        let lines: Vec<TraceLine> = rows.into_iter().map(TraceLine::from).collect();
        Ok(next_cursor(sort, false, 0, &lines))
    }

    /// Counts the runs that meet the filter.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn count(&self, filter: &Filter) -> Result<u64> {
        self.read(async |session| {
            let mut sql = Sql::new("select count(*) from traces t");
            filter.push(&mut sql, session.is_postgres());
            let (count,): (i64,) = session.fetch_one(sql).await?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
        .await
    }

    /// The most frequent values of a column among the runs that meet the filter, with their counts.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn values(&self, column: ValueOf, filter: &Filter, limit: u32) -> Result<Vec<(String, u64)>> {
        let rows: Vec<(String, i64)> = self
            .read(async |session| {
                let mut sql = Sql::new("select ");
                sql.push(column.name()).push(", count(*) from traces t");
                filter.push(&mut sql, session.is_postgres());
                sql.push(" and ").push(column.name()).push(" is not null group by ").push(column.name());
                sql.push(" order by count(*) desc, ")
                    .push(column.name())
                    .push(" limit ")
                    .arg(i64::from(limit));
                session.fetch(sql).await
            })
            .await?;
        Ok(rows.into_iter().map(|(value, count)| (value, u64::try_from(count).unwrap_or(0))).collect())
    }
}

/// A column whose values can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueOf {
    /// Projects.
    Project,
    /// Intents.
    Intent,
    /// Domains.
    Domain,
    /// Types of report.
    ReportType,
    /// States.
    Status,
}

impl ValueOf {
    fn name(self) -> &'static str {
        match self {
            Self::Project => "t.project",
            Self::Intent => "t.intent",
            Self::Domain => "t.domain",
            Self::ReportType => "t.report_type",
            Self::Status => "t.status",
        }
    }
}

fn push_after(sql: &mut Sql, sort: Sort, after: &After) {
    let column = sort.column();
    let beyond = if sort.is_descending() { " < " } else { " > " };
    match after {
        After::Time(time, id) => {
            sql.push(" and (").push(column).push(beyond).arg(*time);
            sql.push(" or (")
                .push(column)
                .push(" = ")
                .arg(*time)
                .push(" and t.trace_id > ")
                .arg(id)
                .push("))");
        }
        After::Number(Some(number), id) => {
            sql.push(" and (")
                .push(column)
                .push(beyond)
                .arg(*number)
                .push(" or ")
                .push(column)
                .push(" is null");
            sql.push(" or (")
                .push(column)
                .push(" = ")
                .arg(*number)
                .push(" and t.trace_id > ")
                .arg(id)
                .push("))");
        }
        After::Number(None, id) => {
            sql.push(" and ").push(column).push(" is null and t.trace_id > ").arg(id);
        }
        After::Count(_) => {}
    }
}

fn next_cursor(sort: Sort, ranked: bool, skipped: u64, lines: &[TraceLine]) -> Option<Cursor> {
    let last = lines.last()?;
    let id = last.trace_id.clone();
    let after = match sort {
        _ if ranked => After::Count(skipped.saturating_add(lines.len() as u64)),
        Sort::Newest | Sort::Oldest => After::Time(last.started_at, id),
        Sort::ScoreHigh | Sort::ScoreLow => After::Number(last.scaled_score, id),
        Sort::Longest => After::Number(last.duration_seconds, id),
        Sort::Costliest => After::Number(last.cost_usd, id),
    };
    Some(Cursor { sort, after })
}

impl From<LineRow> for TraceLine {
    fn from(row: LineRow) -> Self {
        Self {
            trace_id: row.trace_id,
            project: row.project,
            query: row.query,
            intent: row.intent,
            domain: row.domain,
            status: row.status,
            error: row.error,
            passed: row.quality_gate_passed,
            score: row.overall_quality_score,
            scale_max: row.quality_scale_max,
            scaled_score: row.scaled_score,
            started_at: Timestamp::new(row.started_at),
            duration_seconds: row.duration_seconds,
            cost_usd: row.synthesis_cost_usd,
            decisions: row.decision_count,
            gaps: row.gap_principles.0,
            flagged: row.flagged_for_review,
            agent: row.agent_name,
        }
    }
}
