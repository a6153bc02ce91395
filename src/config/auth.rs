//! What clients of HTTP have to show: nothing, a token of this installation, one of an authorization server, or either
//! of the two.

use super::{ConfigError, Settings};
use crate::access::OAuthSettings;
use crate::access::oauth::safe_url;
use crate::gate::text::label;
use crate::store::index::Scope;

/// The kinds of tokens that are taken; with none of them nobody has to show one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// Tokens that `whytrace token new` made.
    pub tokens: bool,
    /// Tokens of an authorization server.
    pub oauth: Option<OAuthSettings>,
}

impl Auth {
    /// Whether clients have to show a token.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.tokens || self.oauth.is_some()
    }

    pub(super) fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let said = settings.auth.as_deref().unwrap_or("none");
        let kinds: Vec<&str> = said.split(',').map(str::trim).collect();
        let is_known = |kind: &&str| matches!(*kind, "token" | "oauth");
        if said != "none" && !kinds.iter().all(is_known) {
            let allowed = "it is none, token, oauth, or token,oauth for both";
            return Err(ConfigError::Value { name: "auth", value: said.to_owned(), allowed });
        }
        let oauth = kinds.contains(&"oauth").then(|| oauth(settings)).transpose()?;
        Ok(Self { tokens: kinds.contains(&"token"), oauth })
    }
}

fn oauth(settings: &Settings) -> Result<OAuthSettings, ConfigError> {
    let issuer = identifier("oauth_issuer", settings.oauth_issuer.as_deref())?;
    let audience = identifier("oauth_audience", settings.oauth_audience.as_deref())?;
    let jwks_url =
        settings.oauth_jwks_url.as_deref().map(|url| checked("oauth_jwks_url", url)).transpose()?;
    let claim = |name: &Option<String>, default: &[&str]| match name {
        Some(name) => vec![name.clone()],
        None => default.iter().map(|name| (*name).to_owned()).collect(),
    };
    let projects_claim = settings.oauth_projects_claim.clone().unwrap_or_else(|| "projects".to_owned());
    Ok(OAuthSettings {
        issuer,
        audience,
        jwks_url,
        scope_claims: claim(&settings.oauth_scope_claim, &["scope", "scp"]),
        projects_claim,
        default_projects: projects(settings.oauth_default_projects.as_deref().unwrap_or_default())?,
    })
}

fn checked(name: &'static str, url: &str) -> Result<String, ConfigError> {
    let allowed =
        "with auth = oauth it is an https:// URL without user or fragment (http:// for loopback alone)";
    safe_url(url).map_err(|_| ConfigError::Value {
        name,
        // A password may stand in it.
        value: if url.contains('@') { "a URL with a user".to_owned() } else { url.to_owned() },
        allowed,
    })?;
    Ok(url.to_owned())
}

/// The same for what identifies somebody: a query in it could be written in more ways than one.
fn identifier(name: &'static str, url: Option<&str>) -> Result<String, ConfigError> {
    let url = checked(name, url.unwrap_or_default())?;
    if url.contains('?') {
        let allowed = "it identifies a server (RFC 8414, RFC 8707), and must be a URL without a query";
        return Err(ConfigError::Value { name, value: url, allowed });
    }
    Ok(url)
}

/// The projects of these names, as runs spell theirs; `*` is all.
fn projects(names: &[String]) -> Result<Scope, ConfigError> {
    if names.iter().any(|name| name == "*") {
        return Ok(Scope::All);
    }
    let spelt = names.iter().map(|name| {
        label("project", name).map_err(|_| ConfigError::Value {
            name: "oauth_default_projects",
            value: name.clone(),
            allowed: "it lists names of projects, or * for all",
        })
    });
    spelt.collect::<Result<_, _>>().map(Scope::Projects)
}
