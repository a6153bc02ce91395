//! Public keys as an issuer lists them (RFC 7517, RFC 7518, RFC 8037), and the signatures that they verify.
//!
//! The list may hold keys for other purposes and of kinds that are not known here: those are passed over. Which
//! algorithms a key verifies follows from its kind, never from what a token says of itself.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;

/// The most keys of a list that are looked at.
const MOST_KEYS: usize = 100;

/// A way to sign, all of them with a key pair: whoever verifies could not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

/// Says that a token is signed in another way.
#[derive(Debug)]
pub(super) struct NotTaken;

impl FromStr for Algorithm {
    type Err = NotTaken;

    fn from_str(name: &str) -> Result<Self, NotTaken> {
        Ok(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return Err(NotTaken),
        })
    }
}

impl Algorithm {
    /// Its parameters where it is one of RSA.
    fn of_rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            Self::Es256 | Self::Es384 | Self::EdDsa => return None,
        })
    }
}

/// A key by what a token says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'t> {
    /// Its name; `None` where the token names none, which is enough where the issuer has one key that fits.
    pub(super) key_id: Option<&'t str>,
    pub(super) algorithm: Algorithm,
}

/// The keys of an issuer by which tokens are verified.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySet(Vec<Named>);

#[derive(Clone, Debug)]
struct Named {
    key_id: Option<String>,
    /// The one algorithm that it is for, where the issuer says so.
    algorithm: Option<Algorithm>,
    key: PublicKey,
}

/// A key that verifies signatures.
#[derive(Clone)]
pub(super) enum PublicKey {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// A point of a curve, and the algorithm that belongs to it.
    Point {
        algorithm: Algorithm,
        verifies: &'static dyn VerificationAlgorithm,
        point: Vec<u8>,
    },
}

impl KeySet {
    /// Reads a list of keys.
    ///
    /// # Errors
    /// When it is no such list.
    pub(super) fn parse(document: &[u8]) -> serde_json::Result<Self> {
        let list: List = serde_json::from_slice(document)?;
        let keys = list.keys.into_iter().take(MOST_KEYS).filter_map(|key| {
            let key: Jwk = serde_json::from_value(key).ok()?;
            key.read()
        });
        Ok(Self(keys.collect()))
    }

    /// The key that is wanted, if it is here and there is no doubt which one it is.
    pub(super) fn find(&self, wanted: Wanted<'_>) -> Option<&PublicKey> {
        let mut fitting = self.0.iter().filter(|named| {
            wanted.key_id.is_none_or(|id| named.key_id.as_deref() == Some(id))
                && named.algorithm.is_none_or(|algorithm| algorithm == wanted.algorithm)
                && named.key.fits(wanted.algorithm)
        });
        fitting.next().filter(|_| fitting.next().is_none()).map(|named| &named.key)
    }
}

impl PublicKey {
    fn fits(&self, wanted: Algorithm) -> bool {
        match self {
            Self::Rsa { .. } => wanted.of_rsa().is_some(),
            Self::Point { algorithm, .. } => *algorithm == wanted,
        }
    }

    /// Whether it signed the message.
    pub(super) fn signed(&self, by: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, by.of_rsa()) {
            (Self::Rsa { modulus, exponent }, Some(parameters)) => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(parameters, message, signature).is_ok()
            }
            (Self::Point { algorithm, verifies, point }, None) if *algorithm == by => {
                UnparsedPublicKey::new(*verifies, point).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa { .. } => "Rsa",
            Self::Point { .. } => "Point",
        })
    }
}

#[derive(Deserialize)]
struct List {
    keys: Vec<serde_json::Value>,
}

/// A key as it is written.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// The key, unless it is for something else or of a kind that is not known.
    fn read(self) -> Option<Named> {
        if self.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let algorithm = self.alg.as_deref().map(str::parse).transpose().ok()?;
        let key = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => PublicKey::Rsa { modulus: number(self.n)?, exponent: number(self.e)? },
            ("EC", Some("P-256")) => {
                let point = point(self.x, self.y, 32)?;
                PublicKey::Point {
                    algorithm: Algorithm::Es256,
                    verifies: &signature::ECDSA_P256_SHA256_FIXED,
                    point,
                }
            }
            ("EC", Some("P-384")) => {
                let point = point(self.x, self.y, 48)?;
                PublicKey::Point {
                    algorithm: Algorithm::Es384,
                    verifies: &signature::ECDSA_P384_SHA384_FIXED,
                    point,
                }
            }
            ("OKP", Some("Ed25519")) => {
                let point = bytes(self.x)?;
                PublicKey::Point { algorithm: Algorithm::EdDsa, verifies: &signature::ED25519, point }
            }
            _ => return None,
        };
        Some(Named { key_id: self.kid, algorithm, key })
    }
}

fn bytes(part: Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part?).ok()
}

/// A number without the zeros ahead that some issuers write.
fn number(part: Option<String>) -> Option<Vec<u8>> {
    let bytes = bytes(part)?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

/// A point in its uncompressed form.
fn point(x: Option<String>, y: Option<String>, length: usize) -> Option<Vec<u8>> {
    let (x, y) = (bytes(x)?, bytes(y)?);
    (x.len() == length && y.len() == length).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
}
