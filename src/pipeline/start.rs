//! What a pipeline says when a run begins.

use serde_json::Value;

use crate::gate::request::{EventKind, EventRequest};
use crate::model::{Timestamp, TraceId};

/// The beginning of a run: what it is asked, and for whom.
///
/// ```
/// use whytrace::pipeline::Start;
///
/// let start = Start::new("cobot", "who builds cobots?").intent("validating").domain("robotics").tag("nightly");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a start begins nothing until it is given to TraceContext::start, or to traced"]
pub struct Start {
    pub(super) request: EventRequest,
    pub(super) trace_id: Option<String>,
}

impl Start {
    /// A run of a project, with the question or task that it is about.
    pub fn new(project: impl Into<String>, query: impl Into<String>) -> Self {
        let request = EventRequest {
            kind: EventKind::Start,
            project: Some(project.into()),
            query: Some(query.into()),
            ..EventRequest::default()
        };
        Self { request, trace_id: None }
    }

    /// What kind of question it is, in your own words; runs of one intent are compared.
    pub fn intent(mut self, intent: impl Into<String>) -> Self {
        self.request.intent = Some(intent.into());
        self
    }

    /// What field it belongs to; runs of one domain are compared.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.request.domain = Some(domain.into());
        self
    }

    /// What kind of report it is to give.
    pub fn report_type(mut self, report_type: impl Into<String>) -> Self {
        self.request.report_type = Some(report_type.into());
        self
    }

    /// What kind of research it is.
    pub fn research_type(mut self, research_type: impl Into<String>) -> Self {
        self.request.research_type = Some(research_type.into());
        self
    }

    /// Who runs it.
    pub fn agent(mut self, name: impl Into<String>) -> Self {
        self.request.agent = Some(name.into());
        self
    }

    /// The model it runs on.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.request.model = Some(model.into());
        self
    }

    /// One label more.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.request.tags.push(tag.into());
        self
    }

    /// One field more of your own.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.request.metadata.insert(key.into(), value.into());
        self
    }

    /// The run that it is a part of; within the scope of a run that one, where this is not said.
    pub fn parent(mut self, trace_id: &TraceId) -> Self {
        self.request.parent_trace_id = Some(trace_id.to_string());
        self
    }

    /// Your own id for it, unique in the installation. Starting again with the same id and the same content goes on
    /// in the same run.
    pub fn trace_id(mut self, trace_id: impl Into<String>) -> Self {
        self.trace_id = Some(trace_id.into());
        self
    }

    /// When it began; now where this is not said.
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.request.timestamp = Some(moment.to_string());
        self
    }

    pub(super) fn project(&self) -> &str {
        self.request.project.as_deref().unwrap_or_default()
    }
}
