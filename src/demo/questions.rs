//! What the pipeline is asked. Companies, products and figures are made up.

use super::random::Random;

/// The domain in which the pipeline has always been poor: its sources are few and closed.
pub(super) const WEAK_DOMAIN: &str = "medical_devices";

/// The project of questions that clients ask.
const STUDIES: &str = "meridian-studies";

/// The project of the weekly watch.
const WATCH: &str = "meridian-watch";

/// One question, with the words that its answers are about.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub project: &'static str,
    pub text: String,
    pub intent: &'static str,
    pub domain: &'static str,
    pub report_type: &'static str,
    pub research_type: &'static str,
    pub topic: Topic,
    pub region: &'static str,
}

/// What a question is about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Topic {
    /// The market.
    pub market: &'static str,
    /// Who sells there.
    pub seller: &'static str,
    /// Who sells there as well.
    pub rival: &'static str,
    /// What is counted there.
    pub unit: &'static str,
}

const fn topic(market: &'static str, seller: &'static str, rival: &'static str, unit: &'static str) -> Topic {
    Topic { market, seller, rival, unit }
}

const ROBOTICS: &[Topic] = &[
    topic("collaborative welding cells", "Norrstad Robotics", "Kestrel Motion", "cells sold a year"),
    topic("warehouse picking arms", "Grippen", "Palaver Systems", "arms in service"),
    topic("inspection crawlers for pipelines", "Undertow", "Vandermeer Robotics", "crawlers in service"),
];
const ENERGY: &[Topic] = &[
    topic("sodium-ion home storage", "Halden Cells", "Brightwater", "megawatt hours installed"),
    topic("second-life battery packs", "Reprise Energy", "Loopwell", "packs resold a year"),
    topic("heat batteries for industry", "Emberstone", "Calder Thermal", "megawatt hours installed"),
];
const LOGISTICS: &[Topic] = &[
    topic("parcel lockers in small towns", "Boxwell", "Hollow Lane", "lockers in use"),
    topic("cargo bicycles for last-mile delivery", "Pedalworks", "Marlo", "bicycles in fleets"),
    topic("cold-chain sensors", "Frostline", "Tessin Data", "sensors sold a year"),
];
const FARMING: &[Topic] = &[
    topic("weeding robots for vegetables", "Furrow", "Carrow Fields", "machines in use"),
    topic("drip irrigation controllers", "Aquila Water", "Sorrel", "controllers sold a year"),
];
const MEDICAL: &[Topic] = &[
    topic("wearable infusion pumps", "Ostara Medical", "Lindqvist Devices", "pumps prescribed a year"),
    topic("bedside ultrasound scanners", "Sonara", "Wendell Imaging", "scanners in hospitals"),
    topic("home sleep monitors", "Nocturne Health", "Alder Clinical", "monitors prescribed a year"),
];
const DOMAINS: &[(i64, (&str, &[Topic]))] = &[
    (30, ("robotics", ROBOTICS)),
    (26, ("energy_storage", ENERGY)),
    (26, ("logistics", LOGISTICS)),
    (18, ("agriculture", FARMING)),
];

const REGIONS: &[&str] =
    &["the Nordic countries", "northern Italy", "the Benelux countries", "Poland", "the Iberian peninsula"];

/// Every so many runs a question comes from the weak domain, first in the run of this number.
const WEAK: (u32, u32) = (9, 4);

/// Every so many runs belong to the weekly watch, first the run of this number.
const WATCHED: (u32, u32) = (5, 3);

/// The question of the run of this number.
pub(super) fn ask(number: u32, random: &mut Random) -> Question {
    let (domain, topics) =
        if number % WEAK.0 == WEAK.1 { (WEAK_DOMAIN, MEDICAL) } else { random.weighted(DOMAINS) };
    let (topic, region) = (random.pick(topics), random.pick(REGIONS));
    if number % WATCHED.0 == WATCHED.1 {
        let text = format!("What happened in {} in {region} this week?", topic.market);
        return Question {
            project: WATCH,
            text,
            intent: "monitoring",
            domain,
            report_type: "weekly_note",
            research_type: "news",
            topic,
            region,
        };
    }
    let intent = random.weighted(&[(42, "validating"), (33, "comparing"), (25, "exploring")]);
    let Topic { market, seller, rival, unit } = topic;
    let (text, report_type, research_type) = match intent {
        "validating" => (
            format!("{seller} says that {market} in {region} grow by a fifth every year. Is that so?"),
            "market_study",
            "quantitative",
        ),
        "comparing" => (
            format!("Where do {seller} and {rival} differ in {market}, and who is ahead in {region}?"),
            "supplier_comparison",
            "competitive",
        ),
        _ => (
            format!("What keeps buyers in {region} from {market}, and how many {unit} could there be?"),
            "market_study",
            "qualitative",
        ),
    };
    Question { project: STUDIES, text, intent, domain, report_type, research_type, topic, region }
}

/// The question that is asked of every release.
pub(super) fn canary() -> Question {
    let topic =
        topic("collaborative welding cells", "Norrstad Robotics", "Kestrel Motion", "cells sold a year");
    let region = "the Nordic countries";
    Question {
        project: STUDIES,
        text: format!(
            "{} says that it sells every third of the {} in {region}. Is that so?",
            topic.seller, topic.market
        ),
        intent: "validating",
        domain: "robotics",
        report_type: "market_study",
        research_type: "quantitative",
        topic,
        region,
    }
}
