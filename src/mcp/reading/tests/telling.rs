//! How answers read, over a store with runs.

use serde_json::json;

use super::reading::stocked;

#[tokio::test]
async fn lists_and_figures_read_like_this() {
    let home = stocked().await;
    let list = home.ask("trace_list", json!({"limit": 2, "project": "cobot"})).await;
    insta::assert_snapshot!(list.text, @r#"
    3 runs with project "cobot", sorted by newest
    trc_broken  cobot  failed  2026-02-13T14:32:00Z  <1ms  1 decision
      "Which arm lifts 10 kg?" error: "pipeline stopped: no sources left"
    trc_bad  cobot  complete  FAIL  1.2/3.0  2026-02-13T14:31:00Z  <1ms  $0.11  1 decision  gaps META-12  flagged
      "Which gripper is safe?"
    Next: trace_list {"project":"cobot","limit":2,"cursor":"40ab87eb7b22736f7274223a226e6577657374222c226166746572223a7b2254696d65223a5b22323032362d30322d31335431343a33313a30302e3030303030365a222c227472635f626164225d7d7d"}
    "#);
    insta::assert_snapshot!(list.structured.to_string(), @r#"{"total":3,"runs":[{"trace_id":"trc_broken","project":"cobot","status":"failed","started_at":"2026-02-13T14:32:00Z","duration_seconds":4e-6,"decisions":1,"query":"Which arm lifts 10 kg?","error":"pipeline stopped: no sources left"},{"trace_id":"trc_bad","project":"cobot","status":"complete","gate":"failed","score":1.2,"scale_max":3.0,"started_at":"2026-02-13T14:31:00Z","duration_seconds":2e-6,"cost_usd":0.11,"decisions":1,"gaps":["META-12"],"flagged":true,"query":"Which gripper is safe?"}],"next":{"tool":"trace_list","arguments":{"project":"cobot","limit":2,"cursor":"40ab87eb7b22736f7274223a226e6577657374222c226166746572223a7b2254696d65223a5b22323032362d30322d31335431343a33313a30302e3030303030365a222c227472635f626164225d7d7d"}}}"#);
    let summary = home.ask("trace_summary", json!({"group_by": "intent"})).await;
    insta::assert_snapshot!(summary.text, @r"
    Summary of 5 runs
    Status: 3 complete, 1 failed, 1 in progress
    Gate of finished runs: 2 passed, 1 failed, 1 unknown, pass rate 67 % (95 % interval 21 % to 94 %)
    Quality of finished runs, n 3: mean 2.2, median 2.5, p10 1.46
    Duration of complete and failed runs, n 4: mean <1ms, median <1ms, p95 <1ms
    Cost of all runs, n 2: total $0.43, mean $0.21
    Tokens of all runs, n 1: in 45,000, out 3,800
    Decisions of all runs, n 3: mean confidence 0.70, 3 state one
    Open calibration flags: 1
    By intent (3 groups):
    - validating: 2 runs (2 complete), gate 1 passed, 1 failed, 0 unknown, pass rate 50 % (95 % interval 9 % to 91 %), quality mean 1.85, median 1.85, median duration <1ms, cost $0.43, confidence 0.65
    - (unknown): 2 runs (1 complete, 1 in progress), gate 1 passed, 0 failed, 0 unknown, pass rate 100 % (95 % interval 21 % to 100 %), quality mean 2.9, median 2.9, median duration <1ms
    - exploring: 1 run (1 failed), gate 0 passed, 0 failed, 1 unknown, median duration <1ms, confidence 0.80
    ");
    let patterns = home.ask("principle_patterns", json!({"min_runs": 1})).await;
    insta::assert_snapshot!(patterns.text, @r"
    Principles over 4 finished runs of the last 30 days
    - META-12: failed in 1 of 2 (50 %, 95 % interval 9 % to 91 %), new; last in trc_bad at 2026-02-13T14:31:00Z; by intent: validating 1/2; by domain: robotics 1/2
    - META-1: failed in 0 of 2 (0 %, 95 % interval 0 % to 66 %), new; by intent: validating 0/2; by domain: robotics 0/2
    ");
    let flags = home.ask("calibration_flags", json!({})).await;
    insta::assert_snapshot!(flags.text, @r#"
    1 open calibration flag, last seen first
    - warning, open, project cobot: Project cobot failed the quality gate with 1.20 after its previous run had passed (1 of 1 runs passed in the 90 days before)
      n 1, window 90 days, passed before 1 of 1, previous run trc_good; fired by 1 run, 2026-02-13T14:31:00Z to 2026-02-13T14:31:00Z
      runs (1 of 1): trc_bad
      review: trace_review {"flag_id":"quality_gate_regression.cobot.cobot.c6036b4ec09d","flag_action":"acknowledge"}
    "#);
    let compared =
        home.ask("trace_compare", json!({"trace_id_a": "trc_good", "trace_id_b": "trc_bad"})).await;
    insta::assert_snapshot!(compared.text, @r#"
    a = trc_good, complete, quality 2.5 PASS
    b = trc_bad, complete, quality 1.2 FAIL
    Note: the queries differ: "Which arm lifts 10 kg?" and "Which gripper is safe?"
    First divergence, after 0 decisions alike: collection / source_selection
      a and b chose differently
      a: exa [d1, confidence 0.90]
         why: recent and on topic
      b: reddit [d1, confidence 0.40]
         why: recent and on topic
    a -> b: quality 2.5 -> 1.2 (-1.3) of 3.0; cost $0.32 -> $0.11 (-$0.21); duration <1ms -> <1ms (-<1ms)
    Gaps: only in b: META-12
    Tokens: in 45,000 -> -; out 3,800 -> -
    Evidence: collected 28 -> -; kept 18 -> -
    Decisions: 0 same, 1 changed (~), 0 only in a (-), 0 only in b (+)
      ~ collection / source_selection: exa -> reddit
    "#);
    let empty = home.ask("trace_list", json!({"status": "incomplete", "since": "1h"})).await;
    insta::assert_snapshot!(empty.text, @r#"
    No runs with status "incomplete", since "1h"
    Without the conditions there are 5 runs. Values to ask for:
      project: cobot (3), atlas (2)
      intent: validating (2), exploring (1)
      domain: robotics (2)
      status: complete (3), failed (1), in_progress (1)
    "#);
}
