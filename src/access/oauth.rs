//! Tokens of an authorization server: this one is a resource server of OAuth 2.1, as MCP's authorization asks.
//!
//! A client brings a JWT (RFC 9068) that the [issuer](OAuthSettings::issuer) signed for this server and no other
//! (RFC 8707). `jwt` takes it apart, `keychain` has the issuer's keys, `endpoint` fetches them, and here stands what
//! the claims must say and whom they make the bearer. Tokens are neither kept nor handed on.
//!
//! Whoever is let in sees the projects that the token lists and no others. A token that lists none opens none, unless
//! the settings say what such a token opens: what nobody decided is closed.

mod endpoint;
mod jwk;
mod jwt;
mod keychain;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Map, Value};

pub use endpoint::{KeySource, Unfetched, UnsafeUrl, safe_url};
pub use jwt::Flaw;

use self::endpoint::Endpoint;
use self::jwt::Jwt;
use self::keychain::{Keychain, NoKey};
use super::{Principal, Rejected};
use crate::gate::text::label;
use crate::model::{Clock, Timestamp};
use crate::store::index::{Permission, Permissions, Scope};

/// How far the clocks of issuer and server may lie apart.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// What a list of projects says in place of names when it means all.
const EVERY_PROJECT: &str = "*";

/// The most projects that a token may list.
const MOST_PROJECTS: usize = 1_000;

/// How long a subject may be: it stands in each line that is logged of its calls, and is what its pace is kept by.
const SUBJECT_BYTES: std::ops::RangeInclusive<usize> = 1..=256;

/// Whose tokens are taken, and how they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthSettings {
    /// The authorization server, exactly as its tokens name it in `iss`.
    pub issuer: String,
    /// The URL under which clients reach this server's `/mcp`: what tokens must name in `aud`.
    pub audience: String,
    /// Where the issuer's keys are; `None` to learn it from the issuer's metadata (RFC 8414, or OpenID Connect's).
    pub jwks_url: Option<String>,
    /// The claims that may carry scopes; the first that a token has counts.
    pub scope_claims: Vec<String>,
    /// The claim that lists projects.
    pub projects_claim: String,
    /// What a token opens that does not have that claim.
    pub default_projects: Scope,
}

/// Verifies tokens of one issuer. Cheap to clone; all clones share the keys.
#[derive(Clone, Debug)]
pub struct OAuth {
    settings: Arc<OAuthSettings>,
    keychain: Arc<Keychain>,
    clock: Arc<dyn Clock>,
}

impl OAuth {
    /// Takes the tokens of this issuer. Nothing is fetched yet.
    ///
    /// # Errors
    /// [`Unfetched`] when the system's roots of trust cannot be had.
    pub fn new(settings: OAuthSettings, clock: Arc<dyn Clock>) -> Result<Self, Unfetched> {
        let endpoint = Endpoint::new(settings.issuer.clone(), settings.jwks_url.clone())?;
        Ok(Self::with_source(settings, clock, Arc::new(endpoint)))
    }

    /// The same with keys from elsewhere.
    #[must_use]
    pub fn with_source(settings: OAuthSettings, clock: Arc<dyn Clock>, source: Arc<dyn KeySource>) -> Self {
        let keychain = Arc::new(Keychain::new(source, Arc::clone(&clock)));
        Self { settings: Arc::new(settings), keychain, clock }
    }

    /// Whose tokens are taken, and how they are read.
    #[must_use]
    pub fn settings(&self) -> &OAuthSettings {
        &self.settings
    }

    /// Fetches the issuer's keys ahead of the first token, so that a log says early when they cannot be had.
    pub async fn warm(&self) {
        self.keychain.refresh().await;
    }

    /// Whoever the token stands for.
    ///
    /// # Errors
    /// [`Rejected`], when nobody is let in by it.
    pub async fn verify(&self, presented: &str) -> Result<Principal, Rejected> {
        let jwt = Jwt::parse(presented)?;
        let key = self.keychain.find(jwt.key_wanted()).await.map_err(|missing| match missing {
            NoKey::Unknown => Rejected::Flawed(Flaw::Key),
            NoKey::Away => Rejected::KeysAway,
        })?;
        let claims: Claims = jwt.claims_signed_by(&key)?;
        self.check(&claims)?;
        self.principal(claims)
    }

    /// Holds what every token must say against this server and its clock.
    fn check(&self, claims: &Claims) -> Result<(), Flaw> {
        if claims.iss != self.settings.issuer {
            return Err(Flaw::Issuer);
        }
        if !claims.aud.names(&self.settings.audience) {
            return Err(Flaw::Audience);
        }
        let now = self.clock.wall();
        if moment(claims.exp).is_none_or(|expiry| now >= expiry.plus(SKEW)) {
            return Err(Flaw::Expired);
        }
        let begins = claims.nbf.map(|nbf| moment(nbf).ok_or(Flaw::Early)).transpose()?;
        if begins.is_some_and(|begin| now.plus(SKEW) < begin) {
            return Err(Flaw::Early);
        }
        Ok(())
    }

    fn principal(&self, claims: Claims) -> Result<Principal, Rejected> {
        let bearer =
            claims.sub.filter(|subject| SUBJECT_BYTES.contains(&subject.len())).ok_or(Flaw::Subject)?;
        let scopes = self.settings.scope_claims.iter().find_map(|name| claims.others.get(name));
        // Authorization servers give scopes of their own beside, such as `openid`: those mean nothing here.
        let permissions: Permissions = scopes
            .map(|value| words(value, char::is_whitespace))
            .unwrap_or_default()
            .unwrap_or_default()
            .iter()
            .filter_map(|scope| scope.parse::<Permission>().ok())
            .collect();
        let scope = match claims.others.get(&self.settings.projects_claim) {
            Some(listed) => listed_projects(listed).ok_or(Rejected::NoProject)?,
            None => self.settings.default_projects.clone(),
        };
        match scope {
            Scope::Projects(projects) if projects.is_empty() => Err(Rejected::NoProject),
            scope => Ok(Principal { token_id: Some(format!("oauth:{bearer}")), permissions, scope }),
        }
    }
}

/// The claims that count here; the rest is kept for those that the settings name.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    sub: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// For whom a token is: one, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, server: &str) -> bool {
        match self {
            Self::One(one) => one == server,
            Self::Several(several) => several.iter().any(|one| one == server),
        }
    }
}

/// The moment of a NumericDate; `None` where it is none that can be expressed.
fn moment(seconds: f64) -> Option<Timestamp> {
    let in_range = seconds.is_finite() && seconds.abs() < 1e11;
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked, and fractions do not count")]
    in_range.then(|| Timestamp::from_micros((seconds as i64) * 1_000_000)).flatten()
}

/// The texts of a claim: those of a list, or the parts of one text. `None` where it is neither.
fn words(value: &Value, is_between: impl Fn(char) -> bool) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(
            text.split(is_between)
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        Value::Array(list) => list.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// The projects that a claim lists, spelt as runs spell theirs; `None` where it cannot be read.
fn listed_projects(claim: &Value) -> Option<Scope> {
    let names = words(claim, |letter| letter == ',').filter(|names| names.len() <= MOST_PROJECTS)?;
    if names.iter().any(|name| name == EVERY_PROJECT) {
        return Some(Scope::All);
    }
    let names: Option<Vec<String>> = names.iter().map(|name| label("projects", name).ok()).collect();
    names.map(Scope::Projects)
}

impl From<Flaw> for Rejected {
    fn from(flaw: Flaw) -> Self {
        Self::Flawed(flaw)
    }
}
