//! Verifies tokens against the database, and for a while without it.
//!
//! Each token that is presented is looked up, so that a revoked one is refused from the next request on. While the
//! database is away, those go on that it has vouched for within the last ten minutes, for as long; others cannot be
//! told from wrong ones and have to wait. So that a database that hangs does not slow every request, those that go on
//! do so unasked for a few seconds after it has failed. What is remembered is bounded, and is hashes, never tokens; an
//! answer that was under way while its token was revoked is not.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq as _;

use super::{Principal, Rejected, Secret};
use crate::error::{Error, Result};
use crate::model::{Clock, Timestamp};
use crate::store::index::{Index, Permissions, Scope, Token, TokenHash};

/// How long a token goes on that was verified before the database went away.
const GRACE: Duration = Duration::from_mins(10);

/// How many verified tokens are remembered; beyond them the one that was used least lately is forgotten.
const REMEMBERED: usize = 1_024;

/// How long the database may take for one token before it counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long tokens that go on are not asked for again after the database has failed.
const RESPITE: Duration = Duration::from_secs(5);

/// The tokens of an installation. Cheap to clone; all clones remember the same.
#[derive(Clone, Debug)]
pub struct Keyring {
    index: Index,
    clock: Arc<dyn Clock>,
    memory: Arc<Mutex<Memory>>,
}

/// What the database has said, and whether it speaks; moments are those of [`Clock::elapsed`].
#[derive(Debug, Default)]
struct Memory {
    verified: HashMap<TokenHash, Verified>,
    /// The ids of tokens that it has said were revoked or past, and when. That is for good, so whatever else it seems
    /// to say of them later was asked before.
    refused: HashMap<String, Duration>,
    /// When it failed last, unless it has answered since.
    failed_at: Option<Duration>,
}

/// A token that the database vouched for, and when it was asked.
#[derive(Debug)]
struct Verified {
    token: Token,
    at: Duration,
}

/// A moment, as what was remembered counts it and as tokens do.
#[derive(Clone, Copy, Debug)]
struct Moment {
    elapsed: Duration,
    wall: Timestamp,
}

impl Moment {
    fn of(clock: &dyn Clock) -> Self {
        Self { elapsed: clock.elapsed(), wall: clock.wall() }
    }
}

impl Keyring {
    /// The tokens that are kept in this index.
    #[must_use]
    pub fn new(index: Index, clock: Arc<dyn Clock>) -> Self {
        Self { index, clock, memory: Arc::default() }
    }

