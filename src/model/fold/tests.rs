//! What the fold promises: order and repetition do not matter, and nothing is lost or invented.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{
    DecisionEvent, Evidence, EvidenceEvent, OutcomeEvent, Prompt, PromptEvent, ResultEvent, ReviewEvent,
    StageStartEvent,
};

fn at(second: u32) -> Timestamp {
    format!("2026-02-13T14:{:02}:{:02}Z", second / 60, second % 60).parse().unwrap()
}

fn event(id: &str, second: u32, body: EventBody) -> Event {
    Event {
        trace_id: "t".parse().unwrap(),
        event_id: id.parse().unwrap(),
        origin: "p".into(),
        sequence: u64::from(second),
        recorded_at: at(second),
        occurred_at: None,
        content_hash: id.into(),
        redactions: 0,
        body,
    }
}

fn start() -> Event {
    event(
        "start",
        0,
        EventBody::Start(StartEvent { project: "p".into(), query: "q".into(), ..StartEvent::default() }),
    )
}

fn decision(id: &str, second: u32) -> Event {
    event(
        id,
        second,
        EventBody::Decision(Box::new(DecisionEvent {
            decision_id: id.parse().unwrap(),
            stage: "s".into(),
            decision: "k".into(),
            what: "w".into(),
            why: "y".into(),
            confidence: None,
            alternatives_considered: vec![],
            inputs: None,
            evidence_ids: vec![],
            result: None,
            actor: None,
        })),
    )
}

fn finish(second: u32) -> Event {
    event(
        "finish",
        second,
        EventBody::Finish(Box::new(FinishEvent { status: Status::Complete, ..FinishEvent::default() })),
    )
}

fn told(events: &[Event]) -> Trace {
    fold(None, events, &QualityRules::default()).unwrap()
}

#[test]
fn without_a_start_there_is_no_run() {
    assert_eq!(fold(None, &[decision("a", 1)], &QualityRules::default()), None);
}

#[test]
fn a_stage_entered_twice_sums_its_stays_and_one_left_open_is_closed_by_the_finish() {
    let enter = |id, second| event(id, second, EventBody::StageStart(StageStartEvent { stage: "s".into() }));
    let leave = event(
        "l",
        5,
        EventBody::StageEnd(StageEndEvent {
            stage: "s".into(),
            started_at: None,
            outputs: None,
            error: None,
        }),
    );
    let trace = told(&[start(), enter("e1", 1), leave, enter("e2", 10), finish(20)]);
    let stage = &trace.stages["s"];
    assert_eq!(stage.duration_seconds, Some(14.0));
    assert_eq!(stage.entries.len(), 2);
    assert_eq!(stage.closed_by.as_deref(), Some("finish"));
}

#[test]
fn a_stage_that_was_only_used_has_no_times() {
    let trace = told(&[start(), decision("a", 1), finish(2)]);
    assert_eq!((trace.stages["s"].started_at, trace.stages["s"].duration_seconds), (None, None));
}

#[test]
fn a_result_without_its_decision_waits_for_it() {
    let result = event(
        "r",
        1,
        EventBody::Result(ResultEvent {
            decision_id: "a".parse().unwrap(),
            result: Some(json!(7)),
            error: None,
            duration_seconds: None,
            evidence_ids: vec![],
        }),
    );
    let waiting = told(&[start(), result]);
    assert_eq!(waiting.metadata.unplaced.len(), 1);
    let trace = fold(Some(waiting), &[decision("a", 2)], &QualityRules::default()).unwrap();
    assert!(trace.metadata.unplaced.is_empty());
    assert_eq!(trace.stages["s"].decisions[0].result, Some(json!(7)));
}

#[test]
fn what_comes_after_the_finish_is_late_and_counts() {
    let report = EvidenceEvent {
        stage: "s".into(),
        evidence: Evidence { collected_count: Some(3), ..Evidence::default() },
    };
    let trace = told(&[start(), finish(5), decision("late", 6), event("e", 7, EventBody::Evidence(report))]);
    assert!(trace.stages["s"].decisions[0].late);
    assert_eq!(trace.evidence_totals().0, Some(3));
    assert_eq!(trace.run.completed_at, Some(at(5)));
}

#[test]
fn an_abandoned_run_opens_again_with_its_next_event_but_not_with_a_review() {
    let mut abandon = event("abandon", 100, EventBody::Abandon { reason: "silent".into() });
    abandon.occurred_at = Some(at(1));
    let review =
        event("v", 101, EventBody::Review(ReviewEvent { flagged_for_review: Some(true), notes: None }));
    let closed = told(&[start(), decision("a", 1), abandon, review]);
    assert_eq!((closed.status(), closed.run.completed_at), (Status::Incomplete, Some(at(1))));
    assert!(closed.calibration.flagged_for_review);
    let open = fold(Some(closed), &[decision("b", 102)], &QualityRules::default()).unwrap();
    assert_eq!((open.status(), open.run.completed_at), (Status::InProgress, None));
    assert!(!open.stages["s"].decisions[1].late);
}

