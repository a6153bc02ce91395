//! The three views of whole runs.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{Line, Paper, Tone, compact, compact_lines, markdown, verbose, verbose_lines};
use crate::model::Trace;

fn trace(fields: &Value) -> Trace {
    let mut document = json!({
        "schema_version": 2, "trace_id": "trc_20260213_143022_a1b2c3d4", "project_name": "cobot",
        "run": {"query": "Is there a market?", "started_at": "2026-02-13T14:30:22.123456Z", "status": "complete"},
    });
    for (key, value) in fields.as_object().unwrap() {
        match (&mut document[key], value) {
            (Value::Object(old), Value::Object(new)) => old.extend(new.clone()),
            (old, new) => *old = new.clone(),
        }
    }
    serde_json::from_value(document).unwrap()
}

fn good_run() -> Trace {
    trace(&json!({
        "run": {
            "intent": "validating", "domain": "robotics", "duration_seconds": 83.0,
            "completed_at": "2026-02-13T14:31:45Z", "tags": ["weekly"],
            "agent": {"name": "scout", "version": "1.2", "model": "m-large"},
        },
        "stages": {
            "collection": {
                "duration_seconds": 45.8,
                "decisions": [{
                    "decision_id": "dec_p_3", "decision": "source_selection", "what": "exa (primary), reddit",
                    "why": "Exa covers the trade press; reddit has the users' own words about what breaks and why \
                            they keep it.",
                    "confidence": 0.9, "timestamp": "2026-02-13T14:30:25Z", "actor": "planner",
                    "alternatives_considered": [
                        {"option": "linkedin", "score": 0.6, "why_not": "needs a login"}, "google"],
                    "result": {"hits": 28}, "outcome": {"correct": true, "note": "18 of 28 were kept"},
                    "corrections": [{"timestamp": "2026-02-13T14:40:00Z", "reason": "reddit was down",
                                     "what": "exa alone", "confidence": 0.7}],
                }],
                "evidence": {"collected_count": 28, "passed_count": 18, "filtered_count": 10,
                             "by_source": {"exa": 22, "reddit": 6}},
            },
            "synthesis": {
                "duration_seconds": 30.0, "error": "first answer was cut", "prompts": [{"model": "m-large"}],
                "decisions": [{"decision_id": "dec_p_9", "decision": "format", "what": "table", "late": true,
                               "timestamp": "2026-02-13T14:32:00Z", "error": "too wide", "redactions": 1}],
            },
        },
        "quality": {
            "score": 2.4, "scale_max": 3.0, "threshold": 2.0, "passed": true,
            "principle_scores": [
                {"id": "META-12", "name": "Sources named", "score": 1.0, "feedback": "Two claims without any."},
                {"id": "META-1", "score": 3.0}, {"id": "META-2", "score": 2.5}],
            "gap_principles": ["META-12"], "strength_principles": ["META-1", "META-9"],
        },
        "cost": {"input_tokens": 45000, "output_tokens": 3800, "cost_usd": 0.32, "model": "m-large"},
        "iterations": [{"passed": false, "score": 1.8, "gap_principles": ["META-12", "META-2"],
                        "changes": "asked for sources"}, {"passed": true, "score": 2.4}],
        "iteration_count": 2, "quality_gate_failures": 1,
        "outputs": {"report_path": "reports/market 2026.md"},
        "calibration": {
            "flagged_for_review": true, "review_notes": "Look at\nthe sources.",
            "flags": [{"kind": "repeated_principle_failure", "subject": "META-12", "severity": "warning",
                       "message": "Principle META-12 has scored below threshold 5 times in the last 7 days."}],
        },
    }))
}

