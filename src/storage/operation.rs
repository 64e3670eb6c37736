//! One operation on its way: always a POST with a JSON body (Forge storage REST).

use std::sync::Arc;

use http::Method;
use serde::Serialize;

use super::StorageError;
use crate::product::{Client, ProductError, Request, Response};

/// "4 MB" for a batch or a transaction. Read generously: the platform judges what lies
/// between its million and ours.
pub(super) const MOST_REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// Room for the largest value, every character of it escaped, and for what is told beside.
pub(super) const ONE_VALUE: usize = 2 * 1024 * 1024;

/// Room for a batch or a page.
pub(super) const MANY_VALUES: usize = 32 * 1024 * 1024;

/// What an operation needs to be told beside its body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// The path behind the base URL.
    pub(super) path: &'static str,
    /// Whether doing it twice is the same as doing it once.
    pub(super) repeatable: bool,
    /// How much answer is taken.
    pub(super) max_bytes: usize,
}

impl Operation {
    /// One that may be repeated.
    pub(super) const fn new(path: &'static str, max_bytes: usize) -> Self {
        Self {
            path,
            repeatable: true,
            max_bytes,
        }
    }

    /// The same; `false`: a repeat would meet what the first try did.
    pub(super) const fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }

    pub(super) async fn send<B: Serialize + ?Sized>(
        self,
        client: &Arc<Client>,
        body: &B,
    ) -> Result<Response, StorageError> {
        let body = serde_json::to_vec(body).map_err(StorageError::Unwritable)?;
        if body.len() > MOST_REQUEST_BYTES {
            return Err(StorageError::TooLarge {
                what: "a request",
                limit: MOST_REQUEST_BYTES,
            });
        }
        let mut request = Request::new(Arc::clone(client), Method::POST, self.path)
            .body("application/json", body)
            .max_bytes(self.max_bytes);
        if self.repeatable {
            request = request.idempotent();
        }
        Ok(request.send().await?)
    }
}

/// The answer, or none if the platform says that there is nothing under the key.
///
/// Its official client knows `KEY_NOT_FOUND`, its documentation `NOT_FOUND`. A 404 without
/// either is no answer about a key.
pub(super) fn unless_missing(
    answer: Result<Response, StorageError>,
) -> Result<Option<Response>, StorageError> {
    match answer {
        Ok(response) => Ok(Some(response)),
        Err(StorageError::Call(ProductError::NotFound(refusal)))
            if matches!(refusal.code(), Some("KEY_NOT_FOUND" | "NOT_FOUND")) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
