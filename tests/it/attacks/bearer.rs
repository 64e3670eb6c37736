//! The header that the token comes in, and all the places where it should not be.

use super::{
    row::{MALFORMED, MISSING, Row, Want, bearer, get},
    scene::{b64, good, numbered},
};

/// hyper's own answers, before any of our code runs.
const BAD: Want = Want::Connection(&[400]);
const TOO_LARGE: Want = Want::Connection(&[431]);

pub(super) fn rows() -> Vec<Row> {
    [schemes(), several(), bytes(), elsewhere(), sizes()]
        .into_iter()
        .flatten()
        .collect()
}

fn value(name: &str, value: impl AsRef<[u8]>, want: Want) -> Row {
    let line = [b"authorization: ", value.as_ref(), b"\r\n"].concat();
    Row::head(name, line, want)
}

fn schemes() -> Vec<Row> {
    let good = good().token();
    vec![
        Row::head("no header", "", MISSING),
        value("nothing", "", MISSING),
        value("a scheme alone", "Bearer", MISSING),
        value("a scheme and spaces", "Bearer   ", MISSING),
        value("the token alone", &good, MISSING),
        value("no space", format!("Bearer{good}"), MISSING),
        value("a colon for the space", format!("Bearer:{good}"), MISSING),
        value(
            "an equals sign for the space",
            format!("Bearer={good}"),
            MISSING,
        ),
        value("a tab for the space", format!("Bearer\t{good}"), MISSING),
        value("Basic", format!("Basic {}", b64(&good)), MISSING),
        value("Basic with the token", format!("Basic {good}"), MISSING),
        value("JWT", format!("JWT {good}"), MISSING),
        value("Token", format!("Token {good}"), MISSING),
        value("Bearer2", format!("Bearer2 {good}"), MISSING),
        value("DPoP", format!("DPoP {good}"), MISSING),
        value("Digest", format!("Digest username=\"{good}\""), MISSING),
        value("quotes around", format!("\"Bearer {good}\""), MISSING),
        value("a comma before", format!(", Bearer {good}"), MISSING),
        value(
            "a tab after the space",
            format!("Bearer \t{good}"),
            MALFORMED,
        ),
        value(
            "the scheme twice",
            format!("Bearer Bearer {good}"),
            MALFORMED,
        ),
        value("a parameter", format!("Bearer token={good}"), MALFORMED),
        value(
            "the token in quotes",
            format!("Bearer \"{good}\""),
            MALFORMED,
        ),
        value(
            "the token in angle brackets",
            format!("Bearer <{good}>"),
            MALFORMED,
        ),
        value("a full stop after", format!("Bearer {good}."), MALFORMED),
        value(
            "a realm after",
            format!("Bearer {good}, realm=\"x\""),
            MALFORMED,
        ),
    ]
}

/// Two tokens: which one was meant cannot be known.
fn several() -> Vec<Row> {
    let (one, two) = (good().token(), good().claim("/jti", "two").token());
    let twice = |first: &str, second: &str| {
        format!("authorization: {first}\r\nauthorization: {second}\r\n")
    };
    let good = format!("Bearer {one}");
    let other = format!("Bearer {two}");
    vec![
        Row::head("one header twice", twice(&good, &good), MALFORMED),
        Row::head("two headers", twice(&good, &other), MALFORMED),
        Row::head("a good one and an empty one", twice(&good, ""), MALFORMED),
        Row::head("an empty one and a good one", twice("", &good), MALFORMED),
        Row::head(
            "a good one and a bad one",
            twice(&good, "Bearer a.b.c"),
            MALFORMED,
        ),
        Row::head(
            "a bad one and a good one",
            twice("Bearer a.b.c", &good),
            MALFORMED,
        ),
        Row::head(
            "a good one and a Basic one",
            twice(&good, "Basic YTpi"),
            MALFORMED,
        ),
        Row::head(
            "a Basic one and a good one",
            twice("Basic YTpi", &good),
            MALFORMED,
        ),
        Row::head(
            "names in two spellings",
            format!("authorization: {good}\r\nAUTHORIZATION: {good}\r\n"),
            MALFORMED,
        ),
        Row::head(
            "ninety headers",
            format!("authorization: {good}\r\n").repeat(90),
            MALFORMED,
        ),
        value("two with a comma", format!("{good}, {other}"), MALFORMED),
        value(
            "two with a comma and no space",
            format!("{good},{two}"),
            MALFORMED,
        ),
        value("two with a space", format!("{good} {two}"), MALFORMED),
        value("two with a semicolon", format!("{good};{two}"), MALFORMED),
    ]
}

