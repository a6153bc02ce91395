//! One run as a row of facts: all that statistics and calibration look at.

use crate::model::{QualityRules, Status, Timestamp, Trace, TraceId};

/// What is known of one run, small enough to stream a million of them.
///
/// The index keeps the same facts as columns; [`RunFacts::of`] says what each column holds.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFacts {
    /// The run.
    pub trace_id: TraceId,
    /// Its project.
    pub project: String,
    /// What kind of question it answers.
    pub intent: Option<String>,
    /// What field it belongs to.
    pub domain: Option<String>,
    /// What kind of report it gives.
    pub report_type: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// The gate's verdict; absent when there was none.
    pub passed: Option<bool>,
    /// The overall score on the configured scale, whatever scale the run had.
    pub score: Option<f64>,
    /// Seconds from beginning to end.
    pub duration_seconds: Option<f64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Tokens read by models.
    pub input_tokens: Option<i64>,
    /// Tokens written by models.
    pub output_tokens: Option<i64>,
    /// How many decisions it recorded.
    pub decisions: u64,
    /// The sum of the confidences that decisions stated.
    pub confidence_sum: f64,
    /// How many decisions stated one.
    pub confidence_count: u64,
    /// The agent's name.
    pub agent: Option<String>,
    /// The model that did the main work; where the run's end named none, the model the agent runs on.
    pub model: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Whether somebody should look at it.
    pub flagged: bool,
    /// Items of evidence collected.
    pub evidence_collected: Option<i64>,
    /// Items kept.
    pub evidence_passed: Option<i64>,
    /// Items filtered out.
    pub evidence_filtered: Option<i64>,
    /// The principles that are gaps, each once.
    pub gaps: Vec<String>,
    /// All principles that were judged, gaps included, each once.
    pub principles: Vec<String>,
}

impl RunFacts {
    /// Takes the facts out of a run; its score goes over to the scale of `rules`.
    #[must_use]
    pub fn of(trace: &Trace, rules: &QualityRules) -> Self {
        let run = &trace.run;
        let quality = &trace.quality;
        let score = quality.score.map(|score| quality.rescaled(score, rules));
        let (evidence_collected, evidence_passed, evidence_filtered) = trace.evidence_totals();
        let confidences = || trace.decisions().filter_map(|(_, decision)| decision.confidence);
        let scored = quality.principle_scores.iter().map(|principle| &principle.id);
        let named = quality.gap_principles.iter().chain(&quality.strength_principles);
        Self {
            trace_id: trace.trace_id.clone(),
            project: trace.project.clone(),
            intent: run.intent.clone(),
            domain: run.domain.clone(),
            report_type: run.report_type.clone(),
            status: run.status,
            passed: quality.passed,
            score: score.filter(|score| score.is_finite()),
            duration_seconds: run.duration_seconds.filter(|seconds| seconds.is_finite()),
            cost_usd: trace.cost.cost_usd.filter(|cost| cost.is_finite()),
            input_tokens: trace.cost.input_tokens,
            output_tokens: trace.cost.output_tokens,
            decisions: trace.decisions().count() as u64,
            confidence_sum: confidences().map(crate::model::Confidence::get).sum(),
            confidence_count: confidences().count() as u64,
            agent: run.agent.name.clone(),
            model: trace.cost.model.clone().or_else(|| run.agent.model.clone()),
            started_at: run.started_at,
            completed_at: run.completed_at,
            flagged: trace.calibration.flagged_for_review,
            evidence_collected,
            evidence_passed,
            evidence_filtered,
            gaps: distinct(quality.gap_principles.iter()),
            principles: distinct(scored.chain(named)),
        }
    }

    /// Whether the run has ended: complete, failed or incomplete.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.status.is_finished()
    }

    /// The moment that places a finished run in a window of time; absent while the run is open.
    ///
    /// That is its end. Documents of version 1 may lack it; such a run counts at its start rather than
    /// nowhere.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.is_finished().then(|| self.completed_at.unwrap_or(self.started_at))
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if !distinct.contains(name) {
            distinct.push(name.clone());
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::document;

    #[test]
    fn facts_are_on_the_configured_scale_and_name_each_principle_once() {
        let document = json!({
            "schema_version": 2, "trace_id": "t", "project_name": "p",
            "run": {"started_at": "2026-02-13T14:30:22Z", "status": "failed", "agent": {"model": "m-agent"}},
            "stages": {"s": {"decisions": [
                {"decision_id": "1", "decision": "k", "what": "w", "confidence": 0.5,
                 "timestamp": "2026-02-13T14:30:23Z"},
                {"decision_id": "2", "decision": "k", "what": "w", "timestamp": "2026-02-13T14:30:24Z"}]}},
            "quality": {"score": 50.0, "scale_max": 100.0, "gap_principles": ["given"],
                        "principle_scores": [{"id": "low", "score": 10.0}, {"id": "high", "score": 100.0}]}
        });
        let rules = QualityRules::default();
        let facts = RunFacts::of(&document::from_value(document, &rules).unwrap().trace, &rules);
        assert_eq!(facts.score, Some(1.5));
        assert_eq!(facts.passed, Some(false));
        assert_eq!(facts.gaps, ["given", "low"]);
        assert_eq!(facts.principles, ["low", "high", "given"]);
        assert_eq!((facts.decisions, facts.confidence_count, facts.confidence_sum), (2, 1, 0.5));
        assert_eq!(facts.model.as_deref(), Some("m-agent"));
        assert_eq!(facts.ended_at(), Some(facts.started_at), "no end was recorded");
    }
}
