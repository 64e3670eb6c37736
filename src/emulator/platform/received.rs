//! What came back from the remote, read within limits, and as much of it as is kept.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};

use super::{envelope::Envelope, mask::masked};
use crate::{
    conformance::answer::{MAX_ANSWER_BYTES, Outcome},
    emulator::journal::Answer,
    secret::Secret,
};

/// As much of a body as is kept for the console.
pub(super) const MAX_SHOWN_BYTES: usize = 128 * 1024;

/// What came back from the remote.
#[derive(Debug)]
pub(in crate::emulator) enum Received {
    Whole {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
    TooLarge {
        status: StatusCode,
    },
    Nothing,
    TimedOut,
}

impl Received {
    /// Sends the request and reads the whole answer, for so long and no longer.
    pub(in crate::emulator) async fn within(
        limit: Duration,
        client: &reqwest::Client,
        envelope: Envelope,
    ) -> Self {
        let sent = Self::from_remote(envelope.into_request(client));
        tokio::time::timeout(limit, sent)
            .await
            .unwrap_or(Self::TimedOut)
    }

    async fn from_remote(request: reqwest::RequestBuilder) -> Self {
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Self::nothing(error),
        };
        let status = response.status();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => return Self::nothing(error),
            };
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Self::TooLarge { status };
            }
            body.extend_from_slice(&chunk);
        }
        Self::Whole {
            status,
            headers,
            body: body.into(),
        }
    }

    /// The platform tells nobody why; whoever runs the remote wants to know.
    fn nothing(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut cause = error.to_string();
        let mut deeper = error.source();
        while let Some(source) = deeper {
            cause = format!("{cause}: {source}");
            deeper = source.source();
        }
        tracing::warn!(cause, "no whole answer came from the remote");
        Self::Nothing
    }

    /// The status, where one came in time.
    pub(in crate::emulator) const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Whole { status, .. } | Self::TooLarge { status } => Some(*status),
            Self::Nothing | Self::TimedOut => None,
        }
    }

    pub(in crate::emulator) fn outcome(&self) -> Outcome<'_> {
        match self {
            Self::Whole {
                status,
                headers,
                body,
            } => Outcome::Answered {
                status: *status,
                headers,
                body,
            },
            Self::TooLarge { status } => Outcome::TooLarge { status: *status },
            Self::Nothing => Outcome::NoAnswer,
            Self::TimedOut => Outcome::TimedOut,
        }
    }

    pub(in crate::emulator) fn answer(&self, tokens: &[Secret]) -> Option<Answer> {
        let Self::Whole {
            status,
            headers,
            body,
        } = self
        else {
            return None;
        };
        let shown = &body[..body.len().min(MAX_SHOWN_BYTES)];
        let headers = headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), masked(&value, tokens))
        });
        Some(Answer {
            status: *status,
            headers: headers.collect(),
            body: masked(&String::from_utf8_lossy(shown), tokens),
            bytes: body.len(),
        })
    }
}

/// As much of a text as is kept for the console.
pub(in crate::emulator) fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(text.len().min(MAX_SHOWN_BYTES));
    text[..end].to_owned()
}
