//! What the form sets is in the next FIT, in the page's context, and what the products say.

use super::*;
use crate::emulator::world::{JONAS, MIRA, PRIYA, TOMAS};

fn claims(hosted: &Hosted) -> Value {
    hosted.played.running.journal()[0].claims.clone()
}

#[tokio::test]
async fn what_the_form_sets_is_in_the_next_fit_and_in_the_context() {
    let hosted = Hosted::start().await;
    hosted.invoke("GET", "/json").await;
    let before = claims(&hosted);
    assert_eq!(before["principal"], MIRA);
    assert_eq!(before["app"]["environment"]["type"], "DEVELOPMENT");
    assert!(before["app"].get("license").is_none());

    let form = [
        ("user", JONAS),
        ("license", "evaluation"),
        ("environment", "PRODUCTION"),
        ("theme", "dark"),
        ("page", "5341191"),
    ];
    let applied = hosted.apply("page", &form).await;
    assert_eq!(applied.status(), 303);
    assert_eq!(applied.headers()["location"], "/host/page");
    hosted.invoke("GET", "/json").await;
    let after = claims(&hosted);
    assert_eq!(after["principal"], JONAS);
    assert_eq!(after["app"]["environment"]["type"], "PRODUCTION");
    assert_eq!(after["app"]["license"]["isEvaluation"], true);

    let context = hosted.context("page").await;
    assert_eq!(context["accountId"], JONAS);
    assert_eq!(context["environmentType"], "PRODUCTION");
    assert_eq!(context["license"]["active"], true);
    assert_eq!(context["theme"]["colorMode"], "dark");
    for shared in ["localId", "cloudId", "siteUrl", "moduleKey", "extension"] {
        assert_eq!(context[shared], after["context"][shared], "{shared}");
    }
    let place = hosted.context("unbuilt").await;
    assert_eq!(place["extension"]["content"]["id"], "5341191");
}

#[tokio::test]
async fn a_lapsed_license_is_not_active_and_none_is_none() {
    let hosted = Hosted::start().await;
    hosted.apply("page", &[("license", "lapsed")]).await;
    hosted.invoke("GET", "/json").await;
    assert_eq!(claims(&hosted)["app"]["license"]["active"], false);
    hosted.apply("page", &[("license", "none")]).await;
    assert!(hosted.context("page").await.get("license").is_none());
}

#[tokio::test]
async fn the_products_call_an_administrator_whom_the_form_calls_one() {
    let hosted = Hosted::start().await;
    let path = "/rest/api/3/mypermissions?permissions=ADMINISTER";
    let url = hosted.played.api("jira", path);
    let administers = async |account: &str| {
        let token = hosted.played.user_token(account);
        let (_, answer) = hosted.played.get(&token, &url).await;
        answer["permissions"]["ADMINISTER"]["havePermission"] == true
    };
    assert!(administers(MIRA).await && !administers(PRIYA).await);
    hosted
        .apply("page", &[("user", PRIYA), ("admin", "on")])
        .await;
    assert!(administers(MIRA).await && administers(PRIYA).await);
    let page = hosted.page("/host/page").await;
    assert!(page.contains("name=\"admin\" checked"));
    hosted.apply("page", &[("user", MIRA)]).await;
    assert!(!administers(MIRA).await && administers(PRIYA).await);
}

#[tokio::test]
async fn what_the_form_cannot_mean_changes_nothing_and_is_told() {
    let hosted = Hosted::start().await;
    for (name, value, word) in [
        ("user", TOMAS, "no active user has that account id"),
        ("license", "free", "one of none, active, evaluation, lapsed"),
        (
            "environment",
            "production",
            "DEVELOPMENT, STAGING, PRODUCTION",
        ),
        ("theme", "sepia", "one of light, dark"),
        ("page", "1", "no page of that id"),
        ("issue", "QUA-0", "no issue of that key"),
    ] {
        let refused = hosted.apply("page", &[(name, value)]).await;
        assert_eq!(refused.status(), 422, "{name}");
        assert!(refused.text().await.unwrap().contains(word), "{name}");
    }
    assert_eq!(hosted.played.running.stage.session.get().revision, 0);
    let (status, _) = hosted.ask("/host/page/theme", json!("sepia")).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn the_theme_alone_is_followed_at_once() {
    let hosted = Hosted::start().await;
    let (status, _) = hosted.ask("/host/page/theme", json!("dark")).await;
    assert_eq!(status, 204);
    assert_eq!(hosted.context("page").await["theme"]["colorMode"], "dark");
    let page = hosted.page("/host/page").await;
    assert!(page.contains("data-theme=\"dark\""));
}
