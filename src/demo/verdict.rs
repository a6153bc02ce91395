//! How a report is judged: eight principles from 0 to 3, and an overall score in which one of them counts twice.
//!
//! Most reports meet the principles well or nearly so. Reports of the weak domain do badly in what depends on
//! sources; those of the last release can no longer be traced, because their sources stand at the end.

use super::plan::Plan;
use super::questions::WEAK_DOMAIN;
use super::random::{Random, hundredths};
use crate::gate::request::PrincipleRequest;

/// The principle that the last release fails.
pub(super) const FAILING: &str = "META-12";

/// The lowest overall score that passes.
const THRESHOLD: f64 = 2.0;

/// The score below which a principle is a gap.
const GAP_LIMIT: f64 = 2.0;

struct Principle {
    id: &'static str,
    name: &'static str,
    /// What the judge says of a gap.
    complaint: &'static str,
}

const PRINCIPLES: [Principle; 8] = [
    Principle {
        id: "META-1",
        name: "The question is answered",
        complaint: "the answer is to a question beside the one that was asked",
    },
    Principle {
        id: "META-2",
        name: "The scope is stated",
        complaint: "the period is given for one of the two counts only",
    },
    Principle {
        id: "META-3",
        name: "Claims rest on evidence",
        complaint: "two claims of the summary have no item behind them",
    },
    Principle {
        id: "META-5",
        name: "Sources are independent",
        complaint: "all figures go back to those who sell the product",
    },
    Principle {
        id: "META-7",
        name: "Counter-evidence is weighed",
        complaint: "nothing that speaks against the conclusion is mentioned",
    },
    Principle {
        id: "META-9",
        name: "Uncertainty is stated",
        complaint: "a single figure stands where the evidence gives a range",
    },
    Principle {
        id: FAILING,
        name: "Figures can be traced",
        complaint: "it cannot be told which source gave which figure",
    },
    Principle { id: "META-14", name: "It reads easily", complaint: "the summary repeats the introduction" },
];

/// The judgement of one attempt.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// The overall score, 0 to 3.
    pub score: f64,
    /// Each principle's.
    pub principles: Vec<PrincipleRequest>,
}

impl Verdict {
    /// Whether the attempt passes.
    pub(super) fn passed(&self) -> bool {
        self.score >= THRESHOLD
    }

    /// The principles that it fails.
    pub(super) fn gaps(&self) -> Vec<String> {
        let is_gap = |principle: &&PrincipleRequest| principle.score < GAP_LIMIT;
        self.principles.iter().filter(is_gap).map(|principle| principle.id.clone()).collect()
    }
}

/// The verdicts of all attempts of a run: one, or two where the first did not pass.
pub(super) fn verdicts(plan: &Plan, random: &mut Random) -> Vec<Verdict> {
    if plan.is_canary {
        return if plan.is_regressed() {
            vec![judged([2, 2, 1, 2, 2, 1, 0, 3]), judged([2, 2, 1, 2, 2, 2, 0, 3])]
        } else {
            vec![judged([3, 2, 2, 3, 2, 2, 3, 2])]
        };
    }
    let last = judged(PRINCIPLES.map(|Principle { id, .. }| score(plan, id, random)));
    if last.passed() && !random.chance(14) {
        return vec![last];
    }
    // What a second attempt mends, it mends by a point or two; what the release or the sources spoil stays.
    let mut mended = 0;
    let first = PRINCIPLES.map(|Principle { id, .. }| {
        let now = last.principles.iter().find(|principle| principle.id == *id).map_or(2.0, |it| it.score);
        let is_worse = mended < 4 && now >= GAP_LIMIT && random.chance(70);
        mended += i64::from(is_worse);
        let now = if now >= 3.0 {
            3
        } else if now >= 2.0 {
            2
        } else if now >= 1.0 {
            1
        } else {
            0
        };
        if is_worse { now - random.between(1, 2) } else { now }
    });
    let first = judged(first);
    // An attempt that passed would not have been followed by another.
    if first.passed() { vec![last] } else { vec![first, last] }
}

/// The score of one principle by chance.
fn score(plan: &Plan, principle: &str, random: &mut Random) -> i64 {
    const GOOD: &[(i64, i64)] = &[(82, 3), (117, 2), (1, 1)];
    let chances: &[(i64, i64)] = match principle {
        "META-5" if plan.question.domain == WEAK_DOMAIN => &[(5, 0), (5, 1)],
        "META-7" if plan.question.domain == WEAK_DOMAIN => &[(3, 0), (5, 1), (2, 2)],
        "META-9" if plan.question.domain == WEAK_DOMAIN => &[(6, 1), (4, 2)],
        FAILING if plan.is_regressed() => &[(32, 0), (46, 1), (22, 2)],
        "META-3" if plan.is_regressed() => &[(22, 1), (58, 2), (20, 3)],
        _ if plan.question.domain == WEAK_DOMAIN => &[(9, 2), (1, 3)],
        _ => GOOD,
    };
    random.weighted(chances)
}

/// The verdict of these scores, in the order of the principles.
fn judged(scores: [i64; PRINCIPLES.len()]) -> Verdict {
    let (mut sum, mut weights) = (0, 0);
    let mut principles = Vec::with_capacity(scores.len());
    for (Principle { id, name, complaint }, score) in PRINCIPLES.iter().zip(scores) {
        // What a reader checks first counts twice.
        let weight = if *id == FAILING { 2 } else { 1 };
        sum += weight * score;
        weights += weight;
        let score = hundredths(score * 100);
        principles.push(PrincipleRequest {
            id: (*id).to_owned(),
            score,
            name: Some((*name).to_owned()),
            feedback: (score < GAP_LIMIT).then(|| (*complaint).to_owned()),
        });
    }
    Verdict { score: hundredths(sum * 100 / weights), principles }
}
