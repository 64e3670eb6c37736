//! Really signed tokens and a key endpoint, for the tests of this crate.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use url::Url;

use super::{Fit, Verifier};
use crate::{clock::Clock, clock::Timestamp, config, ids::AppId, outbound};

pub(crate) const APP: &str = "ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
pub(crate) const OTHER_APP: &str = "ari:cloud:ecosystem::app/0e2c9a51-77d4-4d53-8a1b-3f6e5d4c2b10";
pub(crate) const INSTALLATION: &str =
    "ari:cloud:ecosystem::installation/9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647";
pub(crate) const CLOUD: &str = "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
pub(crate) const WORKSPACE: &str = "d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63";
pub(crate) const PRINCIPAL: &str = "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458";
pub(crate) const KID: &str = "forge/invocation-token/4f1d2a9c-0b7e-4c35-9a86-d2e51f7b3c08";

/// When the example claims are issued. They lapse 25 seconds later.
pub(crate) const ISSUED: i64 = 1_785_312_000;
pub(crate) const NOW: Timestamp = Timestamp::from_unix(ISSUED + 2);

/// One of the fixed keys.
pub(crate) struct SigningKey(RsaKeyPair);

impl SigningKey {
    pub(crate) fn a() -> Self {
        Self::from_pem(include_str!("../../tests/keys/rsa-2048-a.pem"))
    }

    pub(crate) fn b() -> Self {
        Self::from_pem(include_str!("../../tests/keys/rsa-2048-b.pem"))
    }

    fn from_pem(pem: &str) -> Self {
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        Self(RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap())
    }

    pub(crate) fn modulus(&self) -> &[u8] {
        let modulus = self.0.public_key().modulus();
        modulus.big_endian_without_leading_zero()
    }

    pub(crate) fn exponent(&self) -> &[u8] {
        let exponent = self.0.public_key().exponent();
        exponent.big_endian_without_leading_zero()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .unwrap();
        signature
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        json!({
            "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256",
            "n": URL_SAFE_NO_PAD.encode(self.modulus()),
            "e": URL_SAFE_NO_PAD.encode(self.exponent()),
        })
    }

    /// A FIT with these claims.
    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": kid});
        self.jws(&header.to_string(), &claims.to_string())
    }

    /// A signed token of any header and payload.
    pub(crate) fn jws(&self, header: &str, payload: &str) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let signature = URL_SAFE_NO_PAD.encode(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// The claims of a UI call from a Confluence global page of a paid app.
pub(crate) fn claims() -> Value {
    let base = format!("https://api.atlassian.com/ex/confluence/{CLOUD}");
    json!({
        "app": {
            "id": APP, "version": "31", "appVersion": "4.2.0",
            "installationId": INSTALLATION, "apiBaseUrl": base,
            "installation": {"id": INSTALLATION, "contexts": [
                {"name": "confluence", "cloudId": CLOUD, "apiBaseUrl": base}]},
            "environment": {"type": "PRODUCTION",
                "id": "ari:cloud:ecosystem::environment/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21/f2a4c8d1-7b3e-4e59-8a60-1c9d2e7f4b38"},
            "module": {"type": "confluence:globalPage", "key": "digest-page"},
            "license": {"active": true, "billingPeriod": "ANNUAL", "isEvaluation": false,
                "supportEntitlementNumber": null, "type": "COMMERCIAL", "modes": ["USER_ACCESS"]}},
        "context": {"localId": "b02d6f71-8c3e-4a95-9d40-f17e5a2c8b63", "cloudId": CLOUD,
            "moduleKey": "digest-page", "siteUrl": "https://quarry.atlassian.net",
            "extension": {"type": "confluence:globalPage"}},
        "principal": PRINCIPAL,
        "aud": APP, "iss": "forge/invocation-token",
        "iat": ISSUED, "nbf": ISSUED, "exp": ISSUED + 25,
        "jti": "5b9e0c71d8a34f26e1f07b4c92d6a8350e7c14fb"
    })
}

/// `claims()` with the value at `pointer` replaced, or added.
pub(crate) fn claims_with(pointer: &str, value: Value) -> Value {
    let mut claims = claims();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    claims.pointer_mut(parent).unwrap()[name] = value;
    claims
}

/// `claims()` without what is at `pointer`.
pub(crate) fn claims_without(pointer: &str) -> Value {
    let mut claims = claims();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = claims.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    assert!(parent.remove(name).is_some(), "no {pointer}");
    claims
}

/// A verified FIT with these claims, for tests of other rooms.
#[allow(dead_code, reason = "for the rooms above")]
pub(crate) async fn fit(claims: &Value) -> Fit {
    let key = SigningKey::a();
    let endpoint = KeyEndpoint::serving(&[key.jwk(KID)]).await;
    let verifier = Verifier::new(&settings(&endpoint), &[app()], http(), Clock::manual(NOW));
    verifier.verify(&key.token(KID, claims)).await.unwrap()
}

pub(crate) fn app() -> AppId {
    APP.parse().unwrap()
}

pub(crate) fn http() -> reqwest::Client {
    outbound::client().unwrap()
}

pub(crate) fn settings(production: &KeyEndpoint) -> config::Fit {
    config::Fit {
        jwks_url: production.url.clone(),
        issuer: "forge/invocation-token".to_owned(),
        leeway: Duration::from_secs(5),
        accept_staging: false,
        isolated_cloud_jwks_url: None,
    }
}

/// Lets `span` pass at once for everything that waits, sockets aside.
pub(crate) async fn pass(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

/// Lets other tasks run until `done`.
pub(crate) async fn until(done: impl Fn() -> bool) {
    let patience = std::time::Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(std::time::Instant::now() < patience, "it never came");
        tokio::task::yield_now().await;
    }
}

/// What the endpoint answers.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) cache_control: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn keys(keys: &[Value]) -> Self {
        Self {
            status: StatusCode::OK,
            cache_control: "max-age=3600",
            body: json!({ "keys": keys }).to_string().into_bytes(),
        }
    }

    pub(crate) fn status(status: StatusCode) -> Self {
        Self {
            status,
            cache_control: "no-store",
            body: Vec::new(),
        }
    }
}

