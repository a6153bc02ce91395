//! A choice, what else was on the table, what came of it and whether it proved right.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Confidence, DecisionId, Timestamp, Unknown};

/// One choice made in a stage of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its name within the trace.
    pub decision_id: DecisionId,
    /// A short key that is the same in every run, such as `source_selection`.
    #[serde(rename = "decision")]
    pub key: String,
    /// What was chosen.
    pub what: String,
    /// Why it was chosen.
    #[serde(default)]
    pub why: String,
    /// How sure the decider was; absent when it did not say.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// The options that were not taken.
    #[serde(default)]
    pub alternatives_considered: Vec<Alternative>,
    /// What the choice was based on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
    /// Ids of evidence items that bear on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence_ids: Vec<String>,
    /// What came back at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// What went wrong when it was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long carrying it out took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// Whether it proved right, which may be said later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When it was made: the caller's time, else the time of arrival.
    pub timestamp: Timestamp,
    /// Who made it, where a run has several deciders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What was said about it afterwards; the fields above keep what was said first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
    /// How many secrets were redacted in it.
    #[serde(default)]
    pub redactions: u32,
    /// Whether it arrived after the run had ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// An option that was not taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alternative {
    /// The option.
    pub option: String,
    /// What it was judged to be worth, on the decider's own scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Why it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Whether a decision proved right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Right or wrong; absent when only a note was left.
    #[serde(default)]
    pub correct: Option<bool>,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What was said about a decision afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// When it was said.
    pub timestamp: Timestamp,
    /// Why the first text no longer holds.
    pub reason: String,
    /// What should stand in place of `what`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// What should stand in place of `why`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What should stand in place of `confidence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

impl Alternative {
    /// Reads the short form: an option, with its score in parentheses at the end if it has one.
    ///
    /// ```
    /// use whytrace::model::Alternative;
    /// let alternative = Alternative::parse("google (0.60)");
    /// assert_eq!((alternative.option.as_str(), alternative.score), ("google", Some(0.6)));
    /// assert_eq!(Alternative::parse("bing (old)").option, "bing (old)");
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let scored = text.strip_suffix(')').and_then(|rest| {
            let (option, number) = rest.rsplit_once('(')?;
            let score: f64 = number.trim().parse().ok().filter(|score: &f64| score.is_finite())?;
            let option = option.trim();
            (!option.is_empty()).then_some((option, score))
        });
        let (option, score) = scored.map_or((text, None), |(option, score)| (option, Some(score)));
        Self { option: option.to_owned(), score, why_not: None, unknown: Unknown::new() }
    }
}

impl<'de> Deserialize<'de> for Alternative {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            option: String,
            #[serde(default)]
            score: Option<f64>,
            #[serde(default)]
            why_not: Option<String>,
            #[serde(flatten)]
            unknown: Unknown,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Short(String),
            Whole(Fields),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Short(text) => Self::parse(&text),
            Form::Whole(Fields { option, score, why_not, unknown }) => {
                Self { option, score, why_not, unknown }
            }
        })
    }
}
