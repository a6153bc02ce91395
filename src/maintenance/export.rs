//! Runs as documents that another installation takes in.

use crate::error::{Error, Result};
use crate::model::Trace;
use crate::model::document;
use crate::store::LoadedTrace;

/// The document of a run as it goes elsewhere: what its own file holds, or would hold if it were written now.
///
/// One that was edited by hand keeps its hash, so that it is known as edited there too. What is derived from other
/// runs (`child_traces`) is not in it.
///
/// # Errors
/// [`Error::Corrupt`] when the run holds a number that JSON cannot express; none that came through the gate does.
pub fn exported(loaded: LoadedTrace) -> Result<Trace> {
    let LoadedTrace { mut trace, edited, .. } = loaded;
    trace.child_traces.clear();
    if edited {
        return Ok(trace);
    }
    let generator = if trace.metadata.generator.is_empty() {
        concat!("whytrace ", env!("CARGO_PKG_VERSION"))
    } else {
        trace.metadata.generator.as_str()
    };
    let (written, _) = document::write(&trace, generator, trace.metadata.revision.max(1))
        .map_err(|error| Error::Corrupt { place: trace.trace_id.to_string(), reason: error.to_string() })?;
    Ok(written)
}
