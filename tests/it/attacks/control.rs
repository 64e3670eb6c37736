//! Odd and right: all of this must pass, or the service is not hard but deaf.

use serde_json::json;

use super::{
    row::{Row, Want, bearer, get},
    scene::{b64, claims_with, good, header, header_with, numbered, seal, signed},
};
use crate::support::{
    caller::Fit,
    claims::{APP, CLOUD},
    keys::{KEY, KID, OTHER_KEY, OTHER_KID},
};

pub(super) fn rows() -> Vec<Row> {
    [tokens(), claims(), headers_of_tokens(), requests()]
        .into_iter()
        .flatten()
        .collect()
}

fn passes(name: &str, token: impl AsRef<[u8]>) -> Row {
    Row::token(name, token, Want::Accepted)
}

fn tokens() -> Vec<Row> {
    let text = good().claims.to_string();
    let with = |fit: Fit| fit.token();
    let payload = |payload: &str| signed(header().to_string(), payload);
    vec![
        passes("the good one", with(good())),
        passes(
            "the other key of the set",
            with(good().key(OTHER_KEY).header("kid", OTHER_KID)),
        ),
        passes(
            "spaces around and inside",
            payload(&format!(" \t\r\n{}\n", text.replace("\":", "\" : "))),
        ),
        passes(
            "names in escapes, each once",
            payload(
                &text.replacen("\"exp\"", "\"\\u0065x\\u0070\"", 1).replacen(
                    "\"app\"",
                    "\"\\u0061pp\"",
                    1,
                ),
            ),
        ),
        passes(
            "a solidus in escapes",
            payload(&text.replace("forge/invocation", "forge\\/invocation")),
        ),
        passes(
            "the app's id without its prefix",
            with(good().claim("/app/id", &APP[APP.len() - 36..])),
        ),
        passes(
            "the app's id in capitals",
            with(good().claim("/app/id", APP[APP.len() - 36..].to_uppercase())),
        ),
        passes(
            "strangers at every level",
            with(
                good()
                    .claim("/new", json!([{"exp": 1}]))
                    .claim("/app/new", json!({"id": 1}))
                    .claim("/context/new", 1),
            ),
        ),
        passes(
            "a stranger twice",
            payload(&text.replacen("\"iss\"", "\"x\":1,\"x\":2,\"iss\"", 1)),
        ),
        passes(
            "a pair of surrogates in escapes",
            payload(&claims_with("/jti", "\"\\ud83d\\udd11\"")),
        ),
        passes(
            "a NUL in a text that is nobody's id",
            payload(&claims_with("/jti", "\"\\u0000\"")),
        ),
        passes(
            "exp as a power",
            payload(&claims_with("/exp", "1.785312025e9")),
        ),
        passes(
            "exp with a fraction",
            payload(&claims_with("/exp", "1785312025.75")),
        ),
    ]
}

/// What the platform leaves out, or may write in another way.
fn claims() -> Vec<Row> {
    let with = |fit: Fit| fit.token();
    let extension = "x".repeat(largest_extension());
    vec![
        passes("nobody signed in", with(good().without("/principal"))),
        passes(
            "an old kind of account",
            with(good().claim("/principal", "5f3c9a1be8d2470071b64c0d")),
        ),
        passes("no context", with(good().without("/context"))),
        passes(
            "no nbf, iat and jti",
            with(good().without("/nbf").without("/iat").without("/jti")),
        ),
        passes("an event's module", with(good().of_platform())),
        passes(
            "a product nobody knows",
            with(good().claim("/app/installation/contexts/1/name", "loom")),
        ),
        passes(
            "a cloud id that is no UUID",
            with(
                good()
                    .claim("/context/cloudId", "site-1")
                    .claim("/app/installation/contexts/0/cloudId", "site-1"),
            ),
        ),
        passes(
            "as large as a token may be",
            with(good().claim("/context/extension", extension)),
        ),
        passes(
            "a cloud, named once",
            with(
                good()
                    .without("/app/installation/contexts/1/cloudId")
                    .claim("/context/cloudId", CLOUD),
            ),
        ),
    ]
}

