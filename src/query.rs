//! Questions in, answers out.
//!
//! Reads what the stores hold, within the scope of whoever asks: every question takes one. Nothing here is shaped
//! for a protocol or a terminal; that is for those who ask. Start at [`Query`].

mod choices;
mod confidence;
mod decisions;
mod diagnosis;
mod group;
mod resolve;

pub use self::diagnosis::{Basis, Diagnosed};
pub use confidence::Confidence;

use std::collections::HashSet;

use chrono::TimeDelta;
pub use decisions::{FoundDecisions, KnownOption, KnownOptions};

pub use self::group::{Compared, GroupCompared, GroupName};

use crate::calibration::Flag;
use crate::calibration::confidence::{day_end, utc_day};
use crate::diff::{Comparison, compare};
use crate::error::{Error, Result};
use crate::model::{Timestamp, TraceId};
use crate::scorecard::counted;
use crate::statistics::{
    AssociationsReport, GroupBy, GroupedReport, GroupedSummary, PatternsReport, PrincipleAssociations,
    Summary, SummaryReport, associations,
};
use crate::store::index::{ChoiceOutcome, Cursor, Filter, Page, Scope, Sort, ValueOf};
use crate::store::{LoadedTrace, Stores};

/// The principles, surest failures first, for which it is asked what goes together with their failing.
const EXAMINED: usize = 5;
/// The newest finished runs among which that is looked for.
const NEWEST: u32 = 2_000;

/// Answers questions about runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Query {
    stores: Stores,
}

/// A page of runs, with what an empty one needs to explain itself.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The runs.
    pub page: Page,
    /// How many runs meet the filter in all.
    pub total: u64,
    /// Events that are recorded but not in these figures yet.
    pub pending: usize,
    /// Only when nothing was found: what there is without the filter.
    pub without_filter: Option<Overview>,
}

/// What there is to ask about.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Runs in scope.
    pub runs: u64,
    /// The most frequent values of each field that can be filtered by: field, then values with their counts.
    pub values: Vec<(&'static str, Vec<(String, u64)>)>,
}

/// Aggregate figures over runs.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// All runs that meet the filter.
    pub summary: SummaryReport,
    /// The same by groups, when asked for.
    pub groups: Option<GroupedReport>,
    /// Open calibration flags of the projects in question.
    pub open_flags: u64,
    /// Events that are recorded but not in these figures yet.
    pub pending: usize,
    /// Only when nothing was found: what there is without the filter.
    pub without_filter: Option<Overview>,
}

/// Which principles fail, over a window of time.
#[derive(Clone, Debug)]
pub struct Patterns {
    /// The figures.
    pub report: PatternsReport,
    /// What goes together with the failing of the surest few.
    pub associations: AssociationsReport,
    /// Whether there are more finished runs than those that associations were looked for in.
    pub is_partial: bool,
    /// The window: runs that ended at this moment or later, all when absent.
    pub after: Option<Timestamp>,
    /// Events that are recorded but not in these figures yet.
    pub pending: usize,
    /// Only when nothing was found: what there is without the filter.
    pub without_filter: Option<Overview>,
}

impl Patterns {
    /// What goes together with the failing of a principle, where that was looked for.
    #[must_use]
    pub fn associations_of(&self, principle: &str) -> Option<&PrincipleAssociations> {
        self.associations.principles.iter().find(|one| one.principle == principle)
    }

    /// What that was looked for in, and how, as a sentence; `None` where nothing could be compared.
    #[must_use]
    pub fn compared_text(&self) -> Option<String> {
        let number = |count: i64| usize::try_from(count).unwrap_or(0);
        let compared = &self.associations;
        let newest = if self.is_partial { "newest " } else { "" };
        (compared.comparisons > 0).then(|| {
            format!(
                "What goes with failing is over the {newest}{}; p by Fisher's exact test, corrected for {} (Holm). \
                 It need not be the cause.",
                counted(number(compared.runs), "judged run"),
                counted(number(compared.comparisons), "comparison")
            )
        })
    }
}

impl Query {
    /// Asks these stores.
    #[must_use]
    pub fn new(stores: Stores) -> Self {
        Self { stores }
    }

