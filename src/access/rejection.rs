//! Why nobody is let in by what was presented, by what whoever presented it can do about it.

use super::oauth::Flaw;

/// Why nobody is let in by a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// There is no such token, or it is revoked or past.
    #[error("the token is not valid: it is mistyped, unknown here, revoked or expired")]
    Invalid,
    /// The database is away, and has not vouched for the token lately.
    #[error("tokens cannot be verified, because the database is away; try again shortly")]
    Unverifiable,
    /// An authorization server's token does not hold.
    #[error("the token is not valid: {0}")]
    Flawed(Flaw),
    /// The keys of the authorization server are not known, and cannot be had now.
    #[error("tokens cannot be verified, because their issuer's keys cannot be had; try again shortly")]
    KeysAway,
    /// An authorization server's token is valid, and opens nothing.
    #[error("the token opens no project: its issuer has to list some in it, or * for all")]
    NoProject,
}
