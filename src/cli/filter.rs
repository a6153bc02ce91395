//! Which runs a view is about, as options say it: those of the tool `trace_list`.

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use whytrace::model::{Clock as _, Status, SystemClock, Timestamp};
use whytrace::shown::excerpt;
use whytrace::store::index::{Contradiction, Filter, Gate};
use whytrace::view::moment::moment;
use whytrace::view::window::{self, MOST_DAYS};
use whytrace::words::SearchQuery;

use super::usage;

/// Conditions; a run meets all that are given.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which runs")]
pub(super) struct Filters {
    #[command(flatten)]
    about: About,
    /// With this type of report
    #[arg(long, value_name = "NAME")]
    report_type: Option<String>,
    /// In this state
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(Status::ALL.map(Status::as_str)))]
    status: Option<String>,
    /// By the verdict of the quality gate
    #[arg(long, value_enum, value_name = "VERDICT")]
    gate: Option<Verdict>,
    /// With at least this score, on the configured scale (0..3)
    #[arg(long, value_name = "SCORE")]
    score_min: Option<f64>,
    /// With at most this score
    #[arg(long, value_name = "SCORE")]
    score_max: Option<f64>,
    /// Started then or later: 24h, 7d, 2w ago, 2026-02-13, or RFC 3339
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    since: Option<When>,
    /// Started before then
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    until: Option<When>,
    /// In which this principle is a gap
    #[arg(long, value_name = "PRINCIPLE")]
    gap: Option<String>,
    /// Flagged for review, or not
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    flagged: Option<bool>,
    /// With this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// With these words in query, tags or error; "two words" is a phrase, wor* a beginning
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
}

/// The conditions that every view of many runs has.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct About {
    /// Of this project
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// With this intent
    #[arg(long, value_name = "NAME")]
    pub intent: Option<String>,
    /// In this domain
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
}

impl About {
    /// These conditions as a filter over all runs.
    pub(super) fn filter(&self) -> Filter {
        Filter {
            project: self.project.clone(),
            intent: self.intent.clone(),
            domain: self.domain.clone(),
            ..Filter::default()
        }
    }
}

/// So many days as `--days` says it; `None` for all time. Ends the program where it says neither.
pub(super) fn window(days: &str) -> Option<u32> {
    let Ok(window) = window::days(days) else {
        let message = format!("--days is {days:?}; it is 1 to {MOST_DAYS}, or all");
        usage(ErrorKind::ValueValidation, message);
    };
    window
}

/// The verdict of the quality gate, as something to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Verdict {
    Passed,
    Failed,
    Unknown,
}

impl Verdict {
    /// The verdict as a filter asks for it.
    pub(super) fn gate(self) -> Gate {
        match self {
            Self::Passed => Gate::Passed,
            Self::Failed => Gate::Failed,
            Self::Unknown => Gate::Unknown,
        }
    }
}

/// A moment and how it was said.
#[derive(Clone, Debug)]
pub(super) struct When {
    said: String,
    pub at: Timestamp,
}

impl When {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let at = moment(text, SystemClock::default().now())
            .ok_or("say 30m, 24h, 7d or 2w, 2026-02-13, or 2026-02-13T14:30:22Z")?;
        Ok(Self { said: text.to_owned(), at })
    }
}

impl Filters {
    /// The conditions as a filter over all runs. Ends the program where they contradict each other.
    pub(super) fn filter(&self) -> Filter {
        let filter = Filter {
            report_type: self.report_type.clone(),
            status: self.status.as_ref().and_then(|status| status.parse().ok()),
            gate: self.gate.map(Verdict::gate),
            score_min: self.score_min,
            score_max: self.score_max,
            since: self.since.as_ref().map(|when| when.at),
            until: self.until.as_ref().map(|when| when.at),
            gap: self.gap.clone(),
            flagged: self.flagged,
            tag: self.tag.clone(),
            text: self.text.as_deref().map(SearchQuery::parse),
            ..self.about.filter()
        };
        if let Some(contradiction) = filter.contradiction() {
            usage(ErrorKind::ValueValidation, fault(contradiction, "--text"));
        }
        filter
    }

    /// The project that is asked for.
    pub(super) fn project(&self) -> Option<&str> {
        self.about.project.as_deref()
    }

    /// The conditions in words, as they follow "runs with"; `None` without any.
    pub(super) fn described(&self) -> Option<String> {
        let number = |number: f64| number.to_string();
        let fields = [
            ("project", self.about.project.clone()),
            ("intent", self.about.intent.clone()),
            ("domain", self.about.domain.clone()),
            ("report type", self.report_type.clone()),
            ("status", self.status.as_ref().map(|status| status.replace('_', " "))),
            ("gate", self.gate.and_then(|gate| Some(gate.to_possible_value()?.get_name().to_owned()))),
            ("score from", self.score_min.map(number)),
            ("score to", self.score_max.map(number)),
            ("since", self.since.as_ref().map(|when| when.said.clone())),
            ("until", self.until.as_ref().map(|when| when.said.clone())),
            ("gap", self.gap.clone()),
            ("flagged", self.flagged.map(|flagged| if flagged { "yes" } else { "no" }.to_owned())),
            ("tag", self.tag.clone()),
            ("text", self.text.clone()),
        ];
        let said: Vec<String> = fields
            .into_iter()
            .filter_map(|(field, value)| Some(format!("{field} {}", excerpt(&value?, 60))))
            .collect();
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// ` with ` and the conditions, or nothing.
    pub(super) fn with(&self) -> String {
        self.described().map(|described| format!(" with {described}")).unwrap_or_default()
    }
}

/// What of the conditions cannot be; `text` is what the words to look for are called.
pub(super) fn fault(contradiction: Contradiction, text: &str) -> String {
    match contradiction {
        Contradiction::EndlessScore => "a score is a finite number".to_owned(),
        Contradiction::NoShare { .. } => "a confidence is between 0 and 1".to_owned(),
        Contradiction::Crossed { of, min, max } => format!("--{of}-min {min} is above --{of}-max {max}"),
        Contradiction::Backwards { since, until } => {
            format!("--since {since} is not before --until {until}")
        }
        Contradiction::WordlessText => format!("{text} holds no word to look for"),
        Contradiction::WordlessOption => "--option holds no word".to_owned(),
        Contradiction::Nothing => "say words, an option or a condition".to_owned(),
    }
}
