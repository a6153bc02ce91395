//! The built program as its users meet it: over pipes, over HTTP, on the terminal, and when it dies.
//!
//! - [`stdio`]: what a client that spawns it reads and gets; [`terminal`]: what a person who starts it by hand reads
//! - [`crashes`]: what is left when it is killed in the middle of recording
//! - [`http`]: `serve`, spoken to by a [`http::client`] of the tests' own
//! - [`sdk`]: the protocol's official clients, over every transport
//! - [`examples`]: `serve`, reported to by the pipelines of `examples`
//! - [`bundle`]: the manifest of the bundle that clients install, and the program started as it says
//! - [`registry`]: what the MCP registry is told of it
//! - [`clients`]: what `docs/clients.md` tells to set and to type
//! - [`commands`], [`import`], [`export`], [`doctor`]: the command line; [`views`]: what it shows of what was recorded
//! - [`shell`]: what it hands to shells and reports; [`demo`]: the history that a newcomer looks around in
//! - [`keeping`]: what is not to be kept is gone from every file and table: `delete`, `prune`, `redact`
//! - [`subscriptions`]: what one process records, heard through another on every transport
//! - [`token`]: how tokens are made, listed and revoked
//! - [`readme`]: the README as a newcomer follows it
//! - [`team`]: several processes on one database and one bucket, and agents that move between them
//! - [`settings`]: what it makes of settings that are wrong, or of a database that is not there

mod bundle;
mod clients;
mod commands;
#[cfg(unix)]
mod crashes;
mod demo;
mod doctor;
mod examples;
mod export;
pub(crate) mod http;
mod import;
mod keeping;
mod logs;
#[cfg(unix)]
mod readme;
mod registry;
mod sdk;
mod settings;
mod shell;
mod stdio;
mod subscriptions;
#[cfg(unix)]
mod team;
#[cfg(unix)]
mod terminal;
mod token;
mod views;

use serde_json::{Value, json};

use crate::support::program::{Home, Program};

/// A version that is opened by `initialize`.
const VERSION: &str = "2025-06-18";

/// Opens a run of the project `cobot`.
fn start(server: &mut Program, trace_id: &str) -> Value {
    let run = json!({"trace_id": trace_id, "project": "cobot", "query": "which arm sells?", "intent": "validating"});
    server.tell("trace_start", &run)
}

/// The arguments that record a decision.
fn decision(trace_id: &str, decision_id: &str) -> Value {
    json!({"trace_id": trace_id, "stage": "collection", "decision": "source_selection", "decision_id": decision_id,
        "what": "exa (primary), reddit", "why": "recent and specific to the question", "confidence": 0.9,
        "alternatives_considered": ["linkedin (0.60)"]})
}

/// The ids of a run's decisions, in order, as `whytrace show` gives them.
fn shown_decisions(home: &Home, trace_id: &str) -> Vec<String> {
    decision_ids(&home.run(["show", trace_id, "--json"]).worked().json())
}

/// The ids of the decisions in a document, in order.
fn decision_ids(document: &Value) -> Vec<String> {
    let stages = document["stages"].as_object().expect("stages");
    let decisions = stages.values().filter_map(|stage| stage["decisions"].as_array()).flatten();
    decisions.map(|decision| decision["decision_id"].as_str().expect("an id").to_owned()).collect()
}
