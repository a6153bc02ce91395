//! A history that could have happened: some weeks of runs in a few projects, all from one number.
//!
//! What is in it: intents and domains of which one does worse than the rest, principles that get better or worse,
//! scores on several scales or none, verdicts that contradict the score, failed, cancelled, abandoned and open runs,
//! ends at the same moment, times that callers state, events after the end, requests sent twice, an agent that is too
//! sure of itself, people who review runs, decisions and flags. It knows nothing of the stores.

use chrono::{DurationRound as _, TimeDelta};
use serde_json::{Value, json};
use whytrace::gate::request::FlagAction;
use whytrace::model::Timestamp;

/// How a history is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    pub seed: u64,
    pub runs: usize,
    pub days: i64,
    /// Whether some callers say themselves when their runs began and ended.
    pub states_times: bool,
    /// Whether people decide about flags.
    pub reviews_flags: bool,
}

/// What happens, in order. No two steps lie less than a millisecond apart.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub at: Timestamp,
    /// Which of two processes does it.
    pub process: usize,
    pub deed: Deed,
}

#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Events of one run are recorded.
    Record { run: String, request: Value },
    /// The end of a run is reported again.
    Repeat { run: String, request: Value },
    /// Somebody says whether a run needs a look.
    Mark { run: String, flagged: bool },
    /// Somebody says whether a decision proved right.
    Judge { run: String, decision: &'static str, correct: bool },
    /// Somebody decides about one of the flags, whichever the number falls on.
    Decide { pick: usize, action: FlagAction, until: Timestamp },
    /// A process looks after what is left lying.
    LookAfter,
}

/// Runs of which nothing is heard for longer are abandoned.
pub(super) const PATIENCE_HOURS: i64 = 24;

const PROJECTS: [&str; 3] = ["cobot", "Atlas 2", "über/ужас"];
const INTENTS: [Option<&str>; 4] = [Some("validating"), Some("comparing"), Some("exploring"), None];
const DOMAINS: [Option<&str>; 4] = [Some("robotics"), Some("law"), Some("energy & grids"), None];
const REPORTS: [Option<&str>; 3] = [Some("market_research"), Some("brief"), None];
const AGENTS: [Option<&str>; 3] = [Some("scout"), Some("writer"), None];
/// One of the agents.
const TOO_SURE: &str = "scout";
const KEYS: [&str; 2] = ["source_selection", "wording"];
const MODELS: [Option<&str>; 3] = [Some("m-large"), Some("m-small"), None];
const TAGS: [&str; 3] = ["nightly", "Ad hoc", "retry"];
/// Each with its chance of being a gap, in percent: at the beginning and at the end of the history.
const PRINCIPLES: [(&str, u64, u64); 5] =
    [("META-1", 0, 2), ("META-12", 15, 60), ("SOURCES", 50, 5), ("plain words", 12, 12), ("*tone*", 25, 25)];

impl Course {
    pub(super) fn new(seed: u64, runs: usize, days: i64) -> Self {
        Self { seed, runs, days, states_times: true, reviews_flags: true }
    }

    pub(super) fn begins() -> Timestamp {
        "2026-01-05T06:00:00Z".parse().expect("a time")
    }

    pub(super) fn ends(&self) -> Timestamp {
        Self::begins().plus(TimeDelta::days(self.days))
    }

    pub(super) fn plan(self) -> Plan {
        let mut dice = Dice(self.seed);
        let mut steps = Vec::new();
        for number in 0..self.runs {
            Telling { course: self, dice: &mut dice, steps: &mut steps, too_sure: false }.run(number);
        }
        if self.reviews_flags {
            for _ in 0..self.runs / 8 {
                steps.push(Self::review(&mut dice, &steps));
            }
        }
        steps.retain(|step| step.at < self.ends());
        steps.sort_by_key(|step| step.at);
        let mut before = Self::begins();
        for step in &mut steps {
            step.at = step.at.max(before.plus(TimeDelta::milliseconds(1)));
            before = step.at;
        }
        Plan { steps }
    }

    /// A decision about a flag, soon after something happened.
    fn review(dice: &mut Dice, steps: &[Step]) -> Step {
        let at = steps[dice.place(steps.len())].at.plus(TimeDelta::minutes(dice.between(1, 60)));
        let action = dice.pick(&[
            FlagAction::Resolve,
            FlagAction::Resolve,
            FlagAction::Snooze,
            FlagAction::Acknowledge,
            FlagAction::Reopen,
        ]);
        let until = at.plus(TimeDelta::hours(dice.between(1, 240)));
        let pick = dice.place(1_000_000);
        Step { at, process: dice.place(2), deed: Deed::Decide { pick, action, until } }
    }
}

/// One run on its way into the plan.
struct Telling<'p> {
    course: Course,
    dice: &'p mut Dice,
    steps: &'p mut Vec<Step>,
    /// Whether its agent says more than is true.
    too_sure: bool,
}

