//! The tables as people with an SQL client or a BI tool meet them.

use serde_json::{Value, json};
use whytrace::model::{FinishEvent, Quality, StartEvent, Status};

use super::*;
use crate::support::run::{noon, scored};

/// The columns that the design promises of `traces`.
const PROMISED: &str = "trace_id, project, query, intent, domain, report_type, research_type, status, \
    quality_gate_passed, overall_quality_score, quality_scale_max, started_at, completed_at, duration_seconds, \
    evidence_collected, evidence_passed, evidence_filtered, evidence_retrieved, evidence_used, retrieval_method, \
    retrieval_tokens, retrieval_cost_usd, synthesis_model, synthesis_input_tokens, synthesis_output_tokens, \
    synthesis_cost_usd, principle_scores, rubric_scores, principle_breakdown, gap_principles, strength_principles, \
    iteration_count, qg_iteration_count, quality_gate_failures, tier_config, trace_file_path, report_file_path, \
    output_file_paths, flagged_for_review, review_notes, parent_trace_id, agent_name, agent_model, schema_version, \
    created_at, updated_at";

fn with_metadata(metadata: Value) -> Run {
    let Value::Object(metadata) = metadata else { panic!("no object") };
    Run::new("t").start(StartEvent { project: "p".to_owned(), metadata, ..StartEvent::default() })
}

async fn row(store: &Store, question: &str) -> Row1 {
    let mut rows = store.rows(question).await;
    assert_eq!(rows.len(), 1, "{question}");
    rows.remove(0)
}

both! {
    async fn the_row_of_a_run_has_every_promised_column_filled(store) {
        let start = StartEvent {
            project: "cobot".to_owned(),
            query: "who?".to_owned(),
            intent: Some("validating".to_owned()),
            domain: Some("robotics".to_owned()),
            report_type: Some("brief".to_owned()),
            research_type: Some("competitive".to_owned()),
            parent_trace_id: Some("parent".parse().unwrap()),
            ..StartEvent::default()
        };
        let run = Run::new("t").start(start).collect("c", "collection", 28, 18).finish(FinishEvent {
            model: Some("m-1".to_owned()),
            input_tokens: Some(45_000),
            output_tokens: Some(3_800),
            cost_usd: Some(0.5),
            report_path: Some("report.md".to_owned()),
            output_paths: vec!["a.csv".to_owned()],
            ..scored(2.5, &[("META-12", 1.0), ("META-1", 3.0), ("META-2", 2.5)])
        });
        record(&store.index(), run.batch()).await;
        let mut row = row(store, &format!("select {PROMISED} from traces")).await;
        row.retain(|_, value| !value.is_null());
        let expected = json!({
            "trace_id": "t", "project": "cobot", "query": "who?", "intent": "validating", "domain": "robotics",
            "report_type": "brief", "research_type": "competitive", "status": "complete",
            "quality_gate_passed": true, "overall_quality_score": "2.5", "quality_scale_max": "3.0",
            "started_at": noon(), "completed_at": run.last().recorded_at, "duration_seconds": "2.0",
            "evidence_collected": 28, "evidence_passed": 18, "synthesis_model": "m-1",
            "synthesis_input_tokens": 45_000, "synthesis_output_tokens": 3_800, "synthesis_cost_usd": "0.5",
            "principle_scores": {"META-12": 1.0, "META-1": 3.0, "META-2": 2.5},
            "gap_principles": ["META-12"], "strength_principles": ["META-1"], "iteration_count": 1,
            "quality_gate_failures": 0, "report_file_path": "report.md", "output_file_paths": ["a.csv"],
            "flagged_for_review": false, "parent_trace_id": "parent", "schema_version": 2,
            "created_at": row["created_at"], "updated_at": row["updated_at"],
        });
        assert_eq!(Value::Object(row), expected);
    }

    async fn columns_that_nothing_else_fills_come_from_the_metadata(store) {
        let metadata = json!({
            "evidence_retrieved": 40, "evidence_used": 12, "retrieval_method": "hybrid", "retrieval_tokens": 900,
            "retrieval_cost_usd": 0.25, "rubric_scores": {"depth": 2}, "principle_breakdown": [1, {"a": null}],
            "qg_iteration_count": 2, "tier_config": {"tier": "deep"}, "trace_id": "other", "query": "other", "x": 1
        });
        record(&store.index(), with_metadata(metadata).batch()).await;
        let row = row(store, "select * from traces").await;
        assert_eq!((&row["evidence_retrieved"], &row["evidence_used"]), (&json!(40), &json!(12)));
        assert_eq!((&row["retrieval_method"], &row["retrieval_tokens"]), (&json!("hybrid"), &json!(900)));
        assert_eq!((&row["retrieval_cost_usd"], &row["qg_iteration_count"]), (&json!("0.25"), &json!(2)));
        assert_eq!((&row["rubric_scores"], &row["tier_config"]), (&json!({"depth": 2}), &json!({"tier": "deep"})));
        assert_eq!(row["principle_breakdown"], json!([1, {"a": null}]));
        assert_eq!((&row["trace_id"], &row["query"]), (&json!("t"), &json!("")));
    }

    async fn metadata_of_another_type_leaves_the_column_empty(store) {
        let metadata = json!({
            "evidence_retrieved": "many", "evidence_used": 1.5, "retrieval_method": 7, "retrieval_tokens": u64::MAX,
            "retrieval_cost_usd": "0.25", "rubric_scores": null, "qg_iteration_count": [], "tier_config": "deep"
        });
        record(&store.index(), with_metadata(metadata).batch()).await;
        let row = row(store, "select evidence_retrieved, evidence_used, retrieval_method, retrieval_tokens, \
                              retrieval_cost_usd, rubric_scores, qg_iteration_count from traces").await;
        assert!(row.values().all(Value::is_null), "{row:?}");
    }

    async fn gaps_can_be_read_from_their_view(store) {
        let index = store.index();
        let given = Quality { gap_principles: vec!["GIVEN".to_owned()], ..Quality::default() };
        let runs = [
            Run::started("a").finish(scored(1.5, &[("META-12", 1.0), ("META-1", 3.0)])),
            Run::started("b").finish(FinishEvent {
                status: Status::Failed,
                quality: given,
                ..FinishEvent::default()
            }),
            Run::started("open").decide("d"),
        ];
        record_all(&index, &runs).await;
        let gaps = "select principle, project, trace_id, score, quality_scale_max from trace_quality_gaps";
        let rows = store.rows(gaps).await;
        let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        assert_eq!(rows, [
            json!({"principle": "GIVEN", "project": "p", "trace_id": "b", "score": null, "quality_scale_max": "3.0"}),
            json!({"principle": "META-12", "project": "p", "trace_id": "a", "score": "1.0", "quality_scale_max": "3.0"}),
        ]);
    }

    async fn intents_are_summed_up_in_their_view_without_open_runs(store) {
        let index = store.index();
        let of = |id: &str, intent: Option<&str>| {
            Run::new(id).start(StartEvent { intent: intent.map(str::to_owned), ..StartEvent::default() })
        };
        let ended = |status| FinishEvent { status, cost_usd: Some(0.5), ..scored(1.5, &[]) };
        let runs = [
            of("a", Some("x")).finish(ended(Status::Complete)),
            of("b", Some("x")).finish(FinishEvent { quality: scored(2.5, &[]).quality, ..ended(Status::Failed) }),
            of("c", Some("x")).finish(FinishEvent { status: Status::Incomplete, ..FinishEvent::default() }),
            of("d", Some("x")),
            of("e", None).finish(ended(Status::Complete)),
        ];
        record_all(&index, &runs).await;
        let rows = store.rows("select * from trace_intent_summary where intent = 'x'").await;
        assert_eq!(Value::Object(rows[0].clone()), json!({
            "intent": "x", "runs": 3, "complete": 1, "failed": 1, "incomplete": 1, "passed": 1,
            "mean_score": "2.0", "mean_duration_seconds": "1.0", "total_cost_usd": "1.0"
        }));
        assert_eq!(count(store, "trace_intent_summary").await, 2);
    }

    async fn durations_of_stages_can_be_read_from_their_view(store) {
        let run = Run::started("t").enter("e1", "a").leave("l1", "a").enter("e2", "b").decide("d").complete();
        record(&store.index(), run.batch()).await;
        let rows = store.rows("select stage, position, duration_seconds from trace_stage_durations").await;
        let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        assert_eq!(rows, [
            json!({"stage": "a", "position": 0, "duration_seconds": "1.0"}),
            json!({"stage": "b", "position": 1, "duration_seconds": "2.0"}),
            json!({"stage": "collection", "position": 2, "duration_seconds": null}),
        ]);
    }
}

