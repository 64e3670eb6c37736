//! Answers to a page's call that the bridge does not pass on, in the platform's words.

use super::{
    broken,
    scripted::{Says, Scripted},
    *,
};
use crate::{conformance::answer::MAX_ANSWER_BYTES, emulator::world::MIRA};

const JSON: Option<&str> = Some("application/json");
const HTML: Option<&str> = Some("text/html; charset=utf-8");

const NOT_VERIFIED: &str = "Remote could not verify the Forge Invocation Token";
const NETWORK: &str = "Invalid response from remote - remote network error";
const UNEXPECTED: &str = "An unexpected error happened";

fn no_json(status: u16) -> String {
    format!("Invalid response from remote - cannot parse body as JSON. Status: {status}.")
}

fn no_json_type(kind: &str, status: u16) -> String {
    format!(
        "Invalid response from remote - content-type header must be set to application/json and is currently: {kind}. Status: {status}."
    )
}

/// What a remote says, the message that the page's promise rejects with, and the rules that
/// the console names.
type Row = (&'static str, Says, String, &'static [&'static str]);

fn wrong_statuses() -> Vec<Row> {
    let moved =
        "HTTP/1.1 307 Moved\r\nlocation: /json\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    vec![
        (
            "a redirect",
            Says::text(moved),
            no_json(307),
            &["no-redirect", "error-parses"],
        ),
        (
            "a redirect with a page",
            Says::answer(301, HTML, "<p>"),
            no_json_type("text/html; charset=utf-8", 301),
            &["no-redirect", "error-content-type", "error-parses"],
        ),
        (
            "a 401 for a session that is over",
            Says::answer(401, JSON, r#"{"message":"sign in again"}"#),
            NOT_VERIFIED.to_owned(),
            &["unauthorized-means-fit"],
        ),
        (
            "a 401 with a page",
            Says::answer(401, HTML, "<p>"),
            NOT_VERIFIED.to_owned(),
            &["unauthorized-means-fit"],
        ),
    ]
}

fn wrong_bodies() -> Vec<Row> {
    let error: &[_] = &["error-content-type", "error-parses"];
    vec![
        (
            "a page as error",
            Says::answer(502, HTML, "<h1>Bad Gateway</h1>"),
            no_json_type("text/html; charset=utf-8", 502),
            error,
        ),
        (
            "a text as error",
            Says::answer(404, Some("text/plain"), "no such thing"),
            no_json_type("text/plain", 404),
            error,
        ),
        (
            "JSON that is called a text",
            Says::answer(404, Some("text/plain"), r#"{"message":"no"}"#),
            no_json_type("text/plain", 404),
            &["error-content-type"],
        ),
        (
            "an error without a body",
            Says::answer(500, None, ""),
            no_json(500),
            &["error-parses"],
        ),
        (
            "an error that is no JSON although it says so",
            Says::answer(422, JSON, "invalid type: null"),
            no_json(422),
            &["error-parses"],
        ),
        (
            "a page as success",
            Says::answer(200, HTML, "<p>hello"),
            no_json(200),
            &["success-parses", "success-content-type"],
        ),
        (
            "half of a JSON text as success",
            Says::answer(200, JSON, r#"{"results": ["#),
            no_json(200),
            &["success-parses"],
        ),
        (
            "two JSON texts",
            Says::answer(200, JSON, "{}\n{}"),
            no_json(200),
            &["success-parses"],
        ),
    ]
}

fn wrong_sizes() -> Vec<Row> {
    let body = "x".repeat(MAX_ANSWER_BYTES + 1);
    let length = body.len();
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
    );
    vec![
        (
            "more than 5 MB",
            Says::answer(200, JSON, &body),
            UNEXPECTED.to_owned(),
            &["size"],
        ),
        (
            "more than 5 MB without saying so before",
            Says::Bytes(chunked.into()),
            UNEXPECTED.to_owned(),
            &["size"],
        ),
    ]
}

fn broken_connections() -> Vec<Row> {
    let row = |name, says| -> Row { (name, says, NETWORK.to_owned(), &["reachable"]) };
    let half =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"a\":";
    let half_a_chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n{\"a\":";
    vec![
        row("a reset", Says::Resets),
        row("an end without a word", Says::text("")),
        row("half a head", Says::text("HTTP/1.1 200 OK\r\ncontent-ty")),
        row("half an answer", Says::text(half)),
        row("half a chunk", Says::text(half_a_chunk)),
        row("another protocol", Says::text("SSH-2.0-OpenSSH_9.2\r\n")),
    ]
}

async fn invoked(remote: &Scripted, change: impl FnOnce(&mut Settings)) -> Invocation {
    let played = Played::with(Router::new(), |settings| {
        settings.remote = remote.url.clone();
        change(settings);
    })
    .await;
    let invoke = Invoke::get(MIRA, "digest-page", "/api/content");
    played.running.invoke(invoke).await.unwrap()
}

async fn all_are_caught(rows: Vec<Row>) {
    for (name, says, message, rules) in rows {
        let remote = Scripted::saying([says]).await;
        let invocation = invoked(&remote, |_| {}).await;
        let rejected = Settlement::Rejected { message };
        assert_eq!(invocation.settlement, rejected, "{name}");
        assert_eq!(broken(&invocation.verdict), rules, "{name}");
        assert_eq!(remote.came().len(), 1, "{name}: asked once and not again");
    }
}

#[tokio::test]
async fn a_status_that_means_something_else_rejects() {
    all_are_caught(wrong_statuses()).await;
}

#[tokio::test]
async fn a_body_that_is_no_json_rejects_in_the_order_of_the_checks() {
    all_are_caught(wrong_bodies()).await;
}

#[tokio::test]
async fn an_answer_over_5_mb_rejects() {
    all_are_caught(wrong_sizes()).await;
}

#[tokio::test]
async fn a_connection_that_breaks_rejects_as_a_network_error() {
    all_are_caught(broken_connections()).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_whole_after_25_seconds_rejects_as_too_late() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";
    for (name, says) in [
        ("no answer", Says::never()),
        ("a head without its body", Says::Stalls(head.into())),
    ] {
        let remote = Scripted::saying([says]).await;
        let invocation = invoked(&remote, |settings| settings.schedules_run = false).await;
        let message = "Remote invocation timed out after 25 seconds".to_owned();
        assert_eq!(
            invocation.settlement,
            Settlement::Rejected { message },
            "{name}"
        );
        assert_eq!(broken(&invocation.verdict), ["in-time"], "{name}");
        assert_eq!(invocation.duration.as_secs(), 25, "{name}");
    }
}

/// The counterpart of every row above: what keeps the rules is passed on, whatever its status.
#[tokio::test]
async fn an_answer_that_keeps_the_rules_resolves_with_its_status() {
    for (name, says, status) in [
        ("a success without a body", Says::answer(204, None, ""), 204),
        (
            "a success without a type",
            Says::answer(200, None, "[]"),
            200,
        ),
        (
            "an error in JSON",
            Says::answer(404, JSON, r#"{"message":"no"}"#),
            404,
        ),
        (
            "an error without a type",
            Says::answer(503, None, r#"{"message":"no"}"#),
            503,
        ),
        (
            "a type with a parameter",
            Says::answer(
                409,
                Some("application/json; charset=utf-8"),
                r#"{"message":"no"}"#,
            ),
            409,
        ),
        (
            "5 MB",
            Says::answer(200, JSON, format!("{}1", " ".repeat(MAX_ANSWER_BYTES - 1))),
            200,
        ),
    ] {
        let remote = Scripted::saying([says]).await;
        let invocation = invoked(&remote, |_| {}).await;
        assert_eq!(
            invocation.settlement,
            Settlement::Resolved { status },
            "{name}"
        );
        let musts = invocation.verdict.iter();
        let musts = musts.filter(|it| it.severity == crate::conformance::answer::Severity::Must);
        assert!(musts.clone().all(|finding| finding.passed), "{name}");
    }
}
