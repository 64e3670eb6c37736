//! The identities of the tests, and a FIT's claims as the platform writes them.

use serde_json::{Value, json};

pub(crate) const APP: &str = "ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
pub(crate) const OTHER_APP: &str = "ari:cloud:ecosystem::app/00000000-2c4a-4f7b-9d15-0a8e6c3b5f21";
pub(crate) const INSTALLATION: &str =
    "ari:cloud:ecosystem::installation/9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647";
pub(crate) const CLOUD: &str = "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
pub(crate) const WORKSPACE: &str = "d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63";
pub(crate) const USER: &str = "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458";
pub(crate) const COLLEAGUE: &str = "5f3c9a1be8d2470071b64c0d";
pub(crate) const APP_TOKEN: &str = "app-t0psecret-0001";
pub(crate) const USER_TOKEN: &str = "user-t0psecret-0001";

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    forge_remote::clock::Clock::system().now().unix()
}

/// A UI invocation from Confluence, of an app that is installed in Jira too. `api` is the
/// base of the played Atlassian.
pub(crate) fn claims(api: &str) -> Value {
    let confluence = format!("{api}/ex/confluence/{CLOUD}");
    let jira = format!("{api}/ex/jira/{CLOUD}");
    let now = now();
    json!({
        "app": {
            "id": APP, "version": "31", "appVersion": "4.2.0",
            "installationId": INSTALLATION,
            "apiBaseUrl": confluence,
            "installation": {"id": INSTALLATION, "contexts": [
                {"name": "confluence", "cloudId": CLOUD, "apiBaseUrl": confluence},
                {"name": "jira", "cloudId": CLOUD, "apiBaseUrl": jira},
            ]},
            "environment": {"type": "PRODUCTION", "id": "ari:cloud:ecosystem::environment/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21/f2a4c8d1-7b3e-4e59-8a60-1c9d2e7f4b38"},
            "module": {"type": "confluence:globalPage", "key": "digest-page"},
            "license": {"active": true, "billingPeriod": "ANNUAL", "isEvaluation": false, "type": "COMMERCIAL", "modes": ["USER_ACCESS"]},
        },
        "context": {
            "localId": "b02d6f71-8c3e-4a95-9d40-f17e5a2c8b63", "cloudId": CLOUD,
            "moduleKey": "digest-page", "siteUrl": "https://quarry.atlassian.net",
            "extension": {"type": "confluence:globalPage", "location": "https://quarry.atlassian.net/wiki/apps/digest"},
        },
        "principal": USER,
        "aud": APP, "iss": "forge/invocation-token",
        "iat": now, "nbf": now, "exp": now + 25,
        "jti": "5b9e0c71d8a34f26e1f07b4c92d6a8350e7c14fb",
    })
}
