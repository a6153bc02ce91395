//! What redaction is measured on: planted secrets, and fields as runs really have them.
//!
//! Everything is drawn from a fixed sequence, and secrets are put together from parts at run time, so
//! that no scanner takes this file for a leak.

use serde_json::{Value, json};

/// A text with a secret in it.
#[derive(Debug)]
pub(super) struct Planted {
    pub(super) text: String,
    pub(super) secret: String,
}

const BASE62: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// Secrets of every kind, each in several surroundings.
pub(super) fn secrets() -> Vec<Planted> {
    let mut draw = Draw(42);
    let mut planted = Vec::new();
    for round in 0..4 {
        for secret in issued(&mut draw) {
            let text = match round {
                0 => secret.clone(),
                1 => format!("the agent used {secret}, then went on"),
                2 => format!("{{\\\"value\\\": \\\"line\\n{secret}\\\"}}"),
                _ => format!("url?x={secret}&y=1"),
            };
            planted.push(Planted { text, secret });
        }
        planted.extend(in_context(&mut draw));
    }
    planted
}

/// Tokens that tell by themselves what they are.
fn issued(draw: &mut Draw) -> Vec<String> {
    let mut of = |parts: [&str; 2], alphabet, length| {
        format!("{}{}{}", parts[0], parts[1], draw.string(alphabet, length))
    };
    let mut issued = vec![
        of(["AK", "IA"], UPPER, 16),
        of(["AS", "IA"], UPPER, 16),
        of(["AI", "za"], BASE62, 35),
        of(["ya", "29."], BASE62, 60),
        of(["GOC", "SPX-"], BASE62, 28),
        of(["gh", "p_"], BASE62, 36),
        of(["gh", "s_"], BASE62, 36),
        of(["github", "_pat_"], BASE62, 82),
        of(["gl", "pat-"], BASE62, 20),
        of(["xo", "xb-"], "0123456789", 12) + &of(["-", ""], BASE62, 24),
        of(["xa", "pp-1-"], UPPER, 30),
        of(["sk", "_live_"], BASE62, 24),
        of(["rk", "_test_"], BASE62, 24),
        of(["wh", "sec_"], BASE62, 32),
        ["wh", "t_", &"aB3_x-9Zq0R".repeat(4)[1..]].concat(),
        of(["sk", "-"], BASE62, 48),
        of(["sk", "-proj-"], BASE62, 120),
        of(["sk", "-ant-api03-"], BASE62, 93),
        of(["sk", "-or-v1-"], HEX, 64),
        of(["np", "m_"], BASE62, 36),
        of(["py", "pi-AgEIcHlwaS5vcmc"], BASE62, 60),
        of(["h", "f_"], BASE62, 34),
        of(["S", "G."], BASE62, 22) + &of([".", ""], BASE62, 43),
        of(["S", "K"], HEX, 32),
        of(["1102", "01543:AA"], BASE62, 33),
        of(["M", "T"], BASE62, 24) + &of([".", ""], BASE62, 6) + &of([".", ""], BASE62, 38),
        of(["ey", "JhbGciOiJI"], BASE62, 20) + &of([".ey", "J"], BASE62, 40) + &of([".", ""], BASE62, 43),
        of(["hv", "s."], BASE62, 24),
        of(["gs", "k_"], BASE62, 52),
        of(["da", "pi"], HEX, 32),
        of(["dckr", "_pat_"], BASE62, 27),
        of(["lin", "_api_"], BASE62, 40),
        of(["sh", "pat_"], HEX, 32),
        of(["do", "p_v1_"], HEX, 64),
        of(["tv", "ly-"], BASE62, 32),
        of(["r8", "_"], BASE62, 37),
        of(["pplx", "-"], BASE62, 48),
        of(["AGE-SECRET", "-KEY-1"], UPPER, 58),
    ];
    let (begin, end) = (["-----BEGIN", "PRIVATE KEY-----"], ["-----END", "PRIVATE KEY-----"]);
    for kind in [" ", " RSA ", " OPENSSH "] {
        let body = draw.string(BASE64, 300);
        issued.push(format!("{}{kind}{}\n{body}\n{}{kind}{}", begin[0], begin[1], end[0], end[1]));
    }
    issued
}

