//! Who may write where: a caller restricted to projects records in their runs alone.
//!
//! A run of another project is as unknown to such a caller as one that does not exist. Callers without a restriction
//! are not looked up here at all, so that it costs them nothing.

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

/// Lets a caller write to a run. One that nobody has met is for the recorder to judge.
pub(super) async fn may_write(trace_id: &str, context: &Context) -> Result<(), Error> {
    if context.scope == Scope::All {
        return Ok(());
    }
    // As the gate will read it: another spelling of the same id is the same run. What it refuses is its to explain.
    let Some(id) = label("trace_id", trace_id).ok().and_then(|id| id.parse::<TraceId>().ok()) else {
        return Ok(());
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
                    return Err(Error::UnknownTrace { id: trace_id.to_owned() });
                }
                Ok(found) => found?.map(|found| found.trace.project),
            },
        },
    };
    match project {
        Some(project) if !context.scope.has(&project) => Err(Error::UnknownTrace { id: trace_id.to_owned() }),
        _ => Ok(()),
    }
}
