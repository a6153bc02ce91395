//! How often one caller may ask.
//!
//! A token bucket in the form of the generic cell rate algorithm (ITU-T I.371): of each caller one moment is kept,
//! that until which its requests so far would last at the pace it may have. It knows no time but what it is given.
//! A caller that has been slow for as long as its bucket needs to fill is the same as one that never came, so it is
//! forgotten; that bounds the memory.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::caller::Caller;

/// How many seconds' worth of requests may come at once.
const BURST: Duration = Duration::from_secs(2);

/// How many callers are remembered. Should as many be in haste at once, all begin anew.
const REMEMBERED: usize = 4_096;

/// The pace that each caller may have.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: NonZeroU32,
    /// Until when each caller's requests last.
    lasting: Mutex<HashMap<Caller, Duration>>,
}

impl Pace {
    pub(super) fn of(per_second: NonZeroU32) -> Self {
        Self { per_second, lasting: Mutex::default() }
    }

    /// Requests a second, in the long run.
    pub(super) fn per_second(&self) -> NonZeroU32 {
        self.per_second
    }

    /// Whether one would be let through.
    pub(super) fn has_room(&self, caller: &Caller, now: Duration) -> bool {
        let lasting = self.lasting.lock().unwrap_or_else(PoisonError::into_inner);
        lasting.get(caller).is_none_or(|until| *until + self.each() <= now + BURST)
    }

    /// Lets one request of the caller through, `now` by [`Clock::elapsed`](crate::model::Clock::elapsed).
    ///
    /// # Errors
    /// How long the caller has to wait until the next one is let through.
    pub(super) fn take(&self, caller: &Caller, now: Duration) -> Result<(), Duration> {
        let each = self.each();
        let mut lasting = self.lasting.lock().unwrap_or_else(PoisonError::into_inner);
        let until = lasting.get(caller).map_or(now, |until| now.max(*until));
        let early = (until + each).saturating_sub(now + BURST);
        if !early.is_zero() {
            return Err(early);
        }
        if lasting.len() >= REMEMBERED && !lasting.contains_key(caller) {
            lasting.retain(|_, until| *until > now);
            if lasting.len() >= REMEMBERED {
                lasting.clear();
            }
        }
        lasting.insert(caller.clone(), until + each);
        Ok(())
    }

    /// How long one request lasts at this pace.
    fn each(&self) -> Duration {
        Duration::from_secs(1) / self.per_second.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(number: usize) -> Caller {
        Caller::Token(format!("tok_{number}"))
    }

    fn at(millis: u64) -> Duration {
        Duration::from_secs(1_000) + Duration::from_millis(millis)
    }

    fn pace(per_second: u32) -> Pace {
        Pace::of(NonZeroU32::new(per_second).unwrap())
    }

    /// How many of this many requests at one moment are let through.
    fn let_through(pace: &Pace, caller: &Caller, now: Duration) -> usize {
        (0..1_000).filter(|_| pace.take(caller, now).is_ok()).count()
    }

    #[test]
    fn two_seconds_worth_may_come_at_once_and_then_as_many_as_time_allows() {
        let pace = pace(10);
        let one = caller(1);
        assert!(pace.has_room(&one, at(0)));
        assert_eq!(let_through(&pace, &one, at(0)), 20);
        assert!(!pace.has_room(&one, at(99)) && pace.has_room(&one, at(100)));
        assert_eq!(pace.take(&one, at(0)), Err(Duration::from_millis(100)));
        assert_eq!(pace.take(&one, at(40)), Err(Duration::from_millis(60)), "asking too early costs nothing");
        assert_eq!(let_through(&pace, &one, at(100)), 1);
        assert_eq!(let_through(&pace, &one, at(1_100)), 10);
        assert_eq!(let_through(&pace, &one, at(60_000)), 20, "what was not used does not add up");
    }

    #[test]
    fn callers_do_not_use_up_what_is_of_others() {
        let pace = pace(10);
        let_through(&pace, &caller(1), at(0));
        assert_eq!(let_through(&pace, &caller(2), at(0)), 20);
    }

    #[test]
    fn a_pace_slower_or_faster_than_the_clock_works() {
        assert_eq!(let_through(&pace(1), &caller(1), at(0)), 2);
        assert_eq!(let_through(&pace(u32::MAX), &caller(1), at(0)), 1_000);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let pace = pace(10);
        let remembered = || pace.lasting.lock().unwrap().len();
        for number in 0..REMEMBERED {
            pace.take(&caller(number), at(0)).unwrap();
        }
        pace.take(&caller(REMEMBERED), at(200)).unwrap();
        assert_eq!(remembered(), 1, "those who have been slow are forgotten");
        for number in 0..2 * REMEMBERED {
            pace.take(&caller(number), at(200)).unwrap();
            assert!(remembered() <= REMEMBERED);
        }
    }
}
