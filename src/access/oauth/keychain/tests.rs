//! How often an issuer is asked, and what holds while it does not answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;

use super::super::jwk::Algorithm;
use super::*;
use crate::access::oauth::Unfetched;
use crate::model::ManualClock;

/// An issuer that counts how often it is asked, and can be away.
#[derive(Debug, Default)]
struct Counting {
    asked: AtomicUsize,
    keys: Mutex<Option<Vec<&'static str>>>,
}

impl Counting {
    fn set(&self, keys: Option<&[&'static str]>) {
        *self.keys.lock().unwrap() = keys.map(<[&str]>::to_vec);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl KeySource for Counting {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Unfetched>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let keys = self.keys.lock().unwrap().clone();
        async move {
            // Others get their turn while it answers.
            tokio::task::yield_now().await;
            let keys = keys.ok_or_else(|| Unfetched::new("away"))?;
            let key = |id: &&str| json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": "AAAA"});
            let keys: Vec<_> = keys.iter().map(key).collect();
            Ok(json!({"keys": keys}).to_string().into_bytes())
        }
        .boxed()
    }
}

struct Bench {
    issuer: Arc<Counting>,
    clock: Arc<ManualClock>,
    keychain: Arc<Keychain>,
}

impl Bench {
    fn new(keys: Option<&[&'static str]>) -> Self {
        let issuer = Arc::new(Counting::default());
        issuer.set(keys);
        let clock = Arc::new(ManualClock::new("2026-02-13T14:30:22Z".parse().unwrap()));
        let keychain = Arc::new(Keychain::new(issuer.clone(), clock.clone()));
        Self { issuer, clock, keychain }
    }

    async fn find(&self, key_id: &str) -> Result<(), NoKey> {
        let wanted = Wanted { key_id: Some(key_id), algorithm: Algorithm::EdDsa };
        self.keychain.find(wanted).await.map(drop)
    }

    fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// Returns when nobody is fetching any more.
    async fn settle(&self) {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        drop(self.keychain.turn.lock().await);
    }
}

#[tokio::test]
async fn many_requests_ask_the_issuer_once() {
    let bench = Bench::new(Some(&["k1"]));
    let all = futures::future::join_all((0..50).map(|_| bench.find("k1"))).await;
    assert!(all.into_iter().all(|found| found.is_ok()));
    let all = futures::future::join_all((0..50).map(|_| bench.find("made up"))).await;
    assert!(all.into_iter().all(|found| found == Err(NoKey::Unknown)));
    assert_eq!(bench.issuer.asked(), 1);
}

#[tokio::test]
async fn a_key_that_is_new_is_fetched_for_and_made_up_names_make_no_traffic() {
    let bench = Bench::new(Some(&["k1"]));
    bench.find("k1").await.unwrap();
    bench.pass(10);
    bench.issuer.set(Some(&["k2"]));
    bench.find("k2").await.unwrap();
    assert_eq!(bench.find("k1").await, Err(NoKey::Unknown), "it is gone with the list that had it");
    assert_eq!(bench.issuer.asked(), 2);
    for _ in 0..100 {
        bench.pass(1);
        assert_eq!(bench.find("made up").await, Err(NoKey::Unknown));
    }
    assert_eq!(bench.issuer.asked(), 12, "at most once in ten seconds");
}

#[tokio::test]
async fn keys_are_fetched_anew_beside_the_requests_that_they_serve() {
    let bench = Bench::new(Some(&["k1"]));
    bench.find("k1").await.unwrap();
    bench.pass(299);
    bench.find("k1").await.unwrap();
    bench.settle().await;
    assert_eq!(bench.issuer.asked(), 1);
    bench.pass(2);
    bench.issuer.set(Some(&["k2"]));
    bench.find("k1").await.unwrap();
    bench.settle().await;
    assert_eq!(bench.issuer.asked(), 2);
    assert_eq!(bench.find("k1").await, Err(NoKey::Unknown), "a key that was taken back goes within minutes");
}

#[tokio::test]
async fn while_the_issuer_is_away_keys_of_the_last_ten_minutes_go_on_and_others_wait() {
    let bench = Bench::new(Some(&["k1"]));
    bench.find("k1").await.unwrap();
    bench.issuer.set(None);
    bench.pass(590);
    bench.find("k1").await.unwrap();
    assert_eq!(bench.find("k2").await, Err(NoKey::Away), "it may be a new one");
    bench.pass(10);
    assert_eq!(bench.find("k1").await, Err(NoKey::Away));
    bench.issuer.set(Some(&["k1"]));
    bench.pass(2);
    bench.find("k1").await.unwrap();
}

#[tokio::test]
async fn setting_the_time_back_makes_no_key_last_longer() {
    let bench = Bench::new(Some(&["k1"]));
    bench.find("k1").await.unwrap();
    bench.issuer.set(None);
    bench.clock.set("2026-02-13T13:30:22Z".parse().unwrap());
    bench.pass(601);
    assert_eq!(bench.find("k1").await, Err(NoKey::Away));
}

#[tokio::test]
async fn an_issuer_that_never_answered_is_asked_again_after_moments() {
    let bench = Bench::new(None);
    for _ in 0..50 {
        assert_eq!(bench.find("k1").await, Err(NoKey::Away));
    }
    assert_eq!(bench.issuer.asked(), 1);
    bench.issuer.set(Some(&["k1"]));
    bench.pass(2);
    bench.find("k1").await.unwrap();
}
