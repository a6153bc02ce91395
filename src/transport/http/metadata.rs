//! What the server tells of itself as a protected resource (RFC 9728): which authorization server gives tokens for it.
//!
//! Clients come here after a 401, before they have a token, and some of them are web pages: so it is open to all, from
//! any origin. It says nothing that is not in the settings.

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::access::OAuth;
use crate::store::index::Permission;

/// Where it lies: for the server as a whole, and for `/mcp` as the specification derives it from that path.
pub(super) const PATHS: [&str; 2] =
    ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"];

/// How long it may be kept.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The paths, and what they answer.
pub(super) fn routes(oauth: &OAuth) -> Router {
    let settings = oauth.settings();
    let document = json!({
        "resource": settings.audience,
        "authorization_servers": [settings.issuer],
        "scopes_supported": Permission::ALL.map(Permission::as_str),
        "bearer_methods_supported": ["header"],
        "resource_name": "whytrace",
    });
    PATHS.into_iter().fold(Router::new(), |router, path| {
        let document = document.clone();
        router.route(path, get(async || ([(header::CACHE_CONTROL, CACHING)], Json(document)).into_response()))
    })
}

/// Its address from without: between host and path of the address under which the server is known.
pub(super) fn url(oauth: &OAuth) -> String {
    let [place, _] = PATHS;
    let known_as = oauth.settings().audience.trim_end_matches('/');
    let after_scheme = known_as.find("://").map_or(0, |at| at + 3);
    let path_begins =
        known_as.get(after_scheme..).and_then(|rest| rest.find('/')).map(|at| after_scheme + at);
    let (origin, path) = path_begins.and_then(|at| known_as.split_at_checked(at)).unwrap_or((known_as, ""));
    format!("{origin}{place}{path}")
}
