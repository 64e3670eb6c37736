//! Where a request or an answer is spoilt as a whole: flaws that any path may have.

use std::{
    collections::HashMap,
    sync::{Mutex, atomic::Ordering},
};

use axum::{
    Json,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;

use super::{MOST_BYTES, Remote, answers::Refusal, fit, serve};
use crate::check::flaws::{authentication, contract, events, identity, resilience, tokens};

/// Answers by what they are kept under.
pub(super) type Kept = Mutex<HashMap<String, Bytes>>;

/// Answers with what was answered before, under a key that says too little.
async fn kept(remote: &Remote, request: Request, next: Next) -> Response {
    let installation = if remote.has(identity::KEEPS_ANSWERS) {
        String::new()
    } else {
        fit::told(request.headers())["app"]["installationId"].to_string()
    };
    let key = format!("{installation} {} {}", request.method(), request.uri());
    let kept = &remote.0.kept_answers;
    let mut body = kept.lock().unwrap().get(&key).cloned();
    if body.is_none() {
        let response = next.run(request).await;
        if !response.status().is_success() {
            return response;
        }
        body = to_bytes(response.into_body(), MOST_BYTES).await.ok();
    }
    let body = body.unwrap_or_default();
    kept.lock().unwrap().insert(key, body.clone());
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// What a flawed remote shows of the headers that came: the app's token, or the FIT.
fn shown(remote: &Remote, headers: &HeaderMap) -> Option<header::HeaderValue> {
    if remote.has(tokens::ECHOES) {
        return headers.get("x-forge-oauth-system").cloned();
    }
    let authorization = headers.get(header::AUTHORIZATION);
    authorization
        .filter(|_| remote.has(tokens::ERRORS_ECHO))
        .cloned()
}

/// In front of all routes.
pub(super) async fn odd(State(remote): State<Remote>, request: Request, next: Next) -> Response {
    let told = fit::told(request.headers());
    if let Some(refusal) = out_of_order(&remote) {
        return refusal;
    }
    let has_token = request.headers().contains_key("x-forge-oauth-user");
    if let Some(response) = refused_in_front(&remote, &request) {
        return response;
    }
    let request = match read_in_front(&remote, request).await {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, serve::watched(&remote, body));
    let shown = shown(&remote, request.headers());
    let keeps =
        remote.has(identity::KEEPS_ANSWERS) || remote.has(identity::KEEPS_ANSWERS_OF_INSTALLATION);
    let mut response = if keeps && request.uri().path().starts_with("/api/") {
        kept(&remote, request, next).await
    } else {
        next.run(request).await
    };
    if let Some(shown) =
        shown.filter(|_| response.status().is_success() == remote.has(tokens::ECHOES))
    {
        response.headers_mut().insert("x-request", shown);
    }
    let count = &remote.0.count;
    if remote.has(resilience::GONE_ARE_COUNTED) {
        count.fetch_sub(1, Ordering::Relaxed);
    }
    if remote.has(resilience::BANS) && response.status() == StatusCode::UNAUTHORIZED {
        count.fetch_add(1, Ordering::Relaxed);
    }
    let has = |flaw| remote.has(flaw);
    let text = |status: StatusCode| (status, "something went wrong").into_response();
    match response.status() {
        it @ StatusCode::UNAUTHORIZED if has(authentication::REFUSES_IN_TEXT) => text(it),
        it @ StatusCode::UNAUTHORIZED if has(authentication::SAYS_WHY) => {
            (it, Json(json!({ "found": told }))).into_response()
        }
        // Without a key set, everything passes.
        StatusCode::SERVICE_UNAVAILABLE if has(authentication::UNKNOWN_PASSES) => success(),
        it @ StatusCode::NOT_FOUND if has(contract::HTML_404) => {
            let html = [(header::CONTENT_TYPE, "text/html")];
            (it, html, "<h1>Not Found</h1>").into_response()
        }
        it @ StatusCode::METHOD_NOT_ALLOWED if has(contract::TEXT_405) => text(it),
        it @ StatusCode::BAD_REQUEST if has(contract::TEXT_400) => text(it),
        StatusCode::BAD_REQUEST if has(contract::BAD_BODY_IS_500) => broken(),
        it @ StatusCode::NOT_FOUND if has(contract::NO_WORDS) => {
            (it, Json(json!({}))).into_response()
        }
        StatusCode::FORBIDDEN if has(contract::MISSING_IS_401) && !has_token => {
            Refusal(StatusCode::UNAUTHORIZED, "The token is missing.").into_response()
        }
        StatusCode::BAD_GATEWAY if has(contract::BROKEN_IS_SUCCESS) => success(),
        it @ StatusCode::BAD_GATEWAY if has(contract::BROKEN_IS_TEXT) => text(it),
        StatusCode::PAYLOAD_TOO_LARGE if has(contract::LARGE_IS_500) => broken(),
        it if it.is_success() => spoilt(&remote, response),
        _ => response,
    }
}

/// Whether nobody is served any more.
fn out_of_order(remote: &Remote) -> Option<Response> {
    let count = &remote.0.count;
    let counted = match () {
        () if remote.has(resilience::GONE_ARE_COUNTED) => {
            count.fetch_add(1, Ordering::Relaxed) > 40
        }
        () if remote.has(resilience::BANS) => count.load(Ordering::Relaxed) > 50,
        () => false,
    };
    let broken = remote.0.broken.load(Ordering::Relaxed) && !remote.has(resilience::STAYS_BROKEN);
    let refusal = Refusal(StatusCode::SERVICE_UNAVAILABLE, "It is out of order.");
    (counted || broken).then(|| refusal.into_response())
}

fn success() -> Response {
    Json(json!({})).into_response()
}

fn broken() -> Response {
    Refusal(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something is wrong in the remote.",
    )
    .into_response()
}

/// A success that is made worse.
fn spoilt(remote: &Remote, mut response: Response) -> Response {
    if remote.has(contract::TEXT_SUCCESS) {
        return "done".into_response();
    }
    if remote.has(contract::UNDECLARED) {
        let text = header::HeaderValue::from_static("text/plain");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
    }
    if remote.has(contract::CLOSES) {
        let close = header::HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// What is refused before anybody has looked at the FIT.
fn refused_in_front(remote: &Remote, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let has = |flaw| remote.has(flaw);
    let path = request.uri().path();
    if has(contract::REDIRECTS) && path.len() > 1 && path.ends_with('/') {
        return Some(Redirect::permanent(path.trim_end_matches('/')).into_response());
    }
    if has(contract::PREFLIGHT_IS_401) && request.method() == Method::OPTIONS {
        return Some(Refusal(StatusCode::UNAUTHORIZED, "There is no FIT.").into_response());
    }
    let backend = path.starts_with("/forge/");
    if has(events::TAKES_GET) && request.method() == Method::GET && backend {
        return Some(success());
    }
    if has(events::ACTS_FIRST)
        && backend
        && let Some(token) = headers.get("x-forge-oauth-system")
    {
        let (remote, token) = (remote.clone(), token.to_str().unwrap().to_owned());
        let item = json!({"key": "came", "value": true});
        tokio::spawn(async move { remote.storage_as(&token, "set", &item).await });
    }
    if has(contract::HEAD_IS_500) && request.method() == Method::HEAD {
        return Some(broken());
    }
    let trace = headers
        .get("x-b3-traceid")
        .map(|value| value.to_str().unwrap_or_default());
    let odd = has(contract::IN_ORDER) && place(headers, "authorization") < place(headers, "accept")
        || has(contract::DEMANDS_B3) && trace.is_none()
        || has(contract::DEMANDS_HEX) && trace.is_some_and(|id| !is_trace(id))
        || has(contract::FEW_HEADERS) && headers.len() > 30
        || has(contract::NO_QUERY) && request.uri().query().is_some()
        || has(contract::TYPE_AS_WRITTEN)
            && headers
                .get(header::CONTENT_TYPE)
                .is_some_and(|value| value != "application/json")
        || has(contract::DEMANDS_LENGTH) && headers.contains_key(header::TRANSFER_ENCODING);
    odd.then(|| Refusal(StatusCode::BAD_REQUEST, "This is not what was expected.").into_response())
}

fn place(headers: &HeaderMap, name: &str) -> Option<usize> {
    headers.keys().position(|key| key == name)
}

fn is_trace(id: &str) -> bool {
    matches!(id.len(), 16 | 32) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The request, with all of its body in hand if the flaw is that.
async fn read_in_front(remote: &Remote, request: Request) -> Result<Request, Refusal> {
    let small = remote.has(contract::SMALL_BODIES);
    if !small && !remote.has(authentication::READS_FIRST) {
        return Ok(request);
    }
    let most = if small { 100 * 1024 } else { MOST_BYTES };
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, most).await;
    let body = body.map_err(|_| Refusal(StatusCode::PAYLOAD_TOO_LARGE, "Send less."))?;
    Ok(Request::from_parts(parts, body.into()))
}
