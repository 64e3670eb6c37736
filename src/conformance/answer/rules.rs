//! The rules themselves, one function each.

use std::borrow::Cow;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{Exchange, Finding, MAX_ANSWER_BYTES, Outcome, Severity};
use crate::secret::Secret;

/// A token whose text is shorter is not looked for: it would be found by accident.
const SHORTEST_TOKEN: usize = 12;

fn finding(
    rule: &'static str,
    severity: Severity,
    passed: bool,
    sentence: impl Into<Cow<'static, str>>,
    mend: &'static str,
) -> Finding {
    Finding {
        rule,
        sentence: sentence.into(),
        passed,
        severity,
        mend,
    }
}

pub(super) fn reachable(exchange: &Exchange<'_>) -> Finding {
    let passed = !matches!(exchange.outcome, Outcome::NoAnswer);
    finding(
        "reachable",
        Severity::Must,
        passed,
        if passed {
            "The remote took the request."
        } else {
            "The connection failed or broke before the answer was whole."
        },
        "Start the remote, check the address it listens on, and look in its log for a crash.",
    )
}

pub(super) fn in_time(exchange: &Exchange<'_>) -> Finding {
    let passed =
        !matches!(exchange.outcome, Outcome::TimedOut) && exchange.elapsed <= exchange.limit;
    let limit = exchange.limit.as_secs_f64();
    finding(
        "in-time",
        Severity::Must,
        passed,
        if passed {
            format!(
                "Answered in {} ms; the platform waits {limit} s.",
                exchange.elapsed.as_millis()
            )
        } else {
            format!("No whole answer within {limit} s: the platform gives up.")
        },
        "Bound every outgoing call by what is left of the invocation's time, and answer 504 with a JSON body before it ends.",
    )
}

pub(super) fn size(bytes: usize) -> Finding {
    let passed = bytes <= MAX_ANSWER_BYTES;
    finding(
        "size",
        Severity::Must,
        passed,
        if passed {
            format!("{bytes} bytes; the platform takes 5 MB.")
        } else {
            "The body is larger than the 5 MB that the platform takes.".to_owned()
        },
        "Answer with a page of the data and a cursor to the next.",
    )
}

pub(super) fn unauthorized_means_fit(status: StatusCode, fit_was_good: bool) -> Finding {
    let refused = status == StatusCode::UNAUTHORIZED;
    let passed = refused != fit_was_good;
    finding(
        "unauthorized-means-fit",
        Severity::Must,
        passed,
        match (refused, fit_was_good) {
            (true, true) => {
                "401 although the FIT was good: the caller is told that it could not be verified, and the body is dropped."
            }
            (false, true) => "No 401 for a good FIT.",
            (true, false) => "401 for a bad FIT.",
            (false, false) => "A bad FIT was not answered with 401.",
        },
        "Answer 401 for a FIT that cannot be verified and for nothing else: a missing OAuth token is 403, a product's 401 is 502.",
    )
}

pub(super) fn no_redirect(status: StatusCode) -> Finding {
    let passed = !status.is_redirection();
    finding(
        "no-redirect",
        Severity::Must,
        passed,
        if passed {
            "No redirect."
        } else {
            "A redirect, which the platform never follows: it counts as an error."
        },
        "Answer at the path that was asked for; turn off redirects for trailing slashes.",
    )
}

pub(super) fn success_parses(body: &[u8]) -> Finding {
    let passed = body.is_empty() || is_json(body);
    finding(
        "success-parses",
        Severity::Must,
        passed,
        match (passed, body.is_empty()) {
            (true, true) => "A success without a body.",
            (true, false) => "The body parses as JSON.",
            (false, _) => "The body of the success is not JSON: the call rejects.",
        },
        "Answer a success with JSON or with no body at all.",
    )
}

pub(super) fn success_content_type(headers: &HeaderMap, body: &[u8]) -> Option<Finding> {
    if body.is_empty() {
        return None;
    }
    let passed = is_json_type(headers);
    Some(finding(
        "success-content-type",
        Severity::Should,
        passed,
        if passed {
            "`content-type` is `application/json`."
        } else {
            "The body is not declared as `application/json`; the bridge parses it as JSON all the same."
        },
        "Send `content-type: application/json` with every JSON body.",
    ))
}

pub(super) fn error_content_type(headers: &HeaderMap) -> Finding {
    let passed = !headers.contains_key(header::CONTENT_TYPE) || is_json_type(headers);
    finding(
        "error-content-type",
        Severity::Must,
        passed,
        if passed {
            "The error's `content-type` is absent or `application/json`."
        } else {
            "The error's `content-type` is not `application/json`: the call rejects, and the caller never sees status or body."
        },
        "Give every error `content-type: application/json`, those of the framework (404, 405, 413, 415, 422, 500) included.",
    )
}

pub(super) fn error_parses(body: &[u8]) -> Finding {
    let passed = is_json(body);
    finding(
        "error-parses",
        Severity::Must,
        passed,
        match (passed, body.is_empty()) {
            (true, _) => "The error's body parses as JSON.",
            (false, true) => {
                "The error has no body: the call rejects instead of resolving with the status."
            }
            (false, false) => {
                "The error's body is not JSON: the call rejects, and the caller never sees the status."
            }
        },
        "Answer every error with a JSON body, the framework's own errors included.",
    )
}

pub(super) fn error_has_message(body: &[u8]) -> Option<Finding> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let passed = [
        &value["error"]["message"],
        &value["message"],
        &value["error"],
    ]
    .iter()
    .any(|message| message.as_str().is_some_and(|text| !text.trim().is_empty()));
    Some(finding(
        "error-has-message",
        Severity::Should,
        passed,
        if passed {
            "The error says what went wrong."
        } else {
            "The error's body has no message that a person could act on."
        },
        "Put a sentence into `error.message` that tells the caller what to do.",
    ))
}

pub(super) fn no_token_echoed(headers: &HeaderMap, body: &[u8], tokens: &[Secret]) -> Finding {
    let body = String::from_utf8_lossy(body);
    let passed = !tokens.iter().any(|token| {
        let token = token.expose();
        let mut values = headers.values();
        token.len() >= SHORTEST_TOKEN
            && (body.contains(token)
                || values.any(|value| String::from_utf8_lossy(value.as_bytes()).contains(token)))
    });
    finding(
        "no-token-echoed",
        Severity::Must,
        passed,
        if passed {
            "None of the tokens that were sent comes back."
        } else {
            "A token that was sent stands in the answer, where the page's scripts can read it."
        },
        "Never put a request's headers into an answer; remove debug output.",
    )
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// The media type alone: parameters such as `charset` do not change it.
fn is_json_type(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}
