//! Invocation tokens: signed before the clock runs, each a different one.

use std::thread;

use anyhow::Result;
use aws_lc_rs::{
    hmac,
    rsa::PublicKeyComponents,
    signature::{KeyPair, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    played::{self, INSTALLATION},
    site,
};

/// Longer than any run.
const LIFETIME: u64 = 6 * 3600;
/// Installations of the app, each with one user at work in it.
const INSTALLATIONS: usize = 8;

/// Signs tokens.
pub(crate) struct Fits {
    key: RsaKeyPair,
    api: String,
    next: usize,
}

/// An invocation token.
pub(crate) struct Fit {
    /// No two tokens of a run have the same.
    pub(crate) number: usize,
    pub(crate) token: String,
}

impl Fits {
    pub(crate) fn new(key: RsaKeyPair, api: &str) -> Self {
        Self {
            key,
            api: api.to_owned(),
            next: 1,
        }
    }

    /// The key that signs.
    pub(crate) fn key(&self) -> &RsaKeyPair {
        &self.key
    }

    /// A token with its claims.
    pub(crate) fn one(&mut self) -> (Fit, Value) {
        let number = self.next;
        self.next += 1;
        let claims = claims(&self.api, number);
        let token = played::sign(&self.key, &claims);
        (Fit { number, token }, claims)
    }

    /// So many tokens, signed on all cores.
    pub(crate) fn many(&mut self, count: usize) -> Result<Vec<Fit>> {
        let cores = thread::available_parallelism()?.get();
        let first = self.next;
        self.next += count;
        let (key, api) = (&self.key, &self.api);
        let fits = thread::scope(|scope| {
            let parts = (0..cores).map(|core| {
                let numbers = count * core / cores..count * (core + 1) / cores;
                let sign = move |n| Fit {
                    number: first + n,
                    token: played::sign(key, &claims(api, first + n)),
                };
                scope.spawn(move || numbers.map(sign).collect::<Vec<_>>())
            });
            let parts: Vec<_> = parts.collect();
            parts
                .into_iter()
                .flat_map(|part| part.join().unwrap())
                .collect()
        });
        Ok(fits)
    }

    /// Tokens that every remote must refuse, and what is wrong with each.
    pub(crate) fn bad(&mut self) -> Vec<(&'static str, String)> {
        let (fit, claims) = self.one();
        let (message, signature) = fit.token.rsplit_once('.').unwrap();
        let with = |claim: &str, value: Value| {
            let mut claims = claims.clone();
            claims[claim] = value;
            played::sign(&self.key, &claims)
        };
        let now = claims["iat"].as_u64().unwrap();
        let mut other_claims = claims.clone();
        other_claims["principal"] = site::account(0xbad).into();
        let forged = format!(
            "{}.{}",
            unsigned(r#"{"alg":"RS256","kid":"k"}"#, &other_claims),
            signature
        );
        let none = unsigned(r#"{"alg":"none","kid":"k"}"#, &claims);
        vec![
            ("other claims under the signature", forged),
            ("no signature", format!("{message}.")),
            ("algorithm none", format!("{none}.")),
            ("an HMAC with the public key", self.confused(&claims)),
            ("another issuer", with("iss", "forge/context-token".into())),
            ("another audience", with("aud", site::confluence().into())),
            ("expired", with("exp", (now - 60).into())),
            ("not valid yet", with("nbf", (now + 600).into())),
            ("no expiry", with("exp", Value::Null)),
            ("no token at all", "x".to_owned()),
        ]
    }

    /// Signed with HS256 under the modulus, which everybody knows.
    fn confused(&self, claims: &Value) -> String {
        let message = unsigned(r#"{"alg":"HS256","kid":"k"}"#, claims);
        let public = PublicKeyComponents::<Vec<u8>>::from(self.key.public_key());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &public.n);
        let tag = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

impl Fit {
    /// Who is in session.
    pub(crate) fn user(&self) -> String {
        user(self.number)
    }

    /// What is signed, and the signature.
    pub(crate) fn parts(&self) -> (&[u8], Vec<u8>) {
        let (message, signature) = self.token.rsplit_once('.').unwrap();
        (
            message.as_bytes(),
            URL_SAFE_NO_PAD.decode(signature).unwrap(),
        )
    }
}

fn user(number: usize) -> String {
    site::account(number % INSTALLATIONS)
}

fn unsigned(header: &str, claims: &Value) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}", encode(header), encode(&claims.to_string()))
}

/// The claims of a UI call from Confluence to a paid app in production, about 2 kB. They
/// are of one length for all numbers.
fn claims(api: &str, number: usize) -> Value {
    let kept = &INSTALLATION[..INSTALLATION.len() - 2];
    let installation = format!("{kept}{:02x}", number % INSTALLATIONS);
    let mut claims = played::claims(api, &installation, LIFETIME);
    claims["app"]["module"] = json!({"type": "confluence:globalPage", "key": "digest-page"});
    claims["app"]["license"] = json!({
        "active": true, "billingPeriod": "ANNUAL", "capabilitySet": "capabilityStandard",
        "ccpEntitlementId": "0e6b9f4d-5a12-3c87-b8e0-94d1c27f6a35",
        "ccpEntitlementSlug": "E-7QK-2M4-90P-XT1", "isEvaluation": false,
        "subscriptionEndDate": "2027-03-01T00:00:00.000Z", "type": "COMMERCIAL",
    });
    claims["context"] = json!({
        "localId": "b02d6f71-8c3e-4a95-9d40-f17e5a2c8b63", "cloudId": played::CLOUD,
        "moduleKey": "digest-page", "siteUrl": "https://quarry.atlassian.net",
        "extension": {"type": "confluence:globalPage",
            "location": "https://quarry.atlassian.net/wiki/apps/digest"},
    });
    claims["principal"] = user(number).into();
    claims["jti"] = format!("5b9e0c71d8a34f26e1f07b4c92d6a835{number:08x}").into();
    claims
}
