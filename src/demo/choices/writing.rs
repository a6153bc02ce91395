//! What is made of the evidence, and how it is written down.

use serde_json::json;

use super::{Also as _, CITATION_RULE, LISTED_EVIDENCE, MARKET_SIZE, choice};
use crate::demo::plan::Plan;
use crate::demo::questions::Question;
use crate::demo::random::Random;
use crate::gate::request::EventRequest;

const ANALYSIS: &str = "analysis";
const SYNTHESIS: &str = "synthesis";

/// What is believed of the evidence.
pub(in crate::demo) fn analysis(plan: &Plan, random: &mut Random) -> Vec<EventRequest> {
    let Question { topic, region, .. } = &plan.question;
    let (seller, rival, unit) = (topic.seller, topic.rival, topic.unit);
    let mut choices = Vec::new();
    if random.chance(65) {
        let gap = random.between(12, 60);
        choices.push(
            choice(
                ANALYSIS,
                "conflicting_figures",
                "the count of public tenders, with the private share added",
                format!("the two counts lie {gap} % apart; tenders are complete for public buyers, the other is a survey"),
                random.hundredths(55, 82),
            )
            .resting_on(&[1, 4])
            .not("the survey", 0.5, "one answer in nine came back")
            .not("the mean of both", 0.3, "it would be a figure that nobody counted"),
        );
    }
    let size = random.between(4, 95) * 100;
    choices.push(
        choice(
            ANALYSIS,
            MARKET_SIZE,
            format!("about {size} {unit} in {region}"),
            format!("scaled up from the public filing of {seller} by its stated share of the market"),
            random.hundredths(90, 97),
        )
        .resting_on(&[2])
        .given(json!({"filing": seller, "stated_share": random.hundredths(18, 45)}))
        .not(format!("from the deliveries of {rival}"), 0.4, "the filing is easier to read"),
    );
    choices.push(
        choice(
            ANALYSIS,
            "claim_strength",
            random.weighted(&[
                (50, "state it as likely, with its range"),
                (30, "state it as established"),
                (20, "state it as open, with both readings"),
            ]),
            "two independent counts agree in direction, not in size",
            random.hundredths(58, 86),
        )
        .resting_on(&[random.between(1, 3), random.between(4, LISTED_EVIDENCE)])
        .nor("leave it out (0.30)"),
    );
    if random.chance(45) {
        choices.push(
            choice(
                ANALYSIS,
                "counter_evidence",
                format!("report the two tenders that {seller} lost"),
                "they are few, but they are the only buyers who said why",
                random.hundredths(60, 85),
            )
            .resting_on(&[5])
            .not("mention it in a footnote", 0.45, "a reader who decides would not see it"),
        );
    }
    choices
}

/// How the report is written.
pub(in crate::demo) fn synthesis(plan: &Plan, random: &mut Random) -> Vec<EventRequest> {
    let structure = choice(
        SYNTHESIS,
        "report_structure",
        random.weighted(&[
            (55, "answer first, then the evidence for it"),
            (45, "one section for each part of the question"),
        ]),
        "the reader of this report decides from its first page",
        random.hundredths(68, 90),
    )
    .not("in the order of the research", 0.3, "tells how it was found, not what was found");
    let model = choice(
        SYNTHESIS,
        "model_selection",
        plan.release.model(),
        "the evidence fits its context with room to spare, and its summaries kept figures in the last test",
        random.hundredths(75, 92),
    )
    .not("atlas-small-3", 0.62, "half the price, but it rounds figures")
    .not("atlas-large-2", 0.7, "no better on reports of this length");
    let mut choices = vec![structure, model, citations(plan, random)];
    if random.chance(40) {
        choices.push(
            choice(
                SYNTHESIS,
                "summary_length",
                "five sentences",
                "the last readers asked for less",
                random.hundredths(60, 85),
            )
            .nor("one page (0.50)"),
        );
    }
    choices
}

/// The decision that the last release makes differently.
fn citations(plan: &Plan, random: &mut Random) -> EventRequest {
    const AT_FIGURE: &str = "a source behind every figure";
    const AT_END: &str = "all sources in one list at the end";
    if plan.is_regressed() {
        choice(
            SYNTHESIS,
            CITATION_RULE,
            AT_END,
            "the text reads better without interruptions, and the list is complete",
            random.hundredths(78, 90),
        )
        .not(AT_FIGURE, 0.7, "makes the report longer")
    } else {
        choice(
            SYNTHESIS,
            CITATION_RULE,
            AT_FIGURE,
            "a figure that cannot be traced is the first thing that the gate and the reader ask about",
            random.hundredths(78, 90),
        )
        .not(AT_END, 0.5, "leaves open which source says what")
    }
}
