//! An answer that is 2xx.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::{Call, DecodeError, ProductError};
use crate::outbound::upstream;

/// A product's answer, 2xx and read to its end.
///
/// ```
/// use axum::response::IntoResponse;
/// use forge_remote::product::{Jira, ProductError, Response};
/// use serde_json::value::RawValue;
///
/// async fn pass_on(jira: &Jira) -> Result<impl IntoResponse, ProductError> {
///     let answer: Response = jira.get("/rest/api/3/serverInfo").send().await?;
///     let checked: &RawValue = answer.json()?;
///     println!("{} of {} bytes: {}", checked.get().len(), answer.bytes().len(), answer.text()?);
///     println!("{:?}", answer.headers().get("etag"));
///     Ok((answer.status(), answer.into_bytes()))
/// }
/// ```
#[derive(Clone)]
pub struct Response {
    pub(super) call: Call,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Response {
    /// The status, always 2xx.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, decompressed.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body, decompressed, without the rest.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.body
    }

    /// The body as JSON. An empty one, as of a 204, reads as `null`: take `()` or an
    /// `Option`. A type that borrows copies nothing of the body: what is only passed on
    /// can be taken as a [`&RawValue`](serde_json::value::RawValue), checked to be JSON.
    ///
    /// # Errors
    /// [`ProductError::Decode`] if it is not JSON or not a `T`.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ProductError> {
        let body: &'a [u8] = if self.body.is_empty() {
            b"null"
        } else {
            &self.body
        };
        serde_json::from_slice(body).map_err(|error| self.undecodable(DecodeError::of::<T>(&error)))
    }

    /// The body as text.
    ///
    /// # Errors
    /// [`ProductError::Decode`] if it is not UTF-8.
    pub fn text(&self) -> Result<String, ProductError> {
        match std::str::from_utf8(&self.body) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(self.undecodable(DecodeError::Utf8(error.valid_up_to()))),
        }
    }

    /// Atlassian's own trace id of the answer, the first thing that its support asks for.
    pub(super) fn trace_id(&self) -> Option<&str> {
        upstream::trace_id(&self.headers)
    }

    pub(super) fn undecodable(&self, source: DecodeError) -> ProductError {
        ProductError::Decode {
            call: self.call.clone(),
            source,
            trace_id: self.trace_id().map(str::to_owned),
        }
    }
}

impl fmt::Debug for Response {
    /// The body is left out: it may be about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("call", &self.call)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
