//! Who may do what: tokens as clients send them, and the principals that they stand for.
//!
//! A [`Secret`] is what a client sends; it is made once, shown once, and kept as a hash alone. A [`Keyring`] verifies
//! what is presented and gives the [`Principal`]: what it may do, and in which projects. The transport asks the
//! keyring and hands the principal on with the request; the tools keep to it. Nothing here knows of HTTP.

mod keyring;
mod secret;

pub use keyring::{Keyring, Rejected};
pub use secret::{NoSecret, Secret};

use crate::store::index::{Permission, Permissions, Scope, Token};

/// Whoever makes a request: what they may do, and in which projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The token that says so; none for who needs no token.
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
