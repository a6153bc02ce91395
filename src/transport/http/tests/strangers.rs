//! Tokens that nobody has, and that they are not in the way of those that somebody has.

use axum::response::IntoResponse as _;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use super::limits::{Guarded, bearing};
use super::*;
use crate::access::oauth::{KeySource, Unfetched};
use crate::access::{Authenticator, OAuth, OAuthSettings};
use crate::model::ManualClock;
use crate::store::index::Scope;
use crate::transport::http::strangers::Strangers;

/// The JWT of an issuer whose keys have to be had first.
const FOREIGN: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0.e30.AA";

/// An issuer that says when it is asked, and does not answer until it is let go.
#[derive(Clone, Debug)]
pub(super) struct Slow {
    asked: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

impl Slow {
    pub(super) fn new() -> Self {
        Self { asked: Arc::new(Semaphore::new(0)), gate: Arc::new(Semaphore::new(0)) }
    }

    fn oauth(&self) -> OAuth {
        self.oauth_for("https://traces.example/mcp")
    }

    /// Takes its tokens where they are for this audience.
    pub(super) fn oauth_for(&self, audience: &str) -> OAuth {
        let settings = OAuthSettings {
            issuer: "https://id.example".to_owned(),
            audience: audience.to_owned(),
            jwks_url: None,
            scope_claims: Vec::new(),
            projects_claim: "projects".to_owned(),
            default_projects: Scope::All,
        };
        let clock = Arc::new(ManualClock::new("2026-02-13T14:30:22Z".parse().unwrap()));
        OAuth::with_source(settings, clock, Arc::new(self.clone()))
    }
}

impl KeySource for Slow {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Unfetched>> {
        async {
            self.asked.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
            Err(Unfetched::new("away"))
        }
        .boxed()
    }
}

#[tokio::test]
async fn unknown_tokens_are_verified_a_few_at_once() {
    let clock = Arc::new(ManualClock::new("2026-02-13T14:30:22Z".parse().unwrap()));
    let strangers = Strangers::new(clock);
    let guard = Guard::new(Authenticator::new(None, Some(Slow::new().oauth())), |_, _| None);
    let mut waiting: Vec<_> = (0..32).map(|_| Box::pin(strangers.identify(&guard, FOREIGN, None))).collect();
    for one in &mut waiting {
        assert!(futures::poll!(one).is_pending());
    }
    let refused = strangers.identify(&guard, FOREIGN, None).now_or_never().expect("an answer at once");
    let refused = refused.unwrap_err().into_response();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    drop(waiting.pop());
    assert!(strangers.identify(&guard, FOREIGN, None).now_or_never().is_none(), "there is room again");
}

#[tokio::test]
async fn where_many_wrong_tokens_come_from_known_ones_pass_and_new_ones_get_their_turn() {
    let issuer = Slow::new();
    let guarded = Guarded::with_oauth(Some(issuer.oauth()), |_| {}).await;
    assert_eq!(guarded.echo(&guarded.one).await.status, 200);
    let wrong = |number: usize| format!("wht_{number:0>43}");
    for number in 0..20 {
        assert_eq!(guarded.echo(&wrong(number)).await.status, 401);
    }
    assert_eq!(guarded.echo(&wrong(20)).await.status, 401, "one at a time goes on");
    let request = post("/mcp", &bearing(FOREIGN), &call(1, "echo", "a").to_string());
    let mut slow = guarded.server.send(&request).await;
    issuer.asked.acquire().await.unwrap().forget();

    let refused = guarded.echo(&wrong(21)).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "1"));
    insta::assert_snapshot!(refused.sentence(), @"many wrong tokens come from your address, so that one at a time is looked up; send this request again as it is");
    assert_eq!(guarded.echo(&guarded.one).await.status, 200, "it is known");
    assert_eq!(guarded.echo(&guarded.two).await.status, 429, "it is not known yet");
    issuer.gate.add_permits(1);
    assert_eq!(Answer::read(&mut slow).await.status, 503, "the keys are away");
    assert_eq!(guarded.echo(&guarded.two).await.status, 200);
}
