//! How the question is read, and what is collected for it.

use serde_json::json;

use super::{Also as _, choice};
use crate::demo::plan::Plan;
use crate::demo::questions::{Question, WEAK_DOMAIN};
use crate::demo::random::Random;
use crate::gate::request::EventRequest;

const INTAKE: &str = "intake";
const COLLECTION: &str = "collection";

/// How the question is read, and how much work it is worth.
pub(in crate::demo) fn intake(plan: &Plan, random: &mut Random) -> Vec<EventRequest> {
    let Question { topic, region, intent, .. } = &plan.question;
    let (market, seller, rival, unit) = (topic.market, topic.seller, topic.rival, topic.unit);
    let reading = match *intent {
        "validating" => choice(
            INTAKE,
            "question_reading",
            format!("one figure to check: {unit} in {region}, and its change over three years"),
            format!(
                "the claim of {seller} can only be tested against a count that it does not publish itself"
            ),
            random.hundredths(72, 92),
        )
        .not("the market as a whole", 0.55, "a description would not settle whether the claim holds"),
        "comparing" => choice(
            INTAKE,
            "question_reading",
            format!("{seller} against {rival}: price, service and installed base in {region}"),
            "the question asks who is ahead, so each criterion needs a figure for both",
            random.hundredths(70, 90),
        )
        .not("product features side by side", 0.6, "features do not say who sells more")
        .nor("share prices"),
        "monitoring" => choice(
            INTAKE,
            "question_reading",
            format!("announcements, tenders and prices of {market} in {region}, last seven days"),
            "the weekly note reports changes and leaves the background to the last study",
            random.hundredths(80, 95),
        )
        .not("a short market study", 0.3, "that was delivered this quarter"),
        _ => choice(
            INTAKE,
            "question_reading",
            format!("obstacles to buying {market}, then the number of {unit} without them"),
            "the second half depends on the first: only obstacles that can fall count as potential",
            random.hundredths(62, 85),
        )
        .not("potential first, from population", 0.5, "it would count buyers who cannot buy"),
    };
    let months = random.weighted(&[(60, 24), (25, 36), (15, 12)]);
    let scope = choice(
        INTAKE,
        "scope",
        format!("{region}, the last {months} months"),
        "older counts were made before the current subsidy rules and cannot be compared",
        random.hundredths(65, 90),
    )
    .given(json!({"months": months, "region": region}))
    .not("the whole continent", 0.45, "rules and prices differ too much from country to country");
    let depth = random.weighted(&[(55, "standard"), (30, "deep"), (15, "quick")]);
    let (rounds, why) = match depth {
        "deep" => ("three rounds", "the figure decides about an investment, and first answers here disagree"),
        "quick" => ("one round", "the last run on this market is recent and most of its sources still hold"),
        _ => ("two rounds", "one round finds the known sources, the second what they contradict"),
    };
    let depth =
        choice(INTAKE, "research_depth", format!("{depth}: {rounds}"), why, random.hundredths(60, 88)).not(
            if depth == "deep" { "standard: two rounds" } else { "deep: three rounds" },
            0.58,
            "cost against gain",
        );
    vec![reading, scope, depth]
}

/// Where it is looked for, and what is kept.
pub(in crate::demo) fn collection(plan: &Plan, random: &mut Random) -> Vec<EventRequest> {
    let Question { topic, region, domain, .. } = &plan.question;
    let (market, unit) = (topic.market, topic.unit);
    let sources = if *domain == WEAK_DOMAIN {
        choice(
            COLLECTION,
            "source_selection",
            "manufacturers' brochures (primary), trade press",
            "hospital purchasing data is closed and registers list approvals, not sales",
            random.hundredths(55, 80),
        )
        .not("approval register", 0.5, "says what may be sold, not what is")
        .not("clinical trial register", 0.35, "years ahead of the market")
    } else {
        let first = random.weighted(&[
            (45, "company filings (primary), trade press"),
            (30, "tender portal (primary), company filings"),
            (25, "customs statistics (primary), trade press"),
        ]);
        choice(
            COLLECTION,
            "source_selection",
            first,
            format!("they count {unit} independently of those who sell them"),
            random.hundredths(68, 92),
        )
        .not("industry forum", 0.6, "useful for leads, but figures there have no source")
        .not("patent register", 0.4, "tells intentions, not sales")
        .nor("newsletters (0.35)")
    };
    let terms = choice(
        COLLECTION,
        "search_terms",
        format!("\"{market}\", \"{unit}\", both sellers by name"),
        "the names find announcements that do not use the word for the market",
        random.hundredths(60, 85),
    )
    .not("the market's name alone", 0.5, "finds reviews and little else")
    .gave(json!({"hits": random.between(60, 240)}));
    let cutoff = random.between(50, 60);
    let cutoff = choice(
        COLLECTION,
        "relevance_cutoff",
        format!("keep what scores 0.{cutoff} and above"),
        "below that the sample held no figure that another item did not give better",
        random.hundredths(58, 84),
    )
    .resting_on(&[1, 2])
    .not("keep the best twenty", 0.5, "their number says nothing about their worth")
    .not("keep everything", 0.2, "the writer then quotes the longest item, not the best");
    let mut choices = vec![sources, terms, cutoff];
    if random.chance(60) {
        choices.push(
            choice(
                COLLECTION,
                "language_coverage",
                format!("English, and the languages of {region}"),
                "local tenders are not translated",
                random.hundredths(70, 90),
            )
            .not("English only", 0.4, "misses the public buyers"),
        );
    }
    if random.chance(45) {
        choices.push(
            choice(
                COLLECTION,
                "second_round",
                format!("search again for {unit} before the rules changed"),
                "all counts so far begin in the same year, so that a trend cannot be told from a new rule",
                random.hundredths(55, 80),
            )
            .resting_on(&[3])
            .not(
                "go on with what there is",
                0.55,
                "the report would have to call its trend a guess",
            ),
        );
    }
    choices
}
