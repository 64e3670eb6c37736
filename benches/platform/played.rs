//! Atlassian's side of a benchmark: a signing key, its key set on loopback, and FITs.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    thread,
    time::SystemTime,
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

pub(crate) const APP: &str = "ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
pub(crate) const INSTALLATION: &str =
    "ari:cloud:ecosystem::installation/9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647";
pub(crate) const CLOUD: &str = "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";

/// The key that FITs are signed with.
pub(crate) fn signing_key() -> RsaKeyPair {
    let pem = include_str!("../../tests/keys/rsa-2048-a.pem");
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap()
}

/// An address that is free at the moment.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Serves the key set to every connection.
pub(crate) fn serve_keys(key: &RsaKeyPair) -> SocketAddr {
    let public = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    let set = format!(
        r#"{{"keys":[{{"kty":"RSA","kid":"k","alg":"RS256","use":"sig","n":"{}","e":"{}"}}]}}"#,
        URL_SAFE_NO_PAD.encode(public.n),
        URL_SAFE_NO_PAD.encode(public.e)
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{set}",
                set.len()
            );
        }
    });
    address
}

/// The claims of a call that no UI made, valid for `seconds`, with products at `api`.
pub(crate) fn claims(api: &str, installation: &str, seconds: u64) -> Value {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let base = format!("{api}/ex/confluence/{CLOUD}");
    json!({
        "app": {
            "id": APP, "installationId": installation, "apiBaseUrl": base, "appVersion": "1.0.0",
            "installation": {"id": installation, "contexts": [
                {"name": "confluence", "cloudId": CLOUD, "apiBaseUrl": base},
            ]},
            "environment": {"type": "PRODUCTION", "id": "ari:cloud:ecosystem::environment/f2a4c8d1-7b3e-4e59-8a60-1c9d2e7f4b38"},
            "module": {"type": "core:endpoint", "key": "events-endpoint"},
        },
        "aud": APP, "iss": "forge/invocation-token", "iat": now, "nbf": now, "exp": now + seconds,
    })
}

/// A signed FIT.
pub(crate) fn sign(key: &RsaKeyPair, claims: &Value) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"k"}"#),
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
