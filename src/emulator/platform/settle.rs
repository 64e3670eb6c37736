//! How the bridge settles the caller's promise: the platform's table, in its order and its words.

use http::{HeaderMap, StatusCode, header};

use crate::emulator::journal::Settlement;

pub(super) const UNEXPECTED: &str = "An unexpected error happened";
pub(super) const NETWORK: &str = "Invalid response from remote - remote network error";
const NOT_VERIFIED: &str = "Remote could not verify the Forge Invocation Token";

pub(super) fn rejected(message: &str) -> Settlement {
    Settlement::Rejected {
        message: message.to_owned(),
    }
}

/// First the 401, then the content type, then the JSON.
pub(super) fn settle(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Settlement {
    if status == StatusCode::UNAUTHORIZED {
        return rejected(NOT_VERIFIED);
    }
    let resolved = Settlement::Resolved {
        status: status.as_u16(),
    };
    if status.is_success() && body.is_empty() {
        return resolved;
    }
    if !status.is_success()
        && let Some(other) = other_content_type(headers)
    {
        return rejected(&format!(
            "Invalid response from remote - content-type header must be set to application/json and is currently: {other}. Status: {}.",
            status.as_u16()
        ));
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        resolved
    } else {
        rejected(&format!(
            "Invalid response from remote - cannot parse body as JSON. Status: {}.",
            status.as_u16()
        ))
    }
}

/// The content type, if there is one and it is not JSON's; its parameters do not count.
fn other_content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let media = text.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        None
    } else {
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn settled(status: u16, content_type: Option<&'static str>, body: &str) -> Settlement {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        settle(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
        )
    }

    fn message(settlement: Settlement) -> String {
        match settlement {
            Settlement::Rejected { message } => message,
            other => panic!("not rejected: {other:?}"),
        }
    }

    const JSON: Option<&str> = Some("application/json");

    #[test]
    fn what_the_caller_sees_resolves_with_its_status() {
        for (status, content_type, body) in [
            (200, JSON, "{}"),
            (200, None, ""),
            (204, None, ""),
            (200, Some("text/plain"), "[1]"),
            (404, JSON, "{}"),
            (500, None, "null"),
            (422, Some("Application/JSON; charset=utf-8"), "{}"),
        ] {
            assert_eq!(
                settled(status, content_type, body),
                Settlement::Resolved { status },
                "{status} {content_type:?} {body}"
            );
        }
    }

    #[test]
    fn a_401_rejects_before_anything_else_is_looked_at() {
        for (content_type, body) in [(JSON, "{}"), (Some("text/html"), "<p>"), (None, "")] {
            assert_eq!(
                message(settled(401, content_type, body)),
                "Remote could not verify the Forge Invocation Token"
            );
        }
    }

    #[test]
    fn an_errors_content_type_comes_before_its_body() {
        assert_eq!(
            message(settled(404, Some("text/html; charset=utf-8"), "{}")),
            "Invalid response from remote - content-type header must be set to application/json and is currently: text/html; charset=utf-8. Status: 404."
        );
    }

    #[test]
    fn a_body_that_is_no_json_rejects() {
        for (status, content_type, body) in [
            (200, None, "hello"),
            (200, JSON, "{"),
            (500, JSON, ""),
            (302, None, ""),
        ] {
            assert_eq!(
                message(settled(status, content_type, body)),
                format!(
                    "Invalid response from remote - cannot parse body as JSON. Status: {status}."
                )
            );
        }
    }
}
