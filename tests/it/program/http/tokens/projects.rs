//! Tokens that are restricted to projects: all others are unknown to their bearers, in answers, figures and errors,
//! whatever is asked and however it is spelt.

use serde_json::{Value, json};

use super::{ALL, serve_tokens, token};
use crate::program::decision;
use crate::program::http::client::Client;
use crate::program::http::serve_with;
use crate::support::program::Home;

/// Runs of two projects that have everything in common but their ids.
fn two_projects(client: &Client) {
    for (project, prefix) in [("mine", "m"), ("foreign", "f")] {
        for number in 0..8 {
            let id = format!("{prefix}{number}");
            let run = json!({"trace_id": id, "project": project, "query": format!("what {project} asks"),
                "intent": project, "tags": ["shared"]});
            client.tell("trace_start", &run);
            client.tell("trace_record_decision", &decision(&id, "d1"));
            let scores = json!([{"id": "META-12", "score": 0}, {"id": format!("OF-{project}"), "score": 0}]);
            let end = json!({"trace_id": id, "score": 1.0, "principle_scores": scores});
            client.tell("trace_finish", &end);
        }
        client.tell(
            "trace_start",
            &json!({"trace_id": format!("{prefix}-open"), "project": project, "query": "?"}),
        );
    }
}

/// What is said to who opens a run under this id and may not.
fn refused_start(client: &Client, id: &str, project: &str) -> String {
    let start = json!({"trace_id": id, "project": project, "query": "?"});
    let batch = json!({"trace_id": id, "events": [{"kind": "start", "project": project, "query": "?"}]});
    let said =
        |tool, arguments| client.call(tool, arguments)["content"][0]["text"].as_str().unwrap().to_owned();
    let refused = said("trace_start", &start);
    assert_eq!(said("trace_record", &batch), refused);
    refused
}

/// The same words for every id that is in use elsewhere, or was.
fn unusable(id: &str) -> String {
    format!(
        "invalid_argument: trace_id: \"{id}\" cannot be used for a new run\nleave it out, or send another"
    )
}

#[test]
fn an_id_of_another_project_is_refused_in_the_same_words_whatever_became_of_its_run() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let all = client.bearing(&token(&home, ALL, None).1);
    let mine = client.bearing(&token(&home, ALL, Some("mine")).1);
    for id in ["open", "ended", "deleted", "damaged"] {
        all.tell("trace_start", &json!({"trace_id": id, "project": "foreign", "query": "?"}));
        if id != "open" {
            all.tell("trace_finish", &json!({"trace_id": id}));
        }
    }
    home.run(["delete", "--yes", "deleted"]).worked();
    let documents = home.join("projects").join("foreign").join("_traces");
    std::fs::write(documents.join("damaged.json"), "no JSON").unwrap();
    for id in ["open", "ended", "deleted", "damaged"] {
        assert_eq!(refused_start(&mine, id, "mine"), unusable(id));
    }
    mine.tell("trace_start", &json!({"trace_id": "free", "project": "mine", "query": "?"}));
}

