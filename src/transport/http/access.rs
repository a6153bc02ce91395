//! Who asks: a bearer token in the `Authorization` header, verified before anything else of a request is read.
//!
//! A token counts nowhere else, in particular not in the address, which proxies write down. It is taken out of the
//! request once it is verified, and the principal put into the request's extensions, where handlers find it. What a
//! message needs is judged here too, so that a client hears of it as its protocol says: 401 for who it is, 403 for
//! what it may do, 503 while that cannot be known. Both refusals tell where a token is to be had, if an authorization
//! server gives them (RFC 6750, RFC 9728).

use std::fmt::Write as _;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::caller::Peer;
use super::metadata;
use super::refusal::Refusal;
use super::standing::Standing;
use super::strangers::Strangers;
use crate::access::{Authenticator, Principal, Rejected};
use crate::store::index::{Permission, Scope};

/// Paths that say nothing of what is recorded, for those who watch over the server. What they answer is at hand, or
/// looked for once in a while whoever asks.
const OPEN_PATHS: [&str; 2] = ["/health", "/ready"];

/// Paths that carry the protocol; whatever else there is, is for those who run the server.
const PROTOCOL_PATHS: [&str; 3] = ["/mcp", "/sse", "/messages"];

/// What clients usually need, and are told to ask for.
const USUAL_SCOPES: [Permission; 2] = [Permission::Read, Permission::Write];

/// How a server that needs tokens verifies them, and what each message needs.
#[derive(Clone, Debug)]
pub struct Guard {
    pub(super) authenticator: Authenticator,
    needs: Needs,
    pub(super) recheck_every: Duration,
}

/// What a message needs, by its method and the tool that it calls; `None` for what every principal may send.
type Needs = fn(method: &str, tool: Option<&str>) -> Option<Permission>;

/// Whether a path is open to all, tokens or none.
pub(super) fn is_open(path: &str, guard: Option<&Guard>) -> bool {
    OPEN_PATHS.contains(&path)
        || (metadata::is_at(path) && guard.is_some_and(|guard| guard.authenticator.oauth().is_some()))
}

impl Guard {
    /// One that lets in whom this authenticator knows, to what these needs allow.
    #[must_use]
    pub fn new(authenticator: Authenticator, needs: Needs) -> Self {
        Self { authenticator, needs, recheck_every: Duration::from_secs(5) }
    }

    /// The same with another time after which the token of an open stream is verified again. 5 s; a stream whose token
    /// does not hold any more ends within it.
    #[must_use]
    pub fn rechecking_every(self, interval: Duration) -> Self {
        Self { recheck_every: interval, ..self }
    }

    /// Verifies the token of a request, as long as there is room for `strangers`, and puts the principal in its place.
    pub(super) async fn identify(&self, request: &mut Request, strangers: &Strangers) -> Result<(), Refusal> {
        let is_protocol = PROTOCOL_PATHS.contains(&request.uri().path());
        let presented = self.bearer(request.headers())?;
        let peer = request.extensions().get::<Peer>().copied();
        let principal = strangers.identify(self, presented, peer).await?;
        if !is_protocol {
            self.demand_operator(&principal)?;
        }
        let standing = Standing::new(self, presented);
        request.headers_mut().remove(header::AUTHORIZATION);
        request.extensions_mut().insert(standing);
        request.extensions_mut().insert(principal);
        Ok(())
    }

    /// Holds the message in a body against what its principal may do.
    pub(super) fn judge(&self, principal: Option<&Principal>, body: &[u8]) -> Result<(), Refusal> {
        let Some(principal) = principal else { return Ok(()) };
        // What is no message is refused by whoever reads it whole.
        let Ok(message) = serde_json::from_slice::<Message<'_>>(body) else { return Ok(()) };
        let of = message.params.and_then(|params| params.name.or(params.uri));
        match (self.needs)(&message.method, of.as_deref()) {
            Some(needed) => self.demand(principal, needed, "this"),
            None => Ok(()),
        }
    }