    /// Reads one run by a forgiving id: exact, a unique prefix, `last`, `last:PROJECT` or `last-failed`.
    ///
    /// With the database away, exact ids and prefixes are found among documents and what this process recorded.
    ///
    /// # Errors
    /// [`Error::UnknownTrace`], [`Error::Ambiguous`], [`Error::Deleted`], [`Error::Unavailable`],
    /// [`Error::Corrupt`].
    pub async fn trace(&self, id: &str, scope: &Scope) -> Result<LoadedTrace> {
        let trace_id = self.resolve(id, scope).await?;
        self.stores.load(&trace_id, scope).await?.ok_or_else(|| Error::UnknownTrace { id: id.to_owned() })
    }

    /// The id that a forgiving one means.
    ///
    /// # Errors
    /// As [`Query::trace`].
    pub async fn resolve(&self, id: &str, scope: &Scope) -> Result<TraceId> {
        resolve::resolve(&self.stores, id, scope).await
    }

    /// Ids to offer when one was not found: the nearest and the most recent, at most `limit`.
    pub async fn nearby(&self, id: &str, scope: &Scope, limit: u32) -> Vec<TraceId> {
        resolve::nearby(&self.stores, id, scope, limit).await
    }

    /// Lists runs.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn list(
        &self,
        filter: &Filter,
        sort: Sort,
        limit: u32,
        cursor: Option<&Cursor>,
    ) -> Result<Listing> {
        let page = self.stores.index.list(filter, sort, limit, cursor).await?;
        let total = self.stores.index.total(filter).await?;
        let without_filter = if total == 0 { Some(self.overview(filter).await?) } else { None };
        Ok(Listing { page, total, pending: self.pending_in(&filter.scope), without_filter })
    }

    /// Where a list goes on behind its first `count` runs, for whoever shows fewer than it asked for.
    ///
    /// # Errors
    /// As [`Query::list`].
    pub async fn cursor_behind(
        &self,
        filter: &Filter,
        sort: Sort,
        count: u32,
        cursor: Option<&Cursor>,
    ) -> Result<Option<Cursor>> {
        Ok(self.stores.index.list(filter, sort, count, cursor).await?.next)
    }

    /// A page of a list alone, for whoever goes on with one.
    ///
    /// # Errors
    /// As [`Query::list`].
    pub async fn page(
        &self,
        filter: &Filter,
        sort: Sort,
        limit: u32,
        cursor: Option<&Cursor>,
    ) -> Result<Page> {
        self.stores.index.list(filter, sort, limit, cursor).await
    }

    /// Where a list in an order that is not [ranked](Sort::is_ranked) goes on behind a run, by its exact id; `None`
    /// when there is no such run.
    ///
    /// # Errors
    /// As [`Query::list`].
    pub async fn cursor_behind_run(&self, trace_id: &TraceId, sort: Sort) -> Result<Option<Cursor>> {
        self.stores.index.cursor_behind(trace_id, sort).await
    }

    /// Adds runs up.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn aggregate(&self, filter: &Filter, group_by: Option<GroupBy>) -> Result<Aggregate> {
        let mut summary = Summary::new();
        let mut groups = group_by.map(GroupedSummary::new);
        self.stores
            .index
            .each_run(filter, |run| {
                summary.add(&run);
                if let Some(groups) = &mut groups {
                    groups.add(&run);
                }
            })
            .await?;
        let flags = self.stores.index.flags(&filter.scope).await?;
        let open_flags = flags
            .iter()
            .filter(|flag| flag.state.as_str() == "open")
            .filter(|flag| filter.project.as_ref().is_none_or(|project| *project == flag.project))
            .count() as u64;
        let without_filter = if summary.runs() == 0 { Some(self.overview(filter).await?) } else { None };
        Ok(Aggregate {
            summary: summary.report(),
            groups: groups.map(|groups| groups.report()),
            open_flags,
            pending: self.pending_in(&filter.scope),
            without_filter,
        })
    }

    /// Says which principles fail in the last `days` UTC days before that of `now`, and in what there is of this one, or
    /// ever, against as many days before: whole days, so that an answer does not change with the hour.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn patterns(
        &self,
        filter: &Filter,
        days: Option<u32>,
        min_runs: u64,
        now: Timestamp,
    ) -> Result<Patterns> {
        let mut window = filter.clone();
        let (mut before, mut since) = (None, None);
        if let Some(days) = days {
            let length = TimeDelta::days(i64::from(days));
            let after = day_end(utc_day(now)).plus(-length - TimeDelta::days(1));
            // Later than the last moment of the day before.
            let begins = after.plus(-TimeDelta::microseconds(1));
            window.ended_after = Some(begins);
            since = Some(after);
            before = Some(Filter {
                ended_after: Some(begins.plus(-length)),
                ended_until: Some(begins),
                ..filter.clone()
            });
        }
        let tallies = self.stores.index.principle_tallies(&window).await?;
        let tallies_before = match &before {
            Some(before) => Some(self.stores.index.principle_tallies(before).await?),
            None => None,
        };
        let report = PatternsReport::of(&tallies, tallies_before.as_ref(), min_runs);
        let failing = report.patterns.iter().filter(|pattern| pattern.gap_runs >= 3).take(EXAMINED);
        let failing: Vec<String> = failing.map(|pattern| pattern.principle.clone()).collect();
        let (associations, looked_at) = if failing.is_empty() {
            (AssociationsReport::default(), NEWEST)
        } else {
            let (runs, looked_at) = self.stores.index.features(&window, NEWEST).await?;
            (associations(&runs, &failing), looked_at)
        };
        let without_filter =
            if tallies.finished_runs == 0 { Some(self.overview(filter).await?) } else { None };
        Ok(Patterns {
            is_partial: report.finished_runs > i64::from(looked_at),
            report,
            associations,
            after: since,
            pending: self.pending_in(&filter.scope),
            without_filter,
        })
    }

    /// Compares two runs, the second against the first.
    ///
    /// # Errors
    /// As [`Query::trace`], for either.
    pub async fn compare(&self, a: &str, b: &str, scope: &Scope) -> Result<Comparison> {
        let a = self.trace(a, scope).await?;
        let b = self.trace(b, scope).await?;
        Ok(compare(&a.trace, &b.trace, self.stores.index.rules()))
    }

    /// Calibration flags, the last seen first, with those of their runs that are in scope: a flag that was fired while
    /// flags spanned the installation names runs of any project.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn flags(&self, scope: &Scope) -> Result<Vec<Flag>> {
        let mut flags = self.stores.index.flags(scope).await?;
        if *scope != Scope::All {
            let named: HashSet<&str> =
                flags.iter().flat_map(|flag| &flag.trace_ids).map(TraceId::as_str).collect();
            let own = self.stores.index.those_in(scope, named).await?;
            for flag in &mut flags {
                flag.trace_ids.retain(|id| own.contains(id.as_str()));
            }
        }
        Ok(flags)
    }

    /// How runs ended that decided the same question, by what they chose, for one intent where one is given.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn choice_outcomes(
        &self,
        project: &str,
        intent: Option<&str>,
        decision: &str,
    ) -> Result<Vec<ChoiceOutcome>> {
        self.stores.index.choice_outcomes(project, intent, decision).await
    }

    /// How many recorded events the database does not hold yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.stores.live.pending()
    }

    /// How many of them are of runs in scope.
    #[must_use]
    pub fn pending_in(&self, scope: &Scope) -> usize {
        match scope {
            Scope::All => self.pending(),
            Scope::Projects(_) => self.stores.live.pending_of(|project| scope.has(project)),
        }
    }

    /// What there is to ask about, whatever the filter says.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn overview(&self, filter: &Filter) -> Result<Overview> {
        let all = filter.without_conditions();
        let runs = self.stores.index.total(&all).await?;
        let mut values = Vec::new();
        for (name, column) in [
            ("project", ValueOf::Project),
            ("intent", ValueOf::Intent),
            ("domain", ValueOf::Domain),
            ("report_type", ValueOf::ReportType),
            ("status", ValueOf::Status),
        ] {
            let found = self.stores.index.values(column, &all, 8).await?;
            if !found.is_empty() {
                values.push((name, found));
            }
        }
        Ok(Overview { runs, values })
    }
}
