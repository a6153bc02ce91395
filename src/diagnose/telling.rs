//! A diagnosis in sentences, without layout: what the tool and the terminal say alike.

use super::difference::Difference;
use super::likeness::{Against, Counterpart, Divergence, Missing};
use super::rule::Finding;
use super::skeleton::StageLine;
use super::suspect::{Place, Suspect};
use super::{Diagnosis, Outcome};
use crate::scorecard::{counted, duration_text, money_text, score_text};
use crate::shown::{excerpt, quoted};

/// Characters of a name.
const NAME_CHARS: usize = 128;
/// Characters of a choice, and of inputs.
const CHOICE_CHARS: usize = 100;
/// Names of stages, principles and fields that are told.
const NAMED: usize = 4;

impl Diagnosis {
    /// How the run ended: `failed the gate with 0.0 of 1.0 (0.5 passes); gaps META-12`.
    #[must_use]
    pub fn outcome_told(&self) -> String {
        let (score, scale, threshold) = self.score;
        let mut told = self.outcome.told().to_owned();
        if self.outcome == Outcome::FailedGate && self.status != crate::model::Status::Complete {
            told.push_str(&format!(", {}", self.status.as_str()));
        }
        if let Some(score) = score {
            let scale = scale.map(|scale| format!(" of {}", score_text(scale))).unwrap_or_default();
            let needed = threshold.filter(|_| self.outcome == Outcome::FailedGate);
            let needed = needed.map(|needed| format!(" ({} passes)", score_text(needed))).unwrap_or_default();
            told.push_str(&format!(" with {}{scale}{needed}", score_text(score)));
        }
        if let Some(error) = &self.error {
            told.push_str(&format!("; error {}", quoted(error, 200)));
        }
        if !self.gaps.is_empty() {
            told.push_str(&format!("; gaps {}", names(&self.gaps)));
        }
        told
    }

    /// How large the run was: `24 decisions in 4 stages, 1m 3s, $0.03`.
    #[must_use]
    pub fn size_told(&self) -> String {
        let stages = counted(self.skeleton.len(), "stage");
        let size = format!("{} in {stages}", counted(self.decisions, "decision"));
        let more = [self.seconds.map(duration_text), self.cost_usd.map(money_text)];
        let parts: Vec<String> = std::iter::once(size).chain(more.into_iter().flatten()).collect();
        parts.join(", ")
    }

    /// That nothing is suspected, said as it is; `None` where something is.
    #[must_use]
    pub fn nothing_told(&self) -> Option<&'static str> {
        self.suspects.is_empty().then_some(match self.outcome {
            Outcome::Passed => "Nothing stands out in a run that went well.",
            Outcome::Complete => "Nothing stands out. Whether it went well, no gate said.",
            Outcome::Open => "Nothing stands out so far.",
            _ => {
                "Nothing stands out: no rule fired for a decision or a stage. Read what was decided and why."
            }
        })
    }
}

impl Suspect {
    /// Where it is and what was chosen: `#14 act / book_reservation "economy"`.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.place {
            Place::Decision { number, stage, key, what, .. } => {
                let choice =
                    if what == key { String::new() } else { format!(" {}", quoted(what, CHOICE_CHARS)) };
                format!("#{number} {} / {}{choice}", name(stage), name(key))
            }
            Place::Stage { number, stage } => {
                let from = number.map(|number| format!(" (from #{number})")).unwrap_or_default();
                format!("stage {}{from}", name(stage))
            }
        }
    }

    /// The rules that fired, each with its points.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        self.findings.iter().map(Finding::told).collect()
    }

    /// What it was based on, or how that differs from the like in the run that went well.
    #[must_use]
    pub fn basis(&self) -> Option<String> {
        if let Some(told) = self.counterpart.as_ref().and_then(Counterpart::told) {
            return Some(told);
        }
        match &self.place {
            Place::Decision { inputs: Some(inputs), .. } => {
                Some(format!("inputs {}", excerpt(inputs, CHOICE_CHARS)))
            }
            _ => None,
        }
    }
}

impl Finding {
    /// What it saw and what that counts: `result is empty (+0.5)`.
    #[must_use]
    pub fn told(&self) -> String {
        format!("{} ({:+})", self.said, self.points())
    }
}

impl Counterpart {
    /// The fields that differ: `the good run's #12 has cabin business (here economy)`.
    fn told(&self) -> Option<String> {
        if self.field_count == 0 {
            return None;
        }
        let mut fields: Vec<String> = self.fields.iter().map(Difference::told).collect();
        if self.field_count > fields.len() {
            fields.push(format!("+{} more fields", self.field_count - fields.len()));
        }
        Some(format!("the good run's #{} instead: {}", self.number, fields.join("; ")))
    }
}

