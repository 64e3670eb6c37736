//! Good tokens where they are worth nothing: a page's FIT on the platform's paths, a call
//! without the token it needs, and what the public listener must not have.

use serde_json::json;

use super::{
    row::{BAD_REQUEST, EXPIRED, FORBIDDEN, MISSING, Row, Want, bearer, get},
    scene::{NOW, good},
};
use crate::support::caller::Fit;

const NOT_FOUND: Want = Want::Refused(404, "not_found");
const WRONG_METHOD: Want = Want::Refused(405, "method_not_allowed");
const INVALID_BODY: Want = Want::Refused(422, "invalid_body");
const NO_USER_TOKEN: Want = Want::Refused(403, "missing_user_token");
const NO_APP_TOKEN: Want = Want::Refused(403, "missing_app_token");

/// What only the platform calls.
const PLATFORM: [&str; 10] = [
    "/forge/events",
    "/forge/lifecycle",
    "/forge/uninstall",
    "/forge/scheduled",
    "/forge/scheduled/digest-hourly",
    "/forge/migration/schedule",
    "/forge/migration/start",
    "/forge/migration/commit",
    "/forge/migration/rollback",
    "/forge/events?eventType=avi:forge:uninstalled:app",
];

pub(super) fn rows() -> Vec<Row> {
    [platform(), without_tokens(), paths(), bodies()]
        .into_iter()
        .flatten()
        .collect()
}

fn request(method: &str, target: &str, fit: Option<&Fit>, body: &[u8]) -> Vec<u8> {
    let lines = format!(
        "content-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    let bearer = fit.map(|fit| bearer(fit.token())).unwrap_or_default();
    let mut request = get(target, [lines.as_bytes(), &*bearer].concat());
    request.splice(.."GET".len(), method.bytes());
    [&*request, body].concat()
}

/// Whoever has a page open holds a FIT, and could post that the app is uninstalled.
fn platform() -> Vec<Row> {
    let event = json!({"eventType": "avi:forge:uninstalled:app", "id": "h0stile"}).to_string();
    let pages = [
        ("a page's", good()),
        (
            "a page's that nobody signed in to",
            good().without("/principal"),
        ),
        (
            "a user's with an event's module",
            good()
                .without("/context")
                .claim("/app/module/type", "core:endpoint"),
        ),
    ];
    let mut rows = Vec::new();
    for path in PLATFORM {
        let row = |name: &str, fit: Option<&Fit>, want| {
            let request = request("POST", path, fit, event.as_bytes());
            Row::raw(format!("{path}: {name}"), request, want)
        };
        rows.extend(
            pages
                .iter()
                .map(|(name, fit)| row(name, Some(fit), FORBIDDEN)),
        );
        rows.push(row("nobody's", None, MISSING));
        let lapsed = good().of_platform().claim("/exp", NOW - 60);
        rows.push(row("the platform's, lapsed", Some(&lapsed), EXPIRED));
    }
    rows
}

fn without_tokens() -> Vec<Row> {
    let bearer = bearer(good().token());
    let row = |target: &str, want| Row::raw(target, get(target, &bearer), want);
    vec![
        row("/api/me", NO_USER_TOKEN),
        row("/api/content?as=user", NO_USER_TOKEN),
        row("/api/content?as=app", NO_APP_TOKEN),
        row("/api/subscription", NO_APP_TOKEN),
        row("/api/content?as=root", BAD_REQUEST),
        row("/api/accounts/h0stile%2F..%2Fadmin/content", BAD_REQUEST),
        row("/api/accounts/h0stile%0d%0ax/content", BAD_REQUEST),
        row("/api/accounts/%ff/content", BAD_REQUEST),
    ]
}

/// The admin listener's paths are not here, however they are written.
fn paths() -> Vec<Row> {
    let bearer = bearer(good().token());
    let paths = [
        "/metrics",
        "/livez",
        "/readyz",
        "//metrics",
        "/api/../metrics",
        "/api/%2e%2e/metrics",
        "/./readyz",
        "/metrics/",
        "/api/invocation/",
        "/api/invocation/..",
        "/API/invocation",
        "/api/invocation%00",
        "/api/invocation%2f",
        "/api//invocation",
        "/.env",
        "/forge",
    ];
    let mut rows: Vec<Row> = paths
        .iter()
        .map(|path| Row::raw(*path, get(path, &bearer), NOT_FOUND))
        .collect();
    for method in ["POST", "PUT", "DELETE", "TRACE", "PATCH", "H0STILE"] {
        let request = request(method, "/api/invocation", Some(&good()), b"");
        rows.push(Row::raw(format!("{method} for GET"), request, WRONG_METHOD));
    }
    rows
}

/// The platform's own FIT does not make a body an event.
fn bodies() -> Vec<Row> {
    let fit = good().of_platform();
    let deep = "[".repeat(100_000);
    let bodies: [(&str, &[u8], Want); 8] = [
        ("nothing", b"", BAD_REQUEST),
        ("no JSON", b"{", BAD_REQUEST),
        ("brackets", deep.as_bytes(), BAD_REQUEST),
        ("no UTF-8", b"{\"eventType\":\"\xff\"}", BAD_REQUEST),
        ("a text", b"\"h0stile\"", INVALID_BODY),
        ("a list", b"[]", INVALID_BODY),
        ("an object without a type", b"{\"h0stile\":1}", INVALID_BODY),
        (
            "a type that is a number",
            b"{\"eventType\":7}",
            INVALID_BODY,
        ),
    ];
    let row = |(name, body, want): (&str, &[u8], Want)| {
        let request = request("POST", "/forge/events", Some(&fit), body);
        Row::raw(format!("a body of {name}"), request, want)
    };
    bodies.into_iter().map(row).collect()
}
