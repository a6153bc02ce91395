//! Where time comes from: a clock that is passed in, so that nothing else asks the machine.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;

use super::Timestamp;

/// A source of the current time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current moment. Two calls on one clock never give the same moment or an earlier one, so that the
    /// order in which one process recorded its events can be read from their times.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, made strictly increasing: when the machine's time stands still or jumps back, it goes on
/// one microsecond at a time.
#[derive(Debug, Default)]
pub struct SystemClock {
    last: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
        let now = Timestamp::new(chrono::Utc::now());
        let next = |last: i64| now.micros().max(last.saturating_add(1));
        let last = self
            .last
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(next(last)))
            .unwrap_or_else(|last| last);
        Timestamp::from_micros(next(last)).unwrap_or(now)
    }
}

/// A clock for tests and for generated histories: it moves only when told to, and by a microsecond at each look.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { now: Mutex::new(start) }
    }

    /// Moves the clock by `delta`.
    pub fn advance(&self, delta: TimeDelta) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.plus(delta);
    }

    /// Sets the clock to `time`.
    pub fn set(&self, time: Timestamp) {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = time;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.plus(TimeDelta::microseconds(1));
        *now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_never_repeats_itself() {
        let clock = SystemClock::default();
        let times: Vec<_> = (0..10_000).map(|_| clock.now()).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