    /// Makes a token of these random bits, which lets in until `expires_at` where that is said. It is given once and
    /// cannot be had again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn issue(
        &self,
        bits: [u8; 32],
        name: String,
        permissions: Permissions,
        scope: Scope,
        expires_at: Option<Timestamp>,
    ) -> Result<(Secret, Token)> {
        let secret = Secret::of(bits);
        let hash = secret.hash();
        let id = format!("tok_{}", hash.hex().get(..12).unwrap_or_default());
        let created_at = self.clock.now();
        let token = Token { id, name, permissions, scope, created_at, expires_at, revoked_at: None };
        self.index.add_token(&token, &hash).await?;
        Ok((secret, token))
    }

    /// All tokens, revoked ones included, the oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        self.index.tokens().await
    }

    /// Revokes a token for good; `None` when none has this id.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn revoke(&self, id: &str) -> Result<Option<Token>> {
        let revoked = self.index.revoke_token(id, self.clock.now()).await?;
        if let Some(token) = &revoked {
            self.memory().refuse(&token.id, self.clock.elapsed());
        }
        Ok(revoked)
    }

    /// Whoever the token stands for.
    ///
    /// # Errors
    /// [`Rejected`], when nobody is let in by it.
    pub async fn verify(&self, presented: &str) -> Result<Principal, Rejected> {
        let secret: Secret = presented.parse().map_err(|_| Rejected::Invalid)?;
        let hash = secret.hash();
        let asked_at = Moment::of(&*self.clock);
        if let Some(principal) = self.memory().unasked(&hash, asked_at) {
            return Ok(principal);
        }
        match tokio::time::timeout(PATIENCE, self.index.token(&hash)).await {
            Ok(Ok(found)) => {
                // The look-up is by the hash, whose bytes tell nothing of the token; comparing it again here keeps a
                // database whose text order folds letters from vouching for another token.
                let is_it = |kept: &str| bool::from(kept.as_bytes().ct_eq(hash.hex().as_bytes()));
                let token = found.filter(|found| is_it(&found.hash)).map(|found| found.token);
                self.memory().note(hash, token.as_ref(), asked_at);
                let valid = token.filter(|token| token.is_valid(asked_at.wall));
                valid.map(Principal::from).ok_or(Rejected::Invalid)
            }
            Ok(Err(Error::Unavailable { .. })) | Err(_) => {
                let mut memory = self.memory();
                let now = Moment::of(&*self.clock);
                memory.failed_at = Some(now.elapsed);
                memory.recall(&hash, now).ok_or(Rejected::Unverifiable)
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a token cannot be read: {error}");
                Err(Rejected::Invalid)
            }
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Takes in what the database has said of a token that it was asked for at this moment.
    fn note(&mut self, hash: TokenHash, token: Option<&Token>, asked_at: Moment) {
        self.failed_at = None;
        match token {
            Some(token) if !token.is_valid(asked_at.wall) => self.refuse(&token.id, asked_at.elapsed),
            Some(token) if !self.refused.contains_key(&token.id) => {
                self.verified.insert(hash, Verified { token: token.clone(), at: asked_at.elapsed });
                forget_beyond(REMEMBERED, &mut self.verified, |known| known.at);
            }
            Some(_) | None => drop(self.verified.remove(&hash)),
        }
    }

    /// Forgets a token that lets nobody in any more, and does not remember it again.
    fn refuse(&mut self, id: &str, at: Duration) {
        self.verified.retain(|_, known| known.token.id != id);
        self.refused.insert(id.to_owned(), at);
        forget_beyond(REMEMBERED, &mut self.refused, |at| *at);
    }

    /// What the database has said of a token lately.
    fn recall(&self, hash: &TokenHash, now: Moment) -> Option<Principal> {
        let known = self.verified.get(hash).filter(|known| now.elapsed < known.at + GRACE);
        let valid = known.filter(|known| known.token.is_valid(now.wall));
        valid.map(|known| known.token.clone().into())
    }

    /// The same where the database has failed so lately that it is not asked.
    fn unasked(&self, hash: &TokenHash, now: Moment) -> Option<Principal> {
        let failed_at = self.failed_at.filter(|failed| now.elapsed < *failed + RESPITE);
        failed_at.and_then(|_| self.recall(hash, now))
    }
}

/// Takes the oldest out where there are more than `most`.
fn forget_beyond<K: Clone + Eq + Hash, V>(most: usize, all: &mut HashMap<K, V>, at: impl Fn(&V) -> Duration) {
    if all.len() > most
        && let Some(oldest) = all.iter().min_by_key(|(_, value)| at(value)).map(|(key, _)| key.clone())
    {
        all.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::model::{ManualClock, QualityRules};
    use crate::store::DatabaseTarget;
    use crate::store::index::Permission;

    /// A keyring whose database can be taken away.
    struct Bench {
        folder: tempfile::TempDir,
        clock: Arc<ManualClock>,
        keyring: Keyring,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let clock = Arc::new(ManualClock::new("2026-02-13T14:30:22Z".parse().unwrap()));
            let keyring = Keyring::new(index(&folder, "whytrace.db"), clock.clone());
            Self { folder, clock, keyring }
        }

        async fn issue(&self, seed: u8) -> (String, Token) {
            self.issue_until(seed, None).await
        }

        async fn issue_until(&self, seed: u8, expires_at: Option<Timestamp>) -> (String, Token) {
            let permissions = [Permission::Read].into_iter().collect();
            let issued =
                self.keyring.issue([seed; 32], "n".to_owned(), permissions, Scope::All, expires_at).await;
            let (secret, token) = issued.unwrap();
            (secret.reveal().to_owned(), token)
        }

        /// The same keyring with its database away.
        fn without_database(&self) -> Keyring {
            std::fs::create_dir_all(self.folder.path().join("away")).unwrap();
            Keyring { index: index(&self.folder, "away"), ..self.keyring.clone() }
        }
    }

    fn index(folder: &tempfile::TempDir, name: &str) -> Index {
        Index::new(&DatabaseTarget::Sqlite(folder.path().join(name)), QualityRules::default())
    }

    #[tokio::test]
    async fn a_token_lets_in_until_it_is_revoked() {
        let bench = Bench::new();
        let (secret, token) = bench.issue(1).await;
        let principal = bench.keyring.verify(&secret).await.unwrap();
        let hash = secret.parse::<Secret>().unwrap().hash();
        let shown = format!("{:?} {:?}", bench.keyring, bench.keyring.index.token(&hash).await.unwrap());
        assert!(!shown.contains(&secret[4..]) && !shown.contains(&hash.hex()), "{shown}");
        assert_eq!(principal.token_id.as_deref(), Some(token.id.as_str()));
        assert!(principal.may(Permission::Read) && !principal.may(Permission::Write));
        for wrong in ["", "wht_", &secret[..46], Secret::of([2; 32]).reveal()] {
            assert_eq!(bench.keyring.verify(wrong).await, Err(Rejected::Invalid));
        }
        assert!(bench.keyring.revoke(&token.id).await.unwrap().is_some());
        assert_eq!(bench.keyring.verify(&secret).await, Err(Rejected::Invalid));
        assert_eq!(bench.without_database().verify(&secret).await, Err(Rejected::Unverifiable));
    }

    #[tokio::test]
    async fn with_the_database_away_a_token_goes_on_for_ten_minutes() {
        let bench = Bench::new();
        let ((known, _), (unknown, _)) = (bench.issue(1).await, bench.issue(2).await);
        bench.keyring.verify(&known).await.unwrap();
        let away = bench.without_database();
        bench.clock.advance(TimeDelta::seconds(599));
        assert!(away.verify(&known).await.is_ok());
        assert_eq!(away.verify(&unknown).await, Err(Rejected::Unverifiable));
        assert_eq!(away.verify("wht_nonsense").await, Err(Rejected::Invalid));
        bench.clock.advance(TimeDelta::seconds(1));
        assert_eq!(away.verify(&known).await, Err(Rejected::Unverifiable), "it was used, and still it ends");
    }

    #[tokio::test]
    async fn setting_the_time_back_makes_no_token_last_longer() {
        let bench = Bench::new();
        let (known, _) = bench.issue(1).await;
        bench.keyring.verify(&known).await.unwrap();
        bench.clock.set("2026-02-13T13:30:22Z".parse().unwrap());
        bench.clock.advance(TimeDelta::seconds(601));
        assert_eq!(bench.without_database().verify(&known).await, Err(Rejected::Unverifiable));
    }

    #[tokio::test]
    async fn for_seconds_after_the_database_has_failed_it_is_not_asked_for_known_tokens() {
        let bench = Bench::new();
        let ((known, token), (unknown, _)) = (bench.issue(1).await, bench.issue(2).await);
        bench.keyring.verify(&known).await.unwrap();
        bench.without_database().verify(&known).await.unwrap();
        // By another process, of which this one does not hear.
        bench.keyring.index.revoke_token(&token.id, bench.clock.now()).await.unwrap();
        bench.clock.advance(TimeDelta::seconds(4));
        assert!(bench.keyring.verify(&known).await.is_ok(), "nobody looked");
        assert!(bench.keyring.verify(&unknown).await.is_ok(), "others are looked up all the same");
        assert_eq!(bench.keyring.verify(&known).await, Err(Rejected::Invalid), "it speaks again");
    }

    #[tokio::test]
    async fn a_token_lets_in_until_it_expires_with_and_without_the_database() {
        let bench = Bench::new();
        let expiry = bench.clock.now().plus(TimeDelta::seconds(60));
        let (secret, _) = bench.issue_until(1, Some(expiry)).await;
        bench.clock.advance(TimeDelta::seconds(59));
        assert!(bench.keyring.verify(&secret).await.is_ok());
        assert!(bench.without_database().verify(&secret).await.is_ok());
        bench.clock.advance(TimeDelta::seconds(1));
        assert_eq!(bench.without_database().verify(&secret).await, Err(Rejected::Unverifiable));
        bench.clock.advance(TimeDelta::seconds(5));
        assert_eq!(bench.keyring.verify(&secret).await, Err(Rejected::Invalid));
    }

    #[tokio::test]
    async fn an_answer_that_was_under_way_while_its_token_was_revoked_is_not_remembered() {
        let bench = Bench::new();
        let (secret, token) = bench.issue(1).await;
        let hash = secret.parse::<Secret>().unwrap().hash();
        let asked_at = Moment::of(&*bench.clock);
        let under_way = bench.keyring.index.token(&hash).await.unwrap().unwrap().token;
        bench.keyring.revoke(&token.id).await.unwrap();
        bench.keyring.memory().note(hash, Some(&under_way), asked_at);
        assert_eq!(bench.without_database().verify(&secret).await, Err(Rejected::Unverifiable));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let bench = Bench::new();
        let mut memory = Memory::default();
        let token = |number: usize| Token {
            id: number.to_string(),
            name: "n".to_owned(),
            permissions: Permissions::all(),
            scope: Scope::All,
            created_at: bench.clock.now(),
            expires_at: None,
            revoked_at: None,
        };
        let now = || {
            bench.clock.advance(TimeDelta::microseconds(1));
            Moment::of(&*bench.clock)
        };
        for number in 0..REMEMBERED + 10 {
            memory.note(TokenHash::of(&number.to_string()), Some(&token(number)), now());
        }
        assert_eq!(memory.verified.len(), REMEMBERED);
        assert!(memory.recall(&TokenHash::of("0"), now()).is_none());
        assert!(memory.recall(&TokenHash::of("1033"), now()).is_some());
        for number in 0..REMEMBERED + 10 {
            memory.refuse(&number.to_string(), now().elapsed);
        }
        assert_eq!((memory.refused.len(), memory.verified.len()), (REMEMBERED, 0));
    }
}
