//! How long two long runs take to be compared: 2,000 decisions each, in the shapes that are hardest to align.
//!
//!     cargo bench --bench compare
//!
//! Every shape is compared several times; the median counts.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for whoever measures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use whytrace::diff::compare;
use whytrace::model::{QualityRules, Trace};

const DECISIONS: usize = 2_000;
const ROUNDS: usize = 9;

/// Says what the n-th decision of a run is: stage, key, what, inputs.
type Shape = fn(n: usize, run: usize) -> (String, String, String, Value);

fn main() {
    let shapes: [(&str, Shape); 5] = [
        ("nearly alike", |n, run| {
            let what = if n % 50 == 7 * run { format!("other {run}") } else { format!("choice {n}") };
            (format!("stage {}", n / 200), format!("key {}", n % 20), what, Value::Null)
        }),
        ("one stage, one key, few options", |n, run| {
            ("work".into(), "route".into(), format!("option {}", (n * 7 + run * n / 3) % 5), Value::Null)
        }),
        ("the same call all along", |_, _| ("work".into(), "poll".into(), "poll".into(), json!({"job": 1}))),
        ("calls with other inputs", |n, run| {
            (
                "lookup".into(),
                format!("tool {}", n % 6),
                "call".into(),
                json!({"id": n * (run + 1), "page": n % 3}),
            )
        }),
        ("sentences between calls", |n, run| {
            if n % 2 == 0 {
                (
                    "reply".into(),
                    "assistant".into(),
                    format!("I looked at {n} of them in run {run} for you"),
                    Value::Null,
                )
            } else {
                ("lookup".into(), "find".into(), "find".into(), json!({"id": n + run * (n / 100)}))
            }
        }),
    ];
    for (name, shape) in shapes {
        let (a, b) = (run(0, shape), run(1, shape));
        println!(
            "{name}: {:?}",
            median(|| drop(black_box(compare(&a, &b, &QualityRules::default()).text())))
        );
    }
}

fn run(number: usize, shape: Shape) -> Trace {
    let mut stages = serde_json::Map::new();
    for n in 0..DECISIONS {
        let (stage, key, what, inputs) = shape(n, number);
        let decision = json!({
            "decision_id": format!("d{n}"), "decision": key, "what": what, "inputs": inputs,
            "timestamp": format!("2026-02-13T{:02}:{:02}:{:02}Z", n / 3600, n / 60 % 60, n % 60),
        });
        let stage = stages.entry(stage).or_insert_with(|| json!({"decisions": []}));
        stage.get_mut("decisions").unwrap().as_array_mut().unwrap().push(decision);
    }
    let document = json!({
        "schema_version": 2, "trace_id": format!("run-{number}"), "project_name": "p", "stages": stages,
        "run": {"query": "q", "started_at": "2026-02-13T00:00:00Z", "status": "complete"},
    });
    serde_json::from_value(document).unwrap()
}

fn median(mut once: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            once();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.into_iter().nth(ROUNDS / 2).unwrap()
}