/// A run whose every text tries to be more than text.
fn hostile_run() -> Trace {
    let evil =
        "# x\n| a | b |\n|---|---|\n![i](http://e.example/i.png) <script>alert(1)</script> [l](u) \u{1b}[31m";
    trace(&json!({
        "project_name": evil, "trace_id": "a|b`c](d)<e>",
        "run": {"query": evil, "error": evil, "intent": evil, "tags": [evil], "status": "failed",
                "agent": {"name": evil}},
        "stages": {evil: {
            "error": evil, "evidence": {"by_source": {evil: 1}},
            "decisions": [{"decision_id": "x`|y", "decision": evil, "what": evil, "why": evil, "result": evil,
                           "timestamp": "2026-02-13T14:32:00Z", "actor": evil, "evidence_ids": [evil],
                           "alternatives_considered": [{"option": evil, "why_not": evil}],
                           "outcome": {"note": evil}, "error": evil}],
        }},
        "quality": {"principle_scores": [{"id": evil, "name": evil, "score": 1, "feedback": evil}],
                    "gap_principles": [evil]},
        "cost": {"model": evil}, "iterations": [{"changes": evil, "gap_principles": [evil]}],
        "outputs": {"report_path": evil},
        "calibration": {"review_notes": evil, "flags": [{"kind": evil, "subject": evil, "message": evil}]},
    }))
}

