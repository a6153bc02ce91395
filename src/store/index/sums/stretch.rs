//! A stretch of time, added up: its whole days from the kept sums, what is left of its first and last day from rows.
//!
//! The last day is taken whole, and what ended behind the stretch is taken off again: where runs are checked as they
//! end, nothing did.

use super::figures::{PRINCIPLES, RUNS, score_sql};
use super::table::SumRow;
use crate::calibration::confidence::{day_end, utc_day};
use crate::model::{Timestamp, TraceId};
use crate::store::index::{Filter, Scope};
use crate::store::session::Session;
use crate::store::sql::Sql;

/// Finished runs of some projects, intent and domain, later than one moment and until another.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::index) struct Stretch<'s> {
    filter: &'s Filter,
    end: End<'s>,
}

/// The last run of a stretch.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::index) enum End<'e> {
    /// Whichever ended last.
    Open,
    /// The last that ended then or before.
    Moment(Timestamp),
    /// The one before this, which ended then.
    Before(Timestamp, &'e TraceId),
    /// This one, which ended then.
    With(Timestamp, &'e TraceId),
}

/// How the runs of a stretch were judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store::index) struct Totals {
    /// Runs.
    pub runs: u64,
    /// Runs with a verdict of the gate.
    pub judged: u64,
    /// Runs that passed it.
    pub passed: u64,
    /// Runs with a score.
    pub scored: u64,
    /// Their scores, in millionths.
    pub millionths: i64,
}

/// What a stretch says of a principle in runs of one intent and domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::index) struct PrincipleTotal {
    /// The principle.
    pub principle: String,
    /// The intent.
    pub intent: Option<String>,
    /// The domain.
    pub domain: Option<String>,
    /// Runs in which it was judged.
    pub runs: u64,
    /// Runs in which it was a gap.
    pub gap_runs: u64,
}

impl<'s> Stretch<'s> {
    /// The runs that meet the filter, up to an end; `None` where the filter has conditions that sums know nothing of.
    /// Its own end counts where it has one.
    pub(in crate::store::index) fn new(filter: &'s Filter, end: End<'s>) -> Option<Self> {
        let known = Filter {
            scope: filter.scope.clone(),
            project: filter.project.clone(),
            not_projects: filter.not_projects.clone(),
            intent: filter.intent.clone(),
            domain: filter.domain.clone(),
            ended_after: filter.ended_after,
            ended_until: filter.ended_until,
            ..Filter::default()
        };
        let end = filter.ended_until.map_or(end, End::Moment);
        (*filter == known).then_some(Self { filter, end })
    }

    /// How its runs were judged.
    pub(in crate::store::index) async fn totals(self, session: &mut Session) -> sqlx::Result<Totals> {
        if self.is_empty() {
            return Ok(Totals::default());
        }
        let mut sql = Sql::new("select ");
        RUNS.push_sums(&mut sql);
        sql.push(" from (select runs, judged, passed, scored, score from run_days where true");
        self.push_days(&mut sql);
        let is_postgres = session.is_postgres();
        self.push_edges(&mut sql, |sql, sign| {
            for number in [
                "count(*), ",
                "count(t.quality_gate_passed), ",
                "count(case when t.quality_gate_passed then 1 end), ",
                "count(t.scaled_score), ",
                "sum(",
            ] {
                sql.push(sign).push(number);
            }
            sql.push(score_sql(is_postgres)).push(") from traces t where true");
        });
        sql.push(") as parts");
        let SumRow::<0, 5> { numbers: [runs, judged, passed, scored, millionths], .. } =
            session.fetch_one(sql).await?;
        let count = |number| u64::try_from(number).unwrap_or(0);
        let (runs, judged) = (count(runs), count(judged));
        Ok(Totals { runs, judged, passed: count(passed), scored: count(scored), millionths })
    }

