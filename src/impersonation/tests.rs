//! The room over real HTTP, against a gateway that does what a test tells it.

mod answers;
mod clock;
mod coalescing;
mod forms;
mod keeping;
mod limits;
mod logs;

use std::{
    future::{self, Future},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{
    clock::Timestamp,
    ids::Product,
    outbound::{self, ApiHosts},
};

const CLOUD: &str = "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
const ACCOUNT: &str = "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458";
const APP_TOKEN: &str = "app-t0ken";
const NOW: Timestamp = Timestamp::from_unix(1_785_312_000);

type Script = dyn Fn(Seen) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync;

/// A request as the gateway got it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// How many came before it.
    pub(super) index: usize,
    headers: HeaderMap,
    body: Value,
}

impl Seen {
    fn context(&self) -> &str {
        self.body["variables"]["input"]["contextIds"][0]
            .as_str()
            .unwrap()
    }
}

pub(super) struct FakeGateway {
    url: ApiUrl,
    requests: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl FakeGateway {
    /// A gateway whose answers wait for something.
    pub(super) async fn slow<F, A>(script: F) -> Self
    where
        F: Fn(Seen) -> A + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        let requests = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(move |seen| Box::pin(script(seen)));
        let (count, list) = (Arc::clone(&requests), Arc::clone(&seen));
        let handler = move |headers: HeaderMap, body: Bytes| {
            let request = Seen {
                index: count.fetch_add(1, Ordering::SeqCst),
                headers,
                body: serde_json::from_slice(&body).unwrap(),
            };
            list.lock().unwrap().push(request.clone());
            script(request)
        };
        let url = serve(Router::new().route("/graphql", axum::routing::post(handler))).await;
        Self {
            url: allowed(&format!("{url}/graphql")),
            requests,
            seen,
        }
    }

    /// A gateway that answers at once.
    pub(super) async fn start(script: impl Fn(Seen) -> Response + Send + Sync + 'static) -> Self {
        Self::slow(move |seen| future::ready(script(seen))).await
    }

    /// A gateway that hands out `token-0`, `token-1`, … which live an hour.
    pub(super) async fn generous() -> Self {
        Self::start(|seen| granted(&format!("token-{}", seen.index), 3600)).await
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn impersonation(&self) -> Impersonation {
        self.limited_to(10_000)
    }

    fn limited_to(&self, requests_per_minute: u32) -> Impersonation {
        self.replica(None, requests_per_minute)
    }

    /// One of the replicas that share a store.
    pub(super) fn among(&self, shared: Arc<dyn Shared>, per_minute: u32) -> Impersonation {
        self.replica(Some(shared), per_minute)
    }

    fn replica(&self, shared: Option<Arc<dyn Shared>>, per_minute: u32) -> Impersonation {
        let settings = config::Impersonation {
            requests_per_minute: per_minute,
            max_cached_tokens: 1_000,
        };
        let http = outbound::client().unwrap();
        let (url, clock) = (self.url.clone(), Clock::manual(NOW));
        Impersonation::among(shared, &settings, url, http, clock)
    }
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn allowed(url: &str) -> ApiUrl {
    let hosts = ApiHosts::new(["127.0.0.1"], true);
    hosts.check(url.parse().unwrap()).unwrap()
}

fn respond(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, axum::Json(body.clone())).into_response()
}

pub(super) fn granted(token: &str, ttl: i64) -> Response {
    let told = json!({"success": true, "errors": null, "authToken": {"token": token, "ttl": ttl}});
    respond(200, &json!({"data": {"offlineUserAuthToken": told}}))
}

fn denied(message: &str) -> Response {
    let told = json!({"success": false, "errors": [{"message": message}], "authToken": null});
    respond(200, &json!({"data": {"offlineUserAuthToken": told}}))
}

fn graphql_error(status: u16, message: &str) -> Response {
    let error = json!({"message": message, "path": ["offlineUserAuthToken"],
        "extensions": {"statusCode": status, "errorType": "SOME"}});
    respond(
        200,
        &json!({"data": {"offlineUserAuthToken": null}, "errors": [error]}),
    )
}

fn status(status: u16) -> Response {
    (StatusCode::from_u16(status).unwrap(), "<html>oops</html>").into_response()
}

pub(super) fn limited(retry_after: &'static str) -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        [("retry-after", retry_after)],
    )
        .into_response()
}

pub(super) fn subject() -> Subject {
    Subject {
        app: "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".parse().unwrap(),
        installation: "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647".parse().unwrap(),
        ic_label: None,
        context: ContextId::site(Product::Confluence, CLOUD.parse().unwrap()),
        account: ACCOUNT.parse().unwrap(),
    }
}

fn jira() -> Subject {
    Subject {
        context: ContextId::site(Product::Jira, CLOUD.parse().unwrap()),
        ..subject()
    }
}

fn app_token(text: &str) -> AppToken {
    AppToken::received(text.to_owned(), NOW).unwrap()
}

/// As a caller with this much time.
pub(super) async fn ask_within(
    time: Duration,
    impersonation: &Impersonation,
    subject: &Subject,
) -> Result<String, ImpersonationError> {
    let token = app_token(APP_TOKEN);
    impersonation
        .token(subject, &token, Deadline::after(time), &TraceId::random())
        .await
        .map(|token| token.secret().expose().to_owned())
}

/// As a caller with all the time that a user interface waits.
pub(super) async fn ask(
    impersonation: &Impersonation,
    subject: &Subject,
) -> Result<String, ImpersonationError> {
    ask_within(Duration::from_secs(25), impersonation, subject).await
}

/// Lets time go by. Only when no request is under way: the clock stands still meanwhile.
async fn pass(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

/// Waits until what happens in the background has happened.
async fn until(condition: impl Fn() -> bool) {
    let looking = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), looking)
        .await
        .expect("it should have happened by now");
}
