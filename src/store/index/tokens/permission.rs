//! What a token lets its bearer do.
//!
//! The words are scopes as OAuth spells them, so that clients can be told in `WWW-Authenticate` which one they lack. Rows
//! of tokens hold them parted by blanks; one that is not known makes the row unreadable, never a token that may less.

use std::fmt;
use std::str::FromStr;

/// Something that a token lets its bearer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Ask about runs.
    Read,
    /// Record runs.
    Write,
    /// Both, and what is for those who run the server.
    Admin,
}

impl Permission {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// Its name, as scopes of OAuth are spelt.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "trace:read",
            Self::Write => "trace:write",
            Self::Admin => "trace:admin",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Says that a word names no permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a scope: send trace:read, trace:write or trace:admin")]
pub struct UnknownPermission;

impl FromStr for Permission {
    type Err = UnknownPermission;
    fn from_str(word: &str) -> Result<Self, UnknownPermission> {
        Self::ALL.into_iter().find(|one| one.as_str() == word).ok_or(UnknownPermission)
    }
}

/// What a token lets its bearer do: each permission once, the least first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(Vec<Permission>);

impl Permissions {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// Whether this is among them; [`Permission::Admin`] stands for the others too.
    #[must_use]
    pub fn allow(&self, what: Permission) -> bool {
        self.0.contains(&what) || self.0.contains(&Permission::Admin)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Permission> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let mut all: Vec<Permission> = permissions.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Permission::as_str).collect();
        f.write_str(&words.join(" "))
    }
}
