//! `whytrace search`: decisions of all runs by what they say, and what became of an option.

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use whytrace::config::Config;
use whytrace::model::Status;
use whytrace::query::{FoundDecisions, KnownOptions, Query};
use whytrace::scorecard::{Tone, count_text, counted, gate_word};
use whytrace::service::Service;
use whytrace::store::index::{DecisionCursor, DecisionFilter, DecisionHit, DecisionOverview};
use whytrace::view::overview::{self, values_of};
use whytrace::view::saying::{id, moment, name, quote, score};
use whytrace::view::{Extent, decision, option};
use whytrace::words::SearchQuery;

use super::filter::{About, Verdict, When, fault};
use super::screen::pager::Sink;
use super::screen::text::{fit, width};
use super::screen::{Screen, Showing};
use super::{Ending, answer, output, usage};

/// Choices of a key that are listed.
const CHOICES: usize = 20;

/// Find decisions by what they say, or say what became of an option.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace search rate limit --gate failed
  whytrace search '\"two sources\"' --stage collection
  whytrace search --option exa --decision source_selection
  whytrace search --decision source_selection      what was chosen, and how its runs went

All words must be in what was decided, why, its result or its options; \"two words\" is a phrase, wor* a beginning.")]
pub(super) struct Search {
    /// Words to find
    text: Vec<String>,
    /// How often this option was chosen and rejected, and how the runs went
    #[arg(long, value_name = "OPTION")]
    option: Option<String>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where the last answer ended
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    showing: Showing,
    // Last, because their heading would go on over what follows.
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    which: Which,
}

/// Conditions on decisions; one meets all that are given.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which decisions")]
struct Which {
    /// With this key
    #[arg(long, value_name = "KEY")]
    decision: Option<String>,
    /// In this stage
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// At least so confident, 0..1
    #[arg(long, value_name = "SHARE")]
    confidence_min: Option<f64>,
    /// At most so confident
    #[arg(long, value_name = "SHARE")]
    confidence_max: Option<f64>,
    /// That name none of these
    #[arg(long, value_enum, value_name = "WHAT")]
    without: Option<Lack>,
    /// By the verdict on their run
    #[arg(long, value_enum, value_name = "VERDICT")]
    gate: Option<Verdict>,
    /// Of runs in this state
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(Status::ALL.map(Status::as_str)))]
    status: Option<String>,
    /// Made then or later: 24h, 7d, 2w ago, 2026-02-13, or RFC 3339
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    since: Option<When>,
    /// Made before then
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    until: Option<When>,
}

/// What a decision does without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lack {
    Alternatives,
    Evidence,
}

