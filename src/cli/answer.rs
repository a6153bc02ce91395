//! What all views say alike: that there is nothing, that the database is away, how to go on.

use anyhow::anyhow;
use serde_json::{Map, Value, json};
use whytrace::Error;
use whytrace::config::Config;
use whytrace::query::{Overview, Query};
use whytrace::scorecard::{Tone, count_text, counted};
use whytrace::service::Service;
use whytrace::shown::one_line;
use whytrace::store::index::Scope;
use whytrace::view::overview::values;
use whytrace::view::saying::name;

use super::Ending;
use super::reach::shell_word;
use super::screen::Screen;
use super::screen::pager::Sink;
use super::screen::text::wrap;

/// What a person is told whose question needs the database, where that is away; other faults go on.
pub(super) fn needing_database(error: Error, config: &Config) -> anyhow::Error {
    let instead = "lists, figures and words such as `last` need it, while `whytrace show` with a run's whole id reads \
                   its document";
    away(error, config, instead)
}

/// Sees that the database answers, before anything changes in which it has a part.
pub(super) async fn before_a_change(config: &Config) -> anyhow::Result<()> {
    let answers = Service::stores(config).index.probe().await;
    answers.map_err(|error| away(error, config, "nothing was changed"))
}

fn away(error: Error, config: &Config, instead: &str) -> anyhow::Error {
    match error {
        Error::Unavailable { what: "the database", reason } => {
            let database = config.database.describe();
            anyhow!("the database is away ({database}: {}); {instead}", one_line(&reason))
        }
        other => other.into(),
    }
}

/// What a person is told who asked for a run that is not there; other faults go on.
pub(super) async fn of_run(error: Error, id: &str, query: &Query, config: &Config) -> anyhow::Result<Ending> {
    if !matches!(error, Error::UnknownTrace { .. } | Error::Ambiguous { .. }) {
        return Err(needing_database(error, config));
    }
    eprintln!("whytrace: {error}");
    let nearby = query.nearby(id, &Scope::All, 5).await;
    if nearby.is_empty() {
        for line in no_runs(config) {
            eprintln!("{line}");
        }
    } else {
        eprintln!("Some that exist:");
        for id in nearby {
            eprintln!("  {id}");
        }
    }
    Ok(Ending::Trouble)
}

/// Says what there is without the conditions, or how to get some where there is nothing at all. Values are told of
/// those `fields` alone that can be asked for, or of all.
pub(super) fn explain(
    sink: &mut Sink,
    overview: Option<&Overview>,
    fields: Option<&[&str]>,
    screen: &Screen,
    config: &Config,
) -> anyhow::Result<()> {
    let Some(overview) = overview else { return Ok(()) };
    if overview.runs == 0 {
        return no_runs(config).into_iter().try_for_each(|line| sink.remark(line));
    }
    let runs = counted(usize::try_from(overview.runs).unwrap_or(usize::MAX), "run");
    sink.remark(format!("Without these conditions there are {runs}. What can be asked for:"))?;
    let is_told = |field: &str| fields.is_none_or(|fields| fields.contains(&field));
    for (field, counts) in overview.values.iter().filter(|(field, _)| is_told(field)) {
        choices(sink, &field.replace('_', "-"), counts, screen)?;
    }
    Ok(())
}

/// The values that an option can take, with what there is of each.
pub(super) fn choices(
    sink: &mut Sink,
    option: &str,
    counts: &[(String, u64)],
    screen: &Screen,
) -> anyhow::Result<()> {
    let count = |count: u64| count_text(i64::try_from(count).unwrap_or(i64::MAX));
    let said: Vec<String> =
        counts.iter().map(|(value, some)| format!("{} ({})", name(value), count(*some))).collect();
    let lines = screen.behind(&format!("  --{option:<12} "), &said.join(", "), Tone::Plain);
    lines.into_iter().try_for_each(|line| sink.remark(line))
}

/// That there are no runs, and how to get some.
fn no_runs(config: &Config) -> [String; 4] {
    [
        format!("No runs are recorded in {} yet.", config.home.display()),
        "  whytrace demo             see what it looks like with runs made up".to_owned(),
        "  whytrace import PATH...   take in documents that you have".to_owned(),
        "  whytrace                  started by hand, says how to connect a client".to_owned(),
    ]
}

/// The fields of an answer that found nothing.
pub(super) fn explain_json(fields: &mut Map<String, Value>, overview: Option<&Overview>) {
    let Some(overview) = overview else { return };
    fields.insert("without_filter".to_owned(), json!({"runs": overview.runs}));
    let rows: Vec<Value> = overview.values.iter().map(|(field, counts)| values(field, counts)).collect();
    fields.insert("values".to_owned(), rows.into());
}

/// The command line of this program again, with `option` set to `value`, ready to be given to a shell.
pub(super) fn again(arguments: impl IntoIterator<Item = String>, option: &str, value: &str) -> String {
    let mut words = vec!["whytrace".to_owned()];
    let mut arguments = arguments.into_iter().skip(1);
    while let Some(argument) = arguments.next() {
        let is_it =
            |option: &str| argument.strip_prefix(option).map(|rest| (rest.is_empty(), rest.starts_with('=')));
        match (is_it(option), is_it("--database-url")) {
            (Some((true, _)), _) => drop(arguments.next()),
            (Some((_, true)), _) => {}
            // Its password is not for the screen.
            (_, Some((true, _))) => {
                drop(arguments.next());
                words.push("--database-url URL".to_owned());
            }
            (_, Some((_, true))) => words.push("--database-url URL".to_owned()),
            _ => words.push(word(&argument)),
        }
    }
    let separator = if value.starts_with('-') { "=" } else { " " };
    words.push(format!("{option}{separator}{}", word(value)));
    words.join(" ")
}

/// A word of others as a shell takes it for one, with nothing in it that is not seen.
pub(super) fn word(text: &str) -> String {
    shell_word(&one_line(text))
}

/// A heading, on as many lines as it needs.
pub(super) fn heading(screen: &Screen, text: &str) -> Vec<String> {
    wrap(text, screen.columns()).iter().map(|line| screen.paint.heading(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again_of(arguments: &[&str], value: &str) -> String {
        again(arguments.iter().map(|argument| (*argument).to_owned()), "--after", value)
    }

    #[test]
    fn a_command_that_goes_on_is_the_one_that_was_given() {
        assert_eq!(
            again_of(
                &["/usr/bin/whytrace", "list", "--text", "it's \"two words\"", "--after", "x", "-h"],
                "r1"
            ),
            r#"whytrace list --text 'it'\''s "two words"' -h --after r1"#
        );
        assert_eq!(again_of(&["whytrace", "list", "--after=x"], "-r;rm"), "whytrace list --after='-r;rm'");
        assert_eq!(
            again_of(&["whytrace", "--database-url", "postgres://u:pw@h/d", "list", "--database-url=x"], "r"),
            "whytrace --database-url URL list --database-url URL --after r"
        );
    }
}
