//! The two tokens that Forge forwards, beside a good FIT and beside a bad one.

use super::{
    row::{BAD_REQUEST, EXPIRED, Row, Want, bearer},
    scene::{NOW, good},
};

const LARGEST: usize = 16 * 1024;

pub(super) fn rows() -> Vec<Row> {
    ["x-forge-oauth-system", "x-forge-oauth-user"]
        .into_iter()
        .flat_map(beside_a_good_fit)
        .chain(beside_a_bad_fit())
        .collect()
}

fn beside_a_good_fit(header: &str) -> Vec<Row> {
    let fit = bearer(good().token());
    let row = |name: &str, lines: Vec<u8>, want| {
        Row::head(format!("{header}: {name}"), [&*fit, &*lines].concat(), want)
    };
    let line = |value: &[u8]| [header.as_bytes(), b": ", value, b"\r\n"].concat();
    let one = |name: &str, value: &[u8], want| row(name, line(value), want);
    let two = |name: &str, first: &[u8], second: &[u8]| {
        row(name, [line(first), line(second)].concat(), BAD_REQUEST)
    };
    let upper = header.to_uppercase();
    let spelled = format!("{header}: t0psecret\r\n{upper}: t0psecret\r\n").into_bytes();
    vec![
        one("empty", b"", Want::Accepted),
        one("spaces", b" \t ", Want::Accepted),
        one("opaque", b"t0psecret.opaque", Want::Accepted),
        one("as large as it may be", &[b't'; LARGEST], Want::Accepted),
        one("a byte more", &[b't'; LARGEST + 1], BAD_REQUEST),
        one("100,000 bytes", &[b't'; 100_000], BAD_REQUEST),
        one("a space inside", b"t0psecret h0stile", BAD_REQUEST),
        one("a tab inside", b"t0psecret\th0stile", BAD_REQUEST),
        one("a scheme before it", b"Bearer t0psecret", BAD_REQUEST),
        one(
            "two with a comma and a space",
            b"t0psecret, t0psecret",
            BAD_REQUEST,
        ),
        one("bytes beyond ASCII", b"t0psecret\xff", BAD_REQUEST),
        one("UTF-8", "t0psecret\u{fc}".as_bytes(), BAD_REQUEST),
        one(
            "a control character",
            b"t0psecret\x01",
            Want::Connection(&[400]),
        ),
        one("a NUL", b"t0psecret\0", Want::Connection(&[400])),
        one("a fold", b"t0psecret\r\n h0stile", Want::Connection(&[400])),
        two("twice the same", b"t0psecret", b"t0psecret"),
        two("two", b"t0psecret-1", b"t0psecret-2"),
        two("an empty one and another", b"", b"t0psecret"),
        two("one and an empty one", b"t0psecret", b""),
        two("two empty ones", b"", b""),
        row("two spellings of the name", spelled, BAD_REQUEST),
    ]
}

/// Who is not known is told so, and nothing of what else was wrong.
fn beside_a_bad_fit() -> Vec<Row> {
    let lapsed = bearer(good().claim("/exp", NOW - 60).token());
    let row = |name: &str, lines: &[u8]| Row::head(name, [&*lapsed, lines].concat(), EXPIRED);
    vec![
        row(
            "a lapsed FIT and two app tokens",
            b"x-forge-oauth-system: a\r\nx-forge-oauth-system: b\r\n",
        ),
        row(
            "a lapsed FIT and a user token beyond ASCII",
            b"x-forge-oauth-user: \xff\r\n",
        ),
    ]
}