impl Search {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let filter = self.filter();
        let query = Query::new(Service::stores(config));
        let away = |error| answer::needing_database(error, config);
        if let Some(asked) = &self.option {
            let known = query.option_record(&filter, asked).await.map_err(away)?;
            return self.show_records(&known);
        }
        let cursor = self.after.as_deref().map(cursor);
        let found = query.search_decisions(&filter, self.limit, cursor.as_ref()).await.map_err(away)?;
        let asks_for_choices = self.which.decision.is_some() && filter.text.is_none() && cursor.is_none();
        let choices = if asks_for_choices && !found.page.hits.is_empty() {
            Some(query.frequent_choices(&filter, CHOICES).await.map_err(away)?)
        } else {
            None
        };
        if self.json {
            output::json(&as_json(&found, choices.as_ref(), &filter))?;
        } else {
            self.show(&found, choices.as_ref(), &filter)?;
        }
        Ok(Ending::Done)
    }

    /// The conditions. Ends the program where they contradict each other.
    fn filter(&self) -> DecisionFilter {
        let typed = self.text.join(" ");
        let which = &self.which;
        let filter = DecisionFilter {
            text: (!self.text.is_empty()).then(|| SearchQuery::parse(&typed)),
            project: self.about.project.clone(),
            intent: self.about.intent.clone(),
            domain: self.about.domain.clone(),
            stage: which.stage.clone(),
            key: which.decision.clone(),
            confidence_min: which.confidence_min,
            confidence_max: which.confidence_max,
            without_alternatives: which.without == Some(Lack::Alternatives),
            without_evidence: which.without == Some(Lack::Evidence),
            gate: which.gate.map(Verdict::gate),
            status: which.status.as_ref().and_then(|status| status.parse().ok()),
            since: which.since.as_ref().map(|when| when.at),
            until: which.until.as_ref().map(|when| when.at),
            ..DecisionFilter::default()
        };
        if let Some(contradiction) = filter.contradiction(self.option.as_deref()) {
            usage(ErrorKind::ValueValidation, fault(contradiction, "TEXT"));
        }
        filter
    }

    fn show(
        &self,
        found: &FoundDecisions,
        choices: Option<&KnownOptions>,
        filter: &DecisionFilter,
    ) -> anyhow::Result<()> {
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        let page = &found.page;
        if let Some(choices) = choices {
            sink.lines(answer::heading(&screen, "Chosen for this key, most often first"))?;
            for one in &choices.options {
                sink.lines(screen.behind("  ", &option::line(one), Tone::Plain))?;
            }
            if choices.more > 0 {
                sink.line(format!("  and {} more choices", choices.more))?;
            }
            sink.line("")?;
        }
        let total = counted(usize::try_from(page.total).unwrap_or(usize::MAX), "decision");
        let among = if page.is_partial {
            format!(" among the newest {} that match in words", page.looked_at)
        } else {
            String::new()
        };
        if page.total > 0 {
            sink.lines(answer::heading(&screen, &format!("{total}{among}")))?;
        } else {
            sink.remark(format!("No decisions{among}."))?;
        }
        for hit in &page.hits {
            sink.lines(hit_lines(hit, filter.text.as_ref(), &screen))?;
        }
        if let Some(cursor) = page.behind(page.hits.len()) {
            let command = answer::again(std::env::args(), "--after", &cursor.encode());
            sink.remark(format!("More: {command}"))?;
        }
        unsearchable(&mut sink, found.unsearchable)?;
        if let Some(overview) = &found.without_filter {
            explain(&mut sink, overview, &screen)?;
        }
        sink.finish()
    }

    fn show_records(&self, known: &KnownOptions) -> anyhow::Result<Ending> {
        if self.json {
            let options: Vec<Value> =
                known.options.iter().map(|one| option::fields(one, Extent::Whole)).collect();
            output::json(&json!({
                "options": options, "looked_at": known.looked_at,
                "partial": known.is_partial,
                "not_searchable": known.unsearchable,
            }))?;
            return Ok(Ending::Done);
        }
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        for one in &known.options {
            if one.record.chosen.decisions + one.record.rejected.decisions == 0 {
                sink.remark(format!(
                    "Option {} was neither chosen nor rejected by decisions that meet the conditions.",
                    quote(&one.option, 80)
                ))?;
                continue;
            }
            sink.lines(answer::heading(&screen, &option::line(one)))?;
            if one.record.by_intent.len() > 1 {
                for line in option::intent_lines(one, Extent::Whole) {
                    sink.lines(screen.behind("  ", &line, Tone::Plain))?;
                }
            }
        }
        if known.is_partial {
            sink.remark(format!(
                "Counted over the newest {} decisions that have its words.",
                known.looked_at
            ))?;
        }
        unsearchable(&mut sink, known.unsearchable)?;
        sink.finish()?;
        Ok(Ending::Done)
    }
}

fn cursor(word: &str) -> DecisionCursor {
    let Some(cursor) = DecisionCursor::decode(word) else {
        usage(ErrorKind::ValueValidation, format!("--after is {word:?}, which no answer gave"));
    };
    cursor
}