impl Telling<'_> {
    fn run(mut self, number: usize) {
        // Names do not sort as times do.
        let run = format!("{:04x}-{number}", self.dice.below(65_536));
        let is_last = number + 4 > self.course.runs;
        let started = if is_last {
            self.course.ends().plus(-TimeDelta::seconds(self.dice.between(9_000, 80_000)))
        } else {
            Course::begins().plus(TimeDelta::seconds(self.dice.between(0, self.course.days * 86_400)))
        };
        let ended = started.plus(TimeDelta::seconds(self.dice.between(20, 9_000)));
        let states_times = self.course.states_times && self.dice.chance(30);
        let (begin, intent, domain) = self.begin(&run, states_times.then(|| to_the_half_day(started)));
        let finish = self.finish(started, intent, domain, states_times.then(|| to_the_half_day(ended)));
        let whole = self.dice.chance(50);
        // The last ones stay open.
        let fate = if is_last { 88 } else { self.dice.below(100) };
        if whole && fate < 88 {
            let mut events = vec![begin];
            events.extend(self.middle(0));
            events.push(finish.clone());
            self.step(ended, Deed::Record { run: run.clone(), request: batch(&run, &events) });
        } else {
            let mut events = vec![begin];
            events.extend(self.middle(0));
            self.step(started, Deed::Record { run: run.clone(), request: batch(&run, &events) });
            let half = started.plus((ended.to_chrono() - started.to_chrono()) / 2);
            let more = self.middle(1);
            self.judge(&run, half);
            self.step(half, Deed::Record { run: run.clone(), request: batch(&run, &more) });
            let silence = TimeDelta::hours(PATIENCE_HOURS) + TimeDelta::minutes(1);
            if fate >= 88 {
                self.step(half.plus(silence), Deed::LookAfter);
            }
            if fate >= 94 {
                let again = half.plus(silence * 2);
                let more = self.middle(2);
                self.step(again, Deed::Record { run: run.clone(), request: batch(&run, &more) });
                if fate < 97 {
                    self.step(again.plus(silence), Deed::LookAfter);
                    return;
                }
                let finish = unstated(finish);
                let end = again.plus(TimeDelta::minutes(7));
                self.step(
                    end,
                    Deed::Record { run: run.clone(), request: batch(&run, std::slice::from_ref(&finish)) },
                );
                return self.afterwards(&run, end, finish);
            }
            if fate >= 88 {
                return;
            }
            self.step(
                ended,
                Deed::Record { run: run.clone(), request: batch(&run, std::slice::from_ref(&finish)) },
            );
        }
        self.afterwards(&run, ended, finish);
    }

    fn afterwards(mut self, run: &str, ended: Timestamp, finish: Value) {
        let later = |dice: &mut Dice| ended.plus(TimeDelta::minutes(dice.between(1, 3_000)));
        if self.dice.chance(12) {
            let at = later(self.dice);
            self.step(at, Deed::Repeat { run: run.to_owned(), request: batch(run, &[finish]) });
        }
        if self.dice.chance(12) {
            let (at, more) = (later(self.dice), self.middle(3));
            self.step(at, Deed::Record { run: run.to_owned(), request: batch(run, &more) });
        }
        let at = later(self.dice);
        self.judge(run, at);
        if self.dice.chance(12) {
            let at = later(self.dice);
            let flagged = self.dice.chance(30);
            self.step(at, Deed::Mark { run: run.to_owned(), flagged });
        }
    }

    /// Somebody may say whether the run's first decision proved right.
    fn judge(&mut self, run: &str, at: Timestamp) {
        if self.dice.chance(25) {
            let correct = self.dice.chance(if self.too_sure { 30 } else { 55 });
            self.step(at, Deed::Judge { run: run.to_owned(), decision: "d00", correct });
        }
    }

    fn begin(
        &mut self,
        run: &str,
        at: Option<Timestamp>,
    ) -> (Value, Option<&'static str>, Option<&'static str>) {
        let dice = &mut *self.dice;
        let (intent, domain) = (dice.pick(&INTENTS), dice.pick(&DOMAINS));
        let agent = dice.pick(&AGENTS);
        self.too_sure = agent == Some(TOO_SURE);
        let tags: Vec<&str> = TAGS.into_iter().filter(|_| dice.chance(25)).collect();
        let start = json!({"kind": "start", "project": dice.pick(&PROJECTS), "query": format!("why {run}?"),
            "intent": intent, "domain": domain, "report_type": dice.pick(&REPORTS), "tags": tags,
            "agent": agent, "model": dice.pick(&MODELS), "timestamp": at});
        (start, intent, domain)
    }

    /// Decisions and evidence, and sometimes a prompt or an iteration. `part` tells the parts of one run apart.
    fn middle(&mut self, part: usize) -> Vec<Value> {
        let dice = &mut *self.dice;
        let mut events = Vec::new();
        for number in 0..1 + dice.below(3) {
            let (least, range) = if self.too_sure { (0.8, 0.2) } else { (0.4, 0.4) };
            let confidence = dice.chance(80).then(|| least + range * dice.share());
            events.push(json!({"kind": "decision", "stage": dice.pick(&["collection", "synthesis"]),
                "decision": dice.pick(&KEYS), "decision_id": format!("d{part}{number}"), "what": "exa",
                "why": "it knows the field", "confidence": confidence,
                "alternatives_considered": ["reddit (0.4)"]}));
        }
        if dice.chance(50) {
            let (collected, passed) = (dice.below(40), dice.below(20));
            events.push(json!({"kind": "evidence", "event_id": format!("e{part}"), "stage": "collection",
                "collected_count": collected, "passed_count": passed.min(collected)}));
        }
        if dice.chance(30) {
            events.push(json!({"kind": "prompt", "event_id": format!("p{part}"), "stage": "synthesis",
                "model": "m-large", "input_tokens": dice.below(9_000), "output_tokens": dice.below(900),
                "cost_usd": dice.share() / 3.0}));
        }
        if dice.chance(20) {
            events
                .push(json!({"kind": "iteration", "event_id": format!("i{part}"), "passed": dice.chance(50),
                "input_tokens": dice.below(5_000), "cost_usd": dice.share() / 7.0}));
        }
        events
    }

    fn finish(
        &mut self,
        started: Timestamp,
        intent: Option<&str>,
        domain: Option<&str>,
        at: Option<Timestamp>,
    ) -> Value {
        let course = self.course;
        let dice = &mut *self.dice;
        let scale = dice.pick(&[None, None, Some(3.0), Some(10.0), Some(100.0)]);
        let end = scale.unwrap_or(3.0);
        let badness = if intent == Some("exploring") { 1.2 } else { 0.0 }
            + if domain == Some("law") { 0.9 } else { 0.0 };
        let on_scale = |score: f64| (score.clamp(0.0, 3.0) / 3.0 * end * 100.0).round() / 100.0;
        let score = dice.chance(85).then(|| on_scale(1.8 + dice.share() * 1.2 - badness));
        let passed = dice.chance(12).then(|| dice.chance(60));
        let threshold = dice.chance(15).then(|| on_scale(1.6));
        let progress = started.seconds_since(Course::begins()) / (course.days as f64 * 86_400.0);
        let (mut principles, mut gaps, mut strengths) = (Vec::new(), Vec::new(), Vec::new());
        for (principle, first, last) in PRINCIPLES {
            let chance = first as f64 + (last as f64 - first as f64) * progress;
            let is_gap = dice.share() * 100.0 < chance;
            match dice.below(10) {
                0 | 1 => {}
                // Said without a score.
                2 if is_gap => gaps.push(principle),
                2 => strengths.push(principle),
                _ => {
                    let score = if is_gap { dice.share() * 1.9 } else { 2.0 + dice.share() };
                    principles.push(json!({"id": principle, "score": on_scale(score)}));
                }
            }
        }
        let status = dice.pick(&[None, None, None, None, None, None, Some("failed"), Some("incomplete")]);
        let costs = dice.chance(60);
        json!({"kind": "finish", "status": status, "error": status.map(|_| "it broke off"),
            "score": score, "scale_max": scale, "passed": passed, "threshold": threshold,
            "principle_scores": principles, "gap_principles": gaps, "strength_principles": strengths,
            "input_tokens": costs.then(|| dice.below(90_000)), "cost_usd": costs.then(|| dice.share()),
            "output_tokens": (costs && dice.chance(80)).then(|| dice.below(9_000)),
            "model": dice.pick(&MODELS), "timestamp": at})
    }

    fn step(&mut self, at: Timestamp, deed: Deed) {
        self.steps.push(Step { at, process: self.dice.place(2), deed });
    }
}

fn batch(run: &str, events: &[Value]) -> Value {
    json!({"trace_id": run, "events": events})
}

/// So that some runs end at the same moment.
fn to_the_half_day(at: Timestamp) -> Timestamp {
    Timestamp::new(at.to_chrono().duration_trunc(TimeDelta::hours(12)).expect("a time of this century"))
}

/// The same end, with the time left to the server.
fn unstated(mut finish: Value) -> Value {
    finish["timestamp"] = Value::Null;
    finish
}

/// A linear congruential generator: the same throws on every machine.
pub(super) struct Dice(pub u64);

impl Dice {
    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// A place in a list of that length.
    pub(super) fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("a place in a list")
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(high.abs_diff(low))).expect("a small number")
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number in `0..1`.
    fn share(&mut self) -> f64 {
        self.below(1_000_000) as f64 / 1e6
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.place(of.len())]
    }
}
