//! What a token must say, and whom its claims make the bearer. The keys are made anew for each test.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::*;
use crate::model::ManualClock;

const ISSUER: &str = "https://id.example";
const SERVER: &str = "https://traces.example/mcp";

/// An issuer with one key.
struct Issuer {
    key: Ed25519KeyPair,
    clock: Arc<ManualClock>,
}

#[derive(Debug)]
struct Listed(Vec<u8>);

impl KeySource for Listed {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Unfetched>> {
        async { Ok(self.0.clone()) }.boxed()
    }
}

impl Issuer {
    fn new() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let clock = Arc::new(ManualClock::new("2026-02-13T14:30:22Z".parse().unwrap()));
        Self { key: Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap(), clock }
    }

    /// A server that takes its tokens.
    fn server(&self, default_projects: Scope) -> OAuth {
        let settings = OAuthSettings {
            issuer: ISSUER.to_owned(),
            audience: SERVER.to_owned(),
            jwks_url: None,
            scope_claims: vec!["scope".to_owned(), "scp".to_owned()],
            projects_claim: "projects".to_owned(),
            default_projects,
        };
        let x = URL_SAFE_NO_PAD.encode(self.key.public_key());
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "use": "sig", "x": x}]});
        OAuth::with_source(settings, self.clock.clone(), Arc::new(Listed(keys.to_string().into_bytes())))
    }

    fn now(&self) -> i64 {
        self.clock.now().micros() / 1_000_000
    }

    /// What its tokens say, with these claims in place of or beside the usual ones; null takes one away.
    fn claims(&self, change: Value) -> Value {
        let mut claims = json!({"iss": ISSUER, "aud": SERVER, "sub": "ada", "iat": self.now(),
            "exp": self.now() + 300, "scope": "openid trace:read", "projects": ["cobot"]});
        let Value::Object(change) = change else { panic!("claims are an object") };
        for (name, value) in change {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(&name)),
                value => claims[name] = value,
            }
        }
        claims
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn token(&self, change: Value) -> String {
        self.sign(&json!({"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}), &self.claims(change))
    }
}

#[tokio::test]
async fn a_token_says_who_may_do_what_where() {
    let issuer = Issuer::new();
    let server = issuer.server(Scope::Projects(Vec::new()));
    let principal = server.verify(&issuer.token(json!({}))).await.unwrap();
    assert_eq!(principal.token_id.as_deref(), Some("oauth:ada"));
    assert_eq!(principal.permissions.to_string(), "trace:read");
    assert_eq!(principal.scope, Scope::Projects(vec!["cobot".to_owned()]));
    let scopes = async |change| server.verify(&issuer.token(change)).await.unwrap().permissions.to_string();
    assert_eq!(
        scopes(json!({"scope": null, "scp": ["trace:write", "trace:read"]})).await,
        "trace:read trace:write"
    );
    assert_eq!(scopes(json!({"scope": null, "scp": "trace:admin"})).await, "trace:admin");
    assert_eq!(
        scopes(json!({"scope": "", "scp": "trace:admin"})).await,
        "",
        "the first claim that is there counts"
    );
    assert_eq!(scopes(json!({"scope": null})).await, "");
    assert_eq!(scopes(json!({"scope": 7})).await, "");
}

#[tokio::test]
async fn projects_are_those_that_the_token_lists_and_nothing_opens_what_nobody_decided() {
    let issuer = Issuer::new();
    let closed = issuer.server(Scope::Projects(Vec::new()));
    let scope = async |server: &OAuth, projects: Value| {
        server.verify(&issuer.token(json!({"projects": projects}))).await.map(|principal| principal.scope)
    };
    let named = |names: &[&str]| Ok(Scope::Projects(names.iter().map(|name| (*name).to_owned()).collect()));
    assert_eq!(scope(&closed, json!(["a b", "caf\u{65}\u{301}"])).await, named(&["a b", "caf\u{e9}"]));
    assert_eq!(scope(&closed, json!("a, b,c")).await, named(&["a", "b", "c"]));
    assert_eq!(scope(&closed, json!(["a", "*"])).await, Ok(Scope::All));
    for nothing in
        [json!(null), json!([]), json!(""), json!(7), json!({"a": 1}), json!(["a", 7]), json!([""])]
    {
        assert_eq!(scope(&closed, nothing.clone()).await, Err(Rejected::NoProject), "{nothing}");
    }
    let open = issuer.server(Scope::All);
    assert_eq!(scope(&open, json!(null)).await, Ok(Scope::All), "the settings say so");
    for nothing in [json!([]), json!(7)] {
        assert_eq!(scope(&open, nothing.clone()).await, Err(Rejected::NoProject), "{nothing}");
    }
}

#[tokio::test]
async fn whatever_a_token_lacks_is_told_and_lets_nobody_in() {
    let issuer = Issuer::new();
    let server = issuer.server(Scope::All);
    let now = issuer.now();
    let flaw = async |token: &str| match server.verify(token).await {
        Err(Rejected::Flawed(flaw)) => flaw,
        other => panic!("{other:?}"),
    };
    for (change, expected) in [
        (json!({"iss": "https://id.example/"}), Flaw::Issuer),
        (json!({"aud": "https://other.example/mcp"}), Flaw::Audience),
        (json!({"aud": ["https://other.example/mcp", "traces.example"]}), Flaw::Audience),
        (json!({"aud": []}), Flaw::Audience),
        (json!({"aud": null}), Flaw::Form),
        (json!({"aud": "https://traces.example"}), Flaw::Audience),
        (json!({"exp": now - 61}), Flaw::Expired),
        (json!({"exp": null}), Flaw::Form),
        (json!({"exp": "tomorrow"}), Flaw::Form),
        (json!({"exp": 1e300}), Flaw::Expired),
        (json!({"nbf": now + 62}), Flaw::Early),
        (json!({"nbf": 1e300}), Flaw::Early),
        (json!({"nbf": "now"}), Flaw::Form),
        (json!({"sub": null}), Flaw::Subject),
        (json!({"sub": ""}), Flaw::Subject),
        (json!({"sub": "s".repeat(257)}), Flaw::Subject),
    ] {
        assert_eq!(flaw(&issuer.token(change.clone())).await, expected, "{change}");
    }
    for good in [
        json!({"exp": now - 50}),
        json!({"nbf": now + 50}),
        json!({"aud": ["https://other.example", SERVER]}),
        json!({"exp": now as f64 + 100.5}),
    ] {
        assert!(server.verify(&issuer.token(good.clone())).await.is_ok(), "{good}");
    }
    let claims = issuer.claims(json!({}));
    for (header, expected) in [
        (json!({"alg": "none"}), Flaw::Algorithm),
        (json!({"alg": "HS256", "kid": "k1"}), Flaw::Algorithm),
        (json!({"alg": "eddsa", "kid": "k1"}), Flaw::Algorithm),
        (json!({"alg": "RS256", "kid": "k1"}), Flaw::Key),
        (json!({"alg": "EdDSA", "kid": "k2"}), Flaw::Key),
        (json!({"alg": "EdDSA", "kid": "k1", "crit": ["b64"]}), Flaw::Form),
        (json!({"kid": "k1"}), Flaw::Form),
    ] {
        assert_eq!(flaw(&issuer.sign(&header, &claims)).await, expected, "{header}");
    }
    let nameless = issuer.sign(&json!({"alg": "EdDSA"}), &claims);
    assert!(server.verify(&nameless).await.is_ok(), "there is one key that fits");
    let stranger = Issuer { key: Issuer::new().key, clock: issuer.clock.clone() };
    assert_eq!(flaw(&stranger.token(json!({}))).await, Flaw::Signature);
}

#[tokio::test]
async fn a_token_that_was_touched_anywhere_is_refused() {
    let issuer = Issuer::new();
    let server = issuer.server(Scope::All);
    let good = issuer.token(json!({}));
    for at in 0..good.len() {
        let mut touched = good.clone().into_bytes();
        touched[at] = if touched[at] == b'A' { b'B' } else { b'A' };
        let touched = String::from_utf8(touched).unwrap();
        assert!(matches!(server.verify(&touched).await, Err(Rejected::Flawed(_))), "at {at}");
    }
    for cut in
        ["", ".", "..", "...", "a.b.c", &good[..good.len() - 1], &format!("{good}."), &good.replace('.', "")]
    {
        assert!(matches!(server.verify(cut).await, Err(Rejected::Flawed(_))), "{cut}");
    }
    let long = issuer.token(json!({"more": "x".repeat(16 * 1024)}));
    assert_eq!(server.verify(&long).await, Err(Rejected::Flawed(Flaw::Form)));
}

#[tokio::test]
async fn a_token_ends_by_the_time_that_it_is_and_not_by_that_of_the_last_record() {
    /// The clock of a machine whose time was set back an hour after something was recorded.
    #[derive(Debug)]
    struct SetBack(Arc<ManualClock>);

    impl Clock for SetBack {
        fn now(&self) -> Timestamp {
            self.0.now().plus(TimeDelta::hours(1))
        }

        fn wall(&self) -> Timestamp {
            self.0.wall()
        }

        fn elapsed(&self) -> std::time::Duration {
            self.0.elapsed()
        }
    }

    let issuer = Issuer::new();
    let server = issuer.server(Scope::All);
    let server = OAuth { clock: Arc::new(SetBack(issuer.clock.clone())), ..server };
    assert!(server.verify(&issuer.token(json!({}))).await.is_ok());
}
