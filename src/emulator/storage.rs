//! Forge's key-value and entity storage under `/forge/storage/kvs` (Forge storage REST).
//!
//! It takes the app's own token and no other, and keeps what it is given in memory, each
//! installation's apart. Where the platform's documentation is silent or says two things,
//! the stricter one is played, so that what passes here passes there.

mod address;
mod batch;
mod condition;
mod cursor;
mod engine;
mod entity_query;
mod fault;
mod filter;
mod items;
mod late;
mod operation;
mod options;
mod query;
mod schema;
mod shelf;
mod snapshot;
#[cfg(test)]
mod tests;
mod traffic;
mod transaction;
mod value;

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{
    access::{Meant, Refusal},
    journal::Purpose,
    stage::Stage,
    tokens::{Grant, Kind},
};
use engine::Outcome;
use fault::{Code, Fault};
use operation::Operation;

pub(super) use engine::{Limits, Storage};
pub(super) use options::iso;
pub use snapshot::{StoredIn, StoredItem};

/// Where the API lives.
pub(super) const BASE: &str = "/forge/storage/kvs";
const SCOPE: &str = "storage:app";
/// Largest request (Forge storage REST: 4 MB for a batch or a transaction).
const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// A request that is somewhat too large is refused in the storage's words.
const MAX_BODY_BYTES: usize = 2 * MAX_REQUEST_BYTES;

/// The API under [`BASE`].
pub(super) fn routes() -> Router<Arc<Stage>> {
    let mut router = Router::new();
    for (path, operation) in Operation::ALL {
        router = router.route(
            path,
            post(
                move |State(stage): State<Arc<Stage>>,
                      Extension(grant): Extension<Grant>,
                      headers: HeaderMap,
                      body: Bytes| async move {
                    answer(&stage, &grant, operation, &headers, &body)
                },
            ),
        );
    }
    router
        .fallback(no_such_operation)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// A refusal that a part in front of the storage gives, in the storage's shape.
pub(super) fn refusal(status: StatusCode, message: &'static str) -> Refusal {
    let code: String = status
        .canonical_reason()
        .unwrap_or(message)
        .chars()
        .map(|c| {
            if c == ' ' {
                '_'
            } else {
                c.to_ascii_uppercase()
            }
        })
        .collect();
    Refusal::new(
        status,
        serde_json::json!({"code": code, "message": message}),
    )
}

async fn no_such_operation() -> Refusal {
    refusal(StatusCode::NOT_FOUND, "Not Found").because(
        "The storage has no such operation: its paths begin with `/forge/storage/kvs/v1/`.",
    )
}

fn answer(
    stage: &Stage,
    grant: &Grant,
    operation: Operation,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let mut subject = String::new();
    let outcome = admit(grant)
        .and_then(|()| read(headers, body))
        .and_then(|request| {
            subject = operation.subject(&request);
            let limited = || engine::too_many(operation).into();
            match stage.faults.refuse_storage(limited) {
                Some(refused) => Ok(refused),
                None => run(stage, grant, operation, request),
            }
        });
    let mut response = outcome.unwrap_or_else(|fault| Refusal::from(fault).into_response());
    let meant = Meant(Purpose::Storage { subject });
    response.extensions_mut().insert(meant);
    response
}

fn run(
    stage: &Stage,
    grant: &Grant,
    operation: Operation,
    request: Value,
) -> Result<Response, Fault> {
    let outcome = stage.storage.run(grant.installation, operation, request)?;
    Ok(match outcome {
        Outcome::Done => StatusCode::NO_CONTENT.into_response(),
        Outcome::Told(value) => Json(value).into_response(),
    })
}

fn admit(grant: &Grant) -> Result<(), Fault> {
    if grant.kind != Kind::App {
        return Err(Fault::new(
            Code::Unauthorized,
            "Storage takes the app's own token (x-forge-oauth-system) and no other.",
        ));
    }
    if !grant.carries(SCOPE) {
        return Err(Fault::new(
            Code::Forbidden,
            "The app lacks the scope `storage:app`: add it to permissions.scopes.",
        ));
    }
    Ok(())
}

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Value, Fault> {
    let json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !json {
        return Err(Fault::bad_request(
            "The request is not sent as application/json.",
        ));
    }
    if body.len() > MAX_REQUEST_BYTES {
        return Err(Fault::new(Code::MaxSize, "A request has at most 4 MB."));
    }
    serde_json::from_slice(body).map_err(|error| {
        if error.to_string().starts_with("recursion limit") {
            Fault::new(
                Code::MaxDepth,
                "A value nests at most 31 objects and arrays.",
            )
        } else {
            Fault::bad_request("The body is not JSON.")
        }
    })
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::new(fault.code.status(), fault.body()).because(fault.message)
    }
}
