//! A moment, in UTC and whole microseconds: the finest that both databases keep.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC with microsecond precision.
///
/// Written as RFC 3339 with six digits and `Z`, so that the text sorts like the time. Read from any RFC 3339
/// text; a time without an offset is taken as UTC, as version 1 of the documents meant it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Takes a time of the `chrono` crate; what is finer than a microsecond is cut off.
    #[must_use]
    pub fn new(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(6))
    }

    /// The moment that lies `micros` microseconds after the start of 1970, if `chrono` can express it.
    #[must_use]
    pub fn from_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).map(Self)
    }

    /// Microseconds since the start of 1970.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// The same moment as a value of the `chrono` crate.
    #[must_use]
    pub fn to_chrono(self) -> DateTime<Utc> {
        self.0
    }

    /// Seconds from `earlier` to this moment; negative when `earlier` is later.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        let micros = self.0.signed_duration_since(earlier.0).num_microseconds().unwrap_or(i64::MAX);
        #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
        let seconds = micros as f64 / 1_000_000.0;
        seconds
    }

    /// Reads what people name: what [`Timestamp::from_str`] reads, or a date alone, which is its beginning.
    #[must_use]
    pub fn of_date_or_time(text: &str) -> Option<Self> {
        let text = text.trim();
        text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).ok()
    }

    /// This moment moved by `delta`; stays where it is when the result cannot be expressed.
    #[must_use]
    pub fn plus(self, delta: TimeDelta) -> Self {
        self.0.checked_add_signed(delta).map_or(self, Self::new)
    }
}

/// Reads a span of time such as `30m`, `24h`, `7d` or `2w`; `None` for anything else.
#[must_use]
pub fn span(text: &str) -> Option<TimeDelta> {
    let text = text.trim();
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: i64 = count.trim().parse().ok().filter(|count| *count >= 0)?;
    match unit {
        "m" => TimeDelta::try_minutes(count),
        "h" => TimeDelta::try_hours(count),
        "d" => TimeDelta::try_days(count),
        "w" => TimeDelta::try_weeks(count),
        _ => None,
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(Self::new(time.with_timezone(&Utc))),
            Err(error) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
                .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
                .map(|time| Self::new(time.and_utc()))
                .map_err(|_| error),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} is no RFC 3339 time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_with_six_digits_whatever_was_read() {
        for text in
            ["2026-02-13T15:30:22.1234567+01:00", "2026-02-13T14:30:22.123456", "2026-02-13 14:30:22.123456"]
        {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.to_string(), "2026-02-13T14:30:22.123456Z", "{text}");
        }
    }

    #[test]
    fn it_survives_microseconds_and_back() {
        let time: Timestamp = "1969-12-31T23:59:59.999999Z".parse().unwrap();
        assert_eq!(Timestamp::from_micros(time.micros()), Some(time));
    }
}
