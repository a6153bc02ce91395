//! Under which names the server may be asked, and from which web pages.
//!
//! A web page can make a browser send requests to a server on loopback, under a name that the
//! page's owner points there (DNS rebinding). So the Host of every request must be a name that is
//! known, and an Origin, which only browsers send, must be one that is wanted. Loopback names and
//! pages pass on any port, because ports change on the way through tunnels and containers.

use std::net::IpAddr;

use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, HeaderValue, header};

use super::BindError;
use super::metadata;
use super::refusal::Refusal;

/// The hosts and origins that are let in beside those on loopback.
#[derive(Clone, Debug)]
pub(super) struct Names {
    hosts: Vec<Host>,
    origins: Vec<AllowedOrigin>,
}

impl Names {
    pub(super) fn new(hosts: &[String], origins: &[String]) -> Result<Self, BindError> {
        let hosts = hosts
            .iter()
            .map(|entry| Host::parse(entry.trim()).ok_or_else(|| BindError::InvalidHost(entry.clone())))
            .collect::<Result<_, _>>()?;
        let origins = origins
            .iter()
            .map(|entry| {
                AllowedOrigin::parse(entry.trim()).ok_or_else(|| BindError::InvalidOrigin(entry.clone()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { hosts, origins })
    }

    /// Checks the names under which a request came.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = only(headers, &header::HOST).ok_or_else(|| {
            Refusal::forbidden("a request needs exactly one Host header, which names this server")
        })?;
        let hosts = [Some(host.to_str().ok()), uri.authority().map(|authority| Some(authority.as_str()))];
        if !hosts.into_iter().flatten().all(|host| host.is_some_and(|host| self.allows_host(host))) {
            return Err(Refusal::forbidden(
                "this Host is not one that the server answers for; add it to the allowed hosts if it should be",
            ));
        }
        if !headers.contains_key(header::ORIGIN) || metadata::is_at(uri.path()) {
            return Ok(());
        }
        let origin = only(headers, &header::ORIGIN).and_then(|origin| origin.to_str().ok());
        if !origin.is_some_and(|origin| self.allows_origin(origin)) {
            return Err(Refusal::forbidden(
                "pages of this Origin may not use this server; add it to the allowed origins if they should",
            ));
        }
        Ok(())
    }

    fn allows_host(&self, host: &str) -> bool {
        Host::parse(host).is_some_and(|host| {
            is_loopback(&host.name)
                || self.hosts.iter().any(|allowed| {
                    allowed.name == host.name && allowed.port.is_none_or(|port| host.port == Some(port))
                })
        })
    }

    fn allows_origin(&self, origin: &str) -> bool {
        let Some(origin) = Origin::parse(origin) else {
            return self
                .origins
                .iter()
                .any(|allowed| matches!(allowed, AllowedOrigin::Null) && origin == "null");
        };
        let on_loopback = matches!(origin.scheme.as_str(), "http" | "https") && is_loopback(&origin.host);
        on_loopback || self.origins.iter().any(|allowed| allowed.matches(&origin))
    }
}

/// A host, as in a Host header: lower case, an IPv6 address without its brackets.
#[derive(Clone, Debug)]
struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        let authority = Authority::try_from(text).ok()?;
        let (name, port) = (authority.host(), authority.port_u16());
        // Nothing may be left over: no user, no port that is no number.
        let whole = port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        (!name.is_empty() && whole == text).then(|| Self { name: bare(name), port })
    }
}

/// An origin: a scheme, a host, and a port where the scheme has one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let host = Host::parse(authority)?;
        let own_port = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        (!scheme.is_empty()).then_some(Self { scheme, host: host.name, port: host.port.or(own_port) })
    }
}

#[derive(Clone, Debug)]
enum AllowedOrigin {
    Null,
    OnePort(Origin),
    AnyPort(Origin),
}

