//! A small research pipeline that records its own decisions: four sources are asked at the same time, what they find
//! is weighed, and a report is written and judged.
//!
//!     cargo run --example research
//!
//! It records where file and environment say (`WHYTRACE_HOME` names another folder), and prints the scorecard.
//! `WHYTRACE_ENABLED=false` runs the same pipeline without a trace.

use std::fmt;

use whytrace::model::Evidence;
use whytrace::pipeline::{Choice, Finish, InTrace, Start, TraceContext, Tracer};
use whytrace::scorecard;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it is a program")]
async fn main() -> Result<(), NothingFound> {
    let tracer = Tracer::global();
    let report = research(tracer, "who builds cobots for bakeries?").await?;
    println!("{report}\n");
    if let Ok(run) = tracer.query().trace("last:bakery").await {
        println!("{}", scorecard::compact(&run.trace));
    }
    tracer.close().await;
    Ok(())
}

/// The pipeline. Its result does not depend on whether it is traced.
pub(crate) async fn research(tracer: &Tracer, question: &str) -> Result<String, NothingFound> {
    let start =
        Start::new("bakery", question).intent("market_overview").domain("robotics").agent("research-example");
    tracer
        .traced(start, async |trace| {
            let found = trace.stage("collection", collect(question)).await;
            if found.is_empty() {
                return Err(NothingFound);
            }
            let report = trace.stage("synthesis", async { write(&found) }).await;
            trace.mark_complete(judge(&found));
            Ok(report)
        })
        .await
}

/// Asks four sources at the same time, each in a task of its own.
async fn collect(question: &str) -> Vec<Document> {
    let trace = TraceContext::current();
    let depth = if question.contains("who") { 2 } else { 1 };
    trace.record(
        Choice::new(
            "collection",
            "depth",
            format!("{depth} pages a source"),
            "a question of names needs few pages",
        )
        .confidence(0.8)
        .because_not("5 pages", "the later pages repeat the first"),
    );
    let tasks: Vec<_> = ["trade fairs", "company registers", "news", "forums"]
        .into_iter()
        .map(|source| tokio::spawn(ask(source, depth).in_current_trace()))
        .collect();
    let mut documents = Vec::new();
    for task in tasks {
        documents.extend(task.await.unwrap_or_default());
    }
    let collected = documents.len();
    documents.retain(|document: &Document| document.relevance >= 0.5);
    trace.record_evidence(
        "collection",
        Evidence {
            collected_count: i64::try_from(collected).ok(),
            passed_count: i64::try_from(documents.len()).ok(),
            ..Evidence::default()
        },
    );
    documents
}

/// Asks one source. It knows its run without being given it.
async fn ask(source: &'static str, depth: usize) -> Vec<Document> {
    let trust = match source {
        "forums" => 0.3,
        "news" => 0.6,
        _ => 0.9,
    };
    let (what, why) = if trust < 0.5 {
        ("skip", "hearsay: nothing there names its own source")
    } else {
        ("ask", "it names companies and dates")
    };
    let receipt = TraceContext::current().record(
        Choice::new("collection", "source_selection", format!("{what} {source}"), why)
            .confidence(trust)
            .actor(source),
    );
    let documents: Vec<_> = (0..if what == "ask" { depth } else { 0 })
        .map(|page| Document { id: format!("{source}-{page}"), relevance: trust - 0.2 * page as f64 })
        .collect();
    TraceContext::current().record_result(receipt.id(), format!("{} documents", documents.len()));
    documents
}

fn write(found: &[Document]) -> String {
    TraceContext::current().record(
        Choice::new("synthesis", "outline", "one paragraph a company", "readers look for names")
            .confidence(0.7)
            .over("one paragraph a source (0.40)")
            .evidence(found.iter().map(|document| document.id.as_str())),
    );
    format!("A report from {} documents.", found.len())
}

fn judge(found: &[Document]) -> Finish {
    let sourced = if found.len() >= 4 { 3.0 } else { 1.0 };
    Finish::default()
        .score((sourced + 1.0) / 2.0)
        .principle("SOURCED", sourced)
        .judged("CURRENT", 1.0, "the registers are a year old")
        .tokens(4_500, 380)
        .cost_usd(0.03)
}

/// Something that a source gave.
struct Document {
    id: String,
    relevance: f64,
}

/// The pipeline's own error; the run that ends with it is a failed one.
#[derive(Debug)]
pub(crate) struct NothingFound;

impl fmt::Display for NothingFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no source has anything on this")
    }
}

impl std::error::Error for NothingFound {}