/// Secrets that only their surroundings tell.
fn in_context(draw: &mut Draw) -> Vec<Planted> {
    let mut planted = Vec::new();
    let password = format!("{}-{}", draw.string(BASE62, 7), draw.string("0123456789", 3));
    let opaque = draw.string(BASE62, 32);
    let aws = draw.string(BASE64, 40);
    let storage = draw.string(BASE64, 86) + "==";
    let hex = draw.string(HEX, 32);
    let id = draw.string(UPPER, 16);
    let mut plant = |secret: &str, before: &str, after: &str| {
        planted.push(Planted { text: format!("{before}{secret}{after}"), secret: secret.to_owned() });
    };
    for (before, after) in [
        ("postgres://app:", "@db.example:5432/main"),
        ("mongodb+srv://root:", "@cluster.example/?retryWrites=true"),
        ("redis://:", "@cache.example:6379/0"),
        ("https://bot:", "@git.example/org/repo.git"),
        ("app:", "@tcp(db.example:3306)/main"),
        ("Server=db.example;User Id=app;Password=", ";Encrypt=true"),
        ("password=", ""),
        ("export DB_PASSWORD=", "\n"),
        ("{\"password\": \"", "\"}"),
        ("client_secret: ", ""),
        ("mysql --password ", " main"),
        ("the passphrase: ", ", as agreed"),
        ("smtp_pass=", " "),
    ] {
        plant(&password, before, after);
    }
    for (before, after) in [
        ("Authorization: Bearer ", ""),
        ("curl -H 'authorization: bearer ", "' https://api.example"),
        ("Authorization: Token ", "\n"),
        ("X-Api-Key: ", "\r\n"),
        ("api_key: ", ""),
        ("apiKey = \"", "\";"),
        ("https://api.example/v1?access_token=", "&page=2"),
        ("{\\\"refresh_token\\\": \\\"", "\\\"}"),
        ("Cookie: session=", "; theme=dark"),
        ("Set-Cookie: sid=", "; HttpOnly"),
        ("some_key: ", ""),
        ("secret=", ""),
        ("https://hooks.slack.com/services/T0001/B0001/", ""),
        ("https://discord.com/api/webhooks/1234567890/abcdefgh", ""),
        ("https://x.blob.core.example/c?sv=2024&sig=", "&se=1"),
    ] {
        plant(&opaque, before, after);
    }
    plant(&aws, "aws_secret_access_key = ", "");
    plant(&aws, "AWS credentials are ", " for now");
    plant(&aws, &format!("{}{}{id} / ", "AK", "IA"), "");
    plant(&storage, "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=", ";EndpointSuffix=y");
    plant(&hex, "TWILIO_AUTH_TOKEN=", "");
    plant(&hex, "DD_API_KEY: ", "");
    planted
}

/// 10,000 fields of runs without any secret.
pub(super) fn ordinary_fields() -> Vec<Value> {
    let mut draw = Draw(7);
    (0..10_000).map(|n| field(&mut draw, n)).collect()
}

fn field(draw: &mut Draw, n: usize) -> Value {
    let hex = |draw: &mut Draw, length| draw.string(HEX, length);
    match n % 20 {
        0 => {
            json!({"event_id": format!("{}-{}-4{}-a{}-{}", hex(draw, 8), hex(draw, 4), hex(draw, 3), hex(draw, 3), hex(draw, 12))})
        }
        1 => json!(format!("commit {} of branch main", hex(draw, 40))),
        2 => json!({"sha256": hex(draw, 64), "cache_key": hex(draw, 64), "key": hex(draw, 32)}),
        3 => json!({"traceparent": format!("00-{}-{}-01", hex(draw, 32), hex(draw, 16))}),
        4 => json!(format!("trc_20260213_143022_{} in /data/projects/Cobot{n}/_traces", hex(draw, 8))),
        5 => {
            json!({"input_tokens": 45_000 + n, "max_tokens": "4096", "token_count": n.to_string(), "tokens": ["the", "cat"]})
        }
        6 => json!(format!("the payload {} is base64", draw.string(BASE64, 24 + n % 40))),
        7 => json!({"icon": format!("data:image/png;base64,{}", draw.string(BASE64, 200))}),
        8 => json!(format!("https://example.org:8443/a/{}?page={n}&q=api+key+rotation", hex(draw, 12))),
        9 => json!(format!("def login(user, password): token = auth.sign(user.id, key=settings.key_{n})")),
        10 => {
            json!({"url": format!("https://user{n}@example.org/x"), "next_page_token": draw.string(BASE62, 20)})
        }
        11 => json!(format!(
            "Chose exa (primary, {n}) over reddit: the secret of quality is patience; key: coverage"
        )),
        12 => {
            json!({"decision": "auth_strategy", "what": "Bearer tokens over Basic auth", "key": "source_selection"})
        }
        13 => {
            json!({"authorization": "required", "session": format!("session-{n}"), "signature": "def f(x: int) -> str"})
        }
        14 => json!(format!(
            "2026-02-13T14:30:{:02}Z INFO worker-{n}: stage=collection key=collection-{n} took 45.8s",
            n % 60
        )),
        15 => json!({"integrity": format!("sha512-{}==", draw.string(BASE64, 86))}),
        16 => json!(format!(
            "import {{ Token{n} }} from './lib/Tokenizer{n}.js'; // token: string, max_token={n}"
        )),
        17 => {
            json!({"schema": {"password": {"type": "string"}, "api_key": {"type": "string", "minLength": 8}}})
        }
        18 => json!(format!(
            "C:\\Users\\app\\Key{n}\\report.md and s3://bucket/key={n}/part-{}.parquet",
            hex(draw, 16)
        )),
        _ => json!(format!(
            "Set API_KEY=<your key> or password=${{PW}}, the cookie: none; run {n} of {}",
            draw.string(BASE62, 11)
        )),
    }
}

/// Marsaglia's xorshift: a fixed sequence is all that is asked of it.
struct Draw(u64);

impl Draw {
    fn string(&mut self, alphabet: &str, length: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..length).map(|_| char::from(letters[self.next() % letters.len()])).collect()
    }

    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap()
    }
}