/// How long a text makes the token 16 KiB and no more: three bytes are four characters.
fn largest_extension() -> usize {
    let without = good().claim("/context/extension", "").token();
    let spare = (16 * 1024 - without.len()) / 4 * 3;
    let fits = |length: usize| {
        let token = good()
            .claim("/context/extension", "x".repeat(length))
            .token();
        token.len() <= 16 * 1024
    };
    (0..=spare + 3)
        .rev()
        .find(|length| fits(*length))
        .unwrap_or(0)
}

fn headers_of_tokens() -> Vec<Row> {
    let claims = good().claims.to_string();
    let header = |header: &str| signed(header, &claims);
    vec![
        passes(
            "no typ",
            header(&format!(r#"{{"alg":"RS256","kid":"{KID}"}}"#)),
        ),
        passes(
            "another order",
            header(&format!(r#"{{"kid":"{KID}","typ":"JWT","alg":"RS256"}}"#)),
        ),
        passes("a typ in small letters", header(&header_with("typ", "jwt"))),
        passes(
            "a typ that is none",
            header(&header_with("typ", json!(null))),
        ),
        passes(
            "names in escapes",
            header(&format!(
                r#"{{"\u0061lg":"RS\u003256","k\u0069d":"{KID}"}}"#
            )),
        ),
        passes(
            "spaces",
            header(&format!(
                " {{ \"alg\" : \"RS256\" ,\n\"kid\" : \"{KID}\" }} "
            )),
        ),
        // What a token says of keys is not read, also where it says the truth.
        passes(
            "the true key in the header",
            header(&header_with("jwk", KEY.jwk(KID))),
        ),
        passes(
            "another key in the header",
            header(&header_with("jwk", OTHER_KEY.jwk(KID))),
        ),
        passes(
            "a URL in the header",
            header(&header_with("jku", "https://h0stile.example/")),
        ),
        passes("a cty", header(&header_with("cty", "JWT"))),
        passes(
            "a zip that nobody looks at",
            header(&header_with("zip", "DEF")),
        ),
        passes("b64 that says true", header(&header_with("b64", true))),
        passes(
            "sealed by hand",
            seal(format!(
                "{}.{}",
                b64(super::scene::header().to_string()),
                b64(&claims)
            )),
        ),
    ]
}

fn requests() -> Vec<Row> {
    let token = good().token();
    let head = |name: &str, lines: String| Row::head(name, lines, Want::Accepted);
    let old = format!("GET /api/invocation HTTP/1.0\r\nauthorization: Bearer {token}\r\n\r\n");
    vec![
        head(
            "bearer in small letters",
            format!("authorization: bearer {token}\r\n"),
        ),
        head(
            "bearer in capitals",
            format!("authorization: BEARER {token}\r\n"),
        ),
        head(
            "several spaces",
            format!("authorization: Bearer    {token}\r\n"),
        ),
        head(
            "no space after the colon",
            format!("authorization:Bearer {token}\r\n"),
        ),
        head(
            "spaces and tabs around",
            format!("authorization: \t Bearer {token} \t \r\n"),
        ),
        head(
            "the header in capitals",
            format!("AUTHORIZATION: Bearer {token}\r\n"),
        ),
        head(
            "ninety other headers",
            format!(
                "{}authorization: Bearer {token}\r\n",
                numbered("x-", ": 1\r\n", 90)
            ),
        ),
        head(
            "another token in a cookie",
            format!(
                "cookie: token={}\r\nauthorization: Bearer {token}\r\n",
                b64("h0stile")
            ),
        ),
        Row::raw(
            "another token in the query",
            get("/api/invocation?access_token=h0stile", bearer(&token)),
            Want::Accepted,
        ),
        Row::raw("HTTP/1.0", old, Want::Accepted),
    ]
}
