//! Stated confidence against what came of it.

use serde_json::Value;

use super::saying::{known, name, percent};
use crate::scorecard::count_text;
use crate::statistics::confidence::{Bin, BrierReport};
use crate::statistics::{ConfidenceGroup, ConfidenceReport, Leaning, Verdict};

/// The figures of all decisions, as far as they are known.
#[must_use]
pub fn fields(report: &ConfidenceReport) -> Vec<(&'static str, Value)> {
    let mut fields = vec![
        ("n", report.n.into()),
        ("runs", report.runs.into()),
        ("own_outcomes", report.own_outcomes.into()),
        ("without_outcome", report.without_outcome.into()),
    ];
    fields.extend(report.leaning.iter().flat_map(of_leaning));
    fields.extend(report.ece.map(|ece| ("ece", rounded(ece))));
    fields.extend(report.brier.map(|score| ("brier", brier(&score))));
    fields
}

/// The figures of one bin.
#[must_use]
pub fn bin(bin: &Bin) -> Value {
    known([
        ("from", rounded(bin.from)),
        ("to", rounded(bin.to)),
        ("n", bin.n.into()),
        ("runs", bin.runs.into()),
        ("mean_confidence", rounded(bin.mean_confidence)),
        ("observed_rate", rounded(bin.observed_rate)),
        ("observed_low", rounded(bin.observed_low)),
        ("observed_high", rounded(bin.observed_high)),
    ])
}

/// The figures of one group.
#[must_use]
pub fn group(group: &ConfidenceGroup) -> Value {
    let mut fields = vec![("group", Value::from(value(group)))];
    fields.extend(group.value.is_none().then(|| ("unknown", true.into())));
    fields.extend([("n", group.n.into()), ("runs", group.runs.into())]);
    fields.extend(of_leaning(&group.leaning));
    fields.extend([("ece", rounded(group.ece)), ("brier", rounded(group.brier.score))]);
    object(fields)
}

/// The value that the decisions of a group share.
#[must_use]
pub fn value(group: &ConfidenceGroup) -> String {
    group.value.as_deref().map_or_else(|| "(unknown)".to_owned(), name)
}

/// What was said and what came of it, in one sentence: `says 0.86 on average, is right in 61 % (52 to 70 %):
/// over-confident by 0.25 (0.16 to 0.34)`.
#[must_use]
pub fn sentence(leaning: &Leaning, n: i64) -> String {
    let size = |low: f64, high: f64| format!("{:.2} ({low:.2} to {high:.2})", leaning.gap.abs());
    let verdict = match leaning.verdict {
        Verdict::OverConfident => format!("over-confident by {}", size(leaning.gap_low, leaning.gap_high)),
        Verdict::UnderConfident => {
            format!("under-confident by {}", size(-leaning.gap_high, -leaning.gap_low))
        }
        Verdict::Unclear => "no clear over- or under-confidence".to_owned(),
        Verdict::TooFew => format!("{} decisions are too few to judge", count_text(n)),
    };
    let (low, high) = (leaning.observed_low, leaning.observed_high);
    format!(
        "says {:.2} on average, is right in {} ({}): {verdict}",
        leaning.mean_confidence,
        percent(leaning.observed_rate),
        range(low, high)
    )
}

/// An interval of shares: `52 to 70 %`.
#[must_use]
pub fn range(low: f64, high: f64) -> String {
    format!("{:.0} to {}", low * 100.0, percent(high))
}

/// The Brier score and its parts in one line.
#[must_use]
pub fn brier_text(brier: &BrierReport) -> String {
    // What rounds to nothing has no sign.
    let within = if brier.within_bins.abs() < 5e-4 { 0.0 } else { brier.within_bins };
    format!(
        "Brier score {:.3} = reliability {:.3} - resolution {:.3} + uncertainty {:.3} {} {:.3} within bins",
        brier.score,
        brier.reliability,
        brier.resolution,
        brier.uncertainty,
        if within < 0.0 { "-" } else { "+" },
        within.abs()
    )
}

fn of_leaning(leaning: &Leaning) -> [(&'static str, Value); 8] {
    [
        ("mean_confidence", rounded(leaning.mean_confidence)),
        ("observed_rate", rounded(leaning.observed_rate)),
        ("observed_low", rounded(leaning.observed_low)),
        ("observed_high", rounded(leaning.observed_high)),
        ("gap", rounded(leaning.gap)),
        ("gap_low", rounded(leaning.gap_low)),
        ("gap_high", rounded(leaning.gap_high)),
        ("verdict", leaning.verdict.as_str().into()),
    ]
}

fn brier(brier: &BrierReport) -> Value {
    known([
        ("score", rounded(brier.score)),
        ("reliability", rounded(brier.reliability)),
        ("resolution", rounded(brier.resolution)),
        ("uncertainty", rounded(brier.uncertainty)),
        ("within_bins", rounded(brier.within_bins)),
    ])
}

/// To four digits behind the point: what lies beyond says nothing, and models pay for it.
fn rounded(number: f64) -> Value {
    // Adding zero makes a zero of a negative one.
    ((number * 1e4).round() / 1e4 + 0.0).into()
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaning(gap: f64, verdict: Verdict) -> Leaning {
        Leaning {
            mean_confidence: 0.86,
            observed_rate: 0.86 - gap,
            observed_low: 0.52,
            observed_high: 0.7,
            gap,
            gap_low: gap - 0.09,
            gap_high: gap + 0.09,
            verdict,
        }
    }

    #[test]
    fn a_gap_is_told_in_one_sentence() {
        for (gap, verdict, said) in [
            (
                0.25,
                Verdict::OverConfident,
                "is right in 61 % (52 to 70 %): over-confident by 0.25 (0.16 to 0.34)",
            ),
            (
                -0.12,
                Verdict::UnderConfident,
                "is right in 98 % (52 to 70 %): under-confident by 0.12 (0.03 to 0.21)",
            ),
            (0.05, Verdict::Unclear, "is right in 81 % (52 to 70 %): no clear over- or under-confidence"),
            (0.05, Verdict::TooFew, "is right in 81 % (52 to 70 %): 12 decisions are too few to judge"),
        ] {
            assert_eq!(sentence(&leaning(gap, verdict), 12), format!("says 0.86 on average, {said}"));
        }
    }
}
