//! What results are shown on: how wide it is, whether it has colours, and whether a pager stands before it.
//!
//! Everything is decided once, from the options, the environment and the terminal, by [`Screen::of`], which is pure.
//! Views put texts together with [`text`], [`table`] and [`paint`], and give their lines to a [`pager::Sink`].

pub(super) mod bar;
pub(super) mod pager;
pub(super) mod paint;
pub(super) mod table;
pub(super) mod text;

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use whytrace::scorecard::{Paper, Tone};

use self::paint::Paint;

/// How results are shown.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Showing {
    /// Colours: auto is where a terminal is, and as NO_COLOR and CLICOLOR_FORCE say
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colours::Auto)]
    color: Colours,
    /// Do not show what is longer than the screen in a pager
    #[arg(long)]
    no_pager: bool,
}

/// Where there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Colours {
    Auto,
    Always,
    Never,
}

/// What results are shown on.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// Columns; absent where lines may be as long as they like: in a file or a pipe.
    pub(super) width: Option<usize>,
    /// How tones are shown.
    pub(super) paint: Paint,
    /// Whether a person looks at it as it comes.
    pub(super) is_terminal: bool,
    /// Lines, and the program that shows more than that.
    pager: Option<(usize, Vec<String>)>,
}

/// What is known of standard output.
#[derive(Clone, Copy, Debug)]
struct Terminal {
    is_terminal: bool,
    /// Lines and columns.
    size: Option<(u16, u16)>,
}

/// The widest page of running text: longer lines are hard to read.
const PAGE: usize = 100;
/// The width of a page where nothing says how wide it may be.
const PLAIN_PAGE: usize = 80;
/// The narrowest screen that views are made for.
const NARROWEST: usize = 24;

impl Showing {
    /// The screen that standard output is.
    pub(super) fn screen(self) -> Screen {
        let is_terminal = std::io::stdout().is_terminal();
        let size = if is_terminal { console::Term::stdout().size_checked() } else { None };
        Screen::of(self, Terminal { is_terminal, size }, |name| std::env::var(name).ok())
    }
}

impl Screen {
    fn of(showing: Showing, terminal: Terminal, variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let is_dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let has_colours = match showing.color {
            Colours::Always => true,
            Colours::Never => false,
            Colours::Auto if is_set("NO_COLOR") => false,
            Colours::Auto
                if variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0") =>
            {
                true
            }
            Colours::Auto if variable("CLICOLOR").is_some_and(|value| value == "0") => false,
            Colours::Auto => terminal.is_terminal && !is_dumb,
        };
        let columns = variable("COLUMNS").and_then(|columns| columns.trim().parse::<usize>().ok());
        let columns = columns.or_else(|| terminal.size.map(|(_, columns)| columns.into()));
        let columns = columns.filter(|columns| *columns > 0);
        let pager = variable("WHYTRACE_PAGER").or_else(|| variable("PAGER"));
        let pager = pager.unwrap_or_else(|| pager::DEFAULT.to_owned());
        let pager: Vec<String> = pager.split_whitespace().map(str::to_owned).collect();
        let is_paged = terminal.is_terminal && !showing.no_pager && !is_dumb;
        let lines = terminal.size.map_or(24, |(lines, _)| usize::from(lines));
        Self {
            width: columns
                .or(terminal.is_terminal.then_some(PLAIN_PAGE))
                .map(|columns| columns.max(NARROWEST)),
            paint: Paint::new(has_colours),
            is_terminal: terminal.is_terminal,
            pager: (is_paged && pager.first().is_some_and(|program| program != "cat"))
                .then_some((lines, pager)),
        }
    }

    /// What pages of running text are written on.
    pub(super) fn paper(&self) -> Paper {
        Paper { columns: self.columns(), width: text::width }
    }

    /// A text behind a label, broken into lines that begin where the first does.
    pub(super) fn behind(&self, lead: &str, text: &str, tone: Tone) -> Vec<String> {
        let indent = text::width(lead);
        let mut lead = self.paint.label(lead);
        let lines = text::wrap(text, self.columns().saturating_sub(indent));
        let line = |line: String| {
            let line = format!("{lead}{}", self.paint.text(tone, &line));
            lead = " ".repeat(indent);
            line
        };
        lines.into_iter().map(line).collect()
    }

