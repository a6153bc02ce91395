//! Stated confidence: what the index counts is what a plain look at the runs counts.

use std::collections::HashMap;

use chrono::TimeDelta;
use whytrace::calibration::{Flag, FlagAction, FlagKind};
use whytrace::model::{Agent, FinishEvent, Outcome, Quality, StartEvent, Status, Timestamp};
use whytrace::statistics::{
    ConfidenceBy, ConfidenceGroup, ConfidenceReport, GroupedConfidence, Observations, Observed, Thousandths,
};
use whytrace::store::index::{ConfidenceFilter, ConfidenceReach, Ended, Filter, StatedConfidence};

use super::*;
use crate::support::run::{noon, with_paths};

fn pick(values: &[&str], n: i64) -> Option<String> {
    let place = usize::try_from(n).unwrap() % (values.len() + 1);
    values.get(place).map(|value| (*value).to_owned())
}

/// Thirty runs, of which some are open, some have no verdict, and some decisions an outcome of their own.
fn many() -> Vec<Trace> {
    (0..30_i64)
        .map(|n| {
            let start = StartEvent {
                project: pick(&["cobot"], n).unwrap_or_else(|| "p%_".to_owned()),
                intent: pick(&["validating", "exploring"], n / 2),
                domain: pick(&["robotics"], n / 3),
                agent: Agent {
                    name: pick(&["ada", "bob"], n),
                    model: pick(&["m-agent"], n),
                    ..Agent::default()
                },
                ..StartEvent::default()
            };
            let mut run = Run::new(&format!("t{n:02}")).at(noon().plus(TimeDelta::hours(n))).start(start);
            for place in 0..n % 5 {
                run = run.decide_with(&format!("d{place}"), |decision| {
                    decision.stage = pick(&["collection"], place).unwrap_or_else(|| "synthesis".to_owned());
                    decision.decision =
                        pick(&["depth", "source"], n + place).unwrap_or_else(|| "x".to_owned());
                    let confidences = [0.0, 0.0005, 0.1234565, 0.86, 0.9, 0.9995, 1.0];
                    let confidence = confidences.get(usize::try_from(n * 3 + place * 2).unwrap() % 8);
                    decision.confidence = confidence.map(|confidence| (*confidence).try_into().unwrap());
                });
            }
            let passed = [None, Some(true), Some(false), Some(true)][usize::try_from(n).unwrap() % 4];
            let finish = FinishEvent {
                status: if n % 7 == 3 { Status::Failed } else { Status::Complete },
                model: pick(&["m-main"], n / 2),
                quality: Quality { passed, ..Quality::default() },
                ..FinishEvent::default()
            };
            let run = if n % 9 == 8 { run } else { run.finish(finish) };
            let mut trace = run.document(1);
            for (place, decision) in
                trace.stages.values_mut().flat_map(|stage| &mut stage.decisions).enumerate()
            {
                let correct = [None, None, Some(n % 2 == 0)][(place + usize::try_from(n).unwrap()) % 3];
                decision.outcome = correct.map(|correct| Outcome { correct: Some(correct), note: None });
            }
            trace
        })
        .collect()
}

fn of_ada() -> StartEvent {
    StartEvent {
        project: "p".to_owned(),
        agent: Agent { name: Some("ada".to_owned()), ..Agent::default() },
        ..StartEvent::default()
    }
}

/// A run a day of an agent that is always sure of itself.
fn sure(n: i64, passed: bool) -> Run {
    let quality = Quality { passed: Some(passed), ..Quality::default() };
    Run::new(&format!("t{n:02}"))
        .at(noon().plus(TimeDelta::days(n)))
        .start(of_ada())
        .decide_with("d", |decision| decision.confidence = Some(0.95.try_into().unwrap()))
        .finish(FinishEvent { status: Status::Complete, quality, ..FinishEvent::default() })
}

fn ended(trace: &Trace) -> Option<Timestamp> {
    trace.status().is_finished().then(|| trace.run.completed_at.unwrap())
}

fn is_about(filter: &ConfidenceFilter, trace: &Trace) -> bool {
    let is = |asked: &Option<String>, value: Option<&String>| asked.is_none() || asked.as_ref() == value;
    let of_runs = &filter.runs;
    let Some(at) = ended(trace) else { return false };
    of_runs.scope.has(&trace.project)
        && of_runs.ended_after.is_none_or(|after| at > after)
        && is(&of_runs.project, Some(&trace.project))
        && is(&of_runs.intent, trace.run.intent.as_ref())
        && is(&of_runs.domain, trace.run.domain.as_ref())
        && is(&filter.agent, trace.run.agent.name.as_ref())
        && is(&filter.model, model(trace))
}

