//! The text format of Prometheus, version 0.0.4.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::{Display, Write as _};

use super::{Histogram, Tally};

/// What is read by a Prometheus server, under construction.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only goes up; its name ends with `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations in buckets; its name ends with `_seconds`.
    Histogram,
}

/// One metric, whose samples are being written.
#[derive(Debug)]
pub struct Samples<'e> {
    text: &'e mut String,
    name: &'static str,
}

impl Exposition {
    /// What the text is, for the header `Content-Type`.
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a metric. `help` is one line.
    pub fn metric(&mut self, name: &'static str, kind: Kind, help: &str) -> Samples<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Samples { text: &mut self.text, name }
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

impl Samples<'_> {
    /// One sample.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.line("", labels, None, value);
        self
    }

    /// One sample for each label of a tally.
    pub fn tally(&mut self, label: &str, tally: &Tally) -> &mut Self {
        for (value, count) in tally.counts() {
            self.sample(&[(label, value)], count);
        }
        self
    }

    /// The samples of a histogram.
    pub fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) -> &mut Self {
        let mut count = 0;
        for (bound, within) in histogram.within() {
            self.line("_bucket", labels, Some(&bound.to_string()), within);
            count = within;
        }
        // Not read from the counters again, which others raise meanwhile: the last bucket and the count are one number.
        count += histogram.beyond();
        self.line("_bucket", labels, Some("+Inf"), count);
        self.line("_sum", labels, None, histogram.sum());
        self.line("_count", labels, None, count);
        self
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<&str>, value: impl Display) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let mut separator = '{';
        for (label, value) in labels.iter().copied().chain(bound.map(|bound| ("le", bound))) {
            let _ = write!(self.text, "{separator}{label}=\"{}\"", escaped(value));
            separator = ',';
        }
        if separator == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_reads_as_the_format_says() {
        let tally = Tally::of(&["saved", "pending"]);
        tally.add("saved", 3);
        let histogram = Histogram::default();
        for millis in [0, 1, 3, 20_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut text = Exposition::default();
        text.metric("w_acks_total", Kind::Counter, "Answers to writes.").tally("state", &tally);
        text.metric("w_up", Kind::Gauge, "Whether it is.").sample(&[], 1);
        text.metric("w_info", Kind::Gauge, "What it is.").sample(&[("a", "x\"y\\z\n"), ("b", "")], 1.5);
        text.metric("w_call_seconds", Kind::Histogram, "How long.").histogram(&[("tool", "t")], &histogram);
        insta::assert_snapshot!(text.into_text());
    }
}
