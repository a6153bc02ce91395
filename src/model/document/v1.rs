//! Documents of version 1, turned into the shape of version 2 before they are read.
//!
//! Version 1 is what the reference system wrote: the same tree, with quality, cost and evidence inside the maps of
//! the stages `quality_gate`, `synthesis` and `collection`, each either in the stage's `outputs` or in the stage
//! itself; alternatives as strings; prompts as one map of texts per stage; decisions without ids.

use serde_json::{Map, Value, json};

use super::DocumentError;

type Object = Map<String, Value>;

/// Gives the document in the shape of version 2. What has no place there stays where it is, as unknown fields.
pub(super) fn upgrade(value: Value) -> Result<Value, DocumentError> {
    let Value::Object(mut root) = value else {
        return Err(DocumentError::Shape("the document is no JSON object".to_owned()));
    };
    root.insert("schema_version".to_owned(), json!(2));
    if !root.contains_key("project_name")
        && let Some(project) = root.remove("project")
    {
        root.insert("project_name".to_owned(), project);
    }
    gather_run(&mut root);
    let mut stages = match root.remove("stages") {
        Some(Value::Object(stages)) => stages,
        _ => Object::new(),
    };
    let started_at = root.get("run").and_then(|run| run.get("started_at")).cloned();
    for (name, stage) in &mut stages {
        if let Value::Object(stage) = stage {
            upgrade_stage(name, stage, started_at.as_ref());
        }
    }
    if !has_content(&root, "quality")
        && let Some(quality) = stages.get("quality_gate").and_then(Value::as_object).and_then(quality)
    {
        root.insert("quality".to_owned(), quality);
    }
    if !has_content(&root, "cost")
        && let Some(cost) = stages.get("synthesis").and_then(Value::as_object).and_then(cost)
    {
        root.insert("cost".to_owned(), cost);
    }
    complete_quality(&mut root);
    root.insert("stages".to_owned(), Value::Object(stages));
    drop_nulls(&mut root);
    Ok(Value::Object(root))
}

/// Fields of the run that some documents keep at the top.
const RUN_FIELDS: [&str; 12] = [
    "query",
    "intent",
    "domain",
    "report_type",
    "research_type",
    "tags",
    "started_at",
    "completed_at",
    "duration_seconds",
    "status",
    "error",
    "agent",
];

fn gather_run(root: &mut Object) {
    let mut run = match root.remove("run") {
        Some(Value::Object(run)) => run,
        _ => Object::new(),
    };
    for field in RUN_FIELDS {
        if let Some(value) = root.remove(field)
            && run.get(field).is_none_or(Value::is_null)
        {
            run.insert(field.to_owned(), value);
        }
    }
    if let Some(Value::String(name)) = run.get("agent").cloned() {
        run.insert("agent".to_owned(), json!({ "name": name }));
    }
    if let Some(status) = run.get("status").and_then(Value::as_str) {
        let status = match status.to_ascii_lowercase().as_str() {
            "complete" | "completed" | "success" | "done" => "complete",
            "failed" | "failure" | "error" => "failed",
            "incomplete" | "abandoned" | "cancelled" | "canceled" => "incomplete",
            _ => "in_progress",
        };
        run.insert("status".to_owned(), json!(status));
    }
    drop_nulls(&mut run);
    root.insert("run".to_owned(), Value::Object(run));
}

fn upgrade_stage(name: &str, stage: &mut Object, run_started_at: Option<&Value>) {
    drop_nulls(stage);
    let started_at = stage.get("started_at").or(run_started_at).cloned();
    if let Some(Value::Array(decisions)) = stage.get_mut("decisions") {
        for (place, decision) in decisions.iter_mut().enumerate() {
            if let Value::Object(decision) = decision {
                upgrade_decision(name, place, decision, started_at.as_ref());
            }
        }
    }
    if let Some(Value::Object(texts)) = stage.get("prompts") {
        let prompts = prompt(texts).map_or_else(Vec::new, |prompt| vec![prompt]);
        stage.insert("prompts".to_owned(), Value::Array(prompts));
    }
    if let Some(outputs) = stage.get("outputs")
        && !outputs.is_object()
    {
        let outputs = json!({ "value": outputs });
        stage.insert("outputs".to_owned(), outputs);
    }
    if name == "collection" {
        collect_evidence(stage);
    }
}

/// A decision without a time is placed at the beginning of its stage, or of the run: it was not made before.
fn upgrade_decision(stage: &str, place: usize, decision: &mut Object, started_at: Option<&Value>) {
    drop_nulls(decision);
    if let Some(started_at) = started_at
        && !decision.contains_key("timestamp")
    {
        decision.insert("timestamp".to_owned(), started_at.clone());
    }
    if !decision.contains_key("decision_id") {
        decision.insert("decision_id".to_owned(), json!(format!("{stage}-{}", place + 1)));
    }
}