impl Difference {
    fn told(&self) -> String {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        let path = if self.path.is_empty() { "inputs".to_owned() } else { name(&self.path) };
        format!("{path} {} (here {})", side(&self.there), side(&self.here))
    }
}

impl Against {
    /// How much the runs have in common: `17 of 20 comparable decisions are those of run x, which passed`.
    #[must_use]
    pub fn told(&self) -> String {
        let mut told = match (self.comparable, self.is_same_query) {
            (0, false) => "asked otherwise, so inputs are not compared".to_owned(),
            (_, is_same) => format!(
                "shares {} of its {} comparable decisions ({} there; {})",
                self.shared,
                self.comparable,
                self.comparable_there,
                if is_same { "speech left out" } else { "asked otherwise: only choices without inputs" }
            ),
        };
        for (told_of, stages) in [("lacks", &self.stages_missing), ("adds", &self.stages_added)] {
            if !stages.is_empty() {
                told.push_str(&format!("; {told_of} stage {}", names(stages)));
            }
        }
        if let (Some(here), Some(there)) = self.seconds
            && here.max(there) > 2.0 * here.min(there)
            && here.max(there) >= 1.0
        {
            told.push_str(&format!("; {} against {}", duration_text(here), duration_text(there)));
        }
        if let (Some(here), Some(there)) = self.cost_usd
            && here.max(there) > 2.0 * here.min(there)
        {
            told.push_str(&format!("; {} against {}", money_text(here), money_text(there)));
        }
        told
    }

    /// The first step by which the run left the way of the other; nothing where none can be compared.
    #[must_use]
    pub fn first_told(&self) -> Option<String> {
        match &self.first_divergence {
            Some(divergence) => Some(divergence.told()),
            None => (self.comparable > 0).then(|| "nothing in this run".to_owned()),
        }
    }

    /// What the other did and this run did not.
    #[must_use]
    pub fn missing_told(&self) -> Option<String> {
        let mut named: Vec<String> = self.missing.iter().map(Missing::told).collect();
        if self.missing_count > named.len() {
            named.push(format!("+{} more", self.missing_count - named.len()));
        }
        (!named.is_empty()).then(|| named.join(", "))
    }
}

impl Divergence {
    /// Where the run left the way of the other.
    #[must_use]
    pub fn told(&self) -> String {
        let choice = if self.what == self.key {
            String::new()
        } else {
            format!(" {}", quoted(&self.what, CHOICE_CHARS))
        };
        let there = match &self.counterpart {
            Some(counterpart) if counterpart.field_count > 0 => {
                counterpart.told().map(|told| format!("; {told}"))
            }
            Some(counterpart) if counterpart.what != self.what => {
                let what = quoted(&counterpart.what, CHOICE_CHARS);
                Some(format!("; the good run's #{} instead: {what}", counterpart.number))
            }
            _ => None,
        };
        let there = there.unwrap_or_default();
        format!("#{} {} / {}{choice}{there}", self.number, name(&self.stage), name(&self.key))
    }
}

impl Missing {
    fn told(&self) -> String {
        let choice =
            if self.what == self.key { String::new() } else { format!(" {}", quoted(&self.what, 60)) };
        format!("#{} {}{choice}", self.number, name(&self.key))
    }
}

impl StageLine {
    /// `collection 12 decisions, 45.8s, 2 errors`.
    #[must_use]
    pub fn told(&self) -> String {
        let mut parts = vec![format!("{} {}", name(&self.stage), self.decisions)];
        parts.extend((self.entries > 1).then(|| format!("entered {} times", self.entries)));
        parts.extend(self.seconds.map(duration_text));
        parts.extend((self.errors > 0).then(|| counted(self.errors, "error")));
        parts.extend(self.error.as_ref().map(|error| format!("ended with {}", quoted(error, 60))));
        parts.extend(self.is_unfinished.then(|| "never ended".to_owned()));
        parts.join(", ")
    }
}

fn name(text: &str) -> String {
    excerpt(text, NAME_CHARS)
}

fn names(all: &[String]) -> String {
    let mut named: Vec<String> = all.iter().take(NAMED).map(|one| name(one)).collect();
    if all.len() > NAMED {
        named.push(format!("+{} more", all.len() - NAMED));
    }
    named.join(", ")
}
