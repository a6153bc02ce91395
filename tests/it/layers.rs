//! The layers of the crate, held by reading its sources.
//!
//! The tables below are the rule; the tests only compare. They read text, not resolved names: a path counts where it
//! is written out from the crate's root or from another crate's name, in code and in tests, but not in comments.
//! [`source`] does the reading. To add a module, give it a place in [`LAYERS`].

use std::fmt::Write as _;

use source::{Mention, Source};

mod source;

/// Modules that stand side by side, and what they stand on.
struct Layer {
    modules: &'static [&'static str],
    /// Layers above this one that it must not name all the same.
    blind_to: &'static [&'static str],
    holds: &'static str,
}

/// Every module directly under `src`. Each may name the modules of its own layer and of the layers above it in this
/// table, save those that it is blind to.
const LAYERS: &[Layer] = &[
    Layer {
        modules: &["model"],
        blind_to: &[],
        holds: "pure values: no IO, no async, and time only from its clock",
    },
    Layer { modules: &["metrics"], blind_to: &["model"], holds: "counters, and how they are told" },
    Layer {
        modules: &["advice", "calibration", "diagnose", "diff", "scorecard", "shown", "statistics", "words"],
        blind_to: &[],
        holds: "pure functions over the model",
    },
    Layer { modules: &["gate"], blind_to: &[], holds: "what may enter, and in what form" },
    // `Error` is the same thing by its name at the crate's root.
    Layer {
        modules: &["error", "Error"],
        blind_to: &[],
        holds: "what can go wrong, by what a caller can do about it",
    },
    Layer {
        modules: &["demo"],
        blind_to: &[],
        holds: "a history of runs that never were, told through the gate; nothing is written by it",
    },
    Layer { modules: &["store"], blind_to: &[], holds: "journal, documents and index" },
    Layer { modules: &["access"], blind_to: &[], holds: "tokens, and who may do what" },
    Layer { modules: &["recorder"], blind_to: &[], holds: "events in, acknowledgements out" },
    // Reads what the stores hold. Should it need what the recorder holds in memory, this is where that is allowed.
    Layer { modules: &["query"], blind_to: &["recorder"], holds: "questions in, answers out" },
    Layer {
        modules: &["config"],
        blind_to: &["query"],
        holds: "where things are and by which rules they run",
    },
    Layer {
        modules: &["service", "maintenance"],
        blind_to: &[],
        holds: "everything opened and put together; keeping stores in agreement by hand",
    },
    Layer {
        modules: &["pipeline"],
        blind_to: &["maintenance"],
        holds: "a Rust pipeline that records its own decisions",
    },
    Layer {
        modules: &["view"],
        blind_to: &["recorder", "config", "service", "maintenance", "pipeline"],
        holds: "what is stored as the data that answers carry",
    },
    Layer {
        modules: &["mcp"],
        blind_to: &["pipeline"],
        holds: "tools, resources and prompts over recorder and query",
    },
    Layer { modules: &["transport", "cli"], blind_to: &[], holds: "the ways in: stdio, HTTP, the terminal" },
    Layer {
        modules: &["lib", "main"],
        blind_to: &[],
        holds: "the crate's table of contents, and the program",
    },
];

/// Something from outside the crate, and the only places that may name it.
struct Outsider {
    paths: &'static [&'static str],
    /// Modules directly under `src`, or files.
    only_in: &'static [&'static str],
    why: &'static str,
}

const OUTSIDERS: &[Outsider] = &[
    Outsider {
        paths: &["sqlx", "object_store"],
        only_in: &["store"],
        why: "where and how things are stored is known to the store alone",
    },
    Outsider {
        paths: &["rmcp"],
        only_in: &["mcp", "transport"],
        why: "the protocol is one way in among others; what lies under it serves the library as well",
    },
    Outsider {
        paths: &["ring"],
        only_in: &["access"],
        why: "signatures are verified where it is known who may do what",
    },
    Outsider { paths: &["axum"], only_in: &["transport"], why: "HTTP is a transport" },
    Outsider {
        paths: &["clap", "anyhow"],
        only_in: &["cli", "main"],
        why: "the library takes typed values and gives errors that a caller can tell apart",
    },
    Outsider {
        paths: &["Utc::now", "Local::now", "SystemTime::now"],
        only_in: &["src/model/clock.rs"],
        why: "time comes from the clock that is passed in, so that tests and replays have their own",
    },
];

#[test]
fn a_layer_names_only_the_layers_above_it() {
    let mut faults = String::new();
    for source in Source::all() {
        let Some(own) = layer_of(&source.module) else {
            let file = &source.file;
            writeln!(faults, "{file}: `{}` has no place in LAYERS (tests/it/layers.rs)", source.module).ok();
            continue;
        };
        for mention in source.modules_named() {
            if let Err(why) = may_name(own, &mention.name) {
                fault(&mut faults, &source, &mention, &why);
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn each_outsider_is_named_only_where_it_belongs() {
    let mut faults = String::new();
    for source in Source::all() {
        for outsider in OUTSIDERS.iter().filter(|outsider| !allows(outsider, &source)) {
            for mention in outsider.paths.iter().flat_map(|path| source.mentions_of(path)) {
                let why = format!("only {} may: {}", outsider.only_in.join(" and "), outsider.why);
                fault(&mut faults, &source, &mention, &why);
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

/// A module's place in the table, and its layer.
fn layer_of(module: &str) -> Option<(usize, &'static Layer)> {
    LAYERS.iter().enumerate().find(|(_, layer)| layer.modules.contains(&module))
}

/// Says why a layer at this place in the table must not name `other`, or that it may.
fn may_name((own, layer): (usize, &Layer), other: &str) -> Result<(), String> {
    let Some((place, _)) = layer_of(other) else {
        return Err(
            "name a thing by the module that it lies in, and a module that has a place in LAYERS".to_owned()
        );
    };
    if layer.blind_to.contains(&other) {
        return Err(format!("{} ({}) is blind to {other}", layer.modules.join(", "), layer.holds));
    }
    if place > own {
        return Err(format!(
            "{} ({}) lies above {other} and does not know it",
            layer.modules.join(", "),
            layer.holds
        ));
    }
    Ok(())
}

fn allows(outsider: &Outsider, source: &Source) -> bool {
    outsider.only_in.iter().any(|place| *place == source.module || *place == source.file)
}

fn fault(faults: &mut String, source: &Source, mention: &Mention, why: &str) {
    writeln!(faults, "{}:{}: names `{}`: {why}", source.file, mention.line, mention.name).ok();
}
