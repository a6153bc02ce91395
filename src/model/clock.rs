//! Where time comes from: a clock that is passed in, so that nothing else asks the machine.
//!
//! It answers three questions. When did this happen, for what is recorded: [`Clock::now`], in the order of the calls.
//! What time is it, for what others have dated: [`Clock::wall`]. How long has it been, for what is kept for a while
//! or paced: [`Clock::elapsed`], which goes on when somebody sets the machine's time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::Timestamp;

/// A source of the current time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current moment. Two calls on one clock never give the same moment or an earlier one, so that the
    /// order in which one process recorded its events can be read from their times.
    ///
    /// After the machine's time was set back it stands almost still until that time is reached again, so nothing that
    /// has to pass may be measured by it.
    fn now(&self) -> Timestamp;

    /// What time it is, which may be earlier than it was before: somebody can set a machine's time. This is what a
    /// moment that somebody else has named, such as the expiry of a token, is compared with.
    fn wall(&self) -> Timestamp;

    /// How long it has been since some moment in the past, the same one in each call on one clock. It never goes back,
    /// and goes on evenly whatever the machine's time is set to.
    fn elapsed(&self) -> Duration;
}

/// The machine's clock, whose [`now`](Clock::now) is made strictly increasing: when the machine's time stands still or
/// jumps back, that goes on one microsecond at a time.
#[derive(Debug)]
pub struct SystemClock {
    last: AtomicI64,
    begun: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { last: AtomicI64::default(), begun: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = self.wall();
        let next = |last: i64| now.micros().max(last.saturating_add(1));
        let last = self
            .last
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(next(last)))
            .unwrap_or_else(|last| last);
        Timestamp::from_micros(next(last)).unwrap_or(now)
    }

    fn wall(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
        Timestamp::new(chrono::Utc::now())
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// A clock for tests and for generated histories: it moves only when told to, and by a microsecond at each look at
/// [`now`](Clock::now).
#[derive(Debug)]
pub struct ManualClock {
    hands: Mutex<Hands>,
}

#[derive(Debug)]
struct Hands {
    now: Timestamp,
    elapsed: Duration,
}

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { hands: Mutex::new(Hands { now: start, elapsed: Duration::ZERO }) }
    }

    /// Lets `delta` pass.
    pub fn advance(&self, delta: TimeDelta) {
        let mut hands = self.hands();
        hands.now = hands.now.plus(delta);
        hands.elapsed += delta.to_std().unwrap_or_default();
    }

    /// Sets the clock to `time`, as somebody who sets a machine's time: nothing passes.
    pub fn set(&self, time: Timestamp) {
        self.hands().now = time;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let mut hands = self.hands();
        hands.now = hands.now.plus(TimeDelta::microseconds(1));
        hands.now
    }

    fn wall(&self) -> Timestamp {
        self.hands().now
    }

    fn elapsed(&self) -> Duration {
        self.hands().elapsed
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

    #[test]
    fn a_machine_whose_time_was_set_back_still_says_what_time_it_is_and_how_long_it_has_been() {
        let clock = SystemClock::default();
        let ahead = clock.wall().plus(TimeDelta::hours(1));
        clock.last.store(ahead.micros(), Ordering::SeqCst);
        let (asked, began) = (clock.wall(), clock.elapsed());
        assert!(clock.now() > ahead, "what is recorded stays in order");
        assert!(asked < ahead && clock.wall() < ahead);
        while clock.elapsed() == began {}
    }

    #[test]
    fn setting_a_manual_clock_lets_nothing_pass() {
        let clock = ManualClock::new("2026-02-13T14:30:22Z".parse().unwrap());
        clock.advance(TimeDelta::seconds(2));
        clock.set("2026-02-13T13:30:22Z".parse().unwrap());
        assert_eq!(clock.wall(), "2026-02-13T13:30:22Z".parse().unwrap());
        assert_eq!(clock.elapsed(), Duration::from_secs(2));
    }
}
