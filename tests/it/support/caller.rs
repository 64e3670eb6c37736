//! Those who call the service: Forge with a good FIT, and others with bad ones.

use std::time::Instant;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header};
use reqwest::Method;
use serde_json::Value;

use super::{
    answer::Answer,
    claims::{self, APP_TOKEN, USER_TOKEN},
    keys::{KEY, KID, Key},
    log,
};

/// A FIT in the making: good until a test changes it.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    pub(crate) claims: Value,
    header: Value,
    key: Key,
}

impl Fit {
    pub(crate) fn new() -> Self {
        Self::of("https://api.atlassian.com")
    }

    pub(crate) fn of(api: &str) -> Self {
        let header = serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": KID});
        Self {
            claims: claims::claims(api),
            header,
            key: KEY,
        }
    }

    /// The platform's own, for an event or a schedule: no user, no page, and an id of its own.
    pub(crate) fn of_platform(self) -> Self {
        self.without("/principal")
            .without("/context")
            .claim("/app/module/type", "core:endpoint")
            .claim("/app/module/key", "events")
            .claim("/jti", uuid::Uuid::new_v4().simple().to_string())
    }

    pub(crate) fn claim(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        put(&mut self.claims, pointer, value.into());
        self
    }

    pub(crate) fn without(mut self, pointer: &str) -> Self {
        take(&mut self.claims, pointer);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        put(&mut self.header, &format!("/{name}"), value.into());
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        take(&mut self.header, &format!("/{name}"));
        self
    }

    pub(crate) const fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    pub(crate) fn token(&self) -> String {
        self.signed(&self.claims.to_string())
    }

    /// The header as it is and `payload` as it is, signed.
    pub(crate) fn signed(&self, payload: &str) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(self.header.to_string()),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let signature = self.key.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Signed by HMAC with `secret`, as `alg` says.
    pub(crate) fn hmac(&self, algorithm: Algorithm, secret: &[u8]) -> String {
        let mut header = Header::new(algorithm);
        header.kid = Some(KID.to_owned());
        let key = jsonwebtoken::EncodingKey::from_secret(secret);
        jsonwebtoken::encode(&header, &self.claims, &key).unwrap()
    }
}

fn put(json: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = json
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("no {parent}"));
    match parent {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        object => object[name] = value,
    }
}

fn take(json: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = json
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .unwrap();
    assert!(parent.remove(name).is_some(), "no {pointer} to take");
}

/// One call in the making.
#[must_use]
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    http: reqwest::Client,
    base: String,
    fit: Fit,
    headers: Vec<(String, String)>,
    body: Option<(String, Vec<u8>)>,
}

impl Caller {
    /// Nobody in particular: no FIT, no token.
    pub(crate) fn anybody(http: reqwest::Client, base: String, api: &str) -> Self {
        Self {
            http,
            base,
            fit: Fit::of(api),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Forge, with a good FIT, made when the call is sent.
    pub(crate) fn with_fit(self) -> Self {
        let token = self.fit.token();
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Changes the FIT before [`with_fit`](Self::with_fit) signs it.
    pub(crate) fn fit(mut self, change: impl FnOnce(Fit) -> Fit) -> Self {
        self.fit = change(self.fit);
        self
    }

    pub(crate) fn app_token(self) -> Self {
        self.header("x-forge-oauth-system", APP_TOKEN)
    }

    pub(crate) fn user_token(self) -> Self {
        self.header("x-forge-oauth-user", USER_TOKEN)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some((content_type.to_owned(), body.into()));
        self
    }

    pub(crate) async fn get(self, path: &str) -> Answer {
        self.send(Method::GET, path).await
    }

    pub(crate) async fn post(self, path: &str) -> Answer {
        self.send(Method::POST, path).await
    }

    pub(crate) async fn send(self, method: Method, path: &str) -> Answer {
        self.try_send(method, path)
            .await
            .expect("the service answers, and whole")
    }

    /// An error if there is no answer, or half of one: the service may be gone.
    pub(crate) async fn try_send(self, method: Method, path: &str) -> reqwest::Result<Answer> {
        let started = Instant::now();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some((content_type, body)) = self.body {
            request = request.body(body);
            if !content_type.is_empty() {
                request = request.header("content-type", content_type);
            }
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await?.to_vec();
        log::watch("AN ANSWER", &String::from_utf8_lossy(&body));
        log::watch("AN ANSWER'S HEADERS", &format!("{headers:?}"));
        Ok(Answer {
            status,
            headers,
            body,
            took: started.elapsed(),
        })
    }
}
