//! The service that is attacked, and the one who looks at its answers.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use forge_remote::clock::{Clock, Timestamp};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    row::{POISON, Row, Want},
    textbook::PrivateKey,
};
use crate::support::{
    app::TestApp,
    atlassian::json_answer,
    caller::Fit,
    claims::{APP, CLOUD, INSTALLATION, USER},
    keys::{EXPONENT_3_KEY, KEY, KID, OTHER_KEY, OTHER_KID, SHORT_JWK},
    log::Captured,
};

/// Where the clock stands: two seconds after the good FIT was issued.
pub(super) const NOW: i64 = 1_785_312_002;
/// The key id of the key with exponent 3.
pub(super) const EXPONENT_3_KID: &str = "forge/invocation-token/exponent-3";
/// An Isolated Cloud with a key set of its own, which has [`OTHER_KEY`] under [`ISOLATED_KID`].
pub(super) const LABEL: &str = "orange";
pub(super) const ISOLATED_KID: &str = "forge/invocation-token/orange";

/// No answer takes longer, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// The FIT that passes at [`NOW`].
pub(super) fn good() -> Fit {
    Fit::new()
        .claim("/iat", NOW - 2)
        .claim("/nbf", NOW - 2)
        .claim("/exp", NOW + 23)
}

/// The good FIT's claims with JSON text in place of one, whether it is JSON or not.
pub(super) fn claims_with(pointer: &str, json: &str) -> String {
    let place = "the place of the JSON";
    let claims = good().claim(pointer, place).claims.to_string();
    claims.replacen(&format!("\"{place}\""), json, 1)
}

/// The header of the good FIT.
pub(super) fn header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": KID})
}

/// The header of the good FIT with one member changed.
pub(super) fn header_with(name: &str, value: impl Into<Value>) -> String {
    let mut header = header();
    header[name] = value.into();
    header.to_string()
}

/// `before`, a number and `after`, so many times: headers or members that nobody knows.
pub(super) fn numbered(before: &str, after: &str, count: usize) -> String {
    (0..count).fold(String::new(), |all, number| {
        all + before + &number.to_string() + after
    })
}

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is signed of a token with this header and the good FIT's claims.
pub(super) fn message(header: &str) -> String {
    format!("{}.{}", b64(header), b64(good().claims.to_string()))
}

/// Any header and any payload, signed by the key in the set.
pub(super) fn signed(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    seal(format!("{}.{}", b64(header), b64(payload)))
}

/// Whatever there is to sign, signed by the key in the set.
pub(super) fn seal(message: String) -> String {
    let signature = KEY.sign(message.as_bytes());
    message + "." + &b64(signature)
}

pub(super) struct Scene {
    app: TestApp,
    clock: Clock,
    log: Captured,
}

impl Scene {
    pub(super) async fn set() -> Self {
        let log = Captured::start();
        let clock = Clock::manual(Timestamp::from_unix(NOW));
        let setup = TestApp::setup().await;
        setup.atlassian().serves_keys(&keys());
        setup
            .atlassian()
            .answers(|call| match call.path.strip_prefix("/isolated/") {
                Some(LABEL) => json_answer(200, json!({"keys": [OTHER_KEY.jwk(ISOLATED_KID)]})),
                _ => json_answer(404, json!({})),
            });
        let template = format!("{}/isolated/{{IC_LABEL}}", setup.atlassian().url());
        let app = setup
            .set("FIT__ISOLATED_CLOUD_JWKS_URL", &template)
            .clock(clock.clone())
            .start()
            .await;
        Self { app, clock, log }
    }

    /// A host that answers and that no token may send anybody to.
    pub(super) fn evil(&self) -> String {
        self.app.atlassian.url()
    }

    /// What was asked for that nobody but a token asked for.
    pub(super) fn calls_elsewhere(&self) -> Vec<String> {
        let calls = self.app.atlassian.calls().into_iter();
        calls
            .map(|call| call.path)
            .filter(|path| path != &format!("/isolated/{LABEL}"))
            .collect()
    }

    pub(super) fn log(&self) -> String {
        self.log.text()
    }

    pub(super) async fn play(&self, row: &Row) -> Result<(), String> {
        self.clock.advance(row.later);
        let answers = timeout(PATIENCE, self.send(&row.request)).await;
        let answers = answers.map_err(|_| "no answer".to_owned())?;
        let all: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        for answer in &answers {
            if answer.status != 200 {
                answer.tells_nothing_of(row)?;
            }
        }
        match (row.want, &*answers) {
            (Want::Accepted, [answer]) => answer.is_accepted(),
            (Want::Refused(status, code), [answer]) => answer.is_refused(status, code),
            (Want::Connection(wanted), _) if wanted == all => Ok(()),
            (want, _) => Err(format!("{want:?} wanted, statuses {all:?}")),
        }
    }

