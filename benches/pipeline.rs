//! What tracing costs a pipeline: a hundred parallel tasks with and without it, and with the database away.
//!
//!     cargo bench --bench pipeline
//!
//! Between its decisions each task waits and computes a little, as one does that asks a model, so that the ratio
//! says what a pipeline would notice. The median of several rounds counts; rounds of the kinds take turns, so that a slow moment of the
//! machine meets all of them.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for whoever measures"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use whytrace::pipeline::{Choice, InTrace, Start, TraceContext, Tracer};

const TASKS: usize = 100;
const DECISIONS: usize = 20;
const ROUNDS: usize = 9;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let home = tempfile::tempdir().unwrap();
        let away = tempfile::tempdir().unwrap();
        // A folder in the place of the database: it cannot be opened.
        std::fs::create_dir(away.path().join("whytrace.db")).unwrap();
        let kinds = [
            ("not traced", Tracer::disabled()),
            ("traced", Tracer::at(home.path())),
            ("database away", Tracer::at(away.path())),
        ];
        println!("one call of record: {:?}", one_call(&kinds[1].1).await);
        let mut times = vec![Vec::new(); kinds.len()];
        for _ in 0..ROUNDS {
            for (times, (_, tracer)) in times.iter_mut().zip(&kinds) {
                let begun = Instant::now();
                black_box(pipeline(tracer).await);
                times.push(begun.elapsed());
            }
        }
        let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
        for ((name, _), median) in kinds.iter().zip(&medians) {
            let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
            println!("{name:<14} {TASKS} tasks, {DECISIONS} decisions each: {median:?}, ratio {ratio:.3}");
        }
        std::fs::remove_dir(away.path().join("whytrace.db")).unwrap();
        let begun = Instant::now();
        for (_, tracer) in &kinds {
            tracer.close().await;
        }
        println!("closed after {:?}", begun.elapsed());
        println!("recorded {}, with the database away {}", documents(home.path()), documents(away.path()));
    });
}

/// The time that the caller spends in `record`, at the median.
async fn one_call(tracer: &Tracer) -> Duration {
    let trace = tracer.begin(Start::new("bench", "one call"));
    let mut times = Vec::new();
    for step in 0..2_000 {
        let choice = choice(step);
        let begun = Instant::now();
        black_box(trace.record(choice));
        times.push(begun.elapsed());
        tokio::task::yield_now().await;
    }
    trace.finish().await;
    median(&mut times)
}

async fn pipeline(tracer: &Tracer) -> f64 {
    tracer
        .traced(Start::new("bench", "a hundred tasks"), async |_| {
            let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(work(task).in_current_trace())).collect();
            let mut sum = 0.0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            Ok::<_, std::convert::Infallible>(sum)
        })
        .await
        .unwrap()
}

async fn work(task: usize) -> f64 {
    let mut result = task as f64;
    for step in 0..DECISIONS {
        tokio::time::sleep(Duration::from_millis(10)).await;
        for turn in 0..2_000 {
            result = black_box(result + f64::from(turn)).sqrt();
        }
        TraceContext::current().record(choice(step));
    }
    result
}

fn choice(step: usize) -> Choice {
    Choice::new(
        "collection",
        "source_selection",
        format!("source {step}"),
        "recent, broad and not behind a login",
    )
    .confidence(0.9)
    .over("google (0.60)")
    .because_not("linkedin", "behind a login")
}

fn documents(home: &Path) -> usize {
    std::fs::read_dir(home.join("projects/bench/_traces")).map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "json"))
            .count()
    })
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
