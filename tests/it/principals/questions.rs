//! Questions of every kind that the server answers, sensible ones and others.
//!
//! Arguments of tools are drawn from their schemas as the server lists them, so that a new tool or argument is asked
//! for by itself; what stands in them is drawn from the names of all projects, the principal's own or not.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::world::PROJECTS;

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: &'static str,
    pub(super) params: Value,
}

/// Questions with these tools, and all that are no tools.
pub(super) fn any_question(tools: &[Value]) -> BoxedStrategy<Question> {
    // Opening runs is left out: see the module above.
    let tools: Vec<Value> = tools.iter().filter(|tool| tool["name"] != "trace_start").cloned().collect();
    prop_oneof![
        12 => select(tools).prop_flat_map(|tool| tool_call(&tool)),
        2 => uri().prop_map(|uri| Question { method: "resources/read", params: json!({"uri": uri}) }),
        2 => completion(),
        1 => prompt(),
        1 => select(vec!["resources/list", "resources/templates/list", "prompts/list", "tools/list"])
            .prop_map(|method| Question { method, params: json!({}) }),
    ]
    .boxed()
}

/// Ids of all runs, beginnings of them, and texts that are none.
fn id() -> BoxedStrategy<String> {
    let project = || select(PROJECTS.to_vec());
    prop_oneof![
        6 => (0..8_usize, project()).prop_map(|(number, project)| format!("run{number}-{project}")),
        2 => (0..8_usize, project(), 1..12_usize)
            .prop_map(|(number, project, length)| format!("run{number}-{project}").chars().take(length).collect()),
        1 => project().prop_map(|project| format!("last:{project}")),
        1 => select(vec!["last", "last-failed", "last:nobody", "passed", "passed:nothing", "run", "nothing", "", "trc_20260213"])
            .prop_map(str::to_owned),
    ]
    .boxed()
}

/// Words of runs: those that all have, those of one project, and others.
fn word() -> BoxedStrategy<String> {
    let of_project = select(vec![
        "{}",
        "{} intent",
        "{} report",
        "{} agent",
        "{} tag",
        "collect {}",
        "OF-{}",
        "took {} source",
        "{} other",
        "{} model",
        "e-{}",
    ]);
    prop_oneof![
        (of_project, select(PROJECTS.to_vec())).prop_map(|(form, project)| form.replace("{}", project)),
        select(vec![
            "shared",
            "common",
            "everyone",
            "META-12",
            "source",
            "depth",
            "both",
            "need",
            "took",
            "nobody",
            "24h",
            "7d",
            "2026-02-13",
            "project",
            "intent",
            "domain",
            "complete",
            "all",
            "failed",
        ])
        .prop_map(str::to_owned),
    ]
    .boxed()
}

fn uri() -> BoxedStrategy<String> {
    (id(), select(vec!["trace://{}", "trace://{}/summary", "{}", "trace://{}/other"]))
        .prop_map(|(id, form)| form.replace("{}", &id))
        .boxed()
}

fn completion() -> BoxedStrategy<Question> {
    let reference = select(vec![
        json!({"type": "ref/resource", "uri": "trace://{trace_id}"}),
        json!({"type": "ref/resource", "uri": "trace://{trace_id}/summary"}),
        json!({"type": "ref/prompt", "name": "debug_run"}),
        json!({"type": "ref/prompt", "name": "compare_runs"}),
        json!({"type": "ref/prompt", "name": "weekly_calibration"}),
        json!({"type": "ref/prompt", "name": "record_my_run"}),
    ]);
    let argument = select(vec!["trace_id", "a", "b", "project", "intent", "domain", "stage", "task", "key"]);
    let typed = prop_oneof![
        id(),
        word(),
        (word(), 0..4_usize).prop_map(|(word, most)| word.chars().take(most).collect())
    ];
    (reference, argument, typed)
        .prop_map(|(reference, argument, typed): (Value, &str, String)| Question {
            method: "completion/complete",
            params: json!({"ref": reference, "argument": {"name": argument, "value": typed}}),
        })
        .boxed()
}

fn prompt() -> BoxedStrategy<Question> {
    let name = select(vec!["debug_run", "compare_runs", "weekly_calibration", "record_my_run"]);
    (name, id(), id(), word())
        .prop_map(|(name, one, other, word)| Question {
            method: "prompts/get",
            params: json!({"name": name, "arguments": {"trace_id": one, "a": one, "b": other, "project": word}}),
        })
        .boxed()
}

/// A call with what is required, and some of what is not.
fn tool_call(tool: &Value) -> BoxedStrategy<Question> {
    let name = tool["name"].as_str().expect("a name").to_owned();
    let schema = &tool["inputSchema"];
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().expect("properties");
    let fields: Vec<BoxedStrategy<Option<(String, Value)>>> = properties
        .iter()
        .map(|(field, schema)| {
            let share = match field.as_str() {
                // Without any run there is little to answer from.
                "trace_id" => 0.7,
                field if required.contains(&field) => 0.98,
                _ => 0.15,
            };
            let field = field.clone();
            prop::option::weighted(share, value(&field, schema).prop_map(move |value| (field.clone(), value)))
                .boxed()
        })
        .collect();
    let name = Arc::new(name);
    fields
        .prop_map(move |fields| {
            let arguments: Map<String, Value> = fields.into_iter().flatten().collect();
            Question { method: "tools/call", params: json!({"name": *name, "arguments": arguments}) }
        })
        .boxed()
}

fn value(field: &str, schema: &Value) -> BoxedStrategy<Value> {
    if let Some(allowed) = schema["enum"].as_array() {
        return select(allowed.clone()).boxed();
    }
    match (field, schema["type"].as_str()) {
        ("events", _) => vec(event(), 1..3).prop_map(Value::from).boxed(),
        (field, Some("string") | None) if field.ends_with("trace_id") || field.starts_with("trace_id") => {
            id().prop_map(Value::from).boxed()
        }
        ("decision_id", _) => {
            let known = (select(PROJECTS.to_vec()), 0..7_usize);
            known.prop_map(|(project, number)| format!("{project}-{number}-source").into()).boxed()
        }
        (_, Some("integer")) => select(vec![0, 1, 2, 5, 100, 4_000]).prop_map(Value::from).boxed(),
        (_, Some("number")) => select(vec![0.0, 0.5, 0.8, 1.0, 2.5]).prop_map(Value::from).boxed(),
        (_, Some("boolean")) => any::<bool>().prop_map(Value::from).boxed(),
        (_, Some("array")) => vec(word(), 0..3).prop_map(Value::from).boxed(),
        (_, Some("object")) => Just(json!({})).boxed(),
        _ => word().prop_map(Value::from).boxed(),
    }
}

/// An event that goes to a run that is there already.
fn event() -> BoxedStrategy<Value> {
    (word(), any::<bool>())
        .prop_map(|(word, is_decision)| {
            if is_decision {
                json!({"kind": "decision", "decision_id": format!("of {word}"), "stage": "later", "decision": "more",
                    "what": word, "why": "asked", "confidence": 0.5})
            } else {
                json!({"kind": "stage_start", "stage": word})
            }
        })
        .boxed()
}