    /// What its runs say of the principles, or of one of them.
    pub(in crate::store::index) async fn principles(
        self,
        session: &mut Session,
        principle: Option<&str>,
    ) -> sqlx::Result<Vec<PrincipleTotal>> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new("select principle, intent, domain, ");
        PRINCIPLES.push_sums(&mut sql);
        sql.push(" from (select principle, intent, domain, runs, gap_runs from principle_days where true");
        if let Some(principle) = principle {
            sql.push(" and principle = ").arg(principle);
        }
        self.push_days(&mut sql);
        self.push_edges(&mut sql, |sql, sign| {
            sql.push("p.principle, coalesce(t.intent, ''), coalesce(t.domain, ''), ");
            sql.push(sign).push("1, ").push(sign).push("case when p.side = 'gap' then 1 else 0 end");
            sql.push(" from traces t cross join principle_scores p where p.trace_id = t.trace_id");
            if let Some(principle) = principle {
                sql.push(" and p.principle = ").arg(principle);
            }
        });
        sql.push(") as parts group by principle, intent, domain");
        let rows: Vec<SumRow<3, 2>> = session.fetch(sql).await?;
        let known = |value: String| Some(value).filter(|value| !value.is_empty());
        let count = |number| u64::try_from(number).unwrap_or(0);
        let total =
            |SumRow { keys: [principle, intent, domain], numbers: [runs, gap_runs] }| PrincipleTotal {
                principle,
                intent: known(intent),
                domain: known(domain),
                runs: count(runs),
                gap_runs: count(gap_runs),
            };
        Ok(rows.into_iter().map(total).filter(|total| total.runs > 0).collect())
    }

    /// Appends that a day belongs to it, but for the first, of which only a part does.
    fn push_days(self, sql: &mut Sql) {
        self.push_filter(sql, " and ");
        if let Some(after) = self.filter.ended_after {
            sql.push(" and day > ").arg(utc_day(after).to_string());
        }
        if let Some(until) = self.end.moment() {
            sql.push(" and day <= ").arg(utc_day(until).to_string());
        }
    }

    /// Appends rows of the first day's part of it, and those of its last day that are not, with the sign that they
    /// count with. `columns` puts the columns and everything up to the first condition on `traces t`.
    fn push_edges(self, sql: &mut Sql, columns: impl Fn(&mut Sql, &'static str)) {
        if let Some(after) = self.filter.ended_after {
            sql.push(" union all select ");
            columns(sql, "");
            self.push_filter(sql, " and t.");
            sql.push(" and t.ended_at > ").arg(after);
            sql.push(" and t.ended_at < ").arg(day_end(utc_day(after)));
        }
        let Some(until) = self.end.moment() else { return };
        sql.push(" union all select ");
        columns(sql, "-");
        self.push_filter(sql, " and t.");
        match self.end {
            End::Before(_, id) => sql
                .push(" and (t.ended_at, t.trace_id) >= (")
                .arg(until)
                .push(", ")
                .arg(id.as_str())
                .push(")"),
            End::With(_, id) => {
                sql.push(" and (t.ended_at, t.trace_id) > (").arg(until).push(", ").arg(id.as_str()).push(")")
            }
            End::Open | End::Moment(_) => sql.push(" and t.ended_at > ").arg(until),
        };
        sql.push(" and t.ended_at < ").arg(day_end(utc_day(until)));
    }

    fn push_filter(self, sql: &mut Sql, and: &'static str) {
        let filter = self.filter;
        if let Scope::Projects(projects) = &filter.scope {
            sql.push(and).push("project in ").list(projects.iter().map(String::as_str));
        }
        if !filter.not_projects.is_empty() {
            sql.push(and).push("project not in ").list(filter.not_projects.iter().map(String::as_str));
        }
        for (column, value) in
            [("project = ", &filter.project), ("intent = ", &filter.intent), ("domain = ", &filter.domain)]
        {
            if let Some(value) = value {
                sql.push(and).push(column).arg(value);
            }
        }
    }

    fn is_empty(self) -> bool {
        self.filter.ended_after.zip(self.end.moment()).is_some_and(|(after, until)| after >= until)
    }
}

impl End<'_> {
    fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Open => None,
            Self::Moment(at) | Self::Before(at, _) | Self::With(at, _) => Some(at),
        }
    }
}
