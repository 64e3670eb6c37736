//! Atlassian's side: the key set, the products and the gateway, on one loopback server.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    keys::{KEY, KID, key_set},
    log,
};

/// A request that the remote made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// The bearer token it came with.
    pub(crate) fn token(&self) -> &str {
        let value = self
            .headers
            .get(AUTHORIZATION)
            .map(|value| value.to_str().unwrap());
        value
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or("")
    }

    /// Whom the token speaks for: what an answer may say of it.
    pub(crate) fn speaker(&self) -> String {
        self.token().replace(log::MARK, "of")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A token travels in `authorization` and nowhere else, and a FIT not at all.
    fn watch(&self) {
        let mut headers = self.headers.clone();
        headers.remove(AUTHORIZATION);
        let body = String::from_utf8_lossy(&self.body);
        let rest = format!("{} {} {headers:?} {body}", self.path, self.query);
        log::watch("A CALL OF ATLASSIAN", &rest);
        let is_fit = self.token().starts_with("eyJ");
        if is_fit && !self.token().contains(log::MARK) {
            log::watch("A CALL OF ATLASSIAN", self.token());
        }
    }

    /// The account that an exchange asks for, if this is one.
    pub(crate) fn exchange(&self) -> Option<String> {
        let account = self.json()["variables"]["input"]["userId"]
            .as_str()
            .map(str::to_owned);
        account.filter(|_| self.path == "/graphql")
    }
}

type Answers = Arc<dyn Fn(Call) -> BoxFuture<'static, Response> + Send + Sync>;

struct Played {
    keys: KeySet,
    answers: Answers,
    calls: Vec<Call>,
    fetches: usize,
}

/// What can be answered again and again.
#[derive(Clone)]
struct KeySet {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: String,
}

#[derive(Clone)]
pub(crate) struct Atlassian {
    pub(crate) address: SocketAddr,
    played: Arc<Mutex<Played>>,
}

impl Atlassian {
    /// With the tests' key in its set, no product, and a gateway that exchanges for anybody.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let played = Arc::new(Mutex::new(Played {
            keys: KeySet {
                status: StatusCode::OK,
                headers: vec![("cache-control", "max-age=600".to_owned())],
                body: key_set(&[KEY.jwk(KID)]),
            },
            answers: Arc::new(|call| Box::pin(async move { exchanged(&call, 3600) })),
            calls: Vec::new(),
            fetches: 0,
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&played));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, played }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets products and gateway answer like that from now on.
    pub(crate) fn answers<F>(&self, answers: F)
    where
        F: Fn(Call) -> Response + Send + Sync + 'static,
    {
        self.answers_later(move |call| {
            let answer = answers(call);
            Box::pin(async move { answer })
        });
    }

    pub(crate) fn answers_later<F>(&self, answers: F)
    where
        F: Fn(Call) -> BoxFuture<'static, Response> + Send + Sync + 'static,
    {
        self.played.lock().unwrap().answers = Arc::new(answers);
    }

    pub(crate) fn serves_keys(&self, keys: &[Value]) {
        self.serves_key_set(StatusCode::OK, key_set(keys));
    }

    pub(crate) fn serves_key_set(&self, status: StatusCode, body: String) {
        let mut played = self.played.lock().unwrap();
        played.keys.status = status;
        played.keys.body = body;
    }

    /// How often the key set was fetched.
    pub(crate) fn key_set_fetches(&self) -> usize {
        self.played.lock().unwrap().fetches
    }

    /// Everything but fetches of the key set, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.played.lock().unwrap().calls.clone()
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.calls()
            .iter()
            .filter(|call| call.exchange().is_some())
            .count()
    }
}

async fn answer(State(played): State<Arc<Mutex<Played>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/.well-known/jwks.json" {
        let mut played = played.lock().unwrap();
        played.fetches += 1;
        let KeySet {
            status,
            headers,
            body,
        } = played.keys.clone();
        let mut answer = (status, body).into_response();
        for (name, value) in headers {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        return answer;
    }
    let call = Call {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or("").to_owned(),
        headers: parts.headers,
        body: axum::body::to_bytes(body, 10 << 20).await.unwrap(),
    };
    call.watch();
    let answers = {
        let mut played = played.lock().unwrap();
        played.calls.push(call.clone());
        Arc::clone(&played.answers)
    };
    answers(call).await
}

pub(crate) fn json_answer(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// The gateway's yes: a token that tells whom it is for. Anything else is not found.
pub(crate) fn exchanged(call: &Call, ttl: u64) -> Response {
    let Some(account) = call.exchange() else {
        return json_answer(404, json!({"message": "nothing played here"}));
    };
    let token = format!("account-t0psecret-{account}");
    json_answer(
        200,
        json!({"data": {"offlineUserAuthToken": {
            "success": true, "errors": null, "authToken": {"token": token, "ttl": ttl},
        }}}),
    )
}

/// The gateway's no.
pub(crate) fn denied(message: &str) -> Response {
    json_answer(
        200,
        json!({"data": {"offlineUserAuthToken": {
            "success": false, "errors": [{"message": message}], "authToken": null,
        }}}),
    )
}
