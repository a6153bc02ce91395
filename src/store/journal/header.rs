//! Whose a journal file is: said in its first frame, and in short in its name.
//!
//! A name reads `{process}.{tag}.{unique}-{number}.journal`, where the tag is a hash of the stores' identity.
//! The header decides; the tag stands in for it where the header is damaged, or cannot be read because its
//! owner lives (on Windows a locked file is closed to others). Nothing else is ever taken from a name.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::frame::{self, Kind, Walk};

/// The version of the format that this code writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;

/// No header is longer, in bytes, so that this much of a file's beginning holds it.
pub(super) const MAX_HEADER_BYTES: usize = 8 << 10;

/// The ending of a journal's name.
pub(super) const EXTENSION: &str = "journal";

/// The ending of the name that a journal has until its header is durable.
pub(super) const UNFINISHED_EXTENSION: &str = "unfinished";

/// The first frame of every journal file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: u32,
    pub(super) stores: String,
    pub(super) process: String,
}

impl Header {
    /// The frame that opens a file.
    ///
    /// # Errors
    /// Never, as a header has only texts and numbers; the error passes through rather than panic.
    pub(super) fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        frame::encode(Kind::Header, 0, &serde_json::to_vec(self)?, &mut bytes);
        Ok(bytes)
    }
}

/// What can be said of whose a journal file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// The stores asked for.
    Ours,
    /// Other stores, named if the header can be read.
    Foreign(Option<String>),
    /// A newer format than [`FORMAT`].
    Newer(u32),
    /// Neither header nor name says.
    Unknown,
}

/// Says whose the file of this name and beginning is, as seen from `stores`.
pub(super) fn claim(path: &Path, beginning: &[u8], stores: &str) -> Claim {
    let header = match Walk::default().step(beginning) {
        Some((Kind::Header, payload)) => serde_json::from_slice::<serde_json::Value>(payload).ok(),
        _ => None,
    };
    // Only the version is certain to be found in the header of every format.
    if let Some(format) = header.as_ref().and_then(|header| header.get("format")?.as_u64())
        && format > u64::from(FORMAT)
    {
        return Claim::Newer(u32::try_from(format).unwrap_or(u32::MAX));
    }
    if let Some(header) = header.and_then(|header| serde_json::from_value::<Header>(header).ok()) {
        return if header.stores == stores { Claim::Ours } else { Claim::Foreign(Some(header.stores)) };
    }
    match tag_in(path) {
        Some(found) if found == tag(stores) => Claim::Ours,
        Some(_) => Claim::Foreign(None),
        None => Claim::Unknown,
    }
}

/// The name of a journal file, without the folder.
pub(super) fn file_name(header: &Header, unique: &str, number: u64) -> String {
    format!("{}.{}.{unique}-{number:06}.{EXTENSION}", header.process, tag(&header.stores))
}

fn tag(stores: &str) -> String {
    let digest = Sha256::digest(stores.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn tag_in(path: &Path) -> Option<&str> {
    let tag = path.file_name()?.to_str()?.split('.').nth(1)?;
    (tag.len() == 16 && tag.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(format: u32) -> Header {
        Header { format, stores: "ours".to_owned(), process: "p-1".to_owned() }
    }

    #[test]
    fn the_header_decides_over_the_name() {
        let bytes = header(FORMAT).encode().unwrap();
        let misnamed = Path::new("p.0123456789abcdef.1-000000.journal");
        assert_eq!(claim(misnamed, &bytes, "ours"), Claim::Ours);
        assert_eq!(claim(misnamed, &bytes, "others"), Claim::Foreign(Some("ours".to_owned())));
    }

    #[test]
    fn the_name_stands_in_for_a_damaged_header() {
        let name = file_name(&header(FORMAT), "1", 0);
        assert_eq!(claim(Path::new(&name), b"damaged", "ours"), Claim::Ours);
        assert_eq!(claim(Path::new(&name), b"damaged", "others"), Claim::Foreign(None));
        assert_eq!(claim(Path::new("notes.txt"), b"damaged", "ours"), Claim::Unknown);
    }

    #[test]
    fn a_newer_format_is_recognised_whatever_else_it_says() {
        let mut bytes = Vec::new();
        frame::encode(Kind::Header, 0, br#"{"format":7,"owner":{}}"#, &mut bytes);
        assert_eq!(claim(Path::new("x"), &bytes, "ours"), Claim::Newer(7));
    }
}
