//! A database of an earlier version, brought up to date: nothing is lost, and what waits for `whytrace reindex` is said.

use serde_json::json;
use whytrace::model::{Alternative, Unknown};

use super::*;
use crate::support::run::{scored, with_paths};

/// A run, as the first versions wrote it.
pub(super) const OLD_RUN: &str = "
insert into traces (trace_id, project, query, intent, status, quality_gate_passed, started_at, ended_at, principle_scores,
    gap_principles, strength_principles, iteration_count, quality_gate_failures, output_file_paths, flagged_for_review, tags,
    decision_count, confidence_count, confidence_sum, turn_count, event_count, event_bytes, last_event_at,
    document_revision, projected, schema_version, created_at, updated_at)
values ('t', 'p', 'who?', 'validating', 'complete', false, '2026-02-13 12:00:00+00:00', '2026-02-13 12:00:09+00:00', '{}',
    '[]', '[]', 1, 0, '[]', false, '[]', 2, 1, 0.5, 0, 4, 100, '2026-02-13 12:00:09+00:00', 1, true, 2,
    '2026-02-13 12:00:00+00:00', '2026-02-13 12:00:00+00:00');
";

/// Its two decisions.
const OLD_DECISIONS: &str = "
insert into decisions (trace_id, decision_id, stage, position, decision, what, why, confidence, alternative_count,
    evidence_count, decided_at, late)
values ('t', 'd2', 's', 1, 'other', 'b', 'y', null, 0, 0, '2026-02-13 12:00:02+00:00', false);
insert into decisions (trace_id, decision_id, stage, position, decision, what, why, confidence, alternative_count,
    evidence_count, decided_at, late)
values ('t', 'd1', 's', 0, 'source_selection', 'Exa', 'x', 0.5, 1, 0, '2026-02-13 12:00:01+00:00', false);
insert into alternatives (trace_id, decision_id, position, option) values ('t', 'd1', 0, 'Reddit');
";

/// The same run as its document tells it.
fn document() -> Trace {
    let other =
        Alternative { option: "Reddit".to_owned(), score: None, why_not: None, unknown: Unknown::new() };
    let run = Run::started("t")
        .decide_with("d1", |decision| decision.alternatives_considered = vec![other])
        .decide("d2")
        .finish(scored(1.0, &[]));
    run.document(2)
}

both! {
    async fn decisions_of_an_earlier_version_are_kept_and_wait_to_be_indexed_again(store) {
        store.migrate_to(3).await;
        store.run(OLD_RUN).await;
        store.run(OLD_DECISIONS).await;
        let index = store.index();
        assert_eq!(index.unsearchable_decisions(&Scope::All).await.unwrap(), 2);
        let rows = store
            .rows("select decision_id, position, what, project, intent, quality_gate_passed, choice from decisions")
            .await;
        let of = |id: &str, position: i64, what: &str| {
            let run = json!({"project": "p", "intent": "validating", "quality_gate_passed": false, "choice": null});
            let own = json!({"decision_id": id, "position": position, "what": what});
            [run, own].into_iter().flat_map(|part| part.as_object().cloned().unwrap()).collect::<Row1>()
        };
        let mut expected = vec![of("d1", 0, "Exa"), of("d2", 1, "b")];
        sort(&mut expected);
        assert_eq!(rows, expected);
        assert_eq!(store.value("select count(*) from decisions where ended_at is not null").await, 2);
        assert_eq!(store.value("select option from alternatives").await, "Reddit");

        index.import(with_paths(vec![document()])).await.unwrap();
        assert_eq!(index.unsearchable_decisions(&Scope::All).await.unwrap(), 0);
        assert_eq!(store.value("select choice from alternatives").await, "reddit");
        assert_eq!(store.value("select choice from decisions where decision_id = 'd1'").await, "exa");
        assert_eq!(count(store, "decisions").await, 2);
    }
}