fn model(trace: &Trace) -> Option<&String> {
    trace.cost.model.as_ref().or(trace.run.agent.model.as_ref())
}

/// What the index has to count.
fn plain<'t>(
    traces: impl IntoIterator<Item = &'t Trace>,
    filter: &ConfidenceFilter,
    by: Option<ConfidenceBy>,
) -> (Observations, GroupedConfidence) {
    let (mut all, mut groups) = (Observations::default(), GroupedConfidence::default());
    for (run, trace) in traces.into_iter().filter(|trace| is_about(filter, trace)).enumerate() {
        for (stage, decision) in trace.decisions() {
            let is = |asked: &Option<String>, value: &str| asked.as_ref().is_none_or(|asked| asked == value);
            let Some(confidence) = decision.confidence else { continue };
            if !is(&filter.stage, stage) || !is(&filter.decision, &decision.key) {
                continue;
            }
            let own = decision.outcome.as_ref().and_then(|outcome| outcome.correct);
            let Some(right) = own.or(trace.quality.passed) else {
                all.add_without_outcome(1);
                continue;
            };
            let observed = Observed {
                confidence: Thousandths::of(confidence),
                right,
                run: i64::try_from(run).unwrap(),
                own: own.is_some(),
            };
            all.add(observed, 1);
            let value = by.map(|by| match by {
                ConfidenceBy::Stage => Some(stage.to_owned()),
                ConfidenceBy::Decision => Some(decision.key.clone()),
                ConfidenceBy::Intent => trace.run.intent.clone(),
                ConfidenceBy::Agent => trace.run.agent.name.clone(),
                ConfidenceBy::Model => model(trace).cloned(),
            });
            if let Some(value) = value {
                groups.add(value, observed, 1);
            }
        }
    }
    (all, groups)
}

/// Both without the numbers of runs, which every index gives as it likes.
fn told(all: &Observations, groups: &GroupedConfidence) -> (ConfidenceReport, Vec<ConfidenceGroup>) {
    (ConfidenceReport::of(all, 1), groups.report(1).0)
}

fn filters() -> Vec<ConfidenceFilter> {
    let none = ConfidenceFilter::default;
    let runs = |runs: Filter| ConfidenceFilter { runs, ..none() };
    let text = |text: &str| Some(text.to_owned());
    vec![
        none(),
        runs(Filter { scope: Scope::Projects(vec!["cobot".to_owned()]), ..Filter::default() }),
        runs(Filter { scope: Scope::Projects(Vec::new()), ..Filter::default() }),
        runs(Filter { project: text("p%_"), ..Filter::default() }),
        runs(Filter { intent: text("exploring"), domain: text("robotics"), ..Filter::default() }),
        runs(Filter { ended_after: Some(noon().plus(TimeDelta::hours(12))), ..Filter::default() }),
        ConfidenceFilter { agent: text("ada"), ..none() },
        ConfidenceFilter { model: text("m-agent"), ..none() },
        ConfidenceFilter { model: text("m-main"), stage: text("synthesis"), ..none() },
        ConfidenceFilter { decision: text("depth"), ..none() },
        ConfidenceFilter { decision: text("dep%"), ..none() },
    ]
}

async fn ask(index: &Index, filter: &ConfidenceFilter, by: Option<ConfidenceBy>) -> StatedConfidence {
    index.stated_confidence(filter, by, ConfidenceReach::default()).await.unwrap()
}

