//! A product that answers without end.

use futures_util::future::join;

use super::{BUFFERS, app, in_time, of_site, others_are_answered, read, setup};
use crate::support::{
    app::TestApp,
    wire::{TEN_GB, Wire, bomb},
};

/// What is read of a page of content.
const LIMIT: u64 = 4 << 20;
/// What is read of an error.
const ERROR_LIMIT: u64 = 64 << 10;
/// What is read of a head, or of what stands between chunks.
const HEAD_LIMIT: u64 = 1 << 20;

/// One whose callers wait until a machine with other things to do has read and unpacked
/// megabytes without optimisation.
async fn patient_app() -> TestApp {
    setup()
        .await
        .set("SERVER__ANSWER_WITHIN_MS", "25000")
        .start()
        .await
}

/// Reads from a product, looks to others meanwhile, and tells how much it could send.
async fn flooded(app: &TestApp, wire: &Wire, status: u16, code: &str) -> u64 {
    let call = read(app, &*wire.url().leak());
    let others = async {
        wire.until("the call is on its way", |seen| !seen.requests.is_empty())
            .await;
        others_are_answered(app).await;
    };
    let (answer, ()) = join(call, others).await;
    let _ = answer.refused(status, code);
    wire.is_left_alone().await;
    wire.seen().sent
}

fn block() -> Vec<u8> {
    vec![b' '; 64 << 10]
}

/// A block as a chunk.
fn chunk() -> Vec<u8> {
    let block = block();
    [format!("{:x}\r\n", block.len()).as_bytes(), &block, b"\r\n"].concat()
}

#[tokio::test]
async fn ten_gigabytes_are_read_up_to_the_limit() {
    let app = patient_app().await;
    let length = format!("HTTP/1.1 200 OK\r\ncontent-length: {TEN_GB}\r\n\r\n");
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (case, head, block, limit) in [
        ("with a length", length.as_str(), block(), 0),
        ("without one", "HTTP/1.1 200 OK\r\n\r\n", block(), LIMIT),
        ("in chunks", chunked, chunk(), LIMIT),
    ] {
        let wire = Wire::flooding(head, block).await;
        let sent = flooded(&app, &wire, 502, "upstream_error").await;
        assert!(sent < limit + BUFFERS, "{case}: {sent}");
        assert_eq!(wire.requests(), 1, "{case}: it would be too large again");
    }
}

#[tokio::test]
async fn a_bomb_is_unpacked_up_to_the_limit() {
    let app = patient_app().await;
    let (head, block) = bomb(b' ');
    let wire = Wire::flooding(head, block).await;
    let sent = flooded(&app, &wire, 502, "upstream_error").await;
    assert!(sent < BUFFERS, "{sent}");
    assert_eq!(wire.requests(), 1, "it would be too large again");
}

#[tokio::test]
async fn an_error_without_end_keeps_its_meaning() {
    let app = app().await;
    for (status, answered, code, tries) in [
        ("400 Bad Request", 502, "upstream_error", 1),
        ("401 Unauthorized", 502, "upstream_unauthorized", 1),
        ("403 Forbidden", 403, "forbidden", 1),
        ("404 Not Found", 404, "not_found", 1),
        ("500 Internal Server Error", 502, "upstream_error", 1),
        ("503 Service Unavailable", 502, "upstream_error", 3),
    ] {
        let wire = Wire::flooding(format!("HTTP/1.1 {status}\r\n\r\n"), block()).await;
        let sent = flooded(&app, &wire, answered, code).await;
        assert!(sent < (ERROR_LIMIT + BUFFERS) * tries, "{status}: {sent}");
        assert_eq!(wire.requests() as u64, tries, "{status}");
    }
    let (mut head, block) = bomb(b'x');
    head[9..12].copy_from_slice(b"404");
    let wire = Wire::flooding(head, block).await;
    let sent = flooded(&app, &wire, 404, "not_found").await;
    assert!(sent < BUFFERS, "{sent}");
}

#[tokio::test]
async fn a_head_without_end_is_an_upstream_error() {
    let app = app().await;
    let status = "HTTP/1.1 200 OK\r\n";
    for (case, start, block) in [
        (
            "many headers",
            status.to_owned(),
            b"x-a: b\r\n".repeat(1024),
        ),
        ("one header", format!("{status}x-a: "), b"b".repeat(8192)),
        ("one name", status.to_owned(), b"b".repeat(8192)),
        ("a reason", "HTTP/1.1 200 ".to_owned(), b"b".repeat(8192)),
        ("empty lines", String::new(), b"\r\n".repeat(4096)),
    ] {
        let wire = Wire::flooding(start, block).await;
        let sent = flooded(&app, &wire, 502, "upstream_error").await;
        assert!(sent < (HEAD_LIMIT + BUFFERS) * 3, "{case}: {sent}");
    }
}

#[tokio::test]
async fn what_stands_between_chunks_is_bounded_too() {
    let app = app().await;
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (case, start, block) in [
        ("an extension", "1;", b"x".repeat(8192)),
        ("extensions", "", b"1;xxxxxxxx\r\n \r\n".repeat(1024)),
        ("trailers", "1\r\n \r\n0\r\n", b"x-a: b\r\n".repeat(1024)),
    ] {
        let wire = Wire::flooding(format!("{head}{start}"), block).await;
        let sent = flooded(&app, &wire, 502, "upstream_error").await;
        assert!(sent < (HEAD_LIMIT + BUFFERS) * 3, "{case}: {sent}");
    }
}

/// They are read and dropped until the caller's time is up, and others get their turn.
#[tokio::test]
async fn what_takes_no_room_takes_no_more_than_the_callers_time() {
    let app = app().await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (start, block) in [
        ("", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1024)),
        (
            "",
            b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1024),
        ),
        (chunked, b"0".repeat(8192)),
        (chunked, b"1\r\n \r\n".repeat(1024)),
    ] {
        let wire = Wire::flooding(start, block).await;
        flooded(&app, &wire, 504, "deadline_exceeded").await;
    }
}

#[tokio::test]
async fn many_who_read_without_end_are_all_answered() {
    let app = patient_app().await;
    let wire = Wire::flooding("HTTP/1.1 200 OK\r\n\r\n", block()).await;
    let url = wire.url();
    let calls = (0..10).map(|_| in_time(of_site(&app, &url).get("/api/content")));
    let (answers, ()) = join(
        futures_util::future::join_all(calls),
        others_are_answered(&app),
    )
    .await;
    for answer in answers {
        let _ = answer.refused(502, "upstream_error");
    }
    wire.is_left_alone().await;
    let sent = wire.seen().sent;
    assert!(sent < 10 * (LIMIT + BUFFERS), "{sent}");
}
