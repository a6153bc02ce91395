//! What the index has to answer, over runs in a list in memory.

use std::cmp::Ordering;

use whytrace::model::{QualityRules, Trace, TraceId};
use whytrace::statistics::RunFacts;
use whytrace::store::index::{Filter, Gate, Scope, Sort, ValueOf};
use whytrace::words::{SearchQuery, Term, words};

/// Ids of the runs that meet the filter, in order.
pub(super) fn list(runs: &[Trace], filter: &Filter, sort: Sort) -> Vec<String> {
    let mut met: Vec<&Trace> = runs.iter().filter(|run| meets(run, filter)).collect();
    met.sort_by(|a, b| order(a, b, filter, sort));
    met.into_iter().map(|run| run.trace_id.to_string()).collect()
}

/// The values of a column among the runs that meet the filter, the most frequent first.
pub(super) fn values(runs: &[Trace], column: ValueOf, filter: &Filter) -> Vec<(String, u64)> {
    let mut counts: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    for run in runs.iter().filter(|run| meets(run, filter)) {
        let value = match column {
            ValueOf::Project => Some(run.project.clone()),
            ValueOf::Intent => run.run.intent.clone(),
            ValueOf::Domain => run.run.domain.clone(),
            ValueOf::ReportType => run.run.report_type.clone(),
            ValueOf::Status => Some(run.run.status.to_string()),
        };
        if let Some(value) = value {
            *counts.entry(value).or_default() += 1;
        }
    }
    let mut values: Vec<(String, u64)> = counts.into_iter().collect();
    values.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    values
}

fn facts(run: &Trace) -> RunFacts {
    RunFacts::of(run, &QualityRules::default())
}

fn meets(run: &Trace, filter: &Filter) -> bool {
    let facts = facts(run);
    let same = |asked: &Option<String>, value: Option<&str>| {
        asked.as_deref().is_none_or(|asked| Some(asked) == value)
    };
    let in_scope = match &filter.scope {
        Scope::All => true,
        Scope::Projects(projects) => projects.contains(&run.project),
    };
    let gate = match filter.gate {
        None => true,
        Some(Gate::Passed) => facts.passed == Some(true),
        Some(Gate::Failed) => facts.passed == Some(false),
        Some(Gate::Unknown) => facts.passed.is_none(),
    };
    in_scope
        && gate
        && same(&filter.project, Some(&run.project))
        && !filter.not_projects.contains(&run.project)
        && same(&filter.intent, run.run.intent.as_deref())
        && same(&filter.domain, run.run.domain.as_deref())
        && same(&filter.report_type, run.run.report_type.as_deref())
        && same(&filter.parent, run.parent_trace_id.as_ref().map(TraceId::as_str))
        && filter.status.is_none_or(|status| status == run.run.status)
        && filter.score_min.is_none_or(|least| facts.score.is_some_and(|score| score >= least))
        && filter.score_max.is_none_or(|most| facts.score.is_some_and(|score| score <= most))
        && filter.since.is_none_or(|since| run.run.started_at >= since)
        && filter.until.is_none_or(|until| run.run.started_at < until)
        && filter.ended_after.is_none_or(|after| facts.ended_at().is_some_and(|ended| ended > after))
        && filter.ended_until.is_none_or(|until| facts.ended_at().is_some_and(|ended| ended <= until))
        && filter.gap.as_ref().is_none_or(|gap| facts.is_finished() && facts.gaps.contains(gap))
        && filter.flagged.is_none_or(|flagged| flagged == facts.flagged)
        && filter.tag.as_ref().is_none_or(|tag| run.run.tags.contains(tag))
        && filter.text.as_ref().is_none_or(|query| query.matches(&fields(run).join(&String::new())))
}

/// The words of query, tags and error.
fn fields(run: &Trace) -> [Vec<String>; 3] {
    [
        words(&run.run.query),
        run.run.tags.iter().flat_map(|tag| words(tag)).collect(),
        words(run.run.error.as_deref().unwrap_or_default()),
    ]
}

/// In how many fields at least one term occurs.
fn rank(run: &Trace, query: &SearchQuery) -> usize {
    let occurs = |term: &Term, words: &[String]| {
        SearchQuery { terms: vec![term.clone()], is_cut: false }.matches(words)
    };
    fields(run).iter().filter(|words| query.terms.iter().any(|term| occurs(term, words))).count()
}

fn order(a: &Trace, b: &Trace, filter: &Filter, sort: Sort) -> Ordering {
    let (facts_a, facts_b) = (facts(a), facts(b));
    let by_sort = match sort {
        Sort::Newest => {
            let ranks = filter.text.as_ref().map_or((0, 0), |query| (rank(a, query), rank(b, query)));
            ranks.1.cmp(&ranks.0).then_with(|| b.run.started_at.cmp(&a.run.started_at))
        }
        Sort::Oldest => a.run.started_at.cmp(&b.run.started_at),
        Sort::ScoreHigh => known_first(facts_a.score, facts_b.score, |a, b| b.total_cmp(a)),
        Sort::ScoreLow => known_first(facts_a.score, facts_b.score, f64::total_cmp),
        Sort::Longest => {
            known_first(facts_a.duration_seconds, facts_b.duration_seconds, |a, b| b.total_cmp(a))
        }
        Sort::Costliest => known_first(facts_a.cost_usd, facts_b.cost_usd, |a, b| b.total_cmp(a)),
    };
    by_sort.then_with(|| a.trace_id.cmp(&b.trace_id))
}

fn known_first(a: Option<f64>, b: Option<f64>, order: impl Fn(&f64, &f64) -> Ordering) -> Ordering {
    match (&a, &b) {
        (Some(a), Some(b)) => order(a, b),
        _ => b.is_some().cmp(&a.is_some()),
    }
}
