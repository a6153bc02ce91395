//! What the server tells of itself as a protected resource (RFC 9728): which authorization server gives tokens for it.
//!
//! Clients come here after a 401, before they have a token, and some of them are web pages: so it is open to all, from
//! any origin. It says nothing that is not in the settings.

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::refusal::Refusal;
use crate::access::OAuth;
use crate::store::index::Permission;

/// Where it lies for the server as a whole. For a resource of it the specification puts the resource's path behind.
const PLACE: &str = "/.well-known/oauth-protected-resource";

/// The path of the resource, as this server has it.
const OWN_PATH: &str = "/mcp";

/// How long it may be kept.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// Whether it lies here, or would for another resource.
pub(super) fn is_at(path: &str) -> bool {
    path.strip_prefix(PLACE).is_some_and(|of| of.is_empty() || of.starts_with('/'))
}

/// The paths, and what they answer: that of the server, of `/mcp`, and of the path under which clients know that.
pub(super) fn routes(oauth: &OAuth) -> Router {
    let settings = oauth.settings();
    let document = json!({
        "resource": settings.audience,
        "authorization_servers": [settings.issuer],
        "scopes_supported": Permission::ALL.map(Permission::as_str),
        "bearer_methods_supported": ["header"],
        "resource_name": "whytrace",
    });
    let known_as = known_as(oauth).1.to_owned();
    let answer = async move |uri: Uri| {
        let of = uri.path().strip_prefix(PLACE).unwrap_or_default();
        if of.is_empty() || of == OWN_PATH || of == known_as {
            return ([(header::CACHE_CONTROL, CACHING)], Json(document)).into_response();
        }
        Refusal::new(StatusCode::NOT_FOUND, "there is no resource at this path; MCP is at /mcp")
            .into_response()
    };
    Router::new().route(PLACE, get(answer.clone())).route(&format!("{PLACE}/{{*of}}"), get(answer))
}

/// Its address from without: between host and path of the address under which the server is known.
pub(super) fn url(oauth: &OAuth) -> String {
    let (origin, path) = known_as(oauth);
    format!("{origin}{PLACE}{path}")
}

/// Origin and path of the address under which clients know the server.
fn known_as(oauth: &OAuth) -> (&str, &str) {
    let known_as = oauth.settings().audience.trim_end_matches('/');
    let after_scheme = known_as.find("://").map_or(0, |at| at + 3);
    let path_begins =
        known_as.get(after_scheme..).and_then(|rest| rest.find('/')).map(|at| after_scheme + at);
    path_begins.and_then(|at| known_as.split_at_checked(at)).unwrap_or((known_as, ""))
}
