//! Requests that a proxy and the service could count differently. After each comes one more,
//! to a path that is not there and with the end of the connection: the statuses tell how
//! many requests were seen. These answers are hyper's unless a request gets through to ours.

use super::{
    row::{Row, Want, bearer},
    scene::good,
};

const BAD: Want = Want::Connection(&[400]);

/// The request that follows: 404.
const LAST: &str = "GET /sentinel HTTP/1.1\r\nhost: remote.example\r\nconnection: close\r\n\r\n";

pub(super) fn rows() -> Vec<Row> {
    [lengths(), encodings(), lines()]
        .into_iter()
        .flatten()
        .collect()
}

/// A request without a FIT, 401 in itself, that is kept open.
fn then_another(name: &str, lines: &str, body: &str, want: Want) -> Row {
    let head = "GET /api/invocation HTTP/1.1\r\nhost: remote.example\r\n";
    Row::raw(name, format!("{head}{lines}\r\n{body}{LAST}"), want)
}

fn lengths() -> Vec<Row> {
    let row = |name, lines, want| then_another(name, lines, "", want);
    vec![
        row("no length", "", Want::Connection(&[401, 404])),
        row(
            "two lengths",
            "content-length: 0\r\ncontent-length: 5\r\n",
            BAD,
        ),
        row("two lengths in a list", "content-length: 0, 5\r\n", BAD),
        row("a length below zero", "content-length: -1\r\n", BAD),
        row("a length with a sign", "content-length: +0\r\n", BAD),
        row("a length in hex", "content-length: 0x0\r\n", BAD),
        row("a length that is none", "content-length: h0stile\r\n", BAD),
        row("an empty length", "content-length:\r\n", BAD),
        row(
            "a length with a space inside",
            "content-length: 1 0\r\n",
            BAD,
        ),
        row(
            "a length that overflows",
            "content-length: 18446744073709551616\r\n",
            BAD,
        ),
    ]
}

fn encodings() -> Vec<Row> {
    let row = |name, lines, want| then_another(name, lines, "0\r\n\r\n", want);
    vec![
        row(
            "chunked",
            "transfer-encoding: chunked\r\n",
            Want::Connection(&[401, 404]),
        ),
        row(
            "chunked, but not last",
            "transfer-encoding: chunked, identity\r\n",
            BAD,
        ),
        row("nearly chunked", "transfer-encoding: xchunked\r\n", BAD),
        row(
            "chunked with a vertical tab",
            "transfer-encoding: \u{b}chunked\r\n",
            BAD,
        ),
        row("identity", "transfer-encoding: identity\r\n", BAD),
        row(
            "a space before the colon",
            "transfer-encoding : chunked\r\n",
            BAD,
        ),
        row("a fold", "transfer-encoding:\r\n chunked\r\n", BAD),
        row("quotes", "transfer-encoding: \"chunked\"\r\n", BAD),
        // RFC 9112, 6.3: the encoding counts, and nothing is read after it.
        row(
            "chunked and a length",
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            Want::Connection(&[401]),
        ),
        row(
            "a length and chunked",
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
            Want::Connection(&[401]),
        ),
    ]
}

fn lines() -> Vec<Row> {
    let bearer = String::from_utf8_lossy(&bearer(good().token())).into_owned();
    let raw = |name: &str, head: &str| Row::raw(name, format!("{head}\r\n{bearer}\r\n"), BAD);
    vec![
        raw("no version", "GET /api/invocation"),
        raw("HTTP/3", "GET /api/invocation HTTP/3.0"),
        raw("HTTP/1.2", "GET /api/invocation HTTP/1.2"),
        raw("a small version", "GET /api/invocation http/1.1"),
        raw("no target", "GET HTTP/1.1"),
        raw("a space in the target", "GET /api/invocation x HTTP/1.1"),
        raw("a NUL in the target", "GET /api/\0invocation HTTP/1.1"),
        raw("a target without a slash", "GET api/invocation HTTP/1.1"),
        raw("a method with a colon", "GE:T /api/invocation HTTP/1.1"),
        Row::raw(
            "a TLS greeting",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            BAD,
        ),
        Row::raw("binary", [0_u8; 64], BAD),
    ]
}