impl AllowedOrigin {
    fn parse(entry: &str) -> Option<Self> {
        match entry.strip_suffix(":*") {
            Some(entry) => Origin::parse(entry).map(Self::AnyPort),
            None if entry == "null" => Some(Self::Null),
            None => Origin::parse(entry).map(Self::OnePort),
        }
    }

    fn matches(&self, origin: &Origin) -> bool {
        match self {
            Self::Null => false,
            Self::OnePort(allowed) => allowed == origin,
            Self::AnyPort(allowed) => allowed.scheme == origin.scheme && allowed.host == origin.host,
        }
    }
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn bare(name: &str) -> String {
    name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let hosts = ["Trace.example.com".to_owned(), "fixed.example.com:8443".to_owned()];
        let origins = ["https://app.example.com", "http://any.example.com:*", "vscode-webview://abc"];
        Names::new(&hosts, &origins.map(str::to_owned)).unwrap()
    }

    #[test]
    fn loopback_names_and_configured_hosts_are_allowed() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:7717",
            "[::1]",
            "[::1]:80",
            "trace.example.com",
            "TRACE.example.com:99",
            "fixed.example.com:8443",
        ] {
            assert!(names().allows_host(host), "{host}");
        }
    }

    #[test]
    fn other_hosts_are_not() {
        for host in [
            "",
            "evil.example.com",
            "localhost.evil.example.com",
            "127.0.0.1.evil.example.com",
            "fixed.example.com",
            "fixed.example.com:8444",
            "localhost@evil.example.com",
            "evil@localhost",
            "localhost:x",
            "localhost:99999",
            "localhost/..",
            "0.0.0.0",
            "10.0.0.1",
        ] {
            assert!(!names().allows_host(host), "{host}");
        }
    }

    #[test]
    fn loopback_pages_and_configured_origins_are_allowed() {
        for origin in [
            "http://localhost",
            "http://localhost:3000",
            "https://127.0.0.1:8080",
            "http://[::1]:1",
            "https://app.example.com",
            "https://app.example.com:443",
            "http://any.example.com:81",
            "vscode-webview://abc",
        ] {
            assert!(names().allows_origin(origin), "{origin}");
        }
    }

    #[test]
    fn other_origins_are_not() {
        for origin in [
            "",
            "null",
            "http://evil.example.com",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://any.example.com",
            "http://localhost.evil.example.com",
            "http://localhost:80@evil.example.com",
            "http://localhost/path",
            "chrome-extension://localhost",
            "localhost",
        ] {
            assert!(!names().allows_origin(origin), "{origin}");
        }
        let with_null = Names::new(&[], &["null".to_owned()]).unwrap();
        assert!(with_null.allows_origin("null"));
        assert!(!with_null.allows_origin("nothing"));
    }

    #[test]
    fn a_request_must_bring_one_host_and_at_most_one_origin() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            names().check(&Uri::from_static("/mcp"), &headers).is_ok()
        };
        assert!(check(&[("host", "localhost")]));
        assert!(!check(&[]));
        assert!(!check(&[("host", "localhost"), ("host", "localhost")]));
        assert!(!check(&[
            ("host", "localhost"),
            ("origin", "http://localhost"),
            ("origin", "http://localhost")
        ]));
        let absolute = Uri::from_static("http://evil.example.com/mcp");
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost"))]);
        assert!(names().check(&absolute, &headers).is_err());
    }

    #[test]
    fn entries_that_cannot_be_read_are_refused() {
        for entry in ["", "http://host", "host:port", "user@host"] {
            assert!(
                matches!(Names::new(&[entry.to_owned()], &[]), Err(BindError::InvalidHost(_))),
                "{entry}"
            );
        }
        for entry in ["", "*", "host", "://host", "https://host/path"] {
            assert!(
                matches!(Names::new(&[], &[entry.to_owned()]), Err(BindError::InvalidOrigin(_))),
                "{entry}"
            );
        }
    }
}
