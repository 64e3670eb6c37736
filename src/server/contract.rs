//! One shape for every error: what handlers return, and what the framework rejects.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{
    deadline::Deadline,
    error::{Error, ErrorCode, Failure},
    trace::TraceId,
};

/// The explanation that a framework's rejection gives is not longer.
const MAX_EXPLANATION: usize = 1024;
/// It is there already: this is for a body that only looks like one.
const EXPLANATION_PATIENCE: Duration = Duration::from_millis(100);

/// Gives every error the public JSON shape, with the trace id: those of this crate,
/// and the plain-text ones that the framework makes.
pub(super) async fn by_contract(answer: Response, trace: &TraceId, deadline: Deadline) -> Response {
    if !answer.status().is_client_error() && !answer.status().is_server_error() {
        return answer;
    }
    if let Some(failure) = answer.extensions().get::<Failure>() {
        let body = failure.body(trace);
        return with_body(answer, body);
    }
    if answer.status() == StatusCode::UNAUTHORIZED {
        // The platform would tell the user that the FIT could not be verified.
        tracing::warn!("a handler answered 401, which is the FIT's alone: sent as 403");
        let message = "The remote refused the request.";
        return Error::new(ErrorCode::Forbidden, message).response(Some(trace));
    }
    if is_json(answer.headers()) {
        return answer;
    }
    reshape(answer, trace, deadline).await
}

/// A rejection of the framework keeps its status, its headers and its explanation.
async fn reshape(answer: Response, trace: &TraceId, deadline: Deadline) -> Response {
    let (mut parts, body) = answer.into_parts();
    let (code, message) = describe(parts.status);
    let message = match code {
        ErrorCode::BadRequest | ErrorCode::InvalidBody => {
            let explanation = explanation(body, deadline).await;
            format!("{message} {explanation}").trim_end().to_owned()
        }
        _ => message.to_owned(),
    };
    let error = Error::new(code, message).response(Some(trace));
    let (shape, body) = error.into_parts();
    remove_body_headers(&mut parts.headers);
    parts.headers.extend(shape.headers);
    parts.extensions.extend(shape.extensions);
    Response::from_parts(parts, body)
}

/// What a framework's rejection says, or nothing: a handler's own error may be a body
/// that never ends, or one that panics.
async fn explanation(body: Body, deadline: Deadline) -> String {
    let read = AssertUnwindSafe(to_bytes(body, MAX_EXPLANATION)).catch_unwind();
    let Ok(Ok(Ok(text))) = deadline.within(EXPLANATION_PATIENCE).bound(read).await else {
        return String::new();
    };
    std::str::from_utf8(&text)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn describe(status: StatusCode) -> (ErrorCode, &'static str) {
    match status {
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "There is nothing at this path."),
        StatusCode::METHOD_NOT_ALLOWED => (
            ErrorCode::MethodNotAllowed,
            "This path does not take this method: the `allow` header lists those it takes.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            ErrorCode::PayloadTooLarge,
            "The body is larger than the remote takes.",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            ErrorCode::UnsupportedMediaType,
            "The body's type is not the one this path takes: check `content-type`.",
        ),
        StatusCode::UNPROCESSABLE_ENTITY => (
            ErrorCode::InvalidBody,
            "The body is not what this path takes.",
        ),
        StatusCode::FORBIDDEN => (ErrorCode::Forbidden, "The remote refused the request."),
        StatusCode::TOO_MANY_REQUESTS => (
            ErrorCode::RateLimited,
            "There were too many requests. Try again later.",
        ),
        StatusCode::BAD_GATEWAY => (
            ErrorCode::UpstreamError,
            "A service that the remote depends on failed.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            ErrorCode::Overloaded,
            "The remote cannot serve this now. Try again later.",
        ),
        StatusCode::GATEWAY_TIMEOUT => (
            ErrorCode::DeadlineExceeded,
            "The answer took longer than the caller waits. Ask for less, or try again.",
        ),
        StatusCode::BAD_REQUEST => (ErrorCode::BadRequest, "The request cannot be read."),
        status if status.is_client_error() => {
            (ErrorCode::BadRequest, "The remote refused the request.")
        }
        _ => (
            ErrorCode::InternalError,
            "The remote failed. Its log has the cause under this trace id.",
        ),
    }
}

fn with_body(answer: Response, body: Vec<u8>) -> Response {
    let (mut parts, _) = answer.into_parts();
    remove_body_headers(&mut parts.headers);
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Response::from_parts(parts, Body::from(body))
}

/// Takes away what speaks of the body that was: a layer of the app may have compressed it.
fn remove_body_headers(headers: &mut HeaderMap) {
    for name in [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONTENT_ENCODING,
        header::CONTENT_RANGE,
        header::ETAG,
        header::TRAILER,
    ] {
        headers.remove(name);
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        value
            .as_bytes()
            .to_ascii_lowercase()
            .starts_with(b"application/json")
    })
}
