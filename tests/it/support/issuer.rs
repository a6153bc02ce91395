//! An authorization server for tests: it signs tokens, and lists its keys over HTTP while it is not away.
//!
//! `test_key.pem` beside this is its RSA key, made for these tests alone; its other key is made anew each time. Tokens
//! are put together by hand, so that they can be wrong in every way.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{KeyInit as _, Mac as _};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

const TEST_KEY: &str = include_str!("issuer/test_key.pem");

/// For whom its tokens are.
pub(crate) const SERVER: &str = "https://traces.example/mcp";

/// A running authorization server.
pub(crate) struct Issuer {
    url: String,
    rsa: RsaKeyPair,
    curve: EcdsaKeyPair,
    served: Arc<Served>,
}

/// What its listener answers from.
struct Served {
    url: String,
    keys: Mutex<Value>,
    is_away: AtomicBool,
    asked_for_keys: AtomicUsize,
}

impl Issuer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let random = SystemRandom::new();
        let fresh = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let curve = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, fresh.as_ref(), &random);
        let served = Arc::new(Served {
            url: url.clone(),
            keys: Mutex::default(),
            is_away: AtomicBool::new(false),
            asked_for_keys: AtomicUsize::new(0),
        });
        let rsa = RsaKeyPair::from_pkcs8(&der(TEST_KEY)).expect("an RSA key");
        let issuer = Self { url, rsa, curve: curve.expect("the same key"), served };
        issuer.list(&["rsa", "curve"]);
        let served = Arc::clone(&issuer.served);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                served.answer(stream);
            }
        });
        issuer
    }

    /// As tokens name it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Lists these of its keys from now on, and one for another purpose.
    pub(crate) fn list(&self, names: &[&str]) {
        let mut keys = vec![json!({"kty": "oct", "kid": "secret", "k": "AAAA"})];
        keys.extend(names.iter().map(|name| self.public(name)));
        *self.served.keys.lock().expect("the keys") = json!({"keys": keys});
    }

    fn public(&self, name: &str) -> Value {
        if name == "curve" {
            let point = self.curve.public_key().as_ref();
            let part = |range| URL_SAFE_NO_PAD.encode(&point[range]);
            return json!({"kty": "EC", "crv": "P-256", "kid": name, "use": "sig", "x": part(1..33), "y": part(33..65)});
        }
        let PublicKeyComponents { n, e }: PublicKeyComponents<Vec<u8>> = self.rsa.public().into();
        json!({"kty": "RSA", "kid": name, "alg": "RS256", "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e)})
    }

    /// Answers nobody any more, or everybody again.
    pub(crate) fn be_away(&self, is_away: bool) {
        self.served.is_away.store(is_away, Ordering::SeqCst);
    }

    pub(crate) fn asked_for_keys(&self) -> usize {
        self.served.asked_for_keys.load(Ordering::SeqCst)
    }

    /// What its tokens say, with these claims beside the usual ones or in their place; null takes one away.
    pub(crate) fn claims(&self, change: &Value) -> Value {
        let now = seconds_now();
        let mut claims = json!({"iss": self.url, "aud": SERVER, "sub": "ada", "iat": now, "exp": now + 600,
            "scope": "openid trace:read trace:write", "projects": ["mine"]});
        let known = claims.as_object_mut().expect("claims");
        for (name, value) in change.as_object().expect("claims") {
            match value {
                Value::Null => known.remove(name),
                value => known.insert(name.clone(), value.clone()),
            };
        }
        claims
    }

    /// A token that holds but for these changes, signed by its curve's key.
    pub(crate) fn token(&self, change: &Value) -> String {
        let signed =
            signed_part(&json!({"alg": "ES256", "kid": "curve", "typ": "at+jwt"}), &self.claims(change));
        let signature = self.curve.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token signed by its RSA key, which it says has this name.
    pub(crate) fn token_of_rsa(&self, key_id: &str, change: &Value) -> String {
        let signed = signed_part(&json!({"alg": "RS256", "kid": key_id}), &self.claims(change));
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        let random = SystemRandom::new();
        self.rsa.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token that claims to need no signature, with none or with one of another token.
    pub(crate) fn unsigned_tokens(&self) -> Vec<String> {
        let names = ["none", "None", "NONE", ""];
        let parts =
            names.map(|name| signed_part(&json!({"alg": name, "kid": "curve"}), &self.claims(&json!({}))));
        let lent =
            self.token(&json!({})).rsplit_once('.').map(|(_, lent)| lent.to_owned()).expect("a signature");
        parts.iter().flat_map(|part| [format!("{part}."), format!("{part}.{lent}")]).collect()
    }

    /// Tokens whose HMAC has a public key as its secret, in the forms in which one might be at hand.
    pub(crate) fn tokens_of_public_keys(&self) -> Vec<String> {
        let mut tokens = Vec::new();
        for name in ["rsa", "curve"] {
            let listed = self.public(name);
            let raw =
                if name == "rsa" { self.rsa.public().as_ref() } else { self.curve.public_key().as_ref() };
            let pem =
                format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(raw));
            for secret in [raw.to_vec(), pem.into_bytes(), listed.to_string().into_bytes()] {
                let part = signed_part(&json!({"alg": "HS256", "kid": name}), &self.claims(&json!({})));
                let mut hmac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&secret).expect("any secret");
                hmac.update(part.as_bytes());
                tokens.push(format!("{part}.{}", URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes())));
            }
        }
        tokens
    }
}

impl Served {
    fn answer(&self, mut stream: TcpStream) {
        if self.is_away.load(Ordering::SeqCst) {
            return;
        }
        let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let path =
            lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)).unwrap_or_default();
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        let body = match path.as_str() {
            "/.well-known/openid-configuration" => {
                json!({"issuer": self.url, "jwks_uri": format!("{}/keys", self.url)})
            }
            "/keys" => {
                self.asked_for_keys.fetch_add(1, Ordering::SeqCst);
                self.keys.lock().expect("the keys").clone()
            }
            _ => Value::Null,
        };
        let status = if body.is_null() { "404 Not Found" } else { "200 OK" };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        // Whoever has hung up does not want it.
        stream.write_all(format!("{head}{body}").as_bytes()).ok();
    }
}

fn signed_part(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// The bytes of a PEM file, whatever is written above them.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let text: String = lines.take_while(|line| !line.starts_with("-----END")).collect();
    STANDARD.decode(text).expect("a PEM file")
}

#[expect(clippy::disallowed_methods, reason = "the server under test goes by the machine's clock")]
pub(crate) fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}
