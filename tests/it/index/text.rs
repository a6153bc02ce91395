//! What goes in comes out: hostile text, times to the microsecond, numbers at their bounds.

use whytrace::model::{
    Alternative, EventBody, Evidence, EvidenceEvent, FinishEvent, Quality, StartEvent, Status, Timestamp,
    Unknown,
};
use whytrace::store::index::{Filter, Sort};

use super::*;

/// Texts that have broken stores: quotes, wildcards, SQL, JSON, emoji, right-to-left, combining marks, the longest.
fn torture() -> Vec<String> {
    let mut texts: Vec<String> = [
        "'; drop table traces; --",
        "\" ' ` '' \\ \\' $1 $$ ? :name @x %s {} {{}}",
        "% _ %% [a-z] \\% \\_",
        "{\"a\": \"b\\u0000\"} </script><!-- ]]>",
        "\u{2400}",
        "line\r\nfeed\ttab\u{1}\u{7f}\u{85}\u{2028}",
        "\u{feff}bom \u{200b}\u{200d}\u{202e}txet detrevni\u{202c}",
        "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 e\u{301} \u{1f1e9}\u{1f1ea}",
        "שלום עולם مرحبا بالعالم",
        "\u{10ffff}\u{e000}\u{fffd}",
        " leading and trailing ",
        "",
        "null",
        "NaN",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("x".repeat(16 * 1024));
    texts.push("漢".repeat(16 * 1024 / 3));
    texts.push("a b' \" \\ ".repeat(16 * 1024 / 9));
    texts
}

/// A label as the gate lets it in: no control characters, at most 128 bytes, not blank.
fn label(text: &str) -> String {
    let mut label: String = text.chars().filter(|c| !c.is_control()).collect();
    label.truncate(label.floor_char_boundary(128));
    if label.trim().is_empty() { "blank".to_owned() } else { label }
}

both! {
    async fn every_text_reads_back_as_it_was(store) {
        let index = store.index();
        for (n, text) in torture().into_iter().enumerate() {
            let label = label(&text);
            let mut id = format!("{n}{label}");
            id.truncate(id.floor_char_boundary(128));
            let run = Run::new(&id)
                .start(StartEvent {
                    project: label.clone(),
                    query: text.clone(),
                    intent: Some(label.clone()),
                    tags: vec![label.clone()],
                    ..StartEvent::default()
                })
                .enter("e", &label)
                .decide_with(&id, |decision| {
                    decision.stage.clone_from(&label);
                    decision.decision.clone_from(&label);
                    decision.what.clone_from(&text);
                    decision.why.clone_from(&text);
                    decision.inputs = Some(serde_json::json!({ text.as_str(): text }));
                    let (score, why_not) = (Some(0.5), Some(text.clone()));
                    decision.alternatives_considered =
                        vec![Alternative { option: text.clone(), score, why_not, unknown: Unknown::new() }];
                })
                .finish(FinishEvent {
                    status: Status::Failed,
                    error: Some(text.clone()),
                    quality: Quality { gap_principles: vec![label.clone()], ..Quality::default() },
                    report_path: Some(text.clone()),
                    ..FinishEvent::default()
                });
            record(&index, run.batch()).await;

            let scope = Scope::Projects(vec![label.clone()]);
            assert!(index.sighting(&id, &scope).await.unwrap().is_some(), "{text:?}");
            assert_eq!(index.with_prefix(&id, &scope, 9).await.unwrap().len(), 1, "{text:?}");
            let filter = Filter {
                scope,
                project: Some(label.clone()),
                intent: Some(label.clone()),
                tag: Some(label.clone()),
                gap: Some(label.clone()),
                ..searching::text(&text.replace(['"', '*'], " "))
            };
            let lines = index.list(&filter, Sort::Newest, 99, None).await.unwrap().lines;
            let line = lines.into_iter().find(|line| line.trace_id == id).unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!((line.query, line.error), (text.clone(), Some(text.clone())));
            assert_eq!((line.project, line.gaps), (label.clone(), vec![label.clone()]));

            let events = index.events(run.id()).await.unwrap();
            assert!(run.events().iter().all(|event| events.contains(event.event())), "{text:?}");
            let rows = store.rows("select * from decisions").await;
            let row = rows.iter().find(|row| row["trace_id"] == *id).unwrap();
            assert!(row["what"] == *text && row["why"] == *text && row["stage"] == *label, "{row:?}");
            let rows = store.rows("select * from alternatives").await;
            assert!(rows.iter().any(|row| row["option"] == *text && row["why_not"] == *text));
        }
        assert_eq!(count(store, "traces").await, torture().len() as u64);
    }

    async fn times_keep_their_microseconds_and_their_order(store) {
        let index = store.index();
        let times: Vec<Timestamp> = [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "1970-01-01T00:00:00.000001Z",
            "2026-02-13T14:30:22Z",
            "2026-02-13T14:30:22.000001Z",
            "2026-02-13T14:30:22.1Z",
            "2026-02-13T14:30:22.123Z",
            "2026-02-13T14:30:22.123001Z",
            "2026-02-13T14:30:22.999999Z",
            "2026-02-13T14:30:23Z",
            "9999-12-31T23:59:59.999999Z",
        ]
        .map(|time| time.parse().unwrap())
        .to_vec();
        for (n, time) in times.iter().enumerate() {
            let mut run = Run::new(&format!("{n:02}")).at(*time);
            run.event_said_at("start", Some(*time), EventBody::Start(StartEvent::default()));
            record(&index, run.batch()).await;
        }
        let lines = listing::all(&index, &Filter::default(), Sort::Oldest, 1).await;
        let read: Vec<Timestamp> = lines.into_iter().map(|line| line.started_at).collect();
        assert_eq!(read, times);
        for (n, time) in times.iter().enumerate() {
            let since = Filter { since: Some(*time), ..Filter::default() };
            assert_eq!(index.count(&since).await.unwrap(), (times.len() - n) as u64, "{time}");
            let until = Filter { until: Some(*time), ..Filter::default() };
            assert_eq!(index.count(&until).await.unwrap(), n as u64, "{time}");
            assert_eq!(index.silent(*time, 99).await.unwrap().len(), n, "{time}");
        }
    }

    async fn numbers_at_their_bounds_read_back_as_they_were(store) {
        let index = store.index();
        let numbers = [0.0, f64::MIN_POSITIVE, 5e-324, 0.1 + 0.2, 1.0 - f64::EPSILON, 1e15, 1e300, f64::MAX];
        for (n, number) in numbers.into_iter().enumerate() {
            let quality = Quality { score: Some(number), scale_max: Some(f64::MAX), ..Quality::default() };
            let run = Run::started(&format!("{n}"))
                .decide_with("d", |decision| {
                    decision.alternatives_considered = vec![Alternative {
                        option: "o".to_owned(), score: Some(number), why_not: None, unknown: Unknown::new(),
                    }];
                    decision.confidence = Some(number.clamp(0.0, 1.0).try_into().unwrap());
                })
                .finish(FinishEvent {
                    status: Status::Complete,
                    quality,
                    cost_usd: Some(number),
                    input_tokens: Some(i64::MAX),
                    output_tokens: Some(0),
                    ..FinishEvent::default()
                });
            record(&index, run.batch()).await;
            let written = store.rows(&format!("select * from traces where trace_id = '{n}'")).await;
            let text = format!("{number:?}");
            assert_eq!(written[0]["synthesis_cost_usd"], text);
            assert_eq!(written[0]["overall_quality_score"], text);
            assert_eq!(written[0]["synthesis_input_tokens"], i64::MAX);
            let rows = store.rows(&format!("select * from alternatives where trace_id = '{n}'")).await;
            assert_eq!(rows[0]["score"], text);
        }
        for sort in Sort::ALL {
            let mut ids: Vec<String> = listing::all(&index, &Filter::default(), sort, 1)
                .await
                .into_iter()
                .map(|line| line.trace_id)
                .collect();
            ids.sort();
            assert_eq!(ids.len(), numbers.len(), "{sort:?}");
            ids.dedup();
            assert_eq!(ids.len(), numbers.len(), "{sort:?}");
        }
    }

    async fn counts_that_add_up_to_more_than_64_bits_stay_at_the_bound(store) {
        let index = store.index();
        let most = Evidence { collected_count: Some(i64::MAX), ..Evidence::default() };
        let report = |stage: &str| {
            EventBody::Evidence(EvidenceEvent { stage: stage.to_owned(), evidence: most.clone() })
        };
        let run = Run::started("t").event("a", report("s")).prompt("p", i64::MAX, 1.0);
        record(&index, run.batch()).await;
        let run = run.event("b", report("s"));
        assert_eq!(record_last(&index, &run).await, Standing::New);
        let run = run.prompt("q", 1, 1.0);
        assert_eq!(record_last(&index, &run).await, Standing::New);
        for _ in 0..2 {
            let written = store.rows("select evidence_collected, synthesis_input_tokens from traces").await;
            assert_eq!(written[0]["evidence_collected"], i64::MAX);
            assert_eq!(written[0]["synthesis_input_tokens"], i64::MAX);
            record_last(&index, &run.clone().complete()).await;
        }
    }
}
