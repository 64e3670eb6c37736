//! FITs, signed with two keys.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::played::{self, APP, CLOUD, INSTALLATION};

/// FITs of pages that are sent once in turn: more than the tokens that the service keeps, so
/// that each has to be verified when it comes again.
const DISTINCT: usize = 6_000;
/// FITs of pages that are sent again and again.
const REUSED: usize = 8;

pub(crate) const KEYS: [Key; 2] = [
    Key {
        id: "first",
        pem: include_str!("../../tests/keys/rsa-2048-a.pem"),
    },
    Key {
        id: "second",
        pem: include_str!("../../tests/keys/rsa-2048-b.pem"),
    },
];

/// A key of the platform.
pub(crate) struct Key {
    id: &'static str,
    pem: &'static str,
}

/// The FITs of one key.
struct OfKey {
    key: RsaKeyPair,
    id: &'static str,
    distinct: Vec<String>,
    next: AtomicUsize,
    reused: Vec<String>,
}

pub(crate) struct Fits {
    api: String,
    lifetime: Duration,
    keys: Vec<OfKey>,
}

impl Key {
    fn pair(&self) -> RsaKeyPair {
        let body: String = { self.pem.lines() }
            .filter(|line| !line.starts_with("-----"))
            .collect();
        RsaKeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap()
    }

    /// As it stands in a key set.
    pub(crate) fn jwk(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.pair().public_key());
        json!({
            "kty": "RSA", "kid": self.id, "alg": "RS256", "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
        })
    }
}

impl Fits {
    /// Signs what is needed for a soak of that length, on all cores. These FITs live longer
    /// than the platform's 25 s: signing one for each request would be most of the load.
    pub(crate) fn sign(api: &str, span: Duration) -> Self {
        let lifetime = span + Duration::from_hours(1);
        let keys = KEYS.iter().map(|key| OfKey::sign(key, api, lifetime));
        Self {
            api: api.to_owned(),
            lifetime,
            keys: keys.collect(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.keys.len() * (DISTINCT + REUSED)
    }

    /// A page's, as good as new.
    pub(crate) fn distinct(&self, key: usize) -> &str {
        let of_key = &self.keys[key];
        let next = of_key.next.fetch_add(1, Ordering::Relaxed);
        &of_key.distinct[next % DISTINCT]
    }

    /// A page's, which came before.
    pub(crate) fn reused(&self, key: usize, number: u64) -> &str {
        let at = usize::try_from(number).unwrap_or_default() % REUSED;
        &self.keys[key].reused[at]
    }

    /// The platform's own, for one event or tick.
    pub(crate) fn of_platform(&self, key: usize) -> String {
        let OfKey { key, id, .. } = &self.keys[key];
        let mut claims = played::claims(&self.api, INSTALLATION, self.lifetime.as_secs());
        claims["jti"] = uuid::Uuid::new_v4().simple().to_string().into();
        signed(key, id, &claims)
    }

    /// One whose signature is another's.
    pub(crate) fn forged(&self, number: u64) -> String {
        let (good, other) = (self.reused(0, number), self.reused(0, number + 1));
        let (message, _) = good.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        format!("{message}.{signature}")
    }

    /// One with a key that was never in the set.
    pub(crate) fn of_nobody(&self, number: u64) -> String {
        let header = json!({"alg": "RS256", "kid": format!("nobody-{number}")}).to_string();
        let (_, rest) = self.reused(0, number).split_once('.').unwrap();
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
    }
}

impl OfKey {
    fn sign(key: &Key, api: &str, lifetime: Duration) -> Self {
        let pair = key.pair();
        let mut fits = vec![String::new(); DISTINCT + REUSED];
        let cores = std::thread::available_parallelism().unwrap().get();
        std::thread::scope(|scope| {
            for fits in fits.chunks_mut((DISTINCT + REUSED).div_ceil(cores)) {
                let pair = &pair;
                scope.spawn(move || {
                    for fit in fits {
                        *fit = signed(pair, key.id, &of_page(api, lifetime));
                    }
                });
            }
        });
        Self {
            key: pair,
            id: key.id,
            reused: fits.split_off(DISTINCT),
            distinct: fits,
            next: AtomicUsize::new(0),
        }
    }
}

/// A call from a page of Confluence, by a user.
fn of_page(api: &str, lifetime: Duration) -> Value {
    let mut claims = played::claims(api, INSTALLATION, lifetime.as_secs());
    claims["jti"] = uuid::Uuid::new_v4().simple().to_string().into();
    claims["principal"] = "5f3c9a1be8d2470071b64c0d".into();
    claims["context"] = json!({"cloudId": CLOUD, "moduleKey": "digest-page"});
    claims["app"]["module"] = json!({"type": "confluence:globalPage", "key": "digest-page"});
    claims["aud"] = APP.into();
    claims
}

fn signed(key: &RsaKeyPair, id: &str, claims: &Value) -> String {
    let header = json!({"alg": "RS256", "kid": id});
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