#[test]
fn a_token_of_some_projects_sees_nothing_of_others() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let all = client.bearing(&token(&home, ALL, None).1);
    let mine = client.bearing(&token(&home, ALL, Some("mine")).1);
    two_projects(&all);
    let foreign_flag = all.tell("calibration_flags", &json!({"project": "foreign", "state": "all"}));
    let foreign_flag = foreign_flag["flags"][0]["flag_id"].as_str().expect("a flag").to_owned();

    // Whatever is asked, the other project's name, queries, principles and ids are not in the answer.
    let silent = |what: &str, answer: &Value, asked: &[&str]| {
        let text = answer.to_string();
        for told in ["foreign", "f0", "f7", "f-open"].iter().filter(|told| !asked.contains(told)) {
            assert!(!text.contains(told), "{what} tells of {told}: {text}");
        }
    };
    let by_id = ["f0", "f", "f-op", "last:foreign"];
    for id in by_id {
        for (tool, arguments) in [
            ("trace_full", json!({"trace_id": id})),
            ("trace_summary", json!({"trace_id": id})),
            ("trace_compare", json!({"trace_id_a": "m0", "trace_id_b": id})),
            ("trace_compare", json!({"trace_id_a": id, "trace_id_b": "m0"})),
            ("trace_diagnose", json!({"trace_id": id})),
            ("trace_diagnose", json!({"trace_id": "m0", "against": id})),
        ] {
            let answer = mine.call(tool, &arguments);
            assert_eq!(answer["isError"], true, "{tool} {id}: {answer}");
            assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool} {id}: {answer}");
            silent(tool, &answer, &[id.trim_start_matches("last:")]);
        }
    }
    let missing = mine.call("trace_full", &json!({"trace_id": "trc_unknown"}));
    assert!(missing["structuredContent"]["hint"].as_str().unwrap().contains("\"m"), "{missing}");
    silent("nearest ids", &missing, &[]);
    for (tool, arguments) in [
        ("trace_list", json!({"limit": 100})),
        ("trace_list", json!({"text": "asks"})),
        ("trace_list", json!({"tag": "shared", "sort": "score_low"})),
        ("trace_list", json!({"project": "nobody"})),
        ("trace_summary", json!({"group_by": "project"})),
        ("trace_summary", json!({"group_by": "intent"})),
        ("trace_summary", json!({"project": "nobody"})),
        ("trace_full", json!({"trace_id": "last"})),
        ("principle_patterns", json!({"min_runs": 1})),
        ("confidence_calibration", json!({"group_by": "agent", "min_n": 1})),
        ("confidence_calibration", json!({"project": "nobody"})),
        ("calibration_flags", json!({"state": "all"})),
        ("calibration_flags", json!({"state": "resolved"})),
    ] {
        silent(tool, &mine.call(tool, &arguments), &[]);
    }
    assert_eq!(mine.tell("trace_list", &json!({"project": "foreign"}))["total"], 0);
    assert_eq!(mine.tell("trace_list", &json!({}))["total"], 9);
    assert_eq!(mine.tell("trace_summary", &json!({}))["runs"], 9);
    assert_eq!(mine.tell("trace_summary", &json!({"project": "foreign"}))["open_flags"], 0);
    silent("resources", &mine.ask(&[], "resources/list", &json!({})), &[]);
    for uri in ["trace://f0", "trace://f0/summary", "trace://f-open"] {
        let read = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}});
        let answer = mine.post("/mcp", &[], &read.to_string()).json();
        assert!(answer["error"]["message"].as_str().unwrap().starts_with("there is no trace"), "{answer}");
    }

    // Nor can anything be recorded there.
    let start = mine.call("trace_start", &json!({"project": "foreign", "query": "?"}));
    assert_eq!(start["structuredContent"]["code"], "invalid_argument", "{start}");
    for (tool, arguments) in [
        ("trace_record_decision", decision("f-open", "d2")),
        ("trace_record", json!({"trace_id": "f-open", "events": [{"kind": "stage_start", "stage": "s"}]})),
        ("trace_finish", json!({"trace_id": "f-open"})),
        ("trace_review", json!({"trace_id": "f0", "notes": "x"})),
    ] {
        let answer = mine.call(tool, &arguments);
        assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool}: {answer}");
    }
    let batch = json!({"events": [{"kind": "start", "project": "foreign", "query": "?"}]});
    assert_eq!(mine.call("trace_record", &batch)["isError"], true);
    let flag = json!({"flag_id": foreign_flag, "flag_action": "resolve"});
    assert_eq!(mine.call("trace_review", &flag)["structuredContent"]["code"], "invalid_argument");
    mine.tell("trace_record_decision", &decision("m-open", "d2"));
    let untouched = all.tell("trace_full", &json!({"trace_id": "f-open"}));
    assert_eq!((&untouched["status"], &untouched["decisions_total"]), (&json!("in_progress"), &json!(0)));
    assert_eq!(all.tell("trace_list", &json!({}))["total"], 18);
}

#[test]
fn a_fault_in_another_projects_documents_is_not_told_of() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let all = client.bearing(&token(&home, ALL, None).1);
    let mine = client.bearing(&token(&home, ALL, Some("mine")).1);
    all.tell(
        "trace_record",
        &json!({"trace_id": "f0", "events": [
        {"kind": "start", "project": "foreign", "query": "?"}, {"kind": "finish"}]}),
    );
    let documents = home.join("projects").join("foreign").join("_traces");
    let document = documents.join("f0.json");
    assert!(document.exists());
    std::fs::write(document, "no JSON").unwrap();
    std::fs::write(documents.join("f1.json"), "nor this").unwrap();
    for id in ["f0", "f1"] {
        for (tool, arguments) in
            [("trace_full", json!({"trace_id": id})), ("trace_finish", json!({"trace_id": id}))]
        {
            let answer = mine.call(tool, &arguments);
            assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool} {id}: {answer}");
            assert!(!answer.to_string().contains("foreign"), "{answer}");
        }
    }
}

