//! Calls of products with a token that does not open them, in the gateway's words.

use http::Method;
use serde_json::json;

use super::*;
use crate::{
    clock::Timestamp,
    emulator::world::{MIRA, PRIYA},
};

const CONTENT: &str = "/wiki/rest/api/content";

/// What the gateway says, and a word of what the console tells the developer beside it.
type Row = (
    &'static str,
    String,
    String,
    u16,
    &'static str,
    &'static str,
);

/// Time stands still unless a test moves it.
async fn played(manifest: Option<PathBuf>) -> (Played, Clock) {
    let clock = Clock::manual(Timestamp::from_unix(1_785_312_000));
    let own = clock.clone();
    let played = Played::with(Router::new(), |settings| {
        settings.clock = own;
        settings.schedules_run = false;
        settings.manifest = manifest.unwrap_or(settings.manifest.clone());
    })
    .await;
    (played, clock)
}

impl Played {
    fn impersonated(&self, account: &str) -> String {
        let stage = &self.running.stage;
        let installation = stage.installed.last().id;
        let token = stage.tokens.impersonate(installation, account).unwrap();
        token.0.expose().to_owned()
    }

    fn fit(&self) -> String {
        let stage = &self.running.stage;
        let module = &stage.manifest.modules[0];
        let user = world::user(MIRA).unwrap();
        let fit = stage
            .mint
            .ui(&stage.installed.last(), module, user, &stage.session.get());
        fit.unwrap().token.expose().to_owned()
    }

