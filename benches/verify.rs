//! Verifying a Forge Invocation Token, typed claims made and dropped, against the bare
//! RSA check of the same bytes by the same crypto library.
//!
//! `cargo bench --bench verify`; compare the medians. A token that was never seen may take
//! at most 1.15 times the bare check, and one that comes again a tenth of that.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot start has nothing to say"
)]

use std::{
    future::Future,
    pin::pin,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use axum::{Json, Router, routing::get};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use divan::{Bencher, black_box};
use forge_remote::{
    clock::{Clock, Timestamp},
    config,
    fit::{Fit, Verifier},
    ids::AppId,
    outbound,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

const APP: &str = "ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
const INSTALLATION: &str = "ari:cloud:ecosystem::installation/9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647";
const KID: &str = "forge/invocation-token/4f1d2a9c-0b7e-4c35-9a86-d2e51f7b3c08";
const ISSUED: i64 = 1_785_312_000;

/// Tokens that differ in user and id. More than a verifier remembers, so that none that
/// comes round again is one of those.
const DISTINCT: usize = 16_384;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 2000, sample_size = 16)]
fn distinct(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    bencher
        .with_inputs(|| bench.next().token.clone())
        .bench_local_refs(|token| drop(black_box(bench.verify(black_box(token)))));
}

#[divan::bench(sample_count = 2000, sample_size = 256)]
fn reused(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    let token = &bench.tokens[0].token;
    bencher.bench_local(|| drop(black_box(bench.verify(black_box(token)))));
}

#[divan::bench(sample_count = 2000, sample_size = 16)]
fn bare_rsa(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    bencher
        .with_inputs(|| {
            let signed = bench.next();
            (signed.message.clone(), signed.signature.clone())
        })
        .bench_local_refs(|(message, signature)| {
            bench.key.verify_sig(black_box(message), signature).unwrap();
        });
}

struct Signed {
    token: String,
    message: Vec<u8>,
    signature: Vec<u8>,
}

struct Bench {
    verifier: Verifier,
    key: ParsedPublicKey,
    tokens: Vec<Signed>,
    next: AtomicUsize,
    _runtime: Runtime,
}

impl Bench {
    /// Signing takes the longest: all benchmarks share the tokens.
    fn new() -> &'static Self {
        static BENCH: LazyLock<Bench> = LazyLock::new(Bench::make);
        &BENCH
    }

    fn make() -> Self {
        let pair = key_pair();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let tokens: Vec<_> = (0..DISTINCT).map(|n| sign(&pair, &claims(n))).collect();
        let verifier = runtime.block_on(async {
            let verifier = loaded_verifier(&pair).await;
            verifier.verify(&tokens[0].token).await.unwrap();
            verifier
        });
        Self {
            verifier,
            key: public_key(&pair),
            tokens,
            next: AtomicUsize::new(0),
            _runtime: runtime,
        }
    }

    /// The benchmarks take a copy, which is as near as what was just read from a socket.
    fn next(&self) -> &Signed {
        &self.tokens[self.next.fetch_add(1, Relaxed) % DISTINCT]
    }

    /// With its key at hand, a verification never waits.
    fn verify(&self, token: &str) -> Fit {
        let verification = pin!(self.verifier.verify(token));
        match verification.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(fit) => fit.unwrap(),
            Poll::Pending => panic!("the key is not at hand"),
        }
    }
}

async fn loaded_verifier(pair: &RsaKeyPair) -> Verifier {
    let public = pair.public_key();
    let keys = json!({"keys": [{
        "kty": "RSA", "kid": KID, "use": "sig", "alg": "RS256",
        "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
        "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
    }]});
    let router = Router::new().route("/jwks.json", get(async move || Json(keys)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = config::Fit {
        jwks_url: url.parse().unwrap(),
        issuer: "forge/invocation-token".to_owned(),
        leeway: Duration::from_secs(5),
        accept_staging: false,
        isolated_cloud_jwks_url: None,
    };
    let app: AppId = APP.parse().unwrap();
    let clock = Clock::manual(Timestamp::from_unix(ISSUED + 2));
    Verifier::new(&settings, &[app], outbound::client().unwrap(), clock)
}

fn key_pair() -> RsaKeyPair {
    let pem = include_str!("../tests/keys/rsa-2048-a.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap()
}

fn public_key(pair: &RsaKeyPair) -> ParsedPublicKey {
    let public = pair.public_key();
    RsaPublicKeyComponents {
        n: public.modulus().big_endian_without_leading_zero(),
        e: public.exponent().big_endian_without_leading_zero(),
    }
    .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
    .unwrap()
}

fn sign(pair: &RsaKeyPair, claims: &Value) -> Signed {
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": KID}).to_string();
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = SystemRandom::new();
    pair.sign(
        &RSA_PKCS1_SHA256,
        &random,
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    Signed {
        token: format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature)),
        message: message.into_bytes(),
        signature,
    }
}

/// The claims of a UI call from Confluence to a paid app in production, about 1.5 KB.
fn claims(n: usize) -> Value {
    let cloud = "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
    let base = format!("https://api.atlassian.com/ex/confluence/{cloud}");
    json!({
        "app": {
            "id": APP, "version": "31", "appVersion": "4.2.0",
            "installationId": INSTALLATION,
            "apiBaseUrl": base,
            "installation": {"id": INSTALLATION, "contexts": [
                {"name": "confluence", "cloudId": cloud, "apiBaseUrl": base}]},
            "environment": {"type": "PRODUCTION", "id": "ari:cloud:ecosystem::environment/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21/f2a4c8d1-7b3e-4e59-8a60-1c9d2e7f4b38"},
            "module": {"type": "confluence:globalPage", "key": "digest-page"},
            "license": {"active": true, "billingPeriod": "ANNUAL", "capabilitySet": "capabilityStandard",
                "ccpEntitlementId": "0e6b9f4d-5a12-3c87-b8e0-94d1c27f6a35", "ccpEntitlementSlug": "E-7QK-2M4-90P-XT1",
                "isEvaluation": false, "subscriptionEndDate": "2027-03-01T00:00:00.000Z",
                "supportEntitlementNumber": null, "type": "COMMERCIAL", "modes": ["USER_ACCESS"]}},
        "context": {"localId": "b02d6f71-8c3e-4a95-9d40-f17e5a2c8b63", "cloudId": cloud,
            "moduleKey": "digest-page", "siteUrl": "https://quarry.atlassian.net",
            "extension": {"type": "confluence:globalPage", "location": "https://quarry.atlassian.net/wiki/apps/digest"}},
        "principal": format!("712020:5d0b7c34-8e21-4f96-a7d3-60c1{n:08x}"),
        "aud": APP, "iss": "forge/invocation-token",
        "iat": ISSUED, "nbf": ISSUED, "exp": ISSUED + 25,
        "jti": format!("5b9e0c71d8a34f26e1f07b4c92d6a835{n:08x}")
    })
}
