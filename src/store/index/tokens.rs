//! Tokens of HTTP: who may do what in which projects.
//!
//! The database holds the hash of a token, never the token: whoever reads it can show none. A revoked token keeps its
//! row, so that a list still says what it was. What a token looks like, and how one that a client sends is verified,
//! is [`crate::access`]'s.

mod permission;

use std::fmt;

use chrono::{DateTime, Utc};

pub use permission::{Permission, Permissions, UnknownPermission};

use super::{Index, Scope};
use crate::error::{Error, Result};
use crate::model::Timestamp;
use crate::store::sql::Sql;

/// The SHA-256 of a token. Not secret, for it leads back to none; still it is shown nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a text of any kind.
    #[must_use]
    pub fn of(text: &str) -> Self {
        use sha2::{Digest as _, Sha256};
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The hash itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash in 64 lower-case hex digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// A token as it is kept: everything but itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its name among tokens, `tok_` and 12 hex digits: what is listed and revoked.
    pub id: String,
    /// What somebody called it.
    pub name: String,
    /// What it lets its bearer do.
    pub permissions: Permissions,
    /// In which projects.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it lets nobody do anything; `None` while nobody revokes it.
    pub expires_at: Option<Timestamp>,
    /// Since when it lets nobody do anything.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// Whether it lets somebody do something at this moment.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expiry| now < expiry)
    }
}

/// A token that was looked up, with the hash that its row has.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptToken {
    /// The token.
    pub token: Token,
    /// The hash of its row, in hex.
    pub hash: String,
}

impl fmt::Debug for KeptToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptToken").field("token", &self.token).finish_non_exhaustive()
    }
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    token_id: String,
    hash: String,
    name: String,
    scopes: String,
    projects: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

const TOKEN: &str =
    "select token_id, hash, name, scopes, projects, created_at, expires_at, revoked_at from tokens";

impl Index {
    /// Keeps a new token.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn add_token(&self, token: &Token, hash: &TokenHash) -> Result<()> {
        let projects = match &token.scope {
            Scope::All => None,
            // A list of texts always has a JSON form.
            Scope::Projects(projects) => Some(serde_json::to_string(projects).unwrap_or_default()),
        };
        let sql = Sql::new(
            "insert into tokens (token_id, hash, name, scopes, projects, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&token.id)
        .bind(hash.hex())
        .bind(&token.name)
        .bind(token.permissions.to_string())
        .bind(projects)
        .bind(token.created_at)
        .bind(token.expires_at);
        self.database
            .write(true, |session| Box::pin(async move { session.execute(sql).await.map(|_| ()) }))
            .await
    }

    /// All tokens, revoked ones included, in the order in which they were made.
    ///
    /// # Errors
    /// As [`Index::add_token`]; [`Error::Corrupt`] when a row cannot be read.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let mut sql = Sql::new(TOKEN);
        sql.push(" order by created_at, token_id");
        let rows: Vec<TokenRow> = self.read(async |session| session.fetch(sql).await).await?;
        rows.into_iter().map(|row| row.found().map(|found| found.token)).collect()
    }

    /// The token of this hash, also when it is revoked.
    ///
    /// # Errors
    /// As [`Index::tokens`].
    pub async fn token(&self, hash: &TokenHash) -> Result<Option<KeptToken>> {
        let mut sql = Sql::new(TOKEN);
        sql.push(" where hash = ").arg(hash.hex());
        let row: Option<TokenRow> = self.read(async |session| session.fetch_optional(sql).await).await?;
        row.map(TokenRow::found).transpose()
    }

    /// Revokes a token from `at` on; one that is revoked already stays revoked as it was. `None` when there is none
    /// of this id.
    ///
    /// # Errors
    /// As [`Index::tokens`].
    pub async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<Option<Token>> {
        let revoke = Sql::new("update tokens set revoked_at = $1 where token_id = $2 and revoked_at is null")
            .bind(at)
            .bind(id);
        let mut look = Sql::new(TOKEN);
        look.push(" where token_id = ").arg(id);
        let row: Option<TokenRow> = self
            .database
            .write(true, |session| {
                Box::pin(async move {
                    session.execute(revoke).await?;
                    session.fetch_optional(look).await
                })
            })
            .await?;
        row.map(|row| row.found().map(|found| found.token)).transpose()
    }
}

impl TokenRow {
    /// The token of a row. One that says something unknown is an error, never a token that may do more or less.
    fn found(self) -> Result<KeptToken> {
        let corrupt =
            |reason: String| Error::Corrupt { place: format!("the row of token {}", self.token_id), reason };
        let permissions = self
            .scopes
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<Permissions, UnknownPermission>>()
            .map_err(|error| corrupt(error.to_string()))?;
        let scope = match &self.projects {
            None => Scope::All,
            Some(projects) => {
                Scope::Projects(serde_json::from_str(projects).map_err(|error| corrupt(error.to_string()))?)
            }
        };
        let token = Token {
            permissions,
            scope,
            created_at: Timestamp::new(self.created_at),
            expires_at: self.expires_at.map(Timestamp::new),
            revoked_at: self.revoked_at.map(Timestamp::new),
            name: self.name,
            id: self.token_id,
        };
        Ok(KeptToken { token, hash: self.hash })
    }
}
