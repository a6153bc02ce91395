//! What to keep in mind where two runs are not of one kind.

use std::fmt;

use serde::{Serialize, Serializer};

use super::figures::QualityMeasure;
use super::quoted;
use super::side::{NAMES, Side};
use crate::model::{Status, Trace};

/// Why figures of the two runs may not mean the same; in data a sentence in which the runs are `a` and `b`.
#[derive(Clone, Debug, PartialEq)]
pub enum Caveat {
    /// A run is compared with itself.
    SameRun,
    /// They differ in what they are about.
    Differ {
        /// In what, in the plural.
        what: &'static str,
        /// That of a.
        a: Option<String>,
        /// That of b.
        b: Option<String>,
    },
    /// A run has not ended.
    InProgress(Side),
    /// Scores were given on scales that end here.
    Scales {
        /// Where that of a ends.
        a: f64,
        /// Where that of b ends.
        b: f64,
        /// Where the one ends on which they are compared.
        on: f64,
    },
}

impl Caveat {
    /// All that there are about these runs.
    pub(super) fn of(a: &Trace, b: &Trace, quality: &QualityMeasure) -> Vec<Self> {
        let mut caveats = Vec::new();
        if a.trace_id == b.trace_id {
            caveats.push(Self::SameRun);
        }
        let mut differ = |what, a: Option<&str>, b: Option<&str>| {
            if a != b {
                caveats.push(Self::Differ { what, a: a.map(str::to_owned), b: b.map(str::to_owned) });
            }
        };
        differ("projects", Some(&a.project), Some(&b.project));
        differ("queries", Some(&a.run.query), Some(&b.run.query));
        differ("intents", a.run.intent.as_deref(), b.run.intent.as_deref());
        differ("domains", a.run.domain.as_deref(), b.run.domain.as_deref());
        differ("report types", a.run.report_type.as_deref(), b.run.report_type.as_deref());
        for (side, trace) in [(Side::A, a), (Side::B, b)] {
            if trace.status() == Status::InProgress {
                caveats.push(Self::InProgress(side));
            }
        }
        if let (Some(a), Some(b)) = (quality.a_given, quality.b_given) {
            caveats.push(Self::Scales { a: a.scale_max, b: b.scale_max, on: quality.scale_max });
        }
        caveats
    }

    /// The caveat as a sentence in which run a and run b go by these names.
    #[must_use]
    pub fn told(&self, names: [&str; 2]) -> String {
        let text = |text: &Option<String>| text.as_deref().map_or_else(|| "none".to_owned(), quoted);
        match self {
            Self::SameRun => {
                let [a, b] = names;
                format!("{a} and {b} are the same run")
            }
            Self::Differ { what, a, b } => format!("the {what} differ: {} and {}", text(a), text(b)),
            Self::InProgress(side) => {
                let [name, _] = side.first(names);
                format!("{name} is still in progress: its figures will change")
            }
            Self::Scales { a, b, on } => {
                format!("the scores' scales differ (0..{a} and 0..{b}): compared on 0..{on}")
            }
        }
    }
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(NAMES))
    }
}

impl Serialize for Caveat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
