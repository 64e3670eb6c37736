//! Refusals in JSON, whoever speaks them.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

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
