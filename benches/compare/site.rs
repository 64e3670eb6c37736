//! The site that the app is installed on: its people, the tokens that speak for them, and
//! what Confluence shows them.

use serde_json::{Value, json};

use crate::played::CLOUD;

/// The token of the app.
pub(crate) const APP_TOKEN: &str = "app.";
/// Tokens of users in session begin so.
pub(crate) const USER_TOKEN: &str = "user.";
/// Tokens that an exchange gave begin so.
pub(crate) const ACCOUNT_TOKEN: &str = "account.";

/// What the platform's tokens are about as long as.
const TOKEN_LENGTH: usize = 1200;
/// What Confluence lists if nobody asks for more or less.
const PAGES: usize = 25;

const SITE: &str = "https://quarry.atlassian.net";

/// Person number `n`.
pub(crate) fn account(n: usize) -> String {
    format!("712020:5d0b7c34-8e21-4f96-a7d3-60c1{n:08x}")
}

/// A token that speaks for `account`, which whoever plays the product can tell from it.
pub(crate) fn token(kind: &str, account: &str) -> String {
    format!("{kind}{account}.{:t<TOKEN_LENGTH$}", "")
}

/// Whom a token of this kind speaks for.
pub(crate) fn speaker<'a>(kind: &str, token: &'a str) -> Option<&'a str> {
    let (account, _) = token.strip_prefix(kind)?.split_once('.')?;
    Some(account)
}

/// The path of calls to Confluence.
pub(crate) fn confluence() -> String {
    format!("/ex/confluence/{CLOUD}/wiki/rest/api")
}

/// `GET /wiki/rest/api/content?limit=25`, as Confluence answers it. It depends on who asks.
pub(crate) fn listing(account: &str) -> Value {
    json!({
        "results": (0..PAGES).map(|n| page(account, n)).collect::<Vec<_>>(),
        "start": 0, "limit": PAGES, "size": PAGES,
        "_links": {
            "base": format!("{SITE}/wiki"), "context": "/wiki",
            "self": format!("{SITE}/wiki/rest/api/content"),
            "next": "/rest/api/content?next=true&limit=25&start=25",
        },
    })
}

fn page(account: &str, n: usize) -> Value {
    let id = 98_305 + n;
    json!({
        "id": id.to_string(), "type": "page",
        "ari": format!("ari:cloud:confluence:{CLOUD}:page/{id}"),
        "status": "current",
        "title": format!("Release notes {n:02} – “what changed” for {account}"),
        "macroRenderedOutput": {}, "extensions": {"position": n},
        "_expandable": {"space": "/rest/api/space/ENG", "version": "", "body": ""},
        "_links": {
            "self": format!("{SITE}/wiki/rest/api/content/{id}"),
            "webui": format!("/spaces/ENG/pages/{id}/Release+notes+{n:02}"),
            "tinyui": format!("/x/{id}"),
        },
    })
}

/// `GET /wiki/rest/api/user/current?expand=operations`: everybody here is an administrator.
pub(crate) fn current_user(account: &str) -> Value {
    json!({
        "type": "known", "accountId": account, "accountType": "atlassian",
        "publicName": "Mara Lindqvist", "displayName": "Mara Lindqvist",
        "operations": [
            {"operation": "use", "targetType": "application"},
            {"operation": "administer", "targetType": "application"},
        ],
    })
}

/// What a remote makes of the listing.
pub(crate) fn content(account: &str) -> Value {
    json!({"results": listing(account)["results"], "limit": PAGES, "cursor": "25"})
}
