//! Who asks: a bearer token in the `Authorization` header, verified before anything else of a request is read.
//!
//! A token counts nowhere else, in particular not in the address, which proxies write down. It is taken out of the
//! request once it is verified, and the principal put into the request's extensions, where handlers find it. What a
//! message needs is judged here too, so that a client hears of it as its protocol says: 401 for who it is, 403 for
//! what it may do, 503 while that cannot be known.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::refusal::Refusal;
use crate::access::{Keyring, Principal, Rejected};
use crate::store::index::Permission;

/// Paths that say nothing of what is recorded, for those who watch over the server.
const OPEN_PATHS: [&str; 2] = ["/health", "/ready"];

/// Paths that carry the protocol; whatever else there is, is for those who run the server.
const PROTOCOL_PATHS: [&str; 3] = ["/mcp", "/sse", "/messages"];

/// How a server that needs tokens verifies them, and what each message needs.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Knows the tokens.
    pub keyring: Keyring,
    /// What a message needs, by its method and the tool that it calls; `None` for what every principal may send.
    pub needs: fn(method: &str, tool: Option<&str>) -> Option<Permission>,
}

impl Guard {
    /// Verifies the token of a request and puts the principal in its place.
    pub(super) async fn identify(&self, request: &mut Request) -> Result<(), Refusal> {
        let path = request.uri().path();
        if OPEN_PATHS.contains(&path) {
            return Ok(());
        }
        let is_protocol = PROTOCOL_PATHS.contains(&path);
        let verified = self.keyring.verify(bearer(request.headers())?).await;
        let principal = verified.map_err(|rejected| match rejected {
            Rejected::Invalid => unauthorized(rejected.to_string(), ", error=\"invalid_token\""),
            Rejected::Unverifiable => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, rejected.to_string()),
        })?;
        if !is_protocol {
            demand(&principal, Permission::Admin, "MCP is at /mcp; this path")?;
        }
        request.headers_mut().remove(header::AUTHORIZATION);
        request.extensions_mut().insert(principal);
        Ok(())
    }

    /// Holds the message in a body against what its principal may do.
    pub(super) fn judge(&self, principal: Option<&Principal>, body: &[u8]) -> Result<(), Refusal> {
        let Some(principal) = principal else { return Ok(()) };
        // What is no message is refused by whoever reads it whole.
        let Ok(message) = serde_json::from_slice::<Message<'_>>(body) else { return Ok(()) };
        let tool = message.params.and_then(|params| params.name);
        match (self.needs)(&message.method, tool.as_deref()) {
            Some(needed) => demand(principal, needed, "this"),
            None => Ok(()),
        }
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
}

/// The token that a request presents.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut presented = headers.get_all(header::AUTHORIZATION).iter();
    let missing = "this server needs a token, in the header Authorization: Bearer TOKEN and nowhere else; \
                   `whytrace token new` makes one";
    let Some(value) = presented.next() else { return Err(unauthorized(missing, "")) };
    if presented.next().is_some() {
        return Err(unauthorized(
            "there is more than one Authorization header",
            ", error=\"invalid_request\"",
        ));
    }
    let scheme_and_token = value.to_str().ok().and_then(|value| value.split_once(' '));
    let token = scheme_and_token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    token.map(|(_, token)| token.trim()).ok_or_else(|| unauthorized(missing, ""))
}

fn unauthorized(sentence: impl Into<std::borrow::Cow<'static, str>>, error: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, sentence).challenging(format!("Bearer realm=\"whytrace\"{error}"))
}

fn demand(principal: &Principal, needed: Permission, what: &str) -> Result<(), Refusal> {
    if principal.may(needed) {
        return Ok(());
    }
    let challenge = format!("Bearer realm=\"whytrace\", error=\"insufficient_scope\", scope=\"{needed}\"");
    let sentence = format!("insufficient_scope: {what} needs a token with {needed}");
    Err(Refusal::forbidden(sentence).challenging(challenge))
}
