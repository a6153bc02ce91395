//! The issuer's keys, kept for a while and fetched anew in bounds.
//!
//! Keys are good for ten minutes after they were fetched, so that a revoked one goes and an issuer that is away for a
//! moment harms nobody. Half that time on they are fetched anew, beside the requests that they serve. A key that is not
//! among them is fetched for once, for the issuer may have changed its keys; but never by more than one request at a
//! time, nor twice within seconds: whoever sends names of keys that do not exist makes no traffic.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as Turn;

use super::endpoint::KeySource;
use super::jwk::{KeySet, PublicKey, Wanted};
use crate::model::Clock;

/// How long keys are good after they were fetched.
const GOOD_FOR: Duration = Duration::from_mins(10);

/// The age at which they are fetched anew.
const FRESH_FOR: Duration = Duration::from_mins(5);

/// How long nothing is fetched after keys were.
const PAUSE: Duration = Duration::from_secs(10);

/// The same after they could not be.
const PAUSE_OF_FAILURE: Duration = Duration::from_secs(2);

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keychain {
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    /// Whose turn it is to fetch.
    turn: Turn<()>,
}

/// What was fetched last, and how it went since; moments are those of [`Clock::elapsed`].
#[derive(Debug, Default)]
struct Held {
    keys: KeySet,
    fetched_at: Option<Duration>,
    /// When it was last tried, and whether that failed.
    tried: Option<(Duration, bool)>,
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The issuer has none that fits.
    Unknown,
    /// What keys the issuer has cannot be known now.
    Away,
}

impl Keychain {
    pub(super) fn new(source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, held: Mutex::default(), turn: Turn::default() }
    }

    /// The key that is wanted.
    pub(super) async fn find(self: &Arc<Self>, wanted: Wanted<'_>) -> Result<PublicKey, NoKey> {
        if let Some(key) = self.at_hand(wanted) {
            return Ok(key);
        }
        self.refresh().await;
        self.at_hand(wanted).ok_or_else(|| self.held().why_not(self.clock.elapsed()))
    }

    /// Fetches the keys, unless that was tried a moment ago. Whoever comes meanwhile waits for what becomes of it.
    pub(super) async fn refresh(&self) {
        let _turn = self.turn.lock().await;
        if self.held().pauses(self.clock.elapsed()) {
            return;
        }
        let fetched = self.source.fetch().await;
        let keys = fetched.and_then(|document| Ok(KeySet::parse(&document)?));
        self.held().note(keys, self.clock.elapsed());
    }

    /// The key, if it is here and good. Where the keys are no longer fresh, somebody is sent for new ones.
    fn at_hand(self: &Arc<Self>, wanted: Wanted<'_>) -> Option<PublicKey> {
        let now = self.clock.elapsed();
        let (key, is_fresh) = {
            let held = self.held();
            (held.good(now)?.find(wanted)?.clone(), held.is_younger(FRESH_FOR, now) || held.pauses(now))
        };
        if !is_fresh && self.turn.try_lock().is_ok() {
            let keychain = Arc::clone(self);
            tokio::spawn(async move { keychain.refresh().await });
        }
        Some(key)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn is_younger(&self, age: Duration, now: Duration) -> bool {
        self.fetched_at.is_some_and(|fetched| now < fetched + age)
    }

    fn good(&self, now: Duration) -> Option<&KeySet> {
        self.is_younger(GOOD_FOR, now).then_some(&self.keys)
    }

    /// Whether it was tried so lately that it is not tried again.
    fn pauses(&self, now: Duration) -> bool {
        self.tried.is_some_and(|(at, failed)| now < at + if failed { PAUSE_OF_FAILURE } else { PAUSE })
    }

    /// Why a key is not there: an issuer that does not answer may have it.
    fn why_not(&self, now: Duration) -> NoKey {
        match self.tried {
            Some((_, false)) if self.good(now).is_some() => NoKey::Unknown,
            _ => NoKey::Away,
        }
    }

    fn note(&mut self, keys: Result<KeySet, super::Unfetched>, now: Duration) {
        let failed_before = self.tried.is_some_and(|(_, failed)| failed);
        self.tried = Some((now, keys.is_err()));
        match keys {
            Ok(keys) => {
                if failed_before {
                    tracing::info!("the issuer's keys can be had again");
                }
                self.keys = keys;
                self.fetched_at = Some(now);
            }
            // Once for each time that the issuer goes away, not at each try.
            Err(error) if !failed_before => {
                tracing::warn!(
                    "the issuer's keys cannot be had: {error}; keys fetched within the last ten minutes go on, \
                     other tokens are answered with 503"
                );
            }
            Err(error) => tracing::debug!("the issuer's keys still cannot be had: {error}"),
        }
    }
}

#[cfg(test)]
mod tests;
