//! Refusals in JSON, whoever speaks them, and the flaws that any answer may have.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::Remote;

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
    State(_remote): State<Remote>,
    request: Request,
    next: Next,
) -> Response {
    next.run(request).await
}
