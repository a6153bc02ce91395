//! A stretch of time, added up: whole days from the kept sums, what its ends cut off from a day by rows.
//!
//! A day that is cut is taken whole and the rows outside of the stretch are taken off, or it is left out and the rows
//! inside are added, whichever are fewer by the clock. Where a run is checked as it ends, nothing ended behind it.

use chrono::{NaiveDate, TimeDelta};

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
    /// The last day that holds one of these, or one that the end of the stretch cuts off.
    pub last_gap: Option<NaiveDate>,
}

/// Which whole days belong to a stretch, and which rows beside them.
struct Cut {
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
    edges: Vec<Edge>,
}

/// Rows that are added or taken off, all of one day.
struct Edge {
    sign: &'static str,
    day: NaiveDate,
    from: Bound,
    until: Bound,
}

/// Where rows begin or end.
enum Bound {
    At(&'static str, Timestamp),
    Run(&'static str, Timestamp, String),
}

/// Days that are named one by one, so that each is found by all of a key; more are a range.
const NAMED_DAYS: i64 = 400;

const HALF_A_DAY: TimeDelta = TimeDelta::hours(12);

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

    /// How its runs were judged; `None` where it is about an intent and a domain at once, of which no sums are kept.
    pub(in crate::store::index) async fn totals(self, session: &mut Session) -> sqlx::Result<Option<Totals>> {
        let (field, value) = match (&self.filter.intent, &self.filter.domain) {
            (Some(_), Some(_)) => return Ok(None),
            (Some(intent), None) => ("intent", intent.as_str()),
            (None, Some(domain)) => ("domain", domain.as_str()),
            (None, None) => ("", ""),
        };
        let Some(cut) = self.cut() else { return Ok(Some(Totals::default())) };
        let mut sql = Sql::new("select ");
        RUNS.push_sums(&mut sql);
        sql.push(" from (select runs, judged, passed, scored, score from run_days where field = ").arg(field);
        sql.push(" and value = ").arg(value);
        self.push_projects(&mut sql, " and ");
        cut.push_days(&mut sql, self.filter.project.is_some());
        let score = score_sql(session.is_postgres());
        for edge in &cut.edges {
            sql.push(" union all select ");
            for number in [
                "count(*), ",
                "count(t.quality_gate_passed), ",
                "count(case when t.quality_gate_passed then 1 end), ",
                "count(t.scaled_score), ",
                "sum(",
            ] {
                sql.push(edge.sign).push(number);
            }
            sql.push(score).push(") from traces t where true");
            self.push_runs(&mut sql);
            edge.push_rows(&mut sql, "t.ended_at", "t.trace_id");
        }
        sql.push(") as parts");
        let SumRow::<0, 5> { numbers: [runs, judged, passed, scored, millionths], .. } =
            session.fetch_one(sql).await?;
        let (runs, judged) = (count(runs), count(judged));
        Ok(Some(Totals { runs, judged, passed: count(passed), scored: count(scored), millionths }))
    }

    /// What its runs say of each principle.
    pub(in crate::store::index) async fn principles(
        self,
        session: &mut Session,
    ) -> sqlx::Result<Vec<PrincipleTotal>> {
        let Some(cut) = self.cut() else { return Ok(Vec::new()) };
        let mut sql = Sql::new("select principle, intent, domain, ");
        PRINCIPLES.push_sums(&mut sql);
        sql.push(
            ", cast(max(case when gap_runs > 0 then cast(replace(day, '-', '') as bigint) else 0 end) as bigint) \
             from (select principle, intent, domain, runs, gap_runs, day from principle_days where true",
        );
        self.push_projects(&mut sql, " and ");
        for (column, value) in
            [(" and intent = ", &self.filter.intent), (" and domain = ", &self.filter.domain)]
        {
            if let Some(value) = value {
                sql.push(column).arg(value);
            }
        }
        cut.push_days(&mut sql, false);
        for edge in &cut.edges {
            sql.push(" union all select p.principle, coalesce(t.intent, ''), coalesce(t.domain, ''), ");
            sql.push(edge.sign)
                .push("1, ")
                .push(edge.sign)
                .push("case when p.side = 'gap' then 1 else 0 end, ");
            sql.arg(edge.day.to_string());
            sql.push(" from traces t cross join principle_scores p where p.trace_id = t.trace_id");
            self.push_runs(&mut sql);
            edge.push_rows(&mut sql, "t.ended_at", "t.trace_id");
        }
        sql.push(") as parts group by principle, intent, domain");
        let rows: Vec<SumRow<3, 3>> = session.fetch(sql).await?;
        let known = |value: String| Some(value).filter(|value| !value.is_empty());
        let total =
            |SumRow { keys: [principle, intent, domain], numbers: [runs, gap_runs, last] }| PrincipleTotal {
                principle,
                intent: known(intent),
                domain: known(domain),
                runs: count(runs),
                gap_runs: count(gap_runs),
                last_gap: NaiveDate::parse_from_str(&last.to_string(), "%Y%m%d").ok(),
            };
        Ok(rows.into_iter().map(total).filter(|total| total.runs > 0).collect())
    }

    /// In how many of its runs a principle was judged, and in how many it was a gap. Of intent and domain it knows
    /// nothing, so that rows of runs need not be looked at.
    pub(in crate::store::index) async fn gaps(
        self,
        session: &mut Session,
        principle: &str,
    ) -> sqlx::Result<(u64, u64)> {
        let Some(cut) = self.cut() else { return Ok((0, 0)) };
        let mut sql = Sql::new("select ");
        PRINCIPLES.push_sums(&mut sql);
        sql.push(" from (select runs, gap_runs from principle_days where principle = ").arg(principle);
        self.push_projects(&mut sql, " and ");
        cut.push_days(&mut sql, true);
        for edge in &cut.edges {
            sql.push(" union all select ").push(edge.sign).push("count(*), ").push(edge.sign);
            sql.push(
                "count(case when p.side = 'gap' then 1 end) from principle_scores p where p.principle = ",
            );
            // All sides there are, so that the index is used up to the time.
            sql.arg(principle).push(" and p.side in ('', 'gap', 'strength')");
            self.push_projects(&mut sql, " and p.");
            edge.push_rows(&mut sql, "p.ended_at", "p.trace_id");
        }
        sql.push(") as parts");
        let SumRow::<0, 2> { numbers: [runs, gap_runs], .. } = session.fetch_one(sql).await?;
        Ok((count(runs), count(gap_runs)))
    }

    /// Its whole days, and the rows beside them; `None` where it is empty.
    fn cut(self) -> Option<Cut> {
        let mut cut = Cut { first: None, last: None, edges: Vec::new() };
        if let Some(after) = self.filter.ended_after {
            if self.end.moment().is_some_and(|until| after >= until) {
                return None;
            }
            let (day, start, end) = around(after);
            let is_early = after < start.plus(HALF_A_DAY);
            cut.first = if is_early { Some(day) } else { day.succ_opt() };
            cut.edges.push(if is_early {
                Edge { sign: "-", day, from: Bound::At(" >= ", start), until: Bound::At(" <= ", after) }
            } else {
                Edge { sign: "", day, from: Bound::At(" > ", after), until: Bound::At(" < ", end) }
            });
        }
        if let Some(until) = self.end.moment() {
            let (day, start, end) = around(until);
            let behind = |from| Edge { sign: "-", day, from, until: Bound::At(" < ", end) };
            cut.last = Some(day);
            cut.edges.push(match self.end {
                End::Before(_, id) => behind(Bound::Run(" >= ", until, id.as_str().to_owned())),
                End::With(_, id) => behind(Bound::Run(" > ", until, id.as_str().to_owned())),
                End::Open | End::Moment(_) if until < start.plus(HALF_A_DAY) => {
                    cut.last = day.pred_opt();
                    Edge { sign: "", day, from: Bound::At(" >= ", start), until: Bound::At(" <= ", until) }
                }
                End::Open | End::Moment(_) => behind(Bound::At(" > ", until)),
            });
        }
        Some(cut)
    }

    fn push_runs(self, sql: &mut Sql) {
        self.push_projects(sql, " and t.");
        for (column, value) in
            [(" and t.intent = ", &self.filter.intent), (" and t.domain = ", &self.filter.domain)]
        {
            if let Some(value) = value {
                sql.push(column).arg(value);
            }
        }
    }

    fn push_projects(self, sql: &mut Sql, and: &'static str) {
        let filter = self.filter;
        if let Scope::Projects(projects) = &filter.scope {
            sql.push(and).push("project in ").list(projects.iter().map(String::as_str));
        }
        if !filter.not_projects.is_empty() {
            sql.push(and).push("project not in ").list(filter.not_projects.iter().map(String::as_str));
        }
        if let Some(project) = &filter.project {
            sql.push(and).push("project = ").arg(project);
        }
    }
}

impl Cut {
    /// Appends that a day is one of the whole ones; by name where what follows the day in the key is known as well.
    fn push_days(&self, sql: &mut Sql, by_name: bool) {
        if let (Some(first), Some(last), true) = (self.first, self.last, by_name)
            && (last - first).num_days() < NAMED_DAYS
        {
            let days = first.iter_days().take_while(|day| *day <= last);
            sql.push(" and day in ").list(days.map(|day| day.to_string()));
            return;
        }
        if let Some(first) = self.first {
            sql.push(" and day >= ").arg(first.to_string());
        }
        if let Some(last) = self.last {
            sql.push(" and day <= ").arg(last.to_string());
        }
    }
}

impl Edge {
    fn push_rows(&self, sql: &mut Sql, ended_at: &'static str, trace_id: &'static str) {
        for bound in [&self.from, &self.until] {
            match bound {
                Bound::At(compared, at) => {
                    sql.push(" and ").push(ended_at).push(compared).arg(*at);
                }
                Bound::Run(compared, at, id) => {
                    sql.push(" and (").push(ended_at).push(", ").push(trace_id).push(")").push(compared);
                    sql.push("(").arg(*at).push(", ").arg(id).push(")");
                }
            }
        }
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

/// The UTC day of a moment, its first moment, and the first one behind it.
fn around(at: Timestamp) -> (NaiveDate, Timestamp, Timestamp) {
    let day = utc_day(at);
    let end = day_end(day);
    (day, end.plus(TimeDelta::days(-1)), end)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