#[test]
fn the_scorecard_of_a_finished_run() {
    assert_snapshot!(compact(&good_run()), @r"
    -- Trace Summary ------------------------------------------
    Quality: 2.4/3.0  PASS    Duration: 1m 23s
    Cost: $0.32                Evidence: 28->18
    Gaps: META-12
    Trace: trc_20260213_143022_a1b2c3d4
    -----------------------------------------------------------
    ");
}

#[test]
fn a_scorecard_invents_nothing() {
    assert_snapshot!(compact(&trace(&json!({"run": {"status": "in_progress"}}))), @r"
    -- Trace Summary ------------------------------------------
    Status: in_progress
    Quality: -                Duration: -
    Cost: -                    Evidence: -
    Gaps: -
    Trace: trc_20260213_143022_a1b2c3d4
    -----------------------------------------------------------
    ");
}

#[test]
fn a_failed_run_says_so_first_and_every_line_keeps_its_width() {
    let long = "x".repeat(128);
    let gaps: Vec<String> = (1..=40).map(|n| format!("META-{n}")).collect();
    let run = trace(&json!({
        "trace_id": long,
        "run": {"status": "failed", "duration_seconds": 45_296.0,
                "error": "the search\nservice answered 503 five times in a row, giving up for today"},
        "quality": {"score": 87.25, "scale_max": 100.0, "passed": false, "gap_principles": gaps},
        "cost": {"cost_usd": 0.0042},
        "stages": {"s": {"evidence": {"collected_count": 28}}},
    }));
    assert_snapshot!(compact(&run), @r"
    -- Trace Summary ------------------------------------------
    Status: failed: the search service answered 503 five tim...
    Quality: 87.25/100.0  FAIL  Duration: 12h 35m
    Cost: $0.0042              Evidence: 28->?
    Gaps: META-1, META-2, META-3, META-4, META-5 +35 more
    Trace: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
    -----------------------------------------------------------
    ");
}

#[test]
fn no_gaps_is_said_only_where_principles_were_scored() {
    let scored = trace(&json!({"quality": {"score": 3.0, "principle_scores": [{"id": "a", "score": 3.0}]}}));
    assert!(compact(&scored).contains("Gaps: none"));
    assert!(compact(&trace(&json!({"quality": {"score": 3.0}}))).contains("Gaps: -"));
}

#[test]
fn one_gap_that_does_not_fit_is_cut_and_the_others_counted() {
    let run = trace(&json!({"quality": {"gap_principles": ["g".repeat(100), "h"]}}));
    assert!(compact(&run).contains(&format!("Gaps: {}... +1 more\n", "g".repeat(42))), "{}", compact(&run));
}

#[test]
fn the_page_tells_the_whole_run() {
    assert_snapshot!(verbose(&good_run()), @r#"
    -- Trace trc_20260213_143022_a1b2c3d4 ------------------------------------------
    Status:    complete
    Project:   cobot
    Query:     Is there a market?
    Intent:    validating
    Domain:    robotics
    Agent:     scout 1.2 (m-large)
    Tags:      weekly
    Started:   2026-02-13 14:30:22 UTC
    Ended:     2026-02-13 14:31:45 UTC
    Duration:  1m 23s

    -- Quality ---------------------------------------------------------------------
    Score:     2.4/3.0 PASS
    Threshold: 2.0
      gap       1.0  META-12 Sources named
                     Two claims without any.
      strength  3.0  META-1
                2.5  META-2
      strength  -    META-9

    -- Stages: 2 -------------------------------------------------------------------
      45.8s    collection, 1 decision, evidence 28->18
      30s      synthesis, 1 decision, 1 prompt
               error: first answer was cut

    -- Evidence --------------------------------------------------------------------
    Total:     28 collected, 18 kept, 10 filtered out
    By source: exa 22, reddit 6 (collection)

    -- Cost ------------------------------------------------------------------------
    Total:     $0.32, 45,000 tokens in, 3,800 tokens out, model m-large

    -- Iterations: 2, of which 1 failed the gate -----------------------------------
      1   FAIL, score 1.8, gaps META-12 META-2
          changed: asked for sources
      2   PASS, score 2.4

    -- Decisions: 2 ----------------------------------------------------------------
    collection
      source_selection: exa (primary), reddit
        confidence 0.90, by planner, 2026-02-13 14:30:25 UTC, dec_p_3
        why:       Exa covers the trade press; reddit has the users' own words about
                   what breaks and why they keep it.
        not taken: linkedin (0.6): needs a login
        not taken: google
        result:    {"hits":28}
        outcome:   right: 18 of 28 were kept
        corrected: 2026-02-13 14:40:00 UTC: reddit was down
          what:    exa alone
          now:     confidence 0.70
    synthesis
      format: table
        confidence -, 2026-02-13 14:32:00 UTC, dec_p_9
        error:     too wide
        late:      recorded after the run had ended
        redacted:  1 secret

    -- Calibration -----------------------------------------------------------------
    Flagged for review
      warning: repeated_principle_failure of META-12: Principle META-12 has scored
      below threshold 5 times in the last 7 days.
    Notes:     Look at the sources.

    -- Outputs ---------------------------------------------------------------------
    Report:    reports/market 2026.md
    "#);
}

#[test]
fn the_document_tells_the_whole_run() {
    assert_snapshot!(markdown(&good_run()), @r#"
    # Trace `trc_20260213_143022_a1b2c3d4`

    | Run |   |
    | --- | --- |
    | Project | cobot |
    | Status | complete |
    | Quality | 2.4/3.0  PASS |
    | Started | 2026-02-13 14:30:22 UTC |
    | Duration | 1m 23s |
    | Intent | validating |
    | Domain | robotics |
    | Agent | scout 1.2 (m-large) |
    | Tags | weekly |
    | Cost | \$0.32, 45,000 tokens in, 3,800 tokens out, model m-large |
    | Evidence | 28 collected, 18 kept, 10 filtered out |

    **Query**

    > Is there a market?

    ## Quality gate: PASS

    Score: 2.4/3.0  PASS (threshold 2.0)

    | Principle | Score | Mark | Feedback |
    | --- | --- | --- | --- |
    | META-12 Sources named | 1.0 | gap | Two claims without any. |
    | META-1 | 3.0 | strength |   |
    | META-2 | 2.5 |   |   |
    | META-9 | - | strength |   |

    ## Stages

    | Stage | Duration | Decisions | Evidence | Prompts | Error |
    | --- | --- | --- | --- | --- | --- |
    | collection | 45.8s | 1 | 28->18 (exa 22, reddit 6) | 0 |   |
    | synthesis | 30s | 1 |   | 1 | first answer was cut |

    ## Iterations

    | Turn | Verdict | Changed for the next |
    | --- | --- | --- |
    | 1 | FAIL, score 1.8, gaps META-12 META-2 | asked for sources |
    | 2 | PASS, score 2.4 |   |

    ## Decisions

    ### Stage collection

    #### Decision source_selection

    **Chosen:** exa (primary), reddit

    **Why**

    > Exa covers the trade press; reddit has the users' own words about what breaks and why they keep it.

    | Not taken | Score | Why not |
    | --- | --- | --- |
    | linkedin | 0.6 | needs a login |
    | google |   |   |

    - **Confidence:** 0.90
    - **By:** planner
    - **Result:** `{"hits":28}`
    - **Outcome:** right: 18 of 28 were kept
    - **Corrected:** 2026-02-13 14:40:00 UTC: reddit was down; chosen: exa alone; confidence 0.70
    - **Recorded:** 2026-02-13 14:30:25 UTC, `dec_p_3`

    ### Stage synthesis

    #### Decision format

    **Chosen:** table

    - **Confidence:** -
    - **Error:** too wide
    - **Late:** recorded after the run had ended
    - **Redacted:** 1 secret
    - **Recorded:** 2026-02-13 14:32:00 UTC, `dec_p_9`

    ## Calibration

    **Flagged for review.**

    | Flag | About | Severity | Finding |
    | --- | --- | --- | --- |
    | repeated_principle_failure | META-12 | warning | Principle META-12 has scored below threshold 5 times in the last 7 days. |

    **Review notes**

    > Look at
    > the sources.

    ## Outputs

    - **Report:** [reports/market 2026.md](reports/market%202026.md)
    "#);
}

#[test]
fn text_of_a_run_forms_no_structure_in_its_document() {
    let document = markdown(&hostile_run());
    for line in document.lines() {
        let text = line.trim_start_matches("> ");
        assert!(!text.starts_with("# x") && !text.starts_with("|---|"), "{line}");
    }
    assert!(!document.contains(['\u{1b}']));
    let prose: String = document.split('`').step_by(2).collect();
    let unescaped = |what: &str| prose.replace(&format!("\\{what}"), "").contains(what);
    assert!(!unescaped("<script") && !unescaped("[l]") && !unescaped("[i]"), "{prose}");
    let headings = document.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(headings, markdown(&good_run()).lines().filter(|line| line.starts_with('#')).count() - 2);
}

#[test]
fn every_view_of_a_hostile_run_keeps_its_shape() {
    let run = hostile_run();
    assert!(compact(&run).lines().all(|line| line.chars().count() <= 59));
    assert!(verbose(&run).lines().all(|line| line.chars().count() <= 80));
    assert!(!verbose(&run).contains('\u{1b}'));
}

#[test]
fn on_narrow_paper_each_fact_has_a_line_and_no_line_is_wider() {
    let paper = |columns| Paper { columns, width: |text| text.chars().count() };
    let narrow = compact_lines(&good_run(), paper(40));
    let text: Vec<String> = narrow.iter().map(Line::text).collect();
    assert_snapshot!(text.join("\n"), @"
    -- Trace Summary -----------------------
    Quality: 2.4/3.0  PASS
    Duration: 1m 23s
    Cost: $0.32
    Evidence: 28->18
    Gaps: META-12
    Trace: trc_20260213_143022_a1b2c3d4
    ----------------------------------------
    ");
    for columns in [40, 60, 100] {
        let lines = [compact_lines(&good_run(), paper(columns)), verbose_lines(&good_run(), paper(columns))];
        for line in lines.concat() {
            assert!(line.text().chars().count() <= columns, "{columns}: {line:?}");
        }
    }
}

#[test]
fn verdicts_gaps_and_faults_have_a_tone() {
    let lines = verbose_lines(&good_run(), Paper { columns: 80, width: |text| text.chars().count() });
    let tone_of = |part: &str| {
        let mut parts = lines.iter().flat_map(|line| &line.parts);
        parts.find(|(_, text)| text.contains(part)).map(|(tone, _)| *tone)
    };
    for (part, tone) in [
        ("-- Quality", Tone::Heading),
        ("2.4/3.0 PASS", Tone::Good),
        ("  gap ", Tone::Bad),
        ("  strength", Tone::Good),
        ("first answer was cut", Tone::Bad),
        ("why:", Tone::Label),
        ("validating", Tone::Plain),
    ] {
        assert_eq!(tone_of(part), Some(tone), "{part}");
    }
}
