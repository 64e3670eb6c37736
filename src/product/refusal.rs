//! An answer that is not 2xx: the status first, then whatever its body says.

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode};

use super::{Call, error_body::ErrorBody};
use crate::outbound::upstream;

/// How much of an error body is kept.
const EXCERPT_BYTES: usize = 2 * 1024;

/// A product's answer that is an error.
///
/// `Display` says it in one line: `jira GET /rest/api/3/issue/{key} answered 404: Issue does
/// not exist`. Neither `Display` nor `Debug` shows the body.
///
/// ```
/// use forge_remote::product::{Api, Call, Refusal};
///
/// fn for_the_log(refusal: &Refusal) -> String {
///     let call: &Call = refusal.call();
///     let whose = if call.api() == Api::Jira { "Jira" } else { call.api().as_str() };
///     format!("{whose} {} {}: {} {:?}", call.method(), call.route(), refusal.status(), refusal.message())
/// }
///
/// fn for_the_developer(refusal: &Refusal) {
///     println!("{:?} {:?} {:?}", refusal.code(), refusal.errors(), refusal.excerpt());
///     println!("{:?} {:?} {:?}", refusal.limit(), refusal.retry_after(), refusal.upstream_trace_id());
/// }
/// ```
#[derive(Clone)]
pub struct Refusal {
    pub(super) call: Call,
    pub(super) status: StatusCode,
    pub(super) told: ErrorBody,
    pub(super) retry_after: Option<Duration>,
    pub(super) reason: Option<String>,
    pub(super) trace_id: Option<String>,
    pub(super) excerpt: String,
}

impl Refusal {
    /// The answer with as much of its body as could be read. `token` is taken out of the
    /// body, should the product echo it.
    pub(super) fn new(call: Call, status: StatusCode, body: &[u8], token: &str) -> Self {
        let mut text = String::from_utf8_lossy(body).into_owned();
        if !token.is_empty() && text.contains(token) {
            text = text.replace(token, "[redacted]");
        }
        let told = ErrorBody::read(&text);
        text.truncate(text.floor_char_boundary(EXCERPT_BYTES));
        Self {
            call,
            status,
            told,
            retry_after: None,
            reason: None,
            trace_id: None,
            excerpt: text,
        }
    }

    pub(super) fn with_headers(mut self, headers: &HeaderMap, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self.reason = upstream::short_text(headers, "ratelimit-reason").map(str::to_owned);
        self.trace_id = upstream::trace_id(headers).map(str::to_owned);
        self
    }

    /// What was called.
    #[must_use]
    pub const fn call(&self) -> &Call {
        &self.call
    }

    /// The status. 200 where the GraphQL gateway named an error and no status for it.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The product's own words, in one line of at most 500 characters.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.told.message()
    }

    /// The word for the error in the body's `code`, such as `KEY_NOT_FOUND` of Forge storage;
    /// none where the API has no such words.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.told.code()
    }

    /// All that the product complained of, `field: complaint` where it named the field; at
    /// most 20 lines.
    #[must_use]
    pub fn errors(&self) -> &[String] {
        self.told.lines()
    }

    /// How long the product asks to wait, at most an hour.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Which limit was hit (`RateLimit-Reason`), such as `jira-burst-based`.
    #[must_use]
    pub fn limit(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Atlassian's own trace id of the answer, the first thing that its support asks for.
    #[must_use]
    pub fn upstream_trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// The first 2 KiB of the body, for a developer's eyes. It may hold users' data: it
    /// belongs neither into a log nor into an answer.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    /// Whether the limit concerns one issue, and other calls need not wait.
    pub(super) fn is_about_one_issue(&self) -> bool {
        self.limit() == Some("jira-per-issue-on-write")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.call, self.status.as_u16())?;
        match self.message() {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("call", &self.call)
            .field("status", &self.status)
            .field("errors", &self.told.lines())
            .field("retry_after", &self.retry_after)
            .field("trace_id", &self.trace_id)
            .finish_non_exhaustive()
    }
}