fn as_json(
    found: &FoundDecisions,
    choices: Option<&KnownOptions>,
    filter: &DecisionFilter,
) -> Map<String, Value> {
    let page = &found.page;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("total", page.total.into());
    put("looked_at", page.looked_at.into());
    put("partial", page.is_partial.into());
    let hits = page.hits.iter().map(|hit| decision::fields(hit, filter.text.as_ref(), Extent::Whole));
    put("hits", hits.collect());
    if let Some(choices) = choices {
        put("choices", choices.options.iter().map(|one| option::fields(one, Extent::Whole)).collect());
    }
    if let Some(cursor) = page.behind(page.hits.len()) {
        put("next", json!({"after": cursor.encode()}));
    }
    put("not_searchable", found.unsearchable.into());
    if let Some(overview) = &found.without_filter {
        put("without_filter", overview::decisions(overview));
        let rows = overview.values.iter().map(|(field, counts)| values_of("decisions", field, counts));
        put("values", rows.collect());
    }
    fields
}

fn hit_lines(hit: &DecisionHit, query: Option<&SearchQuery>, screen: &Screen) -> Vec<String> {
    let paint = screen.paint;
    let verdict = [
        hit.passed.map(|_| gate_word(hit.passed).to_owned()),
        score(hit.score, hit.scale_max),
        hit.passed.is_none().then(|| hit.status.clone()),
    ];
    let verdict = verdict.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let tone = match hit.passed {
        Some(true) => Tone::Good,
        Some(false) => Tone::Bad,
        None => Tone::Plain,
    };
    let confidence = hit.confidence.map(|confidence| format!("{confidence:.2}")).unwrap_or_default();
    let behind = format!("  {verdict}  {confidence}");
    let room = screen.columns().saturating_sub(width(&behind)).max(8);
    let mut lines = vec![format!(
        "{}  {}  {confidence}",
        paint.heading(&fit(&format!("{} / {}", name(&hit.stage), name(&hit.key)), room)),
        paint.text(tone, &verdict),
    )];
    let place = format!("{}/{}  {}", id(&hit.trace_id), id(&hit.decision_id), moment(hit.decided_at));
    lines.extend(screen.behind(&lead("run"), &place, Tone::Label));
    let room = screen.columns().saturating_sub(width(&lead("")) + 2).max(8);
    for (field, marked) in decision::texts(hit, query, room) {
        match marked.parts.as_slice() {
            [(false, text)] => lines.extend(screen.behind(&lead(field), text, Tone::Plain)),
            parts => {
                let tone = |is_match: bool| if is_match { Tone::Notice } else { Tone::Plain };
                let text: String =
                    parts.iter().map(|(is_match, text)| paint.text(tone(*is_match), text)).collect();
                lines.push(format!("{}{text}", paint.label(&lead(field))));
            }
        }
    }
    lines
}

fn lead(field: &str) -> String {
    format!("  {field:<10}")
}

fn unsearchable(sink: &mut Sink, count: u64) -> anyhow::Result<()> {
    if count == 0 {
        return Ok(());
    }
    sink.remark(format!("{count} decisions of an older version are not searchable yet: whytrace reindex"))
}

fn explain(sink: &mut Sink, overview: &DecisionOverview, screen: &Screen) -> anyhow::Result<()> {
    if overview.decisions == 0 {
        return sink.remark("No decisions of ended runs are recorded yet.");
    }
    let decisions = counted(usize::try_from(overview.decisions).unwrap_or(usize::MAX), "decision");
    let more_than = if overview.has_more { "more than " } else { "" };
    let newest = overview.sample().map(|newest| count_text(i64::try_from(newest).unwrap_or(i64::MAX)));
    let of = newest.map(|newest| format!(" of the newest {newest}")).unwrap_or_default();
    sink.remark(format!(
        "Without these conditions there are {more_than}{decisions}. What can be asked for{of}:"
    ))?;
    overview.values.iter().try_for_each(|(field, counts)| answer::choices(sink, field, counts, screen))
}
