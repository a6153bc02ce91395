//! How confidence is told against outcome.

use serde_json::json;

use super::home::Home;

/// Thirty runs of two decisions each: one key is as right as it says, the other is sure of itself and often wrong.
async fn planted() -> Home {
    let home = Home::open();
    for n in 0..30 {
        let decide = |id: &str, key: &str, confidence: f64| {
            json!({"kind": "decision", "stage": "collection", "decision": key, "decision_id": id, "what": "w",
                "why": "y", "confidence": confidence})
        };
        let events = [decide("d1", "depth", 0.8), decide("d2", "source_selection", 0.95)];
        let finish = if n < 27 { json!({"score": if n % 9 < 7 { 2.5 } else { 1.0 }}) } else { json!({}) };
        let id = format!("trc_{n:02}");
        home.run(&id, &json!({"project": if n < 28 { "cobot" } else { "atlas" }}), &events, &finish).await;
        let review = json!({"trace_id": id, "decision_id": "d2", "correct": n % 2 == 0});
        let request = crate::gate::request::parse(review).unwrap();
        home.context.intake.review(request, &home.context.scope).await.unwrap();
    }
    home
}

#[tokio::test]
async fn what_is_off_is_said_first_and_the_rest_can_be_checked() {
    let home = planted().await;
    let all = home.ask("confidence_calibration", json!({"project": "cobot"})).await;
    insta::assert_snapshot!(all.text);
    let by_key = home.ask("confidence_calibration", json!({"group_by": "decision", "min_n": 25})).await;
    insta::assert_snapshot!("by_key", by_key.text);
    insta::assert_json_snapshot!("as_data", by_key.structured);
    let few = home.ask("confidence_calibration", json!({"project": "atlas", "group_by": "intent"})).await;
    insta::assert_snapshot!("too_few", few.text);
}

#[tokio::test]
async fn what_is_asked_is_taken_in_any_form_and_faults_are_named() {
    let home = planted().await;
    let asked = json!({"decision": "depth", "min_n": "5", "days": "all", "agent": null, "domain": ""});
    let answer = home.ask("confidence_calibration", asked).await;
    assert_eq!(answer.structured["n"], 27, "three runs have no verdict");
    assert_eq!(answer.structured["without_outcome"], 3);
    for (arguments, field) in [
        (json!({"days": "soon"}), "days"),
        (json!({"group_by": "mood"}), "group_by"),
        (json!({"stage": "x".repeat(200)}), "stage"),
        (json!({"key": "depth"}), "key"),
    ] {
        let error = home.try_ask("confidence_calibration", arguments.clone()).await.unwrap_err();
        assert!(error.message.starts_with(field), "{arguments}: {}", error.message);
    }
}
