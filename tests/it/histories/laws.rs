//! What must not matter to figures and flags: who recorded in which order, and where the documents came from.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use whytrace::calibration::Flag;
use whytrace::maintenance::{Importer, reindex};
use whytrace::model::Timestamp;
use whytrace::query::Query;
use whytrace::service::Service;
use whytrace::statistics::{GroupBy, GroupedReport, PatternsReport, SummaryReport};
use whytrace::store::index::{Filter, Scope};

use super::announcements::{heard, listen};
use super::figures::{assert_figures, assert_windows};
use super::flags::with_little_said;
use super::on_both;
use super::plan::{Course, Deed, Dice, Plan};
use super::recording::{
    Happened, Recording, Told, by_project, documents, may_be_repeated, remembered, without_its_database,
};
use crate::support::eventually::eventually;
use crate::support::pipeline::{Place, record};

on_both! {
    /// The history in order through one process, against the same runs shuffled and through two at once.
    async fn the_order_of_recording_across_processes_does_not_change_the_figures(place) {
        let course = Course { reviews_flags: false, ..Course::new(31, 60, 50) };
        let mut runs = whole_runs(&course.plan());
        let ordered = Place::new(None);
        let one = ordered.service();
        for run in &runs {
            record(&one, run.clone()).await.unwrap();
        }
        shuffle(&mut runs, &mut Dice(9));
        let (first, second) = (place.service(), place.service());
        let (early, late) = runs.split_at(runs.len() / 2);
        let all = async |service: &Service, runs: &[Value]| {
            for run in runs {
                record(service, run.clone()).await.unwrap();
            }
            service.intake.recorder().settled().await;
        };
        tokio::join!(all(&first, early), all(&second, late));
        one.intake.recorder().settled().await;
        assert_eq!(figures(&second.query, course.ends()).await, figures(&one.query, course.ends()).await);
        for service in [one, first, second] {
            service.close().await;
        }
    }

    async fn documents_taken_into_an_empty_home_give_the_same_figures_and_flags_and_nothing_is_announced(place) {
        let course = Course { states_times: false, reviews_flags: false, ..Course::new(5, 60, 30) };
        let mut recording = Recording::begin(Place::new(None));
        recording.carry_out(&course.plan()).await;
        let source = documents(&recording.place.path("projects"));

        listen();
        let service = place.service();
        let mut importer = Importer::new(service.intake.recorder().stores().clone(), None);
        for trace in &source {
            importer.take("elsewhere", serde_json::to_value(trace).unwrap()).await;
        }
        let done = importer.finish().await.unwrap();
        assert_eq!((done.imported, done.refused.len()), (source.len() as u64, 0), "{done:?}");
        assert_eq!(heard(), Vec::<String>::new());
        let told: Vec<Told> = source.into_iter().map(Told::of).collect();
        assert_told(&service.query, &told, course.ends()).await;
        assert_same_flags(flags(&service.query).await, recording.flags().await);
        service.close().await;
        recording.close().await;
    }

    async fn a_database_that_was_lost_is_built_again_with_the_flags_as_people_left_them(place) {
        let course = Course::new(77, 60, 40);
        let mut recording = Recording::begin(place.set(with_little_said));
        recording.carry_out(&course.plan()).await;
        let before = recording.flags().await;
        let path = recording.place.path("projects");
        eventually("the files say what the flags say", async || remembered(&path) == by_project(&before)).await;
        let told: Vec<Told> = documents(&path).into_iter().map(Told::of).collect();
        let Recording { place, processes, happened, .. } = recording;
        let [service, other] = processes;
        service.close().await;
        other.close().await;
        // A journal that was not let go of in time would bring back open runs, which the documents do not tell of.
        eventually("the journals are let go of", async || {
            let is_empty = std::fs::read_dir(place.path("journal")).unwrap().next().is_none();
            if !is_empty {
                place.service().close().await;
            }
            is_empty
        })
        .await;
        assert!(before.iter().any(|flag| flag.state.as_str() != "open"), "somebody decided something");

        listen();
        let (place, _spare) = without_its_database(place);
        let service = place.service();
        let stores = service.intake.recorder().stores();
        let places = stores.documents.places().await.unwrap();
        let done = reindex(stores, &places, |_| {}).await.unwrap();
        assert_eq!(done.runs, told.len() as u64);
        assert_told(&service.query, &told, course.ends()).await;
        assert_same_flags(flags(&service.query).await, before.clone());

        reindex(stores, &places, |_| {}).await.unwrap();
        assert_same_flags(flags(&service.query).await, before.clone());

        let ended = happened.iter().find_map(|happened| match happened {
            Happened::Finished { run, flags: Some(flags), .. } if !flags.is_empty() => Some(run),
            _ => None,
        });
        let finish = last_of(&course.plan(), ended.unwrap());
        assert!(may_be_repeated(&record(&service, finish).await.unwrap()));
        service.intake.recorder().settled().await;
        assert_same_flags(flags(&service.query).await, before);
        assert_eq!(heard(), Vec::<String>::new());
        service.close().await;
    }
}

