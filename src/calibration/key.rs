//! What a flag is about: the kind of finding, its subject, and the project in which it was found.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagKind {
    /// A principle was a gap in several runs of the last days.
    RepeatedPrincipleFailure,
    /// An intent scores below the rest.
    IntentQualityDisparity,
    /// A domain scores below the rest.
    DomainQualityDisparity,
    /// A project failed its gate after it had passed.
    QualityGateRegression,
    /// A key or an agent is not right as often as it says.
    ConfidenceMiscalibrated,
}

/// One flag exists per key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlagKey {
    /// The kind of finding.
    pub kind: FlagKind,
    /// The principle, intent, domain or project; `decision:KEY` or `agent:NAME` for confidence.
    pub subject: String,
    /// The project of the runs that found it.
    pub project: String,
}

/// Says that a text names no kind of flag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a flag is one of repeated_principle_failure, intent_quality_disparity, domain_quality_disparity, \
     quality_gate_regression, confidence_miscalibrated"
)]
pub struct UnknownFlagKind;

impl FlagKind {
    /// All of them, in the order in which a run is checked.
    pub const ALL: [Self; 5] = [
        Self::RepeatedPrincipleFailure,
        Self::IntentQualityDisparity,
        Self::DomainQualityDisparity,
        Self::QualityGateRegression,
        Self::ConfidenceMiscalibrated,
    ];

    /// The name in documents, questions and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RepeatedPrincipleFailure => "repeated_principle_failure",
            Self::IntentQualityDisparity => "intent_quality_disparity",
            Self::DomainQualityDisparity => "domain_quality_disparity",
            Self::QualityGateRegression => "quality_gate_regression",
            Self::ConfidenceMiscalibrated => "confidence_miscalibrated",
        }
    }
}

impl fmt::Display for FlagKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FlagKind {
    type Err = UnknownFlagKind;

    fn from_str(text: &str) -> Result<Self, UnknownFlagKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownFlagKind)
    }
}

impl FlagKey {
    /// The flag's id: readable, the same on every machine, and safe in a URL, a file name and a shell.
    ///
    /// `{kind}.{subject}.{project}.{hash}`, of ASCII letters, digits, `-`, `_` and `.`, at most 110 bytes.
    /// Subject and project are shortened to read well; the hash over all three tells apart what reads alike.
    ///
    /// ```
    /// use whytrace::calibration::{FlagKey, FlagKind};
    /// let key = FlagKey {
    ///     kind: FlagKind::RepeatedPrincipleFailure,
    ///     subject: "META-12".into(),
    ///     project: "cobot".into(),
    /// };
    /// assert_eq!(key.id(), "repeated_principle_failure.META-12.cobot.3e9c5fb93bdf");
    /// ```
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.kind.as_str(), &self.subject, &self.project] {
            // The length keeps ("a", "bc") apart from ("ab", "c").
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hash: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("{}.{}.{}.{hash}", self.kind, slug(&self.subject), slug(&self.project))
    }
}

/// Up to 32 characters that any program takes for a name; `-` stands for runs of others.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == 32 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "x".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(subject: &str, project: &str) -> String {
        let kind = FlagKind::IntentQualityDisparity;
        FlagKey { kind, subject: subject.to_owned(), project: project.to_owned() }.id()
    }

    #[test]
    fn what_reads_alike_has_ids_of_its_own() {
        let ids = [id("a b", "c"), id("a/b", "c"), id("a", "b-c"), id("A b", "c"), id("a b", "C")];
        let distinct: std::collections::HashSet<_> = ids.iter().map(|id| id.to_lowercase()).collect();
        assert_eq!(distinct.len(), ids.len());
    }

    #[test]
    fn an_id_is_safe_whatever_the_names_hold() {
        for name in ["../../etc/passwd", "CON", "über/ужас", "", "\u{202e}x\n", &"long ".repeat(100)] {
            let id = id(name, name);
            assert!(id.len() <= 110, "{id}");
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{id}");
            assert!(!id.contains(".."), "{id}");
        }
    }

    #[test]
    fn every_kind_is_read_back_from_its_name() {
        for kind in FlagKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
