//! Refusals in JSON, whoever speaks them, and the flaws that any answer may have.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{MOST_BYTES, Remote, fit};
use crate::check::flaws::authentication;

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, message) = self;
        (status, Json(json!({"error": {"message": message}}))).into_response()
    }
}

pub(super) async fn no_path() -> Refusal {
    Refusal(StatusCode::NOT_FOUND, "There is nothing at this path.")
}

pub(super) async fn no_method() -> Refusal {
    Refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "This path has no such method.",
    )
}

/// Where an answer is spoilt as a whole.
pub(super) async fn odd_answers(
    State(remote): State<Remote>,
    request: Request,
    next: Next,
) -> Response {
    let told = fit::told(request.headers());
    let request = if remote.has(authentication::READS_FIRST) {
        match whole(request).await {
            Ok(request) => request,
            Err(refusal) => return refusal.into_response(),
        }
    } else {
        request
    };
    let response = next.run(request).await;
    match response.status() {
        StatusCode::UNAUTHORIZED if remote.has(authentication::REFUSES_IN_TEXT) => {
            (StatusCode::UNAUTHORIZED, "Unauthorized").into_response()
        }
        StatusCode::UNAUTHORIZED if remote.has(authentication::SAYS_WHY) => {
            (StatusCode::UNAUTHORIZED, Json(json!({"found": told}))).into_response()
        }
        // Without a key set, everything passes.
        StatusCode::SERVICE_UNAVAILABLE if remote.has(authentication::UNKNOWN_PASSES) => {
            Json(json!({})).into_response()
        }
        _ => response,
    }
}

/// The request with all of its body in hand.
async fn whole(request: Request) -> Result<Request, Refusal> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MOST_BYTES).await;
    let body = body.map_err(|_| Refusal(StatusCode::PAYLOAD_TOO_LARGE, "Send 5 MB at most."))?;
    Ok(Request::from_parts(parts, body.into()))
}
