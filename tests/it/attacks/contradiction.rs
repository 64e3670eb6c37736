//! Claims that say different things about the same.

use serde_json::{Value, json};

use super::{
    row::{INCONSISTENT, MALFORMED, Row, Want},
    scene::good,
};
use crate::support::{
    caller::Fit,
    claims::{APP, CLOUD, INSTALLATION, WORKSPACE},
};

const OTHER_INSTALLATION: &str =
    "ari:cloud:ecosystem::installation/00000000-4d08-4b6f-a3e1-5f20d8b9c647";
const OTHER_CLOUD: &str = "00000000-91f2-4c6a-b4d7-2a0f6e9c1b85";

pub(super) fn rows() -> Vec<Row> {
    [installations(), places()].into_iter().flatten().collect()
}

fn installations() -> Vec<Row> {
    let bare = &INSTALLATION[INSTALLATION.len() - 36..];
    let row = |name: &str, first: &str, second: &str, want| {
        let fit = good()
            .claim("/app/installationId", first)
            .claim("/app/installation/id", second);
        Row::token(format!("installation: {name}"), fit.token(), want)
    };
    vec![
        row(
            "another first",
            OTHER_INSTALLATION,
            INSTALLATION,
            INCONSISTENT,
        ),
        row(
            "another second",
            INSTALLATION,
            OTHER_INSTALLATION,
            INCONSISTENT,
        ),
        row("the app for the first", APP, INSTALLATION, MALFORMED),
        row("the app for the second", INSTALLATION, APP, MALFORMED),
        row(
            "the app's id for the first",
            &APP[APP.len() - 36..],
            INSTALLATION,
            INCONSISTENT,
        ),
        row(
            "a path after it",
            &format!("{INSTALLATION}/x"),
            INSTALLATION,
            MALFORMED,
        ),
        row(
            "a path before it",
            &format!("../{bare}"),
            INSTALLATION,
            MALFORMED,
        ),
        row(
            "no hyphens",
            &bare.replace('-', ""),
            INSTALLATION,
            MALFORMED,
        ),
        row("one of them bare", bare, INSTALLATION, Want::Accepted),
        row(
            "one of them in capitals",
            &bare.to_uppercase(),
            INSTALLATION,
            Want::Accepted,
        ),
    ]
}

fn places() -> Vec<Row> {
    let row = |name: &str, fit: Fit, want| Row::token(format!("place: {name}"), fit.token(), want);
    let context = |context: Value| good().claim("/context", context);
    let contexts = |contexts: Value| good().claim("/app/installation/contexts", contexts);
    let jira = json!({"name": "jira", "cloudId": CLOUD, "apiBaseUrl": "https://api.atlassian.com/ex/jira"});
    let theirs = json!({"name": "jira", "cloudId": OTHER_CLOUD, "apiBaseUrl": "https://api.atlassian.com/ex/jira"});
    let bitbucket = json!({"name": "bitbucket", "workspaceId": WORKSPACE, "apiBaseUrl": "https://api.bitbucket.org"});
    let workspace =
        |id: &str| contexts(json!([bitbucket])).claim("/context", json!({"workspaceId": id}));
    let other_workspace = "00000000-3a5f-4b82-96e0-7c8b1f2a5d63";
    vec![
        row(
            "another cloud",
            context(json!({"cloudId": OTHER_CLOUD})),
            INCONSISTENT,
        ),
        row(
            "our cloud and a character",
            context(json!({"cloudId": format!("{CLOUD}0")})),
            INCONSISTENT,
        ),
        row(
            "a beginning of our cloud",
            context(json!({"cloudId": &CLOUD[..35]})),
            INCONSISTENT,
        ),
        row(
            "a cloud in braces",
            context(json!({"cloudId": format!("{{{CLOUD}}}")})),
            MALFORMED,
        ),
        row(
            "a cloud with a path",
            context(json!({"cloudId": format!("{CLOUD}/..")})),
            MALFORMED,
        ),
        row(
            "a cloud of 65 characters",
            context(json!({"cloudId": "a".repeat(65)})),
            MALFORMED,
        ),
        row(
            "installed elsewhere only",
            contexts(json!([theirs])),
            INCONSISTENT,
        ),
        row(
            "installed here and elsewhere",
            contexts(json!([theirs, jira])),
            Want::Accepted,
        ),
        row("installed nowhere", contexts(json!([])), Want::Accepted),
        row(
            "a cloud, installed in a workspace",
            contexts(json!([bitbucket])),
            Want::Accepted,
        ),
        row(
            "another workspace",
            workspace(other_workspace),
            INCONSISTENT,
        ),
        row(
            "another workspace in braces",
            workspace(&format!("{{{other_workspace}}}")),
            INCONSISTENT,
        ),
        row(
            "half a brace",
            workspace(&format!("{{{WORKSPACE}")),
            MALFORMED,
        ),
        row(
            "two braces",
            workspace(&format!("{{{{{WORKSPACE}}}}}")),
            MALFORMED,
        ),
        row(
            "our workspace in braces",
            workspace(&format!("{{{WORKSPACE}}}")),
            Want::Accepted,
        ),
        row(
            "our workspace, another cloud",
            workspace(WORKSPACE)
                .claim("/app/installation/contexts", json!([bitbucket, jira]))
                .claim("/context/cloudId", OTHER_CLOUD),
            INCONSISTENT,
        ),
        row(
            "a context that is a text",
            contexts(json!(["jira"])),
            MALFORMED,
        ),
        row("a context that is null", contexts(json!([null])), MALFORMED),
        row(
            "contexts by name",
            contexts(json!({"jira": jira})),
            MALFORMED,
        ),
    ]
}