#[test]
fn another_spelling_of_an_id_or_a_project_is_the_same_one() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let all = client.bearing(&token(&home, ALL, None).1);
    // An e with an acute accent, as one character and as two.
    let (one, two) = ("caf\u{e9}", "cafe\u{301}");
    let mine = client.bearing(&token(&home, ALL, Some(two)).1);
    all.tell("trace_start", &json!({"trace_id": one, "project": "foreign", "query": "?"}));
    assert_eq!(refused_start(&mine, two, one), unusable(two));
    for (tool, arguments) in [
        ("trace_record_decision", decision(two, "d1")),
        ("trace_record", json!({"trace_id": two, "events": [{"kind": "stage_start", "stage": "s"}]})),
        ("trace_finish", json!({"trace_id": two})),
        ("trace_review", json!({"trace_id": two, "notes": "x"})),
    ] {
        let answer = mine.call(tool, &arguments);
        assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool}: {answer}");
    }
    assert_eq!(all.tell("trace_full", &json!({"trace_id": one}))["status"], "in_progress");
    for spelling in [one, two] {
        mine.tell("trace_start", &json!({"project": spelling, "query": "?"}));
    }
    assert_eq!(mine.tell("trace_list", &json!({"project": one}))["total"], 2);
}

#[test]
fn a_deleted_run_is_unknown_to_who_may_not_see_all() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let all = client.bearing(&token(&home, ALL, None).1);
    let mine = client.bearing(&token(&home, ALL, Some("mine")).1);
    all.tell("trace_start", &json!({"trace_id": "f0", "project": "foreign", "query": "?"}));
    all.tell("trace_finish", &json!({"trace_id": "f0"}));
    home.run(["delete", "--yes", "f0"]).worked();
    assert_eq!(refused_start(&mine, "f0", "mine"), unusable("f0"));
    for (tool, arguments) in
        [("trace_record_decision", decision("f0", "d1")), ("trace_full", json!({"trace_id": "f0"}))]
    {
        let answer = mine.call(tool, &arguments);
        assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool}: {answer}");
        assert!(!answer.to_string().contains("deleted"), "{tool}: {answer}");
    }
    mine.tell("trace_start", &json!({"trace_id": "m0", "project": "mine", "query": "?"}));
    let hint = |id: &str| {
        mine.call("trace_record_decision", &decision(id, "d1"))["structuredContent"]["hint"].clone()
    };
    assert_eq!(hint("f0"), hint("x0"), "it is unknown in the same words");
    assert_eq!(all.call("trace_full", &json!({"trace_id": "f0"}))["structuredContent"]["code"], "deleted");
}

#[test]
fn a_start_that_conflicts_opens_no_run_to_another_project() {
    let home = Home::new();
    let ((_one, there), (_other, here)) = (serve_tokens(&home), serve_tokens(&home));
    let (all, mine) = (token(&home, ALL, None).1, token(&home, ALL, Some("mine")).1);
    let (there, here, mine) = (there.bearing(&all), here.bearing(&all), here.bearing(&mine));
    there.tell("trace_start", &json!({"trace_id": "f0", "project": "foreign", "query": "?"}));
    here.tell("trace_record_decision", &decision("f0", "d1"));
    let taken = here.call("trace_start", &json!({"trace_id": "f0", "project": "mine", "query": "?"}));
    assert_eq!(taken["structuredContent"]["code"], "conflict", "{taken}");
    let refused = mine.call("trace_record_decision", &decision("f0", "d2"));
    assert_eq!(refused["structuredContent"]["code"], "unknown_trace", "{refused}");
    assert_eq!(here.tell("trace_full", &json!({"trace_id": "f0"}))["decisions_total"], 1);
}

#[test]
fn a_flag_from_before_names_no_runs_of_other_projects() {
    let home = Home::new();
    let token_of = |projects| token(&home, ALL, projects).1;
    let (all, mine) = (token_of(None), token_of(Some("mine")));
    {
        // Flags that span the installation, as they are made where nobody needs a token.
        let (_server, client) = serve_with(&home, &["--listen", "127.0.0.1:0"]);
        two_projects(&client);
        for project in ["foreign", "mine"] {
            let id = format!("{project}-last");
            client.tell("trace_start", &json!({"trace_id": id, "project": project, "query": "?"}));
            let scores = json!([{"id": "META-12", "score": 0}]);
            client.tell("trace_finish", &json!({"trace_id": id, "score": 1.0, "principle_scores": scores}));
        }
    }
    let (_server, client) = serve_tokens(&home);
    let named = |secret: &str| {
        let flags = client.bearing(secret).tell("calibration_flags", &json!({"project": "mine"}));
        let flags = flags["flags"].as_array().unwrap().clone();
        let flag = flags.iter().find(|flag| flag["subject"] == "META-12").expect("a flag").clone();
        flag["trace_ids"].to_string()
    };
    assert!(named(&all).contains("\"f"), "the flag spans the projects: {}", named(&all));
    assert!(named(&mine).contains("\"m") && !named(&mine).contains("\"f"), "{}", named(&mine));
}
