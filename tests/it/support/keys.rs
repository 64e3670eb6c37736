//! The keys that the played platform signs with.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// The platform's key ids hold slashes.
pub(crate) const KID: &str = "forge/invocation-token/2f0c8a51-6d3b-4e97-b1a8-90c4d7e5f623";
pub(crate) const OTHER_KID: &str = "forge/invocation-token/8b7d1e04-35f2-4c6a-9e10-d2a6c4b8f713";

/// A key pair of the tests, in PEM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(&'static str);

/// The key in the set.
pub(crate) const KEY: Key = Key(include_str!("../../keys/rsa-2048-a.pem"));
/// A key that is not in the set until a test puts it there.
pub(crate) const OTHER_KEY: Key = Key(include_str!("../../keys/rsa-2048-b.pem"));
/// A key with public exponent 3, which the crypto library does not sign with.
pub(crate) const EXPONENT_3_KEY: Key = Key(include_str!("../../keys/rsa-2048-e3.pem"));
/// A key that is too short, as it stands in a key set.
pub(crate) const SHORT_JWK: &str = include_str!("../../keys/rsa-1024.jwk.json");
/// A token that it signed.
pub(crate) const SHORT_SIGNED: &str = include_str!("../../keys/rsa-1024.signed.jws");

impl Key {
    /// The pair in PKCS #8.
    pub(crate) fn der(self) -> Vec<u8> {
        let body: String = self
            .0
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        STANDARD.decode(body).unwrap()
    }

    fn pair(self) -> RsaKeyPair {
        RsaKeyPair::from_pkcs8(&self.der()).unwrap()
    }

    /// RS256.
    pub(crate) fn sign(self, message: &[u8]) -> Vec<u8> {
        self.sign_as(&RSA_PKCS1_SHA256, message)
    }

    /// By another algorithm of RSA keys.
    pub(crate) fn sign_as(self, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let pair = self.pair();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
            .unwrap();
        signature
    }

    /// The public half as it stands in a key set.
    pub(crate) fn jwk(self, kid: &str) -> Value {
        let pair = self.pair();
        let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        json!({
            "kty": "RSA", "kid": kid, "alg": "RS256", "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(&public.n), "e": URL_SAFE_NO_PAD.encode(&public.e),
        })
    }

    /// The public half in DER, as an attacker would take it for an HMAC secret.
    pub(crate) fn public_der(self) -> Vec<u8> {
        let pair = self.pair();
        AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key())
            .unwrap()
            .as_ref()
            .to_vec()
    }
}

pub(crate) fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}
