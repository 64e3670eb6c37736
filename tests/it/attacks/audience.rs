//! Tokens for somebody else, and tokens by somebody else.

use serde_json::{Value, json};

use super::{
    row::{INCONSISTENT, MALFORMED, Row, WRONG_AUDIENCE, WRONG_ISSUER, Want},
    scene::good,
};
use crate::support::claims::{APP, INSTALLATION, OTHER_APP};

pub(super) fn rows() -> Vec<Row> {
    let bare = &APP[APP.len() - 36..];
    let audiences: [(&str, Value, Want); 22] = [
        ("another app", json!(OTHER_APP), WRONG_AUDIENCE),
        ("another app in a list", json!([OTHER_APP]), WRONG_AUDIENCE),
        ("ours and another", json!([APP, OTHER_APP]), Want::Accepted),
        ("another and ours", json!([OTHER_APP, APP]), Want::Accepted),
        ("ours twice", json!([APP, APP]), Want::Accepted),
        ("ours and a number", json!([APP, 7]), WRONG_AUDIENCE),
        ("ours and null", json!([APP, null]), WRONG_AUDIENCE),
        ("ours, a list deeper", json!([[APP]]), WRONG_AUDIENCE),
        ("ours as a member", json!({"aud": APP}), WRONG_AUDIENCE),
        ("ours as a name", json!({(APP): true}), WRONG_AUDIENCE),
        (
            "a beginning of ours",
            json!(&APP[..APP.len() - 1]),
            WRONG_AUDIENCE,
        ),
        (
            "ours and a character",
            json!(format!("{APP}0")),
            WRONG_AUDIENCE,
        ),
        ("an end of ours", json!(&APP[1..]), WRONG_AUDIENCE),
        ("the bare id", json!(bare), WRONG_AUDIENCE),
        (
            "the id in braces",
            json!(format!("{{{bare}}}")),
            WRONG_AUDIENCE,
        ),
        (
            "two in a text",
            json!(format!("{OTHER_APP} {APP}")),
            WRONG_AUDIENCE,
        ),
        (
            "two in a text, with a comma",
            json!(format!("{APP},{OTHER_APP}")),
            WRONG_AUDIENCE,
        ),
        (
            "a pattern",
            json!("ari:cloud:ecosystem::app/*"),
            WRONG_AUDIENCE,
        ),
        ("everybody", json!("*"), WRONG_AUDIENCE),
        ("the installation", json!(INSTALLATION), WRONG_AUDIENCE),
        (
            "an environment of the app",
            json!(format!("{APP}/environment/x")),
            WRONG_AUDIENCE,
        ),
        (
            "another kind of thing by our id",
            json!(APP.replace("::app/", "::extension/")),
            WRONG_AUDIENCE,
        ),
    ];
    let mut rows: Vec<Row> = audiences
        .into_iter()
        .map(|(name, aud, want)| {
            Row::token(
                format!("aud: {name}"),
                good().claim("/aud", aud).token(),
                want,
            )
        })
        .collect();
    rows.extend(apps(bare));
    rows.extend(issuers());
    rows
}

/// `app.id` beside `aud`: who is meant, and who is spoken of.
fn apps(bare: &str) -> Vec<Row> {
    let app = |name: &str, id: &str, want| {
        Row::token(
            format!("app.id: {name}"),
            good().claim("/app/id", id).token(),
            want,
        )
    };
    let theirs = good().claim("/aud", OTHER_APP);
    let both = good().claim("/aud", json!([APP, OTHER_APP]));
    vec![
        app("another app, to us", OTHER_APP, INCONSISTENT),
        app("the installation", INSTALLATION, MALFORMED),
        app("ours with a path", &format!("{APP}/x"), MALFORMED),
        app("ours after a path", &format!("x/{APP}"), MALFORMED),
        app("ours without hyphens", &bare.replace('-', ""), MALFORMED),
        app("ours in braces", &format!("{{{bare}}}"), MALFORMED),
        app("ours as a URN", &format!("urn:uuid:{bare}"), MALFORMED),
        app(
            "all zeros",
            "00000000-0000-0000-0000-000000000000",
            INCONSISTENT,
        ),
        app("another scheme", &APP.replace("ari:", "arn:"), MALFORMED),
        Row::token(
            "app.id: ours, to another app",
            theirs.token(),
            WRONG_AUDIENCE,
        ),
        Row::token(
            "app.id: another app's, to both",
            both.claim("/app/id", OTHER_APP).token(),
            INCONSISTENT,
        ),
        Row::token(
            "app.id: another app's, to it",
            theirs.claim("/app/id", OTHER_APP).token(),
            WRONG_AUDIENCE,
        ),
    ]
}

fn issuers() -> Vec<Row> {
    let right = "forge/invocation-token";
    let others = [
        json!("forge/context-token"),
        json!("forge/invocation-token/"),
        json!("https://forge/invocation-token"),
        json!("forge/invocation-token2"),
        json!("forge/invocation-toke"),
        json!("Forge/Invocation-Token"),
        json!("forge\\invocation-token"),
        json!("forge%2Finvocation-token"),
        json!([right]),
        json!({"iss": right}),
        json!(format!("{right},{right}")),
        json!(" forge/invocation-token"),
        json!("h0stile"),
    ];
    others
        .into_iter()
        .map(|iss| {
            let name = format!("iss: {iss}");
            Row::token(name, good().claim("/iss", iss).token(), WRONG_ISSUER)
        })
        .collect()
}
