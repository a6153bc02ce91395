//! Tones as colours, or as nothing.

use console::Style;
use whytrace::scorecard::{Line, Tone};

/// Whether tones are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    is_on: bool,
}

impl Paint {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { is_on }
    }

    /// The text in its tone.
    pub(crate) fn text(self, tone: Tone, text: &str) -> String {
        if !self.is_on || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        // Whether there are colours was decided before; the crate would look at standard output by itself.
        style(tone).force_styling(true).apply_to(text).to_string()
    }

    /// The line, each part in its tone, without white space at its end.
    pub(crate) fn line(self, line: &Line) -> String {
        let parts = line.parts.iter().map(|(tone, text)| self.text(*tone, text));
        parts.collect::<String>().trim_end().to_owned()
    }

    pub(crate) fn heading(self, text: &str) -> String {
        self.text(Tone::Heading, text)
    }

    pub(crate) fn label(self, text: &str) -> String {
        self.text(Tone::Label, text)
    }
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Heading => Style::new().bold(),
        Tone::Label => Style::new().dim(),
        Tone::Good => Style::new().green(),
        Tone::Bad => Style::new().red(),
        Tone::Notice => Style::new().yellow(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_are_colours_only_where_there_are_some() {
        let line = Line { parts: vec![(Tone::Label, "Gaps: ".to_owned()), (Tone::Bad, "META-1".to_owned())] };
        assert_eq!(Paint::new(false).line(&line), "Gaps: META-1");
        assert_eq!(Paint::new(true).line(&line), "\u{1b}[2mGaps: \u{1b}[0m\u{1b}[31mMETA-1\u{1b}[0m");
    }
}
