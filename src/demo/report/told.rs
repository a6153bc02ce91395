//! The events of a run in the order in which its agent reports them.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::UNTIL;
use super::judging::{cost, reading, retry, turn};
use crate::demo::Recipe;
use crate::demo::choices::{self, LISTED_EVIDENCE, evidence_id};
use crate::demo::plan::{Fate, Plan};
use crate::demo::random::Random;
use crate::demo::verdict::{self, Verdict};
use crate::gate::request::{EventKind, EventRequest, FinishStatus};
use crate::model::Timestamp;

/// The tag of every run.
const TAG: &str = "demo";

/// The tag of the question that is asked of every release.
const CANARY_TAG: &str = "canary";

const SYSTEM_PROMPT: &str = "You write market reports for readers who decide by them. Use the evidence that you \
    are given and nothing else. Say what is not known.";

/// A run that is being told: its events so far, and the time of the next.
pub(super) struct Told {
    /// The events in order.
    pub events: Vec<EventRequest>,
    /// When the last of them happened, and a little later.
    pub now: Timestamp,
    until: Timestamp,
    random: Random,
    input_tokens: i64,
    output_tokens: i64,
}

impl Told {
    /// The whole run.
    pub(super) fn of(recipe: &Recipe, plan: &Plan) -> Self {
        let mut told = Self {
            events: Vec::new(),
            now: plan.started_at,
            until: recipe.until,
            random: plan.random.clone(),
            input_tokens: 0,
            output_tokens: 0,
        };
        told.tell(plan);
        told
    }

    fn tell(&mut self, plan: &Plan) {
        let mut choices = plan.choices();
        self.begin(plan);
        self.stage("intake", choices::intake(plan, &mut choices), 12, json!({"questions": 1}));
        if plan.fate == Fate::Abandoned {
            return;
        }
        self.enter("collection");
        self.decide(choices::collection(plan, &mut choices), 35);
        if plan.fate == Fate::SourcesFailed {
            let error = "the tender portal answered 503 to three requests in a row";
            return self.break_off("collection", error, FinishStatus::Failed);
        }
        self.collect(plan);
        self.leave("collection", json!({"rounds": 2}));
        if plan.fate == Fate::Cancelled {
            return self.end(FinishStatus::Incomplete, Some("cancelled by the client"));
        }
        self.stage("analysis", choices::analysis(plan, &mut choices), 25, json!({"claims": 4}));
        self.enter("synthesis");
        self.decide(choices::synthesis(plan, &mut choices), 20);
        if plan.fate == Fate::ModelFailed {
            let error = format!("{} stopped after its first section: overloaded", plan.release.model());
            return self.break_off("synthesis", &error, FinishStatus::Failed);
        }
        self.write(plan);
        self.leave("synthesis", json!({"sections": 5}));
        self.judge(plan);
    }

    fn begin(&mut self, plan: &Plan) {
        let question = &plan.question;
        let mut tags = vec![TAG.to_owned()];
        if plan.is_canary {
            tags.push(CANARY_TAG.to_owned());
        }
        let mut metadata = Map::new();
        metadata.insert("release".to_owned(), json!(plan.release.version()));
        metadata.insert(UNTIL.to_owned(), json!(self.until));
        self.say(EventRequest {
            kind: EventKind::Start,
            project: Some(question.project.to_owned()),
            query: Some(question.text.clone()),
            intent: Some(question.intent.to_owned()),
            domain: Some(question.domain.to_owned()),
            report_type: Some(question.report_type.to_owned()),
            research_type: Some(question.research_type.to_owned()),
            model: Some(plan.release.model().to_owned()),
            tags,
            metadata,
            ..EventRequest::default()
        });
    }

    /// A stage in which nothing is done but deciding, each decision taking about so many seconds.
    fn stage(&mut self, stage: &str, decisions: Vec<EventRequest>, seconds: i64, outputs: Value) {
        self.enter(stage);
        self.decide(decisions, seconds);
        self.leave(stage, outputs);
    }

    fn enter(&mut self, stage: &str) {
        self.say(EventRequest { kind: EventKind::StageStart, ..of_stage(stage) });
        self.wait(2, 8);
    }

    fn leave(&mut self, stage: &str, outputs: Value) {
        self.wait(2, 10);
        let outputs = if let Value::Object(fields) = outputs { fields } else { Map::new() };
        self.say(EventRequest { kind: EventKind::StageEnd, outputs, ..of_stage(stage) });
    }

    fn decide(&mut self, decisions: Vec<EventRequest>, seconds: i64) {
        for decision in decisions {
            self.wait(seconds / 2, seconds);
            self.say(decision);
        }
    }

