//! JSON that two readers could read differently, that never ends, or that is none. All of it
//! truly signed: the platform's key does not make a reader safe.

use super::{
    row::{MALFORMED, Row, UNSUPPORTED, WRONG_AUDIENCE, WRONG_ISSUER, Want},
    scene::{claims_with, good, header, header_with, numbered, signed},
};
use crate::support::{
    claims::{APP, OTHER_APP},
    keys::KID,
};

pub(super) fn rows() -> Vec<Row> {
    [doubles(), shapes(), lists(), depths(), sizes(), headers()]
        .into_iter()
        .flatten()
        .collect()
}

pub(super) fn payload(name: impl Into<String>, payload: impl AsRef<[u8]>, want: Want) -> Row {
    Row::token(name, signed(header().to_string(), payload), want)
}

/// The good claims with a piece of the text replaced.
fn replaced(old: &str, new: &str) -> String {
    let claims = good().claims.to_string();
    let changed = claims.replacen(old, new, 1);
    assert_ne!(claims, changed, "{old} is there");
    changed
}

/// Members that are there twice, at every level, plain and in escapes. Which one counts is
/// every reader's own choice, so that there is none.
fn doubles() -> Vec<Row> {
    let pairs = [
        ("exp", "\"exp\":", "\"exp\":9999999999,\"exp\":"),
        ("exp, the same", "\"exp\":", "\"exp\":1785312025,\"exp\":"),
        (
            "exp in escapes",
            "\"exp\":",
            "\"\\u0065xp\":9999999999,\"exp\":",
        ),
        (
            "exp all in escapes",
            "\"exp\":",
            "\"\\u0065\\u0078\\u0070\":1,\"exp\":",
        ),
        ("nbf", "\"nbf\":", "\"nbf\":0,\"nbf\":"),
        ("iss", "\"iss\":", "\"iss\":\"h0stile\",\"iss\":"),
        (
            "iss in escapes",
            "\"iss\":",
            "\"\\u0069ss\":\"h0stile\",\"iss\":",
        ),
        ("aud", "\"aud\":", "\"aud\":null,\"aud\":"),
        ("aud in escapes", "\"aud\":", "\"a\\u0075d\":[],\"aud\":"),
        (
            "principal",
            "\"principal\":",
            "\"principal\":\"h0stile\",\"principal\":",
        ),
        (
            "principal in escapes",
            "\"principal\":",
            "\"princip\\u0061l\":null,\"principal\":",
        ),
        (
            "icLabel",
            "\"iss\":",
            "\"icLabel\":null,\"icLabel\":null,\"iss\":",
        ),
        ("jti", "\"jti\":", "\"jti\":null,\"jti\":"),
        ("app", "\"app\":", "\"app\":{},\"app\":"),
        ("context", "\"context\":", "\"context\":null,\"context\":"),
        ("environment.id", "\"id\":", "\"id\":\"h0stile\",\"id\":"),
        (
            "app.installationId",
            "\"installationId\":",
            "\"installationId\":\"x\",\"installationId\":",
        ),
        (
            "app.installationId in escapes",
            "\"installationId\":",
            "\"installation\\u0049d\":\"x\",\"installationId\":",
        ),
        (
            "app.installation",
            "\"installation\":",
            "\"installation\":null,\"installation\":",
        ),
        ("contexts", "\"contexts\":", "\"contexts\":[],\"contexts\":"),
        (
            "cloudId of a context",
            "\"name\":\"jira\"",
            "\"name\":\"jira\",\"cloudId\":\"x\"",
        ),
        (
            "cloudId of the place",
            "\"localId\":",
            "\"cloudId\":null,\"localId\":",
        ),
        (
            "apiBaseUrl",
            "\"apiBaseUrl\":",
            "\"apiBaseUrl\":\"https://h0stile.example\",\"apiBaseUrl\":",
        ),
        ("module key", "\"key\":", "\"key\":\"x\",\"key\":"),
        ("license", "\"license\":", "\"license\":null,\"license\":"),
        (
            "active of the license",
            "\"active\":",
            "\"active\":false,\"active\":",
        ),
    ];
    let row = |(name, old, new): (&str, &str, &str)| {
        payload(format!("{name} twice"), replaced(old, new), MALFORMED)
    };
    let mut rows: Vec<Row> = pairs.into_iter().map(row).collect();
    let id = format!("\"id\":\"{APP}\"");
    let twice = replaced(&id, &format!("\"id\":\"{OTHER_APP}\",{id}"));
    rows.push(payload("app.id twice", twice, MALFORMED));
    rows
}

