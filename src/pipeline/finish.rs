//! What a pipeline says when a run has ended.

use crate::gate::request::{EventKind, EventRequest, FinishStatus, PrincipleRequest};

/// What is known of a run only at its end: how good it was, what it used up, what it made.
///
/// ```
/// use whytrace::pipeline::Finish;
///
/// let finish = Finish::default()
///     .score(2.4)
///     .principle("META-1", 3.0)
///     .principle("META-12", 1.0)
///     .tokens(45_000, 3_800)
///     .cost_usd(0.32)
///     .report("out/report.md");
/// ```
#[derive(Clone, Debug)]
#[must_use = "it takes effect through TraceContext::mark_complete"]
pub struct Finish {
    pub(super) request: EventRequest,
}

impl Default for Finish {
    fn default() -> Self {
        Self { request: EventRequest { kind: EventKind::Finish, ..EventRequest::default() } }
    }
}

impl Finish {
    /// How good the run was, from 0 to the scale's end (3 where nothing else is set).
    pub fn score(mut self, score: f64) -> Self {
        self.request.score = Some(score);
        self
    }

    /// Another end of the scale than the configured one.
    pub fn scale_max(mut self, scale_max: f64) -> Self {
        self.request.scale_max = Some(scale_max);
        self
    }

    /// The score from which a run passes; two thirds of the scale where nothing else is set.
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.request.threshold = Some(threshold);
        self
    }

    /// The gate's verdict, where it is another than score against threshold.
    pub fn passed(mut self, passed: bool) -> Self {
        self.request.passed = Some(passed);
        self
    }

    /// What one criterion of quality scored.
    pub fn principle(mut self, id: impl Into<String>, score: f64) -> Self {
        let principle = PrincipleRequest { id: id.into(), score, ..PrincipleRequest::default() };
        self.request.principle_scores.push(principle);
        self
    }

    /// What one criterion of quality scored, and what the judge said.
    pub fn judged(mut self, id: impl Into<String>, score: f64, feedback: impl Into<String>) -> Self {
        let feedback = Some(feedback.into());
        let principle = PrincipleRequest { id: id.into(), score, feedback, ..PrincipleRequest::default() };
        self.request.principle_scores.push(principle);
        self
    }

    /// Tokens read and written, of the whole run.
    pub fn tokens(mut self, input: u32, output: u32) -> Self {
        self.request.input_tokens = Some(i64::from(input));
        self.request.output_tokens = Some(i64::from(output));
        self
    }

    /// US dollars, of the whole run.
    pub fn cost_usd(mut self, cost: f64) -> Self {
        self.request.cost_usd = Some(cost);
        self
    }

    /// The model that did the main work.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.request.model = Some(model.into());
        self
    }

    /// The report that the run made.
    pub fn report(mut self, path: impl Into<String>) -> Self {
        self.request.report_path = Some(path.into());
        self
    }

    /// One file more that the run made.
    pub fn output(mut self, path: impl Into<String>) -> Self {
        self.request.output_paths.push(path.into());
        self
    }

    pub(super) fn ended(mut self, status: FinishStatus, error: Option<String>) -> EventRequest {
        self.request.status = Some(status);
        self.request.error = error;
        self.request
    }
}