    fn collect(&mut self, plan: &Plan) {
        let collected = self.random.between(18, 46);
        let passed = collected * self.random.between(42, 74) / 100;
        let first = collected * self.random.between(50, 70) / 100;
        let by_source = [("trade press", collected - first), ("company filings", first)];
        let market = plan.question.topic.market;
        let mut item = |number: i64, low: i64, high: i64, reason: &str| {
            json!({
                "id": evidence_id(number),
                "title": format!("{market}: {reason}"),
                "score": self.random.hundredths(low, high),
            })
        };
        let kept = (1..=LISTED_EVIDENCE).map(|number| item(number, 61, 95, "a count of its own")).collect();
        let filtered_out =
            (1..=3).map(|number| item(LISTED_EVIDENCE + number, 12, 48, "repeats another item")).collect();
        self.say(EventRequest {
            kind: EventKind::Evidence,
            collected_count: Some(collected),
            passed_count: Some(passed),
            filtered_count: Some(collected - passed),
            by_source: by_source.into_iter().map(|(source, count)| (source.to_owned(), count)).collect(),
            kept,
            filtered_out,
            ..of_stage("collection")
        });
    }

    /// Asks the model for the report.
    fn write(&mut self, plan: &Plan) {
        let (input, output) = (self.random.between(14_000, 52_000), self.random.between(1_400, 4_200));
        self.input_tokens += input;
        self.output_tokens += output;
        self.wait(40, 110);
        let question = &plan.question;
        self.say(EventRequest {
            kind: EventKind::Prompt,
            model: Some(plan.release.model().to_owned()),
            system_prompt: Some(SYSTEM_PROMPT.to_owned()),
            user_message: Some(format!("{}\n\nEvidence: ev-01 to ev-06.", question.text)),
            response: Some(format!("# {} in {}\n\n...", question.topic.market, question.region)),
            input_tokens: Some(input),
            output_tokens: Some(output),
            cost_usd: Some(cost(input, output)),
            ..of_stage("synthesis")
        });
    }

    /// The gate, and the second attempt where the first did not pass.
    fn judge(&mut self, plan: &Plan) {
        let verdicts = verdict::verdicts(plan, &mut self.random);
        let attempts = verdicts.len();
        for (before, verdict) in verdicts.iter().enumerate() {
            let (input, output) = (self.input_tokens, self.output_tokens);
            if before > 0 {
                self.enter("synthesis");
                self.write(plan);
                self.leave("synthesis", json!({}));
            }
            self.enter("quality_gate");
            self.wait(8, 20);
            self.say(reading(verdict));
            let is_last = before + 1 == attempts;
            if attempts > 1 {
                let spent = if before == 0 {
                    (input, output)
                } else {
                    (self.input_tokens - input, self.output_tokens - output)
                };
                self.say(turn(verdict, spent, is_last));
            }
            if !is_last {
                self.wait(4, 12);
                let confidence = self.random.hundredths(55, 80);
                self.say(retry(verdict, confidence));
            }
            self.leave("quality_gate", json!({"score": verdict.score, "passed": verdict.passed()}));
        }
        self.finish(plan, verdicts.last());
    }

    fn finish(&mut self, plan: &Plan, verdict: Option<&Verdict>) {
        self.wait(1, 3);
        self.say(EventRequest {
            kind: EventKind::Finish,
            score: verdict.map(|verdict| verdict.score),
            principle_scores: verdict.map(|verdict| verdict.principles.clone()).unwrap_or_default(),
            input_tokens: Some(self.input_tokens),
            output_tokens: Some(self.output_tokens),
            cost_usd: Some(cost(self.input_tokens, self.output_tokens)),
            model: Some(plan.release.model().to_owned()),
            report_path: Some(format!("reports/{}/{:05}.md", plan.question.domain, plan.number)),
            ..EventRequest::default()
        });
    }

    fn break_off(&mut self, stage: &str, error: &str, status: FinishStatus) {
        self.wait(20, 60);
        let error = error.to_owned();
        self.say(EventRequest { kind: EventKind::StageEnd, error: Some(error.clone()), ..of_stage(stage) });
        self.end(status, Some(&error));
    }

    fn end(&mut self, status: FinishStatus, error: Option<&str>) {
        self.wait(1, 3);
        self.say(EventRequest {
            kind: EventKind::Finish,
            status: Some(status),
            error: error.map(str::to_owned),
            ..EventRequest::default()
        });
    }

    fn say(&mut self, event: EventRequest) {
        self.events.push(EventRequest { timestamp: Some(self.now.to_string()), ..event });
    }

    fn wait(&mut self, from: i64, to: i64) {
        let milliseconds = self.random.between(from * 1_000, to * 1_000);
        self.now = self.now.plus(TimeDelta::milliseconds(milliseconds));
    }
}

/// An event of a stage, a decision until something else is said.
pub(super) fn of_stage(stage: &str) -> EventRequest {
    EventRequest { stage: Some(stage.to_owned()), ..EventRequest::default() }
}
