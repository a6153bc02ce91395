//! Who may write where: a caller restricted to projects records in their runs alone.
//!
//! A run of another project is as unknown to such a caller as one that does not exist. Callers without a restriction
//! are not looked up here at all, so that it costs them nothing.
//!
//! Ids are unique in an installation, so an id that is in use elsewhere cannot be had for a new run, and that cannot be
//! hidden from who tries. It is all that is told: not that there is a run, whose it is, whether it is open, or was
//! deleted.

use std::time::Duration;

use crate::error::Error;
use crate::gate::refusal::{Refusal, quoted};
use crate::gate::text::label;
use crate::mcp::tool::Context;
use crate::model::TraceId;
use crate::store::index::Scope;

/// How long a call waits for the documents, where nothing else knows the run.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lets a caller open runs in a project.
pub(super) fn may_open(project: &str, context: &Context) -> Result<(), Error> {
    let Scope::Projects(projects) = &context.scope else { return Ok(()) };
    // As the gate will read it: another spelling of the same name is the same project.
    let project = label("project", project)?;
    if projects.contains(&project) {
        return Ok(());
    }
    let own: Vec<String> = projects.iter().map(|own| quoted(own)).collect();
    let problem = format!("{} is outside", quoted(&project));
    let remedy = "send one of these projects";
    Err(Refusal::new("project", problem, format!("the projects open to you: {}", own.join(", ")), remedy)
        .into())
}

/// Lets a caller open a run of this id. One that is in use where the caller may not look is refused like one that
/// cannot be used for whatever reason.
pub(super) async fn may_take(trace_id: &str, context: &Context) -> Result<(), Error> {
    match standing(trace_id, context).await? {
        Standing::Own | Standing::New => Ok(()),
        Standing::Foreign => Err(unusable(unknown(trace_id), trace_id, context)),
    }
}

/// The error of opening a run of this id, without what is not for the caller.
pub(super) fn unusable(error: Error, trace_id: &str, context: &Context) -> Error {
    match error {
        Error::UnknownTrace { .. } | Error::Deleted { .. } if context.scope != Scope::All => {
            let problem = format!("{} cannot be used for", quoted(trace_id));
            Refusal::new("trace_id", problem, "a new run", "leave it out, or send another").into()
        }
        error => error,
    }
}

/// Lets a caller write to a run. One that nobody has met is refused here too, in the same words and before anything
/// else of the call is judged: else a call with a fault would be answered otherwise where the run is somebody's.
pub(super) async fn may_write(trace_id: &str, context: &Context) -> Result<(), Error> {
    match standing(trace_id, context).await? {
        Standing::Own => Ok(()),
        Standing::New | Standing::Foreign => Err(unknown(trace_id)),
    }
}

fn unknown(trace_id: &str) -> Error {
    Error::UnknownTrace { id: trace_id.to_owned() }
}

/// What a run is to a caller.
enum Standing {
    /// It is there for the caller, or not for this module to judge.
    Own,
    /// Nobody has met it.
    New,
    /// It is in a project of others, or may be.
    Foreign,
}

async fn standing(trace_id: &str, context: &Context) -> Result<Standing, Error> {
    if context.scope == Scope::All {
        return Ok(Standing::Own);
    }
    // As the gate will read it: another spelling of the same id is the same run. What it refuses is its to explain.
    let Some(id) = label("trace_id", trace_id).ok().and_then(|id| id.parse::<TraceId>().ok()) else {
        return Ok(Standing::Own);
    };
    let stores = context.intake.recorder().stores();
    let project = match stores.live.glimpse(&id).and_then(|glimpse| glimpse.project) {
        Some(project) => Some(project),
        // With the database away this is an error: what cannot be looked up cannot be let in.
        None => match stores.index.sighting(id.as_str(), &Scope::All).await? {
            Some(sighting) => Some(sighting.project),
            // A document that cannot be read may be anybody's, and is not told of.
            None => match tokio::time::timeout(PATIENCE, stores.documents.find(&id)).await {
                Err(_) => {
                    return Err(Error::Unavailable {
                        what: "the document store",
                        reason: "no answer in time".to_owned(),
                    });
                }
                Ok(Err(Error::Corrupt { .. })) => {
                    return Ok(Standing::Foreign);
                }
                Ok(found) => found?.map(|found| found.trace.project),
            },
        },
    };
    Ok(match project {
        Some(project) if context.scope.has(&project) => Standing::Own,
        Some(_) => Standing::Foreign,
        None => Standing::New,
    })
}
