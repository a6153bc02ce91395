//! Tokens that are shown for the first time: how many are verified at once, and from where too many were wrong.
//!
//! Anybody can make up texts that look like tokens, and each costs a look-up in the database or the check of a
//! signature. So a few are verified at once, and no more. Who has sent many wrong ones gets less: of all such addresses
//! together, one token at a time. None of them is shut out, because the address of a proxy is that of everybody behind
//! it, and somebody there may send wrong tokens without end: a client with a good one gets through all the same, if
//! need be at its second or third try. From then on it is known, and passes by all of this for as long as it keeps
//! coming.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::access::Guard;
use super::caller::{Caller, Peer};
use super::pace::Pace;
use super::refusal::Refusal;
use crate::access::{Principal, Rejected};
use crate::model::Clock;
use crate::store::index::TokenHash;

/// How many unknown tokens are verified at once.
const MOST_AT_ONCE: usize = 32;

/// How many of those that come from where too many were wrong.
const MOST_SUSPECT_AT_ONCE: usize = 1;

/// How many wrong tokens a second may come from one address, in the long run.
const WRONG_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// How long a token is known after it held.
const KNOWN_FOR: Duration = Duration::from_mins(10);

/// How many tokens are known; beyond them the one that was seen least lately is forgotten.
const MOST_KNOWN: usize = 4_096;

/// Which tokens have held, and how many others are verified.
#[derive(Debug)]
pub(super) struct Strangers {
    clock: Arc<dyn Clock>,
    /// When each token held last, by its hash and [`Clock::elapsed`]. It lets nobody in: a known token is verified too.
    known: Mutex<HashMap<TokenHash, Duration>>,
    places: Semaphore,
    suspect_places: Semaphore,
    wrong: Pace,
}

impl Strangers {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            known: Mutex::default(),
            places: Semaphore::new(MOST_AT_ONCE),
            suspect_places: Semaphore::new(MOST_SUSPECT_AT_ONCE),
            wrong: Pace::of(WRONG_PER_SECOND),
        }
    }

    /// Whoever the token stands for that came from here.
    ///
    /// # Errors
    /// A refusal, when nobody is let in by it, or it cannot be verified now.
    pub(super) async fn identify(
        &self,
        guard: &Guard,
        presented: &str,
        peer: Option<Peer>,
    ) -> Result<Principal, Refusal> {
        let token = TokenHash::of(presented);
        let from = peer.map(Caller::wherever);
        let _place = if self.knows(&token) {
            None
        } else if from.as_ref().is_some_and(|from| !self.wrong.has_room(from, self.clock.elapsed())) {
            let sentence = "many wrong tokens come from your address, so that one at a time is looked up; send this \
                            request again as it is";
            Some(self.suspect_places.try_acquire().map_err(|_| Refusal::too_much(sentence, 1))?)
        } else {
            let sentence = "the server verifies as many tokens as it takes at once; try again shortly";
            Some(self.places.try_acquire().map_err(|_| Refusal::busy(sentence))?)
        };
        let verified = guard.authenticator.verify(presented).await;
        self.note(token, from.as_ref(), verified.as_ref());
        verified.map_err(|rejected| guard.refusal(rejected))
    }

    fn knows(&self, token: &TokenHash) -> bool {
        let now = self.clock.elapsed();
        self.known().get(token).is_some_and(|held| now < *held + KNOWN_FOR)
    }

    /// Learns from what became of a token.
    fn note(&self, token: TokenHash, from: Option<&Caller>, verified: Result<&Principal, &Rejected>) {
        let now = self.clock.elapsed();
        match verified {
            Ok(_) => self.remember(token, now),
            Err(Rejected::Invalid | Rejected::Flawed(_)) => {
                self.known().remove(&token);
                if let Some(from) = from {
                    // That there is no room is what is asked before the next one.
                    self.wrong.take(from, now).ok();
                }
            }
            Err(Rejected::Unverifiable | Rejected::KeysAway | Rejected::NoProject) => {}
        }
    }

    fn remember(&self, token: TokenHash, now: Duration) {
        let mut known = self.known();
        known.insert(token, now);
        if known.len() > MOST_KNOWN
            && let Some(oldest) = known.iter().min_by_key(|(_, held)| **held).map(|(token, _)| *token)
        {
            known.remove(&oldest);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TokenHash, Duration>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManualClock;

    #[test]
    fn what_is_known_is_bounded_and_ends() {
        let clock = Arc::new(ManualClock::new("2026-02-13T14:30:22Z".parse().unwrap()));
        let strangers = Strangers::new(clock.clone());
        let token = |number: usize| TokenHash::of(&number.to_string());
        for number in 0..=MOST_KNOWN {
            strangers.remember(token(number), clock.elapsed());
            clock.advance(chrono::TimeDelta::milliseconds(1));
        }
        assert_eq!(strangers.known().len(), MOST_KNOWN);
        assert!(!strangers.knows(&token(0)) && strangers.knows(&token(MOST_KNOWN)));
        clock.advance(chrono::TimeDelta::minutes(10));
        assert!(!strangers.knows(&token(MOST_KNOWN)));
    }
}