/// Bytes that are no text, and bytes that no header may have.
fn bytes() -> Vec<Row> {
    let good = good().token();
    let with = |byte: u8, place: usize| {
        let (before, after) = good.split_at(place);
        [b"Bearer ", before.as_bytes(), &[byte], after.as_bytes()].concat()
    };
    let end = good.len();
    vec![
        value("ff inside", with(0xff, 10), MALFORMED),
        value("80 before", with(0x80, 0), MALFORMED),
        value("a0 after", with(0xa0, end), MALFORMED),
        value(
            "UTF-8 in the scheme",
            format!("Beare\u{301}r {good}"),
            MALFORMED,
        ),
        value(
            "a space of no width",
            format!("Bearer \u{200b}{good}"),
            MALFORMED,
        ),
        value("a tab inside", with(b'\t', 10), MALFORMED),
        value("a NUL inside", with(0, 10), BAD),
        value("a NUL after", with(0, end), BAD),
        value("a bell inside", with(7, 10), BAD),
        value("DEL inside", with(0x7f, 10), BAD),
        value("an escape sequence", format!("Bearer \u{1b}[2J{good}"), BAD),
        value("a bare carriage return", with(b'\r', 10), BAD),
        value("a fold before the token", format!("Bearer\r\n {good}"), BAD),
        value(
            "a fold in the token",
            format!("Bearer {}\r\n\t{}", &good[..50], &good[50..]),
            BAD,
        ),
        Row::head(
            "a space before the colon",
            format!("authorization : Bearer {good}\r\n"),
            BAD,
        ),
        Row::head("no colon", format!("authorization Bearer {good}\r\n"), BAD),
        Row::head(
            "a space before the name",
            format!(" authorization: Bearer {good}\r\n"),
            BAD,
        ),
        Row::head(
            "a NUL in the name",
            format!("authorization\0: Bearer {good}\r\n"),
            BAD,
        ),
        Row::head(
            "a name beyond ASCII",
            format!("authorizatio\u{144}: Bearer {good}\r\n"),
            BAD,
        ),
    ]
}

/// The token anywhere but in its header is no token.
fn elsewhere() -> Vec<Row> {
    let good = good().token();
    let names = [
        "x-authorization",
        "proxy-authorization",
        "x-forwarded-authorization",
        "x-original-authorization",
        "authorization2",
        "authorization_",
        "x-access-token",
        "x-forge-invocation-token",
        "x-forge-oauth-fit",
        "x-amzn-oidc-data",
        "x-jwt-assertion",
        "sec-websocket-protocol",
        "x-http-authorization",
        "authentication",
        "token",
    ];
    let mut rows: Vec<Row> = names
        .iter()
        .map(|name| Row::head(*name, format!("{name}: Bearer {good}\r\n"), MISSING))
        .collect();
    for member in ["access_token", "token", "jwt", "authorization", "fit"] {
        let target = format!("/api/invocation?{member}={good}");
        rows.push(Row::raw(format!("?{member}="), get(&target, ""), MISSING));
        let cookie = format!("cookie: {member}={good}\r\n");
        rows.push(Row::head(format!("cookie {member}"), cookie, MISSING));
    }
    let body = |name: &str, kind: &str, body: String| {
        let lines = format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len());
        let request = [get("/api/invocation", lines), body.into_bytes()].concat();
        Row::raw(name, request, MISSING)
    };
    rows.extend([
        body(
            "in a form",
            "application/x-www-form-urlencoded",
            format!("access_token={good}"),
        ),
        body(
            "in JSON",
            "application/json",
            format!("{{\"token\":\"{good}\"}}"),
        ),
        Row::head(
            "as the forwarded tokens",
            format!("x-forge-oauth-system: {good}\r\nx-forge-oauth-user: {good}\r\n"),
            MISSING,
        ),
        Row::raw(
            "in the authority",
            get(&format!("http://{good}@remote.example/api/invocation"), ""),
            MISSING,
        ),
        Row::raw(
            "in the query, as a header",
            get("/api/invocation?authorization=Bearer%20a.b.c", ""),
            MISSING,
        ),
    ]);
    rows
}

fn sizes() -> Vec<Row> {
    let good = good().token();
    let dots = |length: usize| format!("{}.{}.c", "a".repeat(length), "b".repeat(length));
    let many = |count| {
        numbered(
            "x-", ": 1
", count,
        )
    };
    vec![
        value(
            "16 KiB and a byte",
            format!("Bearer {}", "a".repeat(16 * 1024 + 1)),
            MALFORMED,
        ),
        value(
            "16 KiB of nothing",
            format!("Bearer {}", "a".repeat(16 * 1024)),
            MALFORMED,
        ),
        value(
            "200,000 bytes",
            format!("Bearer {}", dots(100_000)),
            MALFORMED,
        ),
        value(
            "a good one and 20,000 bytes",
            format!("Bearer {good}{}", "A".repeat(20_000)),
            MALFORMED,
        ),
        value(
            "300,000 spaces",
            format!("Bearer {} x", " ".repeat(300_000)),
            MALFORMED,
        ),
        value(
            "500,000 bytes",
            format!("Bearer {}", dots(250_000)),
            TOO_LARGE,
        ),
        Row::head(
            "a header of 500,000 bytes beside it",
            [
                &*bearer(&good),
                b"x-large: ",
                &*vec![b'a'; 500_000],
                b"\r\n",
            ]
            .concat(),
            TOO_LARGE,
        ),
        Row::head(
            "a name of 500,000 bytes",
            format!("{}: 1\r\n", "x".repeat(500_000)),
            TOO_LARGE,
        ),
        Row::head(
            "two hundred headers",
            [many(200).as_bytes(), &*bearer(&good)].concat(),
            TOO_LARGE,
        ),
        Row::raw(
            "a query of 70,000 bytes",
            get(
                &format!("/api/invocation?{}", "x".repeat(70_000)),
                bearer(&good),
            ),
            Want::Connection(&[414]),
        ),
    ]
}
