//! What all processes of one installation share: its id, and the key under which redacted secrets are hashed.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk;
use crate::error::{Error, Result};

/// An installation: one home folder and whatever processes use it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Installation {
    /// Its name, random.
    pub id: String,
    key: String,
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installation").field("id", &self.id).finish_non_exhaustive()
    }
}

const NAME: &str = "installation.json";

impl Installation {
    /// Reads the installation of a home folder, or founds it. Several processes may do so at once.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the folder cannot be written, [`Error::Corrupt`] when its file cannot be read.
    pub fn open(home: &Path) -> Result<Self> {
        let unavailable = |error: std::io::Error| Error::Unavailable {
            what: "the home folder",
            reason: format!("{}: {error}", home.display()),
        };
        disk::create_private_dir(home).map_err(unavailable)?;
        if let Some(found) = Self::read(home)? {
            return Ok(found);
        }
        let lock = disk::lock_file_within(&home.join("installation.lock"), std::time::Duration::from_secs(5));
        let lock = lock.map_err(unavailable)?;
        if let Some(found) = Self::read(home)? {
            return Ok(found);
        }
        let founded = Self::ephemeral();
        let text = serde_json::to_vec_pretty(&founded).unwrap_or_default();
        disk::write_atomically(&home.join(NAME), &text).map_err(unavailable)?;
        drop(lock);
        Ok(founded)
    }

    /// An installation that nobody else shares, for when the home folder cannot be written.
    #[must_use]
    pub fn ephemeral() -> Self {
        let key =
            [disk::unique_suffix(), disk::unique_suffix(), disk::unique_suffix(), disk::unique_suffix()]
                .concat();
        Self { id: disk::unique_suffix(), key }
    }

    /// The key for hashes of redacted secrets.
    #[must_use]
    pub fn redaction_key(&self) -> [u8; 32] {
        use sha2::{Digest as _, Sha256};
        Sha256::digest(self.key.as_bytes()).into()
    }

    fn read(home: &Path) -> Result<Option<Self>> {
        let path = home.join(NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Error::Unavailable {
                    what: "the home folder",
                    reason: format!("{}: {error}", path.display()),
                });
            }
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Error::Corrupt { place: path.display().to_string(), reason: error.to_string() })
    }
}
