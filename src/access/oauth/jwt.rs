//! A JWT in its compact form (RFC 7515, RFC 7519), and whether a key signed it.
//!
//! Nothing of a token is believed before its signature holds but its algorithm and the name of its key, and these only
//! to choose among keys that are known already: an algorithm is taken from a list of asymmetric ones, and must be one
//! that the key is for. So there is no `none`, no HMAC with a public key as its secret, and no key that a token brings
//! along.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::jwk::{Algorithm, PublicKey, Wanted};

/// The longest token that is looked at, in bytes.
const MOST_BYTES: usize = 16 * 1024;

/// Why a JWT lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is no JWT of this form, is too long, or says something that has to be understood and is not.
    #[error("it is no JWT that this server can read")]
    Form,
    /// It is signed in a way that is not taken.
    #[error("it is not signed by an algorithm that this server takes (RS, PS, ES or EdDSA)")]
    Algorithm,
    /// The issuer has no such key.
    #[error("the issuer has no key of the name that it gives")]
    Key,
    /// The key did not sign it.
    #[error("its signature is wrong")]
    Signature,
    /// It is from somebody else.
    #[error("it is from another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("its audience is not this server")]
    Audience,
    /// It is past.
    #[error("it has expired")]
    Expired,
    /// It is not valid yet.
    #[error("it is not valid yet")]
    Early,
    /// It does not say whose it is, or at such a length that it cannot stand in each line of a log.
    #[error("it has no subject of 1 to 256 bytes")]
    Subject,
}

/// A token that was taken apart and not verified yet.
pub(super) struct Jwt<'t> {
    algorithm: Algorithm,
    key_id: Option<String>,
    /// What is signed: header and claims as they came.
    signed: &'t [u8],
    claims: &'t str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that whoever reads the token must understand: none are, here.
    crit: Option<Value>,
}

impl<'t> Jwt<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, Flaw> {
        if text.len() > MOST_BYTES {
            return Err(Flaw::Form);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Flaw::Form)?;
        let (header, claims) = signed.split_once('.').ok_or(Flaw::Form)?;
        let header: Header = decoded(header)?;
        if header.crit.is_some() {
            return Err(Flaw::Form);
        }
        Ok(Self {
            algorithm: header.alg.parse().map_err(|_| Flaw::Algorithm)?,
            key_id: header.kid,
            signed: signed.as_bytes(),
            claims,
            signature: bytes(signature)?,
        })
    }

    /// The key that has to verify it.
    pub(super) fn key_wanted(&self) -> Wanted<'_> {
        Wanted { key_id: self.key_id.as_deref(), algorithm: self.algorithm }
    }

    /// What it says, if this key signed it.
    pub(super) fn claims_signed_by<C: DeserializeOwned>(&self, key: &PublicKey) -> Result<C, Flaw> {
        if !key.signed(self.algorithm, self.signed, &self.signature) {
            return Err(Flaw::Signature);
        }
        decoded(self.claims)
    }
}

fn decoded<T: DeserializeOwned>(part: &str) -> Result<T, Flaw> {
    serde_json::from_slice(&bytes(part)?).map_err(|_| Flaw::Form)
}

fn bytes(part: &str) -> Result<Vec<u8>, Flaw> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Form)
}