    /// The token that a request presents.
    fn bearer<'r>(&self, headers: &'r HeaderMap) -> Result<&'r str, Refusal> {
        let mut presented = headers.get_all(header::AUTHORIZATION).iter();
        let missing = || self.unauthorized(self.how_to_come_by_one(), None);
        let Some(value) = presented.next() else { return Err(missing()) };
        if presented.next().is_some() {
            let sentence = "there is more than one Authorization header";
            return Err(self.unauthorized(sentence, Some("invalid_request")));
        }
        let scheme_and_token = value.to_str().ok().and_then(|value| value.split_once(' '));
        let token = scheme_and_token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        token.map(|(_, token)| token.trim()).ok_or_else(missing)
    }

    fn how_to_come_by_one(&self) -> String {
        let source = match (self.authenticator.oauth(), self.authenticator.takes_tokens()) {
            (Some(oauth), false) => format!("{} gives them", oauth.settings().issuer),
            (Some(oauth), true) => {
                format!("{} gives them, and `whytrace token new` makes one", oauth.settings().issuer)
            }
            (None, _) => "`whytrace token new` makes one".to_owned(),
        };
        format!(
            "this server needs a token, in the header Authorization: Bearer TOKEN and nowhere else; {source}"
        )
    }

    /// What a token is answered with that lets nobody in.
    pub(super) fn refusal(&self, rejected: Rejected) -> Refusal {
        let sentence = rejected.to_string();
        match rejected {
            Rejected::Invalid | Rejected::Flawed(_) => self.unauthorized(sentence, Some("invalid_token")),
            Rejected::Unverifiable | Rejected::KeysAway => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, sentence)
            }
            Rejected::NoProject => Refusal::forbidden(sentence),
        }
    }

    fn unauthorized(
        &self,
        sentence: impl Into<std::borrow::Cow<'static, str>>,
        error: Option<&str>,
    ) -> Refusal {
        let scope = self.authenticator.oauth().map(|_| USUAL_SCOPES.map(Permission::as_str).join(" "));
        let challenge = self.challenge(error, scope.as_deref());
        Refusal::new(StatusCode::UNAUTHORIZED, sentence).challenging(challenge)
    }

    fn demand(&self, principal: &Principal, needed: Permission, what: &str) -> Result<(), Refusal> {
        if principal.may(needed) {
            return Ok(());
        }
        let challenge = self.challenge(Some("insufficient_scope"), Some(needed.as_str()));
        let sentence = format!("insufficient_scope: {what} needs a token with {needed}");
        Err(Refusal::forbidden(sentence).challenging(challenge))
    }

    /// Paths beside the protocol tell of the whole installation, so they are for who may see all of it.
    fn demand_operator(&self, principal: &Principal) -> Result<(), Refusal> {
        self.demand(principal, Permission::Admin, "MCP is at /mcp; this path")?;
        match principal.scope {
            Scope::All => Ok(()),
            Scope::Projects(_) => Err(Refusal::forbidden(
                "this path tells of all projects, and needs a token that is not restricted to some",
            )),
        }
    }

    fn challenge(&self, error: Option<&str>, scope: Option<&str>) -> String {
        let mut challenge = "Bearer realm=\"whytrace\"".to_owned();
        let metadata = self.authenticator.oauth().map(metadata::url);
        let told = [("error", error), ("scope", scope), ("resource_metadata", metadata.as_deref())];
        for (name, value) in told {
            if let Some(value) = value {
                // Writing to a text never fails.
                write!(challenge, ", {name}=\"{value}\"").ok();
            }
        }
        challenge
    }
}

/// As much of a message as says what it is.
#[derive(Deserialize)]
struct Message<'m> {
    #[serde(borrow)]
    method: std::borrow::Cow<'m, str>,
    #[serde(borrow)]
    params: Option<Params<'m>>,
}

#[derive(Deserialize)]
struct Params<'m> {
    #[serde(borrow)]
    name: Option<std::borrow::Cow<'m, str>>,
    #[serde(borrow)]
    uri: Option<std::borrow::Cow<'m, str>>,
}