    /// Sends the bytes as they are and reads until the service closes.
    async fn send(&self, request: &[u8]) -> Vec<Answer> {
        let mut stream = TcpStream::connect(self.app.address).await.unwrap();
        let (mut from, mut to) = stream.split();
        let mut bytes = Vec::new();
        // Whoever is refused early may be hung up on: what counts is what came back.
        let (_, _) = tokio::join!(to.write_all(request), from.read_to_end(&mut bytes));
        let mut answers = Vec::new();
        let mut rest = &*bytes;
        while let Some((answer, after)) = Answer::read(rest) {
            answers.push(answer);
            rest = after;
        }
        answers
    }
}

/// The set: two keys that count, one of them with exponent 3, among all that may not.
fn keys() -> Vec<Value> {
    let other = |kid: &str, member: &str, value: Value| {
        let mut jwk = OTHER_KEY.jwk(kid);
        jwk[member] = value;
        jwk
    };
    vec![
        KEY.jwk(KID),
        PrivateKey::of(EXPONENT_3_KEY).jwk(EXPONENT_3_KID),
        OTHER_KEY.jwk(OTHER_KID),
        other("encryption", "use", json!("enc")),
        other("decrypt-only", "key_ops", json!(["decrypt"])),
        other("for-rs512", "alg", json!("RS512")),
        other("for-ps256", "alg", json!("PS256")),
        other("for-hs256", "alg", json!("HS256")),
        other(
            "even",
            "n",
            json!(b64([&[0xff; 255], &[0xfe_u8; 1][..]].concat())),
        ),
        other("exponent-1", "e", json!("AQ")),
        // A second key under the first one's id does not replace it.
        OTHER_KEY.jwk(KID),
        serde_json::from_str(SHORT_JWK).unwrap(),
        json!({"kty": "oct", "kid": "symmetric", "alg": "HS256", "k": b64(b"secret")}),
        json!({"kty": "EC", "kid": "elliptic", "crv": "P-256", "alg": "ES256",
            "x": b64([1; 32]), "y": b64([2; 32])}),
        json!({"kty": "OKP", "kid": "edwards", "crv": "Ed25519", "alg": "EdDSA", "x": b64([3; 32])}),
    ]
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The first of the answers in `bytes`, and what comes after it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, rest) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 4..]);
        let mut answer = Self {
            status: head.get("HTTP/1.1 ".len()..)?.get(..3)?.parse().ok()?,
            head: head.into_owned(),
            body: String::new(),
        };
        let length = answer.header("content-length").unwrap_or("0");
        let (body, rest) = rest.split_at_checked(length.parse().ok()?)?;
        answer.body = String::from_utf8_lossy(body).into_owned();
        Some((answer, rest))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    }

    fn is_accepted(&self) -> Result<(), String> {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        if self.status == 200 && body["claims"]["app"]["id"] == APP {
            return Ok(());
        }
        Err(format!("refused: {} {}", self.status, self.body))
    }

    fn is_refused(&self, status: u16, code: &str) -> Result<(), String> {
        let found = || format!("{status} {code} wanted: {}\n{}", self.head, self.body);
        let body: Value = serde_json::from_str(&self.body).map_err(|_| found())?;
        let error = body["error"].as_object().ok_or_else(found)?;
        let names: Vec<&str> = error.keys().map(String::as_str).collect();
        let is_json = self.header("content-type") == Some("application/json");
        let says = |name: &str| error[name].as_str().is_some_and(|text| !text.is_empty());
        let whole = self.status == status
            && is_json
            && names == ["code", "message", "traceId"]
            && error["code"] == code
            && says("message")
            && says("traceId");
        whole.then_some(()).ok_or_else(found)
    }

    /// Neither a word of the request nor a claim is in the answer.
    fn tells_nothing_of(&self, row: &Row) -> Result<(), String> {
        let uuids = [APP, INSTALLATION].map(|ari| &ari[ari.len() - 36..]);
        let claims = [CLOUD, USER, POISON, "digest-page", "quarry"];
        let told = row
            .secrets()
            .chain(uuids)
            .chain(claims)
            .find(|word| self.body.contains(word) || self.head.contains(word));
        told.map_or(Ok(()), |word| Err(format!("{word:?} is in {}", self.body)))
    }
}