both! {
    async fn what_is_counted_is_what_the_runs_say(store) {
        let (index, traces) = (store.index(), many());
        index.import(with_paths(traces.clone())).await.unwrap();
        for filter in filters() {
            for by in std::iter::once(None).chain(ConfidenceBy::ALL.map(Some)) {
                let stated = ask(&index, &filter, by).await;
                let (all, groups) = plain(&traces, &filter, by);
                assert_eq!(told(&stated.all, &stated.groups), told(&all, &groups), "{filter:?} {by:?}");
                assert_eq!(stated.read_since, None);
            }
        }
        assert!(ask(&index, &ConfidenceFilter::default(), None).await.all.n() > 20);
    }

    async fn a_key_and_an_agent_that_are_too_sure_are_flagged_the_same_live_and_when_rebuilt(store) {
        let index = store.index();
        let runs: Vec<Run> = (0..70_i64).map(|n| sure(n, n % 2 == 0)).collect();
        for run in &runs {
            record(&index, run.batch()).await;
        }
        let of_confidence = async |index: &Index| {
            let flags = index.flags(&Scope::All).await.unwrap().into_iter();
            let mut flags: Vec<Flag> =
                flags.filter(|flag| flag.kind == FlagKind::ConfidenceMiscalibrated).collect();
            flags.sort_by(|a, b| a.subject.cmp(&b.subject));
            flags
        };
        let live = of_confidence(&index).await;
        let subjects: Vec<&str> = live.iter().map(|flag| flag.subject.as_str()).collect();
        assert_eq!(subjects, ["agent:ada", "decision:source_selection"]);
        let said = "Decision source_selection says 0.95 on average and is right in 50 %: calibration error 0.45 \
                    (70 decisions in 70 runs, 90 days)";
        assert_eq!((live[1].message.as_str(), live[1].fired, live[1].trace_ids.len()), (said, 21, 20));
        assert_eq!(live[1].trace_ids[0].as_str(), "t69");

        // What is resolved is looked at again from the next day on.
        let at = noon().plus(TimeDelta::days(69));
        index.review_flag(&live[1].id, FlagAction::Resolve, at, &Scope::All).await.unwrap();
        for n in 70..73 {
            record(&index, sure(n, false).batch()).await;
        }
        assert_eq!(of_confidence(&index).await[1].state.as_str(), "resolved");

        store.clear().await;
        let rules = index.rules();
        let ended: Vec<Ended> = runs.iter().filter_map(|run| Ended::anew(&run.document(1), rules)).collect();
        index.import(with_paths(runs.iter().map(|run| run.document(1)).collect())).await.unwrap();
        index.rebuild_flags(&ended, |_| {}).await.unwrap();
        assert_eq!(of_confidence(&index).await, live);
    }

    async fn runs_that_ended_later_that_day_do_not_count_for_an_agent_whatever_their_keys(store) {
        let index = store.index();
        for n in 0..59_i64 {
            record(&index, sure(n, n % 2 == 0).batch()).await;
        }
        let evening = noon().plus(TimeDelta::days(59) + TimeDelta::hours(6));
        let quality = Quality { passed: Some(false), ..Quality::default() };
        let later = Run::new("later").at(evening).start(of_ada()).decide_with("d", |decision| {
            decision.decision = "depth".to_owned();
            decision.confidence = Some(0.95.try_into().unwrap());
        });
        let later = later.finish(FinishEvent { status: Status::Complete, quality, ..FinishEvent::default() });
        record(&index, later.batch()).await;
        let checked = finished(outcome(&index, sure(59, true).batch()).await);
        let said = checked.calibration.flags.iter().map(|note| note.message.rsplit_once('(').unwrap().1);
        assert_eq!(said.collect::<Vec<_>>(), ["60 decisions in 60 runs, 90 days)"; 2]);
    }

    async fn of_too_many_runs_the_newest_are_read_and_it_is_said(store) {
        let (index, traces) = (store.index(), many());
        index.import(with_paths(traces.clone())).await.unwrap();
        let filter = ConfidenceFilter::default();
        let mut newest: Vec<&Trace> = traces
            .iter()
            .filter(|trace| ended(trace).is_some() && trace.decisions().any(|(_, one)| one.confidence.is_some()))
            .collect();
        newest.sort_by_key(|trace| std::cmp::Reverse((ended(trace), &trace.trace_id)));
        let stated: HashMap<&TraceId, i64> = newest
            .iter()
            .map(|trace| (&trace.trace_id, trace.decisions().filter(|(_, one)| one.confidence.is_some()).count() as i64))
            .collect();
        let of = |read: usize| newest[..read].iter().map(|trace| stated[&trace.trace_id]).sum::<i64>();
        for (reach, read) in [
            (ConfidenceReach { runs: 5, decisions: 1_000 }, 5),
            (ConfidenceReach { runs: 1_000, decisions: of(3) }, 3),
            (ConfidenceReach { runs: 1_000, decisions: of(4) - 1 }, 3),
            (ConfidenceReach { runs: 1_000, decisions: 0 }, 1),
            (ConfidenceReach { runs: 1_000, decisions: 1_000 }, newest.len()),
        ] {
            let stated = index.stated_confidence(&filter, None, reach).await.unwrap();
            let (all, groups) = plain(newest[..read].iter().copied(), &filter, None);
            assert_eq!(told(&stated.all, &stated.groups), told(&all, &groups), "{reach:?}");
            let last = newest.get(read - 1).and_then(|trace| ended(trace)).filter(|_| read < newest.len());
            assert_eq!(stated.read_since, last, "{reach:?}");
        }
    }
}
