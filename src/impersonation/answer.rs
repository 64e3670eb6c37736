//! What the gateway said: a pure function from status and body to an [`Answer`].
//!
//! Every step may be `null`, missing or of another type, and a gateway in trouble
//! speaks HTML; none of that may be mistaken for a token or for a refusal.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::error::GatewayFault;
use crate::secret::Secret;

/// No token lives longer ("maximum 4 h"), whatever a `ttl` says.
const LONGEST_LIFE: Duration = Duration::from_hours(4);

/// What an answer of the gateway amounts to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// A token, and for how long it lives; zero if the gateway did not say.
    Granted {
        /// The token.
        token: Secret,
        /// Its life from the moment it was handed out, 4 h at most.
        ttl: Duration,
    },
    /// The app may not act as this account, or not in this context.
    Denied {
        /// The gateway's messages, as it wrote them.
        message: String,
    },
    /// The app's own token is stale.
    AppTokenRefused,
    /// Too many exchanges.
    RateLimited,
    /// Anything else.
    Failed(GatewayFault),
}

/// Reads an answer. It never panics, whatever the bytes.
///
/// ```
/// use forge_remote::impersonation::{Answer, read_answer};
/// let body = br#"{"data":{"offlineUserAuthToken":{"success":true,"authToken":{"token":"t","ttl":3600}}}}"#;
/// assert!(matches!(read_answer(http::StatusCode::OK, body), Answer::Granted { .. }));
/// ```
#[must_use]
pub fn read_answer(status: StatusCode, body: &[u8]) -> Answer {
    // The status comes first: with an error status the body may be anything.
    if status.is_success() {
        match serde_json::from_slice(body) {
            Ok(body) => read_body(body),
            Err(_) => unreadable("is not JSON"),
        }
    } else {
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        let message = messages(&body["errors"]);
        match status {
            StatusCode::UNAUTHORIZED => Answer::AppTokenRefused,
            StatusCode::TOO_MANY_REQUESTS => Answer::RateLimited,
            StatusCode::FORBIDDEN => Answer::Denied { message },
            status => Answer::Failed(GatewayFault::Status { status, message }),
        }
    }
}

fn read_body(mut body: Value) -> Answer {
    let mut exchange = take(&mut body, "/data/offlineUserAuthToken");
    let success = exchange["success"].as_bool();
    // Taken and not copied: the text is wiped with the secret that it becomes.
    if success == Some(true)
        && let Value::String(token) = take(&mut exchange, "/authToken/token")
        && !token.is_empty()
    {
        return Answer::Granted {
            token: Secret::new(token),
            ttl: life(&exchange["authToken"]["ttl"]),
        };
    }
    if let Some(answer) = graphql_errors(&body["errors"]) {
        return answer;
    }
    match success {
        Some(false) => Answer::Denied {
            message: messages(&exchange["errors"]),
        },
        Some(true) => unreadable("says success and holds no token"),
        None if body["errors"].is_array() => unreadable("holds GraphQL errors without a status"),
        None => unreadable("has no `offlineUserAuthToken`"),
    }
}

/// What is at that place, or `null`.
fn take(body: &mut Value, place: &str) -> Value {
    body.pointer_mut(place).map(Value::take).unwrap_or_default()
}

/// GraphQL errors with a status count as that status. Of several the one that is no
/// verdict on the account wins: a denial is remembered, and must be one.
fn graphql_errors(errors: &Value) -> Option<Answer> {
    let statuses = || {
        list(errors)
            .filter_map(|error| whole(&error["extensions"]["statusCode"]))
            .filter_map(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok())
            .filter(|status| status.is_client_error() || status.is_server_error())
    };
    let any = |wanted: StatusCode| statuses().any(|status| status == wanted);
    if any(StatusCode::UNAUTHORIZED) {
        Some(Answer::AppTokenRefused)
    } else if any(StatusCode::TOO_MANY_REQUESTS) {
        Some(Answer::RateLimited)
    } else if let Some(status) = statuses().find(StatusCode::is_server_error) {
        let message = messages(errors);
        Some(Answer::Failed(GatewayFault::Status { status, message }))
    } else {
        statuses().next().map(|_| Answer::Denied {
            message: messages(errors),
        })
    }
}

/// Seconds as an integer, or as text that holds one. Nothing readable is no life at all.
fn life(ttl: &Value) -> Duration {
    let seconds = whole(ttl).and_then(|seconds| u64::try_from(seconds).ok());
    Duration::from_secs(seconds.unwrap_or(0)).min(LONGEST_LIFE)
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        // A larger number means the same as the largest.
        Value::Number(number) if number.is_u64() => Some(number.as_i64().unwrap_or(i64::MAX)),
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn messages(errors: &Value) -> String {
    let texts: Vec<&str> = list(errors)
        .filter_map(|error| error["message"].as_str())
        .collect();
    texts.join("; ")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

const fn unreadable(why: &'static str) -> Answer {
    Answer::Failed(GatewayFault::Unreadable(why))
}

#[cfg(test)]
mod tests;