/// What is not one object.
fn shapes() -> Vec<Row> {
    let good = good().claims.to_string();
    let cut = &good[..good.len() - 1];
    let shapes = [
        ("null", "null".to_owned()),
        ("a text", "\"h0stile\"".to_owned()),
        ("a number", "1".to_owned()),
        ("an empty object", "{}".to_owned()),
        ("a list", "[]".to_owned()),
        ("a list of the claims", format!("[{good}]")),
        (
            "claims as the text of a text",
            serde_json::Value::from(good.clone()).to_string(),
        ),
        ("claims and more", format!("{good}{{}}")),
        ("claims twice", format!("{good}{good}")),
        ("claims and a NUL", format!("{good}\0")),
        ("claims cut short", cut.to_owned()),
        ("a comma too many", format!("{cut},}}")),
        ("a comma too few", good.replacen(',', " ", 1)),
        ("a comment", format!("/**/{good}")),
        ("a comment inside", format!("{cut}/*h0stile*/}}")),
        ("single quotes", good.replace('"', "'")),
        ("names without quotes", good.replacen("\"exp\"", "exp", 1)),
        ("a vertical tab", format!("\u{b}{good}")),
        ("a space of no break", format!("\u{a0}{good}")),
        ("a form feed", format!("\u{c}{good}")),
        ("a prefix against hijacking", format!(")]}}'\n{good}")),
        ("only spaces", " ".repeat(64)),
        ("a line end in a text", good.replacen("4.2.0", "4.2\n.0", 1)),
        (
            "form fields",
            format!("iss=forge/invocation-token&aud={APP}"),
        ),
    ];
    shapes
        .into_iter()
        .map(|(name, text)| payload(name, text, MALFORMED))
        .collect()
}

/// Objects whose members stand in a list, in the order that a reader may know them in.
fn lists() -> Vec<Row> {
    let objects = [
        (
            "/app",
            "id installationId apiBaseUrl appVersion version environment module license installation",
        ),
        ("/app/environment", "type id"),
        ("/app/module", "type key"),
        ("/app/installation", "id contexts"),
        (
            "/app/installation/contexts/0",
            "name apiBaseUrl cloudId workspaceId",
        ),
        (
            "/app/license",
            "active isActive isEvaluation billingPeriod capabilitySet ccpEntitlementId \
             ccpEntitlementSlug subscriptionEndDate trialEndDate type modes",
        ),
        (
            "/context",
            "cloudId workspaceId siteUrl localId moduleKey extension",
        ),
    ];
    let row = |(pointer, names): (&str, &str)| {
        let object = good().claims.pointer(pointer).cloned().unwrap_or_default();
        let names = names.split_whitespace();
        let members: Vec<_> = names.map(|name| object[name].clone()).collect();
        let token = good().claim(pointer, members).token();
        Row::token(format!("{pointer} as a list"), token, MALFORMED)
    };
    objects.into_iter().map(row).collect()
}

