//! Fetching a key set: bounded in time and size, no redirects, 200 or nothing.

use std::time::Duration;

use bytes::BytesMut;
use http::{Method, StatusCode};
use tokio::time::timeout;
use tracing::Instrument;
use url::Url;

use super::freshness::fresh_for;
use crate::{
    fit::jwk::{self, Keys, NoKeys},
    outbound::{ClientSpan, Outgoing},
    trace::TraceId,
};

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

impl FetchError {
    /// As spans say it; a status that is none of HTTP's errors too.
    const fn why(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "connection",
            Self::TimedOut => "timeout",
            Self::TooLarge => "too_large",
            Self::Status(_) | Self::NoKeys(_) => "bad_answer",
        }
    }
}

/// Gets the set. Keys that `known` has stay the ones they are.
///
/// It is a trace of its own: all who want a key share the fetch, and most fetches nobody waits for.
pub(super) async fn fetch(
    http: &reqwest::Client,
    url: Url,
    known: Option<&Keys>,
) -> Result<Fetched, FetchError> {
    let outgoing = Outgoing {
        method: &Method::GET,
        url: &url,
        route: url.path(),
        resent: 0,
    };
    let span = ClientSpan::begin(&outgoing, &TraceId::random(), None);
    let mut status = None;
    let fetched = timeout(
        TIME_LIMIT,
        fetch_unbounded(http, url.clone(), known, &mut status),
    )
    .instrument(span.span())
    .await
    .unwrap_or(Err(FetchError::TimedOut));
    if let Some(status) = status {
        span.answered(status);
    }
    if let Err(error) = &fetched {
        span.failed(error.why());
    }
    fetched
}

async fn fetch_unbounded(
    http: &reqwest::Client,
    url: Url,
    known: Option<&Keys>,
    status: &mut Option<StatusCode>,
) -> Result<Fetched, FetchError> {
    let mut response = http
        .get(url)
        .header(http::header::ACCEPT, "application/json")
        .send()
        .await?;
    *status = Some(response.status());
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
