//! Where the files of an installation lie below its root, the same in every store.

use object_store::path::Path;

use crate::gate::filename::file_stem;
use crate::model::TraceId;

/// What holds the folders of all projects.
pub(super) const PROJECTS: &str = "projects";

/// One place where a document may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(pub(super) Path);

impl Place {
    /// The place of a run's document.
    pub(super) fn of(project: &str, trace_id: &TraceId) -> Self {
        Self(folder(project).join(file_name(trace_id)))
    }

    /// The place as a path below the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }

    /// Where the summary of the document at this place lies.
    pub(super) fn summary(&self) -> Path {
        let path = self.as_str();
        Path::from(format!("{}_summary.md", path.strip_suffix(".json").unwrap_or(path)))
    }

    /// Whether a file of a project's folder is a document.
    pub(super) fn is_document(path: &Path) -> bool {
        let name = path.filename().unwrap_or_default();
        path.extension() == Some("json") && !name.starts_with('_')
    }
}

/// A file that a project has one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectFile {
    /// The flag records and their states.
    Flags,
    /// What was announced, for people.
    Alerts,
}

impl ProjectFile {
    /// Its name in the folder of the project's traces.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Flags => "_calibration_flags.json",
            Self::Alerts => "_calibration_alerts.md",
        }
    }
}

/// The folder of a project's traces.
pub(super) fn folder(project: &str) -> Path {
    traces_of(&Path::from(PROJECTS).join(file_stem(project)))
}

/// The folder of the traces of a project whose own folder was found.
pub(super) fn traces_of(project: &Path) -> Path {
    project.clone().join("_traces")
}

/// The name of a run's document.
pub(super) fn file_name(trace_id: &TraceId) -> String {
    format!("{}.json", file_stem(trace_id.as_str()))
}