/// A key endpoint on loopback that counts what it is asked.
pub(crate) struct KeyEndpoint {
    pub(crate) url: Url,
    inner: Arc<Inner>,
    paths: watch::Receiver<Vec<String>>,
}

struct Inner {
    answer: Mutex<Answer>,
    /// Answers of single paths.
    answers: Mutex<HashMap<String, Answer>>,
    /// A request takes a permit before it is answered.
    gate: Semaphore,
    asked: watch::Sender<Vec<String>>,
}

/// More than any test asks for.
const OPEN: usize = 1_000_000;

impl KeyEndpoint {
    pub(crate) async fn serving(keys: &[Value]) -> Self {
        Self::answering(Answer::keys(keys)).await
    }

    pub(crate) async fn answering(answer: Answer) -> Self {
        let (asked, paths) = watch::channel(Vec::new());
        let inner = Arc::new(Inner {
            answer: Mutex::new(answer),
            answers: Mutex::default(),
            gate: Semaphore::new(OPEN),
            asked,
        });
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: url.parse().unwrap(),
            inner,
            paths,
        }
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.inner.answer.lock().unwrap() = answer;
    }

    pub(crate) fn answer_at(&self, path: &str, answer: Answer) {
        let mut answers = self.inner.answers.lock().unwrap();
        answers.insert(path.to_owned(), answer);
    }

    /// How often it was asked.
    pub(crate) fn hits(&self) -> usize {
        self.paths.borrow().len()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.paths.borrow().clone()
    }

    /// Returns once it was asked `hits` times.
    pub(crate) async fn asked(&self, hits: usize) {
        let mut paths = self.paths.clone();
        paths.wait_for(|paths| paths.len() >= hits).await.unwrap();
    }

    /// Takes requests and does not answer them until [`open`](Self::open).
    pub(crate) fn close(&self) {
        let gate = &self.inner.gate;
        gate.forget_permits(gate.available_permits());
    }

    pub(crate) fn open(&self) {
        self.inner.gate.add_permits(OPEN);
    }
}

async fn respond(State(endpoint): State<Arc<Inner>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    endpoint.asked.send_modify(|paths| paths.push(path.clone()));
    endpoint.gate.acquire().await.unwrap().forget();
    let own = endpoint.answers.lock().unwrap().get(&path).cloned();
    let answer = own.unwrap_or_else(|| endpoint.answer.lock().unwrap().clone());
    let headers = [("cache-control", answer.cache_control)];
    (answer.status, headers, answer.body).into_response()
}
