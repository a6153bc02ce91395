//! Who a request counts for, where callers share what a server has.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::Request;

use crate::access::Principal;

/// Where the other end of a connection is, among the extensions of each of its requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// One of those who share the server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// Whoever shows this token, from wherever.
    Token(String),
    /// Whoever comes from this address without one.
    Address(IpAddr),
}

impl Caller {
    /// Who makes a request; `None` for somebody on this machine who shows no token, and has it to themselves.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let principal = request.extensions().get::<Principal>();
        if let Some(token_id) = principal.and_then(|principal| principal.token_id.clone()) {
            return Some(Self::Token(token_id));
        }
        request.extensions().get().copied().and_then(Self::at)
    }

    /// Who is at the other end of a connection; `None` for somebody on this machine.
    pub(super) fn at(Peer(peer): Peer) -> Option<Self> {
        (!peer.ip().to_canonical().is_loopback()).then(|| Self::wherever(Peer(peer)))
    }

    /// The same where somebody on this machine counts too, for it may be a proxy.
    pub(super) fn wherever(Peer(peer): Peer) -> Self {
        Self::Address(network(peer.ip().to_canonical()))
    }

    /// What a refusal calls it.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Token(_) => "this token",
            Self::Address(_) => "your address",
        }
    }
}

/// What one customer of a provider is given: of IPv6 that is 64 bits and all addresses within.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::store::index::Scope;

    fn from(peer: &str, token_id: Option<&str>) -> Option<Caller> {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        if token_id.is_some() {
            let token_id = token_id.map(str::to_owned);
            request.extensions_mut().insert(Principal { token_id, ..Principal::trusted(Scope::All) });
        }
        Caller::of(&request)
    }

    #[test]
    fn a_token_counts_for_itself_from_wherever_and_others_by_their_network() {
        assert_eq!(from("10.0.0.1:1", Some("tok_1")), from("127.0.0.1:2", Some("tok_1")));
        assert_ne!(from("10.0.0.1:1", Some("tok_1")), from("10.0.0.1:1", Some("tok_2")));
        assert_eq!(from("10.0.0.1:1", None), from("10.0.0.1:2", None));
        assert_eq!(from("10.0.0.1:1", None), from("[::ffff:10.0.0.1]:1", None));
        assert_eq!(from("[2001:db8::1]:1", None), from("[2001:db8::2:3]:1", None));
        assert_ne!(from("[2001:db8::1]:1", None), from("[2001:db8:0:1::1]:1", None));
        for loopback in ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(from(loopback, None), None, "{loopback}");
        }
    }
}