#[tokio::test]
async fn principle_scores_are_jsonb_with_an_inverted_index_on_postgres() {
    let Some(store) = Store::postgres() else { return };
    let index = store.index();
    let low = Run::started("low").finish(scored(1.0, &[("META-12", 1.0)]));
    record_all(&index, [&low, &Run::started("other").finish(scored(3.0, &[("META-1", 3.0)]))]).await;
    let found = store.rows("select trace_id from traces where principle_scores @> '{\"META-12\": 1}'").await;
    assert_eq!((found.len(), &found[0]["trace_id"]), (1, &json!("low")));
    // Of this table alone: tables of other tests go while this looks.
    let indexes =
        "select pg_get_indexdef(indexrelid) from pg_index where indrelid = cast('traces' as regclass)";
    let indexes = store.rows(indexes).await;
    let is_inverted =
        |row: &&Row1| row.values().any(|text| text.as_str().unwrap().contains("gin (principle_scores)"));
    assert_eq!(indexes.iter().filter(is_inverted).count(), 1);
}

#[tokio::test]
async fn every_text_of_postgres_sorts_by_bytes() {
    let Some(store) = Store::postgres() else { return };
    store.index().probe().await.unwrap();
    let others = store
        .rows(
            "select cast(table_name as text) as name, cast(column_name as text) as part \
             from information_schema.columns where table_schema = current_schema() \
             and table_name <> '_sqlx_migrations' and data_type = 'text' and collation_name is distinct from 'C'",
        )
        .await;
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let (Some(postgres), sqlite) = (Store::postgres(), Store::sqlite()) else { return };
    postgres.index().probe().await.unwrap();
    sqlite.index().probe().await.unwrap();
    let ours = [
        "flags",
        "meta",
        "confidence_days",
        "run_days",
        "principle_days",
        "trace_quality_gaps",
        "trace_intent_summary",
        "trace_stage_durations",
    ];
    for table in TABLES.iter().chain(&ours) {
        let mut one = postgres
            .rows(&format!(
                "select cast(column_name as text) as name from information_schema.columns \
                 where table_schema = current_schema() and table_name = '{table}'"
            ))
            .await;
        let other = sqlite.rows(&format!("select name from pragma_table_info('{table}')")).await;
        // SQLite keeps the words of runs in a table of their own.
        one.retain(|row| row["name"] != "words" && row["name"] != "word_text");
        assert_eq!(one, other, "{table}");
    }
}