/// Bombs: nothing is read by recursion that the sender decides on.
fn depths() -> Vec<Row> {
    let nested =
        |open: &str, close: &str, depth| format!("{}{}", open.repeat(depth), close.repeat(depth));
    vec![
        payload("8,000 brackets", "[".repeat(8000), MALFORMED),
        payload(
            "1,500 objects, never closed",
            "{\"a\":".repeat(1500),
            MALFORMED,
        ),
        payload(
            "a deep issuer",
            claims_with("/iss", &nested("[", "]", 4000)),
            WRONG_ISSUER,
        ),
        payload(
            "a deep audience",
            claims_with("/aud", &nested("[", "]", 4000)),
            WRONG_AUDIENCE,
        ),
        payload(
            "a deep exp",
            claims_with("/exp", &nested("[", "]", 4000)),
            MALFORMED,
        ),
        payload(
            "a deep app",
            claims_with("/app", &nested("{\"a\":", "}", 900).replacen('}', "1}", 1)),
            MALFORMED,
        ),
        payload(
            "a deep cloud id",
            claims_with("/context/cloudId", &nested("[", "]", 4000)),
            MALFORMED,
        ),
        payload(
            "a deep principal, never closed",
            claims_with("/principal", &"[".repeat(4000)),
            MALFORMED,
        ),
        payload(
            "a deep stranger, passed over",
            claims_with("/h0stile", &nested("[", "]", 4000)),
            Want::Accepted,
        ),
        payload(
            "a deep stranger, never closed",
            claims_with("/h0stile", &"[".repeat(4000)),
            MALFORMED,
        ),
    ]
}

/// As much as fits, and more.
fn sizes() -> Vec<Row> {
    let many = |count: usize| format!("[{}]", vec!["\"\""; count].join(","));
    let with_ours = format!("[{}\"{APP}\"]", format!("\"{OTHER_APP}\",").repeat(80));
    let strangers = numbered("\"x", "\":1,", 800);
    vec![
        payload(
            "a text of 20,000",
            claims_with("/jti", &format!("\"{}\"", "h0stile".repeat(3000))),
            MALFORMED,
        ),
        payload(
            "a token of 100,000",
            claims_with("/h0stile", &format!("\"{}\"", "x".repeat(75_000))),
            MALFORMED,
        ),
        payload(
            "3,000 audiences",
            claims_with("/aud", &many(3000)),
            WRONG_AUDIENCE,
        ),
        payload(
            "81 audiences, ours the last",
            claims_with("/aud", &with_ours),
            Want::Accepted,
        ),
        payload(
            "1,000 contexts of nothing",
            claims_with(
                "/app/installation/contexts",
                &format!("[{}]", vec!["{}"; 1000].join(",")),
            ),
            MALFORMED,
        ),
        payload(
            "800 strangers",
            replaced("\"iss\":", &format!("{strangers}\"iss\":")),
            Want::Accepted,
        ),
        payload(
            "800 principals",
            replaced(
                "\"iss\":",
                &format!("{}\"iss\":", "\"principal\":null,".repeat(400)),
            ),
            MALFORMED,
        ),
    ]
}

/// The header is JSON too.
fn headers() -> Vec<Row> {
    let claims = good().claims.to_string();
    let row = |name: &str, header: &[u8], want| {
        Row::token(format!("header: {name}"), signed(header, &claims), want)
    };
    let good = header().to_string();
    let cut = &good[..good.len() - 1];
    let deep = format!("{cut},\"x\":{}{}}}", "[".repeat(1200), "]".repeat(1200));
    let deep_alg = good.replacen(
        "\"RS256\"",
        &format!("{}{}", "[".repeat(1200), "]".repeat(1200)),
        1,
    );
    vec![
        row("null", b"null", MALFORMED),
        row("an empty object", b"{}", UNSUPPORTED),
        row(
            "a list",
            format!("[\"RS256\",\"{KID}\"]").as_bytes(),
            MALFORMED,
        ),
        row("a text", b"\"RS256\"", MALFORMED),
        row("two of them", format!("{good}{good}").as_bytes(), MALFORMED),
        row(
            "a byte order mark",
            format!("\u{feff}{good}").as_bytes(),
            MALFORMED,
        ),
        row(
            "no UTF-8",
            &[cut.as_bytes(), b",\"x\":\"\xff\"}"].concat(),
            MALFORMED,
        ),
        row(
            "4,000 characters",
            header_with("x", "y".repeat(4000)).as_bytes(),
            MALFORMED,
        ),
        row("deep, passed over", deep.as_bytes(), Want::Accepted),
        row("a deep alg", deep_alg.as_bytes(), UNSUPPORTED),
        row(
            "a deep crit",
            format!("{cut},\"crit\":{}{}}}", "[".repeat(1200), "]".repeat(1200)).as_bytes(),
            MALFORMED,
        ),
    ]
}