/// Everything that the figures of an installation say.
type Figures = (SummaryReport, Vec<GroupedReport>, Vec<PatternsReport>);

async fn figures(query: &Query, now: Timestamp) -> Figures {
    let all = Filter::default();
    let mut groups = Vec::new();
    for by in GroupBy::ALL {
        groups.extend(query.aggregate(&all, Some(by)).await.unwrap().groups);
    }
    let mut patterns = Vec::new();
    for days in [Some(7), Some(30), None] {
        patterns.push(query.patterns(&all, days, 3, now).await.unwrap().report);
    }
    (query.aggregate(&all, None).await.unwrap().summary, groups, patterns)
}

async fn assert_told(query: &Query, told: &[Told], now: Timestamp) {
    let met: Vec<&Told> = told.iter().collect();
    assert_figures(query, &Filter::default(), &met, "all documents").await;
    assert_windows(query, &Filter::default(), &met, now, "all documents").await;
}

async fn flags(query: &Query) -> Vec<Flag> {
    query.flags(&Scope::All).await.unwrap()
}

fn assert_same_flags(said: Vec<Flag>, expected: Vec<Flag>) {
    // Means differ in their last digits with the order in which a database adds.
    let rounded = |mean: Option<f64>| mean.map(|mean| (mean * 1e9).round() / 1e9);
    let by_id = |flags: Vec<Flag>| -> BTreeMap<String, Flag> {
        let flags = flags.into_iter().map(|mut flag| {
            flag.baseline.subject_mean = rounded(flag.baseline.subject_mean);
            flag.baseline.overall_mean = rounded(flag.baseline.overall_mean);
            (flag.id.clone(), flag)
        });
        flags.collect()
    };
    let (said, expected) = (by_id(said), by_id(expected));
    assert_eq!(said.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (id, flag) in &said {
        assert_eq!(flag, &expected[id], "{id}");
    }
}

/// Each run of a plan in one batch that states the times of its own beginning and end.
fn whole_runs(plan: &Plan) -> Vec<Value> {
    let mut runs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for step in &plan.steps {
        let Deed::Record { run, request } = &step.deed else { continue };
        let events = runs.entry(run.clone()).or_default();
        for event in request["events"].as_array().unwrap() {
            let mut event = event.clone();
            if event["kind"] == "start" || event["kind"] == "finish" {
                event["timestamp"] = json!(step.at);
            }
            events.push(event);
        }
    }
    let whole = |(run, mut events): (String, Vec<Value>)| {
        // What came late comes in time here: a finish ends its batch.
        events.sort_by_key(|event| event["kind"] == "finish");
        json!({"trace_id": run, "events": events})
    };
    runs.into_iter().map(whole).collect()
}

fn shuffle(runs: &mut [Value], dice: &mut Dice) {
    for end in (1..runs.len()).rev() {
        runs.swap(end, dice.place(end + 1));
    }
}

/// The last event that a plan records of a run, alone in a batch: its finish.
fn last_of(plan: &Plan, run: &str) -> Value {
    let events = plan.steps.iter().filter_map(|step| match &step.deed {
        Deed::Record { run: of, request } if of == run => request["events"].as_array(),
        _ => None,
    });
    let finish = events.flatten().find(|event| event["kind"] == "finish").unwrap();
    json!({"trace_id": run, "events": [finish]})
}
