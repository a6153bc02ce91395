//! The kinds of credentials that one server takes, and which of them a text is.
//!
//! A server takes tokens of its own, those of an authorization server, or both. They are told apart by how they begin,
//! so that neither is ever tried as the other: a token of its own is never sent through the checks of a JWT, and the
//! other way round.

use super::secret::PREFIX;
use super::{Keyring, OAuth, Principal, Rejected};

/// Verifies what clients present, of whichever kind it is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authenticator {
    tokens: Option<Keyring>,
    oauth: Option<OAuth>,
}

impl Authenticator {
    /// One that takes tokens of these kinds; where both are `None` it lets nobody in.
    #[must_use]
    pub fn new(tokens: Option<Keyring>, oauth: Option<OAuth>) -> Self {
        Self { tokens, oauth }
    }

    /// The authorization server whose tokens are taken, if one is.
    #[must_use]
    pub fn oauth(&self) -> Option<&OAuth> {
        self.oauth.as_ref()
    }

    /// Whether it takes tokens of its own.
    #[must_use]
    pub fn takes_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Whoever the text stands for.
    ///
    /// # Errors
    /// [`Rejected`], when nobody is let in by it.
    pub async fn verify(&self, presented: &str) -> Result<Principal, Rejected> {
        match (&self.tokens, &self.oauth) {
            (_, Some(oauth)) if !presented.starts_with(PREFIX) => oauth.verify(presented).await,
            (Some(keyring), _) => keyring.verify(presented).await,
            _ => Err(Rejected::Invalid),
        }
    }
}