fn prompt(texts: &Object) -> Option<Value> {
    let mut prompt = Object::new();
    for (key, value) in texts {
        let field = match key.as_str() {
            "system" | "system_prompt" => "system_prompt",
            "user" | "user_prompt" | "user_message" => "user_message",
            "response" | "completion" | "assistant" => "response",
            other => other,
        };
        prompt.insert(field.to_owned(), value.clone());
    }
    (!prompt.is_empty()).then_some(Value::Object(prompt))
}

fn collect_evidence(stage: &mut Object) {
    let counts = [
        ("evidence_collected", "collected_count"),
        ("evidence_passed", "passed_count"),
        ("evidence_filtered", "filtered_count"),
    ];
    let mut evidence = match stage.remove("evidence") {
        Some(Value::Object(evidence)) => evidence,
        Some(Value::Array(items)) => Object::from_iter([
            ("collected_count".to_owned(), json!(items.len())),
            ("kept".to_owned(), Value::Array(items)),
        ]),
        _ => Object::new(),
    };
    for (old, new) in counts {
        if let Some(count) = find(stage, &[old])
            && count.is_i64()
            && !evidence.contains_key(new)
        {
            evidence.insert(new.to_owned(), count);
        }
    }
    if !evidence.is_empty() {
        stage.insert("evidence".to_owned(), Value::Object(evidence));
    }
}

fn quality(stage: &Object) -> Option<Value> {
    let mut quality = Object::new();
    let fields: [(&str, &[&str]); 5] = [
        ("score", &["overall_score", "score"]),
        ("scale_max", &["scale_max"]),
        ("threshold", &["threshold"]),
        ("passed", &["passed", "passing"]),
        ("principle_scores", &["principle_scores"]),
    ];
    for (new, old) in fields {
        if let Some(value) = find(stage, old) {
            quality.insert(new.to_owned(), value);
        }
    }
    for list in ["gap_principles", "strength_principles"] {
        if let Some(value @ Value::Array(_)) = find(stage, &[list]) {
            quality.insert(list.to_owned(), principle_names(&value));
        }
    }
    (!quality.is_empty()).then_some(Value::Object(quality))
}

/// Principle scores as a list of objects, whether they came as such or as a map from id to score.
fn complete_quality(root: &mut Object) {
    let Some(Value::Object(quality)) = root.get_mut("quality") else { return };
    let scores = match quality.get("principle_scores") {
        Some(Value::Object(map)) => map
            .iter()
            .filter_map(|(id, score)| match score {
                Value::Number(_) => Some(json!({ "id": id, "score": score })),
                Value::Object(fields) => {
                    let mut fields = fields.clone();
                    fields.insert("id".to_owned(), json!(id));
                    fields.get("score").is_some_and(Value::is_number).then_some(Value::Object(fields))
                }
                _ => None,
            })
            .collect(),
        Some(Value::Array(list)) => {
            list.iter().filter(|item| item.get("score").is_some_and(Value::is_number)).cloned().collect()
        }
        _ => Vec::new(),
    };
    quality.insert("principle_scores".to_owned(), Value::Array(scores));
    drop_nulls(quality);
}

fn principle_names(list: &Value) -> Value {
    let name = |item: &Value| match item {
        Value::String(id) => Some(json!(id)),
        Value::Object(fields) => fields.get("id").filter(|id| id.is_string()).cloned(),
        _ => None,
    };
    Value::Array(list.as_array().into_iter().flatten().filter_map(name).collect())
}

fn cost(stage: &Object) -> Option<Value> {
    let mut cost = Object::new();
    if let Some(Value::Object(usage)) = find(stage, &["token_usage"]) {
        for field in ["input_tokens", "output_tokens"] {
            if let Some(count) = usage.get(field).filter(|count| count.is_i64()) {
                cost.insert(field.to_owned(), count.clone());
            }
        }
    }
    for field in ["cost_usd", "model"] {
        if let Some(value) = find(stage, &[field]) {
            cost.insert(field.to_owned(), value);
        }
    }
    (!cost.is_empty()).then_some(Value::Object(cost))
}

/// The first of `names` that the stage's outputs hold, else the first that the stage itself holds.
fn find(stage: &Object, names: &[&str]) -> Option<Value> {
    let outputs = stage.get("outputs").and_then(Value::as_object);
    [outputs, Some(stage)]
        .into_iter()
        .flatten()
        .find_map(|map| names.iter().find_map(|name| map.get(*name).filter(|value| !value.is_null())))
        .cloned()
}

fn has_content(root: &Object, key: &str) -> bool {
    root.get(key)
        .and_then(Value::as_object)
        .is_some_and(|fields| fields.values().any(|value| !value.is_null()))
}

/// In version 1 an absent value is often spelled `null`, also where version 2 has a list or a map.
fn drop_nulls(fields: &mut Object) {
    fields.retain(|_, value| !value.is_null());
}
