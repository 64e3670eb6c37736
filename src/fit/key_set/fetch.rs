//! Fetching a key set: bounded in time and size, no redirects, 200 or nothing.

use std::time::Duration;

use bytes::BytesMut;
use http::StatusCode;
use tokio::time::timeout;
use url::Url;

use super::freshness::fresh_for;
use crate::fit::jwk::{self, Keys, NoKeys};

/// For the whole answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// After decompression. A key has about 500 bytes.
const SIZE_LIMIT: usize = 1024 * 1024;

/// A key set and how long it is fresh.
pub(super) struct Fetched {
    pub(super) keys: Keys,
    pub(super) fresh_for: Duration,
}

/// Why there is no new key set.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the endpoint cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    #[error("the endpoint did not answer in {} s", TIME_LIMIT.as_secs())]
    TimedOut,
    #[error("the endpoint answered with status {0}")]
    Status(StatusCode),
    #[error("the answer is larger than {SIZE_LIMIT} bytes")]
    TooLarge,
    #[error("the answer is not a key set")]
    NoKeys(#[from] NoKeys),
}

/// Gets the set. Keys that `known` has stay the ones they are.
pub(super) async fn fetch(
    http: &reqwest::Client,
    url: Url,
    known: Option<&Keys>,
) -> Result<Fetched, FetchError> {
    timeout(TIME_LIMIT, fetch_unbounded(http, url, known))
        .await
        .map_err(|_| FetchError::TimedOut)?
}

async fn fetch_unbounded(
    http: &reqwest::Client,
    url: Url,
    known: Option<&Keys>,
) -> Result<Fetched, FetchError> {
    let mut response = http
        .get(url)
        .header(http::header::ACCEPT, "application/json")
        .send()
        .await?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let fresh_for = fresh_for(response.headers());
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > SIZE_LIMIT {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let keys = jwk::read(&body, known)?;
    Ok(Fetched { keys, fresh_for })
}