    /// The text on one line of at most so many columns; whole where lines may be as long as they like.
    pub(super) fn fitted(&self, text: &str, columns: usize) -> String {
        text::fit(text, self.width.map_or(usize::MAX, |_| columns))
    }

    /// Columns of running text.
    pub(super) fn columns(&self) -> usize {
        self.width.map_or(PLAIN_PAGE, |width| width.min(PAGE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTO: Showing = Showing { color: Colours::Auto, no_pager: false };
    const TERMINAL: Terminal = Terminal { is_terminal: true, size: Some((50, 132)) };
    const PIPE: Terminal = Terminal { is_terminal: false, size: None };

    fn screen(showing: Showing, terminal: Terminal, variables: &[(&str, &str)]) -> Screen {
        Screen::of(showing, terminal, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn has_colours(screen: &Screen) -> bool {
        screen.paint == Paint::new(true)
    }

    #[test]
    fn colours_are_where_a_terminal_is_unless_something_says_otherwise() {
        let always = Showing { color: Colours::Always, ..AUTO };
        let never = Showing { color: Colours::Never, ..AUTO };
        for (showing, terminal, variables, expected) in [
            (AUTO, TERMINAL, &[] as &[(&str, &str)], true),
            (AUTO, PIPE, &[], false),
            (AUTO, TERMINAL, &[("NO_COLOR", "1")], false),
            (AUTO, TERMINAL, &[("NO_COLOR", "")], true),
            (AUTO, PIPE, &[("CLICOLOR_FORCE", "1")], true),
            (AUTO, PIPE, &[("CLICOLOR_FORCE", "0")], false),
            (AUTO, PIPE, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (AUTO, TERMINAL, &[("CLICOLOR", "0")], false),
            (AUTO, TERMINAL, &[("TERM", "dumb")], false),
            (always, PIPE, &[("NO_COLOR", "1")], true),
            (never, TERMINAL, &[("CLICOLOR_FORCE", "1")], false),
        ] {
            let screen = screen(showing, terminal, variables);
            assert_eq!(has_colours(&screen), expected, "{showing:?} {terminal:?} {variables:?}");
        }
    }

    #[test]
    fn the_width_is_what_columns_says_or_the_terminal_and_a_pipe_has_none() {
        for (terminal, variables, width) in [
            (TERMINAL, &[] as &[(&str, &str)], Some(132)),
            (TERMINAL, &[("COLUMNS", "60")], Some(60)),
            (TERMINAL, &[("COLUMNS", "3")], Some(NARROWEST)),
            (TERMINAL, &[("COLUMNS", "wide")], Some(132)),
            (Terminal { size: None, ..TERMINAL }, &[], Some(80)),
            (PIPE, &[], None),
            (PIPE, &[("COLUMNS", "60")], Some(60)),
            (PIPE, &[("COLUMNS", "0")], None),
        ] {
            assert_eq!(screen(AUTO, terminal, variables).width, width, "{terminal:?} {variables:?}");
        }
        assert_eq!(screen(AUTO, PIPE, &[]).paper().columns, 80);
        assert_eq!(screen(AUTO, TERMINAL, &[]).paper().columns, 100);
    }

    #[test]
    fn a_pager_is_there_on_a_terminal_and_is_whose_the_user_says() {
        let pager = |showing, terminal, variables: &[(&str, &str)]| {
            screen(showing, terminal, variables).pager.map(|(lines, words)| (lines, words.join(" ")))
        };
        let is = |text: &str| Some((50, text.to_owned()));
        assert_eq!(pager(AUTO, TERMINAL, &[]), is("less -FRX"));
        assert_eq!(pager(AUTO, TERMINAL, &[("PAGER", "more")]), is("more"));
        assert_eq!(pager(AUTO, TERMINAL, &[("PAGER", "more"), ("WHYTRACE_PAGER", "most -s")]), is("most -s"));
        assert_eq!(pager(AUTO, TERMINAL, &[("PAGER", "cat")]), None);
        assert_eq!(pager(AUTO, TERMINAL, &[("WHYTRACE_PAGER", ""), ("PAGER", "more")]), None);
        assert_eq!(pager(AUTO, PIPE, &[]), None);
        assert_eq!(pager(Showing { no_pager: true, ..AUTO }, TERMINAL, &[]), None);
    }
}
