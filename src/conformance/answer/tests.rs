use http::HeaderValue;

use super::*;

const LIMIT: Duration = Duration::from_secs(25);

fn json_headers() -> HeaderMap {
    typed("application/json")
}

fn typed(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static(content_type),
    )])
}

fn broken_by(exchange: &Exchange<'_>) -> Vec<&'static str> {
    judge(exchange)
        .into_iter()
        .filter(|finding| !finding.passed)
        .map(|finding| finding.rule)
        .collect()
}

fn broken(status: u16, headers: &HeaderMap, body: &[u8]) -> Vec<&'static str> {
    broken_by(&Exchange {
        fit_was_good: true,
        tokens: &[],
        outcome: Outcome::Answered {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body,
        },
        elapsed: Duration::from_millis(20),
        limit: LIMIT,
    })
}

fn without_answer(outcome: Outcome<'_>) -> Vec<&'static str> {
    broken_by(&Exchange {
        fit_was_good: true,
        tokens: &[],
        outcome,
        elapsed: LIMIT,
        limit: LIMIT,
    })
}

#[test]
fn good_answers_break_nothing() {
    assert!(broken(200, &json_headers(), br#"{"a":1}"#).is_empty());
    assert!(broken(204, &HeaderMap::new(), b"").is_empty());
    assert!(broken(404, &json_headers(), br#"{"error":{"message":"Gone."}}"#).is_empty());
    let charset = typed("application/json; charset=utf-8");
    assert!(broken(502, &charset, br#"{"message":"Try again."}"#).is_empty());
}

#[test]
fn a_401_for_a_good_fit_is_broken() {
    let body = br#"{"error":{"message":"No session."}}"#;
    assert_eq!(
        broken(401, &json_headers(), body),
        ["unauthorized-means-fit"]
    );
}

#[test]
fn a_bad_fit_must_be_a_401() {
    let judged = |status| {
        broken_by(&Exchange {
            fit_was_good: false,
            tokens: &[],
            outcome: Outcome::Answered {
                status,
                headers: &json_headers(),
                body: br#"{"message":"x"}"#,
            },
            elapsed: Duration::ZERO,
            limit: LIMIT,
        })
    };
    assert!(judged(StatusCode::UNAUTHORIZED).is_empty());
    assert_eq!(judged(StatusCode::FORBIDDEN), ["unauthorized-means-fit"]);
}

#[test]
fn a_redirect_is_broken_and_so_is_its_empty_body() {
    assert_eq!(
        broken(308, &HeaderMap::new(), b""),
        ["no-redirect", "error-parses"]
    );
}

#[test]
fn a_framework_error_in_plain_text_is_broken_twice() {
    assert_eq!(
        broken(404, &typed("text/plain; charset=utf-8"), b"Not Found"),
        ["error-content-type", "error-parses"]
    );
}

#[test]
fn an_error_without_a_message_is_frowned_upon() {
    assert_eq!(broken(500, &json_headers(), b"{}"), ["error-has-message"]);
}

#[test]
fn a_page_of_html_is_no_success() {
    assert_eq!(
        broken(200, &typed("text/html"), b"<!doctype html>"),
        ["success-parses", "success-content-type"]
    );
}

#[test]
fn a_token_in_body_or_header_is_found() {
    let token = Secret::new("eyJhbGciOiJSUzI1NiJ9.payload.signature".into());
    let echoed = |headers: &HeaderMap, body: &[u8]| {
        broken_by(&Exchange {
            fit_was_good: true,
            tokens: std::slice::from_ref(&token),
            outcome: Outcome::Answered {
                status: StatusCode::OK,
                headers,
                body,
            },
            elapsed: Duration::ZERO,
            limit: LIMIT,
        })
    };
    let body = format!(r#"{{"seen":"Bearer {}"}}"#, token.expose());
    assert_eq!(
        echoed(&json_headers(), body.as_bytes()),
        ["no-token-echoed"]
    );
    let mut headers = json_headers();
    headers.insert("x-debug", token.expose().parse().unwrap());
    assert_eq!(echoed(&headers, b"{}"), ["no-token-echoed"]);
    assert!(echoed(&json_headers(), b"{}").is_empty());
}

#[test]
fn silence_slowness_and_size_are_each_named() {
    assert_eq!(without_answer(Outcome::NoAnswer), ["reachable"]);
    assert_eq!(without_answer(Outcome::TimedOut), ["in-time"]);
    let status = StatusCode::OK;
    assert_eq!(without_answer(Outcome::TooLarge { status }), ["size"]);
}
