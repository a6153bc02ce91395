//! Fetches an issuer's keys over HTTP, within bounds of time and size.
//!
//! Where the keys are is either set or asked of the issuer: its metadata lies at one of three places (RFC 8414, and
//! OpenID Connect Discovery with and without the path put first), and counts only if it names that very issuer.
//! Everything is fetched over TLS; plain HTTP is for loopback alone. Nothing is followed elsewhere.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use serde::Deserialize;

/// How long all of it may take, metadata included.
const BOUND: Duration = Duration::from_secs(5);

/// The largest document that is taken, in bytes.
const MOST_BYTES: usize = 512 * 1024;

/// Where the keys of an issuer come from.
pub trait KeySource: fmt::Debug + Send + Sync {
    /// The keys as the issuer lists them: a JWK set (RFC 7517). [`Unfetched`] when they cannot be had.
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Unfetched>>;
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfetched(String);

impl Unfetched {
    /// With what went wrong, on what.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<serde_json::Error> for Unfetched {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("what it lists as keys cannot be read: {error}"))
    }
}

/// Says that a text is no URL from which keys may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("send an https:// URL without user or fragment (http:// for loopback alone)")]
pub struct UnsafeUrl;

/// Lets a URL pass over which nobody can put keys of their own.
///
/// # Errors
/// [`UnsafeUrl`] when it is none.
pub fn safe_url(text: &str) -> Result<Uri, UnsafeUrl> {
    let url: Uri = text.parse().map_err(|_| UnsafeUrl)?;
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_safe = match url.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback,
        _ => false,
    };
    // A fragment is dropped by the parser without a word.
    let is_plain = !text.contains(['#', '@', '"', '\\']);
    if is_safe && is_plain { Ok(url) } else { Err(UnsafeUrl) }
}

/// An issuer that is asked over HTTP.
#[derive(Debug)]
pub(super) struct Endpoint {
    issuer: String,
    jwks_url: Option<String>,
    client: reqwest::Client,
}

/// As much of an issuer's metadata as says where its keys are.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Endpoint {
    pub(super) fn new(issuer: String, jwks_url: Option<String>) -> Result<Self, Unfetched> {
        // Where the process has a provider already, that one stays.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("whytrace/", env!("CARGO_PKG_VERSION")))
            .timeout(BOUND)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| Unfetched::new(format!("no HTTP client: {}", in_full(&error))))?;
        Ok(Self { issuer, jwks_url, client })
    }

    async fn keys(&self) -> Result<Vec<u8>, Unfetched> {
        match &self.jwks_url {
            Some(url) => self.get(url).await,
            None => self.get(&self.discover().await?).await,
        }
    }

    /// Where the issuer says that its keys are.
    async fn discover(&self) -> Result<String, Unfetched> {
        let mut failure = Unfetched::new(format!("{} has no metadata", self.issuer));
        for url in metadata_urls(&self.issuer) {
            let metadata = match self.get(&url).await {
                Ok(document) => serde_json::from_slice::<Metadata>(&document),
                Err(error) => {
                    failure = error;
                    continue;
                }
            };
            match metadata {
                Ok(metadata) if metadata.issuer != self.issuer => {
                    failure = Unfetched::new(format!("{url} is the metadata of another issuer"));
                }
                Ok(metadata) => {
                    safe_url(&metadata.jwks_uri)
                        .map_err(|_| Unfetched::new(format!("{url} names no safe place for keys")))?;
                    return Ok(metadata.jwks_uri);
                }
                Err(error) => failure = Unfetched::new(format!("{url} is no metadata: {error}")),
            }
        }
        Err(failure)
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, Unfetched> {
        let failed =
            |error: reqwest::Error| Unfetched::new(format!("GET {url}: {}", in_full(&error.without_url())));
        let request = self.client.get(url).header(http::header::ACCEPT, "application/json");
        let mut answer = request.send().await.map_err(failed)?;
        if answer.status() != http::StatusCode::OK {
            return Err(Unfetched::new(format!("GET {url}: {}", answer.status())));
        }
        let mut document = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            document.extend_from_slice(&chunk);
            if document.len() > MOST_BYTES {
                return Err(Unfetched::new(format!("GET {url}: more than {MOST_BYTES} bytes")));
            }
        }
        Ok(document)
    }
}

impl KeySource for Endpoint {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Unfetched>> {
        async {
            let late = || Unfetched::new(format!("{} took longer than {} s", self.issuer, BOUND.as_secs()));
            tokio::time::timeout(BOUND, self.keys()).await.map_err(|_| late())?
        }
        .boxed()
    }
}

/// Where an issuer's metadata may lie, each place once.
fn metadata_urls(issuer: &str) -> Vec<String> {
    let issuer = issuer.trim_end_matches('/');
    let after_scheme = issuer.find("://").map_or(0, |at| at + 3);
    let path_begins = issuer.get(after_scheme..).and_then(|rest| rest.find('/')).map(|at| after_scheme + at);
    let (origin, path) = path_begins.and_then(|at| issuer.split_at_checked(at)).unwrap_or((issuer, ""));
    let mut urls = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        urls.push(format!("{issuer}/.well-known/openid-configuration"));
    }
    urls
}

/// An error with what lies under it, which alone says that a name was not found or a certificate not believed.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_the_specifications_put_it() {
        let told = |issuer| metadata_urls(issuer).join("\n");
        assert_eq!(
            told("https://id.example"),
            "https://id.example/.well-known/oauth-authorization-server\n\
             https://id.example/.well-known/openid-configuration"
        );
        assert_eq!(
            told("https://id.example/realms/team"),
            "https://id.example/.well-known/oauth-authorization-server/realms/team\n\
             https://id.example/.well-known/openid-configuration/realms/team\n\
             https://id.example/realms/team/.well-known/openid-configuration"
        );
        assert_eq!(told("https://id.example/"), told("https://id.example"));
    }

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for url in [
            "https://id.example",
            "https://id.example:8443/keys?x=1",
            "http://127.0.0.1:9000/keys",
            "http://[::1]/",
            "http://localhost/keys",
        ] {
            assert!(safe_url(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "id.example",
            "/keys",
            "http://id.example/keys",
            "http://127.0.0.1.example/keys",
            "ftp://id.example/",
            "file:///etc/passwd",
            "https://user:password@id.example/",
            "https://id.example/#keys",
            "https:///keys",
        ] {
            assert_eq!(safe_url(url).err(), Some(UnsafeUrl), "{url}");
        }
    }
}