    async fn all_are_refused(&self, rows: Vec<Row>) {
        for (name, token, url, status, message, note) in rows {
            let (answered, body) = self.get(&token, &url).await;
            assert_eq!(answered, status, "{name}");
            assert_eq!(body, json!({"code": status, "message": message}), "{name}");
            let call = self.running.other_calls().remove(0);
            let told = call.note.unwrap_or_default();
            assert!(told.contains(note), "{name}: {told}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_none_opens_nothing() {
    let (played, _) = played(None).await;
    let own_key = tempfile::tempdir().unwrap();
    let other = Played::with(Router::new(), |settings| {
        settings.state_dir = own_key.path().to_owned();
    })
    .await;
    let content = played.api("confluence", CONTENT);
    let row = |name, token: String, note| -> Row {
        (name, token, content.clone(), 401, "Unauthorized", note)
    };
    let cut = played.user_token(MIRA);
    let cut = cut[..cut.len() - 2].to_owned();
    let rows = vec![
        row("rubbish", "rubbish".to_owned(), "no OAuth token"),
        row("a FIT", played.fit(), "A FIT opens no API"),
        row("a token that is cut", cut, "no OAuth token"),
        row(
            "another platform's",
            other.user_token(MIRA),
            "no OAuth token",
        ),
    ];
    played.all_are_refused(rows).await;
    for authorization in [
        None,
        Some("Basic bWU6bWU="),
        Some(cut_of_scheme(&played).as_str()),
    ] {
        let mut request = played.http.get(&content);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let sent = request.send().await.unwrap();
        assert_eq!(sent.status(), 401, "{authorization:?}");
        let note = played.running.other_calls().remove(0).note.unwrap();
        assert!(note.contains("no bearer token"), "{note}");
    }
}

/// The token alone, as it came in `x-forge-oauth-user`.
fn cut_of_scheme(played: &Played) -> String {
    played.user_token(MIRA)
}

#[tokio::test]
async fn a_token_whose_time_is_over_opens_nothing() {
    let (played, clock) = played(None).await;
    let content = played.api("confluence", CONTENT);
    let tokens = [
        played.app_token(),
        played.user_token(MIRA),
        played.impersonated(PRIYA),
    ];
    for token in &tokens {
        assert_eq!(played.get(token, &content).await.0, 200);
    }
    let row = |name, token: &String| -> Row {
        (
            name,
            token.clone(),
            content.clone(),
            401,
            "Unauthorized",
            "expired",
        )
    };
    clock.advance(Duration::from_hours(1));
    played
        .all_are_refused(vec![row("impersonated", &tokens[2])])
        .await;
    assert_eq!(
        played.get(&tokens[0], &content).await.0,
        200,
        "4 hours, not one"
    );
    clock.advance(Duration::from_hours(3));
    let rows = vec![row("the app's", &tokens[0]), row("a user's", &tokens[1])];
    played.all_are_refused(rows).await;
}

#[tokio::test]
async fn a_token_of_an_installation_that_is_gone_opens_nothing() {
    let (played, _) = played(None).await;
    let content = played.api("confluence", CONTENT);
    let row = |name, token: String| -> Row {
        (
            name,
            token,
            content.clone(),
            401,
            "Unauthorized",
            "another installation",
        )
    };
    let rows = vec![
        row("the app's", played.app_token()),
        row("a user's", played.user_token(MIRA)),
        row("impersonated", played.impersonated(PRIYA)),
    ];
    played.running.uninstall().await.unwrap();
    played.all_are_refused(rows.clone()).await;
    played.running.install().await.unwrap();
    played.all_are_refused(rows).await;
    assert_eq!(played.get(&played.app_token(), &content).await.0, 200);
}

#[tokio::test]
async fn a_scope_that_the_manifest_does_not_have_opens_nothing() {
    let scopes = "    read:confluence-content.summary:\n      allowImpersonation: true\n";
    let (_folder, path) = manifest("    read:jira-user: {}\n", "");
    let (played, _) = played(Some(path)).await;
    let myself = played.api("jira", "/rest/api/3/myself");
    let unmatched = "Unauthorized; scope does not match";
    let row = |name, token: String| -> Row {
        (
            name,
            token,
            myself.clone(),
            401,
            unmatched,
            "`read:jira-user`",
        )
    };
    let rows = vec![
        row("the app's", played.app_token()),
        row("a user's", played.user_token(MIRA)),
    ];
    played.all_are_refused(rows).await;
    // An impersonated token carries the scopes that are flagged, and no other.
    let current = played.api("confluence", "/wiki/rest/api/user/current");
    let mira = played.user_token(MIRA);
    assert_eq!(played.get(&mira, &current).await.0, 200);
    let impersonated = played.impersonated(MIRA);
    let row = (
        "impersonated",
        impersonated,
        current,
        401,
        unmatched,
        "allowImpersonation",
    );
    played.all_are_refused(vec![row]).await;
    // The flag is what opens it.
    assert!(
        std::fs::read_to_string("manifest.yml")
            .unwrap()
            .contains(scopes)
    );
    let content = played.api("confluence", CONTENT);
    assert_eq!(
        played.get(&played.impersonated(MIRA), &content).await.0,
        200
    );
}

#[tokio::test]
async fn another_site_and_a_product_without_the_app_are_not_found() {
    let own = std::fs::read_to_string("manifest.yml").unwrap();
    let issues = own.find("  jira:issuePanel:").unwrap();
    let issues = &own[issues..own[issues..].find("  trigger:").unwrap() + issues];
    let (folder, path) = manifest(issues, "");
    let without = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        without.replace("    jira:\n      required: false\n", ""),
    )
    .unwrap();
    let (played, _) = played(Some(path)).await;
    let content = played.api("confluence", CONTENT);
    let other = content.replace(world::cloud_id(), "11111111-2222-3333-4444-555555555555");
    let (app, user) = (played.app_token(), played.user_token(MIRA));
    let issue = played.api("jira", "/rest/api/3/issue/QUA-17");
    let compass = content.replace("/ex/confluence/", "/ex/compass/");
    let rows = vec![
        (
            "another site",
            app.clone(),
            other,
            404,
            "Not Found",
            "not this site's",
        ),
        (
            "a product without the app",
            user,
            issue,
            404,
            "Not Found",
            "not installed in that product",
        ),
        (
            "a product that is not here",
            app,
            compass,
            404,
            "Not Found",
            "not installed in that product",
        ),
    ];
    played.all_are_refused(rows).await;
    drop(folder);
}

#[tokio::test]
async fn what_the_emulator_does_not_play_is_said_and_not_made_up() {
    let (played, _) = played(None).await;
    for (product, path) in [
        ("confluence", "/wiki/api/v2/tasks"),
        ("jira", "/rest/agile/1.0/board"),
    ] {
        let (status, body) = played
            .get(&played.app_token(), &played.api(product, path))
            .await;
        assert_eq!(
            (status, &body["message"]),
            (501, &json!("The emulator does not play this API"))
        );
    }
}

#[tokio::test]
async fn a_product_that_is_asked_in_the_wrong_way_says_so_in_json() {
    let (played, _) = played(None).await;
    let url = played.api("confluence", CONTENT);
    let sent = played
        .http
        .request(Method::DELETE, url)
        .bearer_auth(played.app_token());
    let sent = sent.send().await.unwrap();
    assert_eq!(sent.status(), 405);
    let body: Value = sent.json().await.unwrap();
    assert_eq!(body, json!({"code": 405, "message": "Method Not Allowed"}));
}