#[test]
fn costs_are_summed_from_prompts_only_when_the_finish_states_none() {
    let asked = event(
        "p",
        1,
        EventBody::Prompt(PromptEvent {
            stage: "s".into(),
            prompt: Prompt { input_tokens: Some(10), cost_usd: Some(0.5), ..Prompt::default() },
        }),
    );
    let summed = told(&[start(), asked.clone(), finish(2)]);
    assert_eq!(
        (summed.cost.input_tokens, summed.cost.cost_usd, summed.cost.derived),
        (Some(10), Some(0.5), true)
    );
    let mut stated = finish(2);
    stated.body = EventBody::Finish(Box::new(FinishEvent {
        status: Status::Failed,
        cost_usd: Some(2.0),
        ..FinishEvent::default()
    }));
    let stated = told(&[start(), asked, stated]);
    assert_eq!(
        (stated.cost.input_tokens, stated.cost.cost_usd, stated.cost.derived),
        (None, Some(2.0), false)
    );
}

#[test]
fn a_stay_that_begins_after_the_end_is_the_same_with_a_document_written_in_between() {
    let enter =
        |id: &str, second| event(id, second, EventBody::StageStart(StageStartEvent { stage: "s".into() }));
    let leave = StageEndEvent { stage: "s".into(), started_at: None, outputs: None, error: None };
    let late = [enter("e1", 3), enter("e2", 5), event("e3", 9, EventBody::StageEnd(leave))];
    let run: Vec<Event> = [start(), finish(2)].into_iter().chain(late).collect();
    let whole = told(&run);
    assert_eq!(whole.stages["s"].duration_seconds, Some(4.0), "from its last start to its end");
    for cut in 2..run.len() {
        let document = told(&run[..cut]);
        let mut pieces = fold(Some(document), &run, &QualityRules::default()).unwrap();
        pieces.metadata = whole.metadata.clone();
        assert_eq!(pieces, whole, "a document of {cut} events");
    }
}

/// A run of up to 12 events of several kinds, its start first and perhaps a finish somewhere.
fn any_run() -> impl Strategy<Value = Vec<Event>> {
    let kinds = proptest::collection::vec((0_u8..6, 0_usize..4), 0..12);
    kinds.prop_map(|kinds| {
        let mut events = vec![start()];
        for (place, (kind, target)) in kinds.into_iter().enumerate() {
            let second = u32::try_from(place).unwrap() + 1;
            let id = format!("e{place}");
            let target = format!("e{target}").parse().unwrap();
            events.push(match kind {
                0 => event(&id, second, EventBody::StageStart(StageStartEvent { stage: "s".into() })),
                1 => event(
                    &id,
                    second,
                    EventBody::StageEnd(StageEndEvent {
                        stage: "s".into(),
                        started_at: None,
                        outputs: Some(json!({"n": place})),
                        error: None,
                    }),
                ),
                2 => event(
                    &id,
                    second,
                    EventBody::Outcome(OutcomeEvent {
                        decision_id: target,
                        correct: Some(true),
                        note: Some(id.clone()),
                    }),
                ),
                3 if place == 7 => finish(second),
                _ => decision(&id, second),
            });
        }
        events
    })
}

proptest! {
    #[test]
    fn arrival_order_and_repetition_do_not_matter(run in any_run(), seed in any::<u64>()) {
        let mut shuffled = run.clone();
        shuffled.extend(run.iter().take(3).cloned());
        let n = shuffled.len() as u64;
        shuffled.sort_by_key(|event| (event.sequence.wrapping_add(1)).wrapping_mul(seed | 1) % (n + 7));
        prop_assert_eq!(told(&run), told(&shuffled));
    }

    #[test]
    fn a_document_stands_in_for_its_events(run in any_run(), cut in 1_usize..12) {
        let cut = cut.min(run.len());
        let base = told(&run[..cut]);
        let text = crate::model::document::write(&base, "g", 1).unwrap().1;
        let base = crate::model::document::read(&text, &QualityRules::default()).unwrap().trace;
        let mut whole = fold(Some(base), &run, &QualityRules::default()).unwrap();
        let mut expected = told(&run);
        whole.metadata = DocumentMetadata::default();
        expected.metadata = DocumentMetadata::default();
        prop_assert_eq!(whole, expected);
    }
}
