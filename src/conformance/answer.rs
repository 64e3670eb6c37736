//! Rules about one answer to one UI invocation.
//!
//! ```
//! use std::time::Duration;
//! use forge_remote::conformance::answer::{Exchange, Outcome, judge};
//! use http::{HeaderMap, StatusCode};
//!
//! let headers = HeaderMap::new();
//! let findings = judge(&Exchange {
//!     fit_was_good: true,
//!     tokens: &[],
//!     outcome: Outcome::Answered { status: StatusCode::UNAUTHORIZED, headers: &headers, body: b"{}" },
//!     elapsed: Duration::from_millis(3),
//!     limit: Duration::from_secs(25),
//! });
//! let broken: Vec<_> = findings.iter().filter(|f| !f.passed).map(|f| f.rule).collect();
//! assert!(broken.contains(&"unauthorized-means-fit"));
//! ```
//!
//! Each finding says how much it weighs and what is to be done:
//!
//! ```
//! use forge_remote::conformance::answer::{Finding, MAX_ANSWER_BYTES, Severity};
//!
//! fn told(finding: &Finding) -> String {
//!     let weight = match finding.severity {
//!         Severity::Must => "must",
//!         Severity::Should => "should",
//!     };
//!     format!("{weight}: {} {}", finding.sentence, finding.mend)
//! }
//! assert_eq!(MAX_ANSWER_BYTES, 5 * 1024 * 1024);
//! ```

mod rules;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, StatusCode};

use crate::secret::Secret;

/// Largest answer that reaches the caller of a UI invocation (Forge platform limits: 5 MB).
pub const MAX_ANSWER_BYTES: usize = 5 * 1024 * 1024;

/// One request to a remote and what came of it.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Whether the FIT that was sent is one that the remote must accept.
    pub fit_was_good: bool,
    /// The FIT and the OAuth tokens that were sent: none of them may come back.
    pub tokens: &'a [Secret],
    /// What came back.
    pub outcome: Outcome<'a>,
    /// How long it took, the body included.
    pub elapsed: Duration,
    /// How long the platform waits: 25 s for a UI invocation.
    pub limit: Duration,
}

/// What came back.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// A whole answer.
    Answered {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: &'a HeaderMap,
        /// Its body.
        body: &'a [u8],
    },
    /// An answer whose body was larger than [`MAX_ANSWER_BYTES`]; it was read no further.
    TooLarge {
        /// Its status.
        status: StatusCode,
    },
    /// No connection, or it broke before the answer was whole.
    NoAnswer,
    /// No whole answer within the limit.
    TimedOut,
}

/// How much a rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The platform breaks the call, or the app's users are in danger.
    Must,
    /// The call works, and somebody will lose time over it.
    Should,
}

/// What one rule says of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the rule, for machines and for links.
    pub rule: &'static str,
    /// What was found, in a sentence.
    pub sentence: Cow<'static, str>,
    /// Whether the answer keeps the rule.
    pub passed: bool,
    /// How much the rule weighs.
    pub severity: Severity,
    /// What to change in the remote when the rule is broken.
    pub mend: &'static str,
}

/// Applies every rule that the outcome lets one apply.
///
/// A rule that says nothing about the outcome (the content type of an answer that never came) is left out.
#[must_use]
pub fn judge(exchange: &Exchange<'_>) -> Vec<Finding> {
    let mut findings = vec![rules::reachable(exchange)];
    if !matches!(exchange.outcome, Outcome::NoAnswer) {
        findings.push(rules::in_time(exchange));
    }
    match exchange.outcome {
        Outcome::Answered {
            status,
            headers,
            body,
        } => {
            findings.push(rules::size(body.len()));
            findings.push(rules::unauthorized_means_fit(status, exchange.fit_was_good));
            findings.push(rules::no_redirect(status));
            if status.is_success() {
                findings.push(rules::success_parses(body));
                findings.extend(rules::success_content_type(headers, body));
            } else if status != StatusCode::UNAUTHORIZED {
                findings.push(rules::error_content_type(headers));
                findings.push(rules::error_parses(body));
                findings.extend(rules::error_has_message(body));
            }
            findings.push(rules::no_token_echoed(headers, body, exchange.tokens));
        }
        Outcome::TooLarge { status } => {
            findings.push(rules::size(usize::MAX));
            findings.push(rules::unauthorized_means_fit(status, exchange.fit_was_good));
        }
        Outcome::NoAnswer | Outcome::TimedOut => {}
    }
    findings
}
