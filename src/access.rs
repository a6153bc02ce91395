//! Who may do what: tokens as clients send them, and the principals that they stand for.
//!
//! There are two kinds. A [`Secret`] is a token of this installation; it is made once, shown once, and kept as a hash
//! alone, by which a [`Keyring`] verifies it. The other kind comes from an authorization server, and [`OAuth`] verifies
//! it by that server's keys. An [`Authenticator`] knows which one it is shown, and gives the [`Principal`]: what it may
//! do, and in which projects. The transport asks it and hands the principal on with the request; the tools keep to it.
//! Nothing here knows how a token comes in.

mod authenticator;
mod keyring;
pub mod oauth;
mod rejection;
mod secret;

pub use authenticator::Authenticator;
pub use keyring::Keyring;
pub use oauth::{OAuth, OAuthSettings};
pub use rejection::Rejected;
pub use secret::{NoSecret, Secret};

use crate::store::index::{Permission, Permissions, Scope, Token};

/// Whoever makes a request: what they may do, and in which projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who it is, the same in each of its requests: the id of a token of this installation, `oauth:` and the subject
    /// of another one; none for who needs no token.
    pub token_id: Option<String>,
    /// What they may do.
    pub permissions: Permissions,
    /// Whose runs they may see and record.
    pub scope: Scope,
}

impl Principal {
    /// Somebody who needs no token: may do everything within the scope.
    #[must_use]
    pub fn trusted(scope: Scope) -> Self {
        Self { token_id: None, permissions: Permissions::all(), scope }
    }

    /// Whether they may do this.
    #[must_use]
    pub fn may(&self, what: Permission) -> bool {
        self.permissions.allow(what)
    }
}

impl From<Token> for Principal {
    fn from(token: Token) -> Self {
        Self { token_id: Some(token.id), permissions: token.permissions, scope: token.scope }
    }
}
