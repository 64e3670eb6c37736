//! Calls to products: the right place, the right identity, nothing else.

use axum::response::Response;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    app::TestApp,
    atlassian::{Call, exchanged, json_answer},
    claims::{APP_TOKEN, CLOUD, COLLEAGUE, USER, USER_TOKEN, WORKSPACE},
};

fn page(call: &Call) -> Response {
    json_answer(
        200,
        json!({
            "results": [{"id": "1", "title": call.speaker()}],
            "start": 0, "limit": 1, "size": 1,
            "_links": {"next": "/rest/api/content?limit=1&start=1", "base": "https://quarry.atlassian.net/wiki", "context": "/wiki"},
        }),
    )
}

/// Confluence and Jira where `administrators` administer, and a gateway.
fn site(call: &Call, administrators: &[&str]) -> Response {
    let administers = administrators.iter().any(|token| *token == call.token());
    match call.path.as_str() {
        "/graphql" => exchanged(call, 3600),
        path if path.ends_with("/wiki/rest/api/content") => page(call),
        path if path.ends_with("/wiki/rest/api/user/current") => {
            let operations = if administers {
                json!([{"operation": "use", "targetType": "application"}, {"operation": "administer", "targetType": "application"}])
            } else {
                json!([{"operation": "administer", "targetType": "space"}])
            };
            json_answer(200, json!({"accountId": USER, "operations": operations}))
        }
        path if path.ends_with("/rest/api/3/myself") => {
            json_answer(200, json!({"accountId": USER}))
        }
        path if path.ends_with("/rest/api/3/mypermissions") => json_answer(
            200,
            json!({"permissions": {"ADMINISTER": {"key": "ADMINISTER", "havePermission": administers}}}),
        ),
        path if path.contains("/rest/api/3/issue/") => {
            json_answer(200, json!({"key": path.rsplit('/').next()}))
        }
        _ => json_answer(404, json!({})),
    }
}

async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.atlassian.answers(|call| site(&call, &[USER_TOKEN]));
    app
}

#[tokio::test]
async fn content_is_asked_as_the_user_or_as_the_app() {
    let app = app().await;
    for (path, token) in [
        ("/api/content?limit=1", USER_TOKEN),
        ("/api/content?limit=1&as=user", USER_TOKEN),
        ("/api/content?limit=1&as=app", APP_TOKEN),
    ] {
        let answer = app.as_forge().get(path).await;
        assert_eq!(answer.status, StatusCode::OK);
        let call = app.atlassian.calls().pop().unwrap();
        assert_eq!(call.token(), token);
        assert_eq!(
            call.path,
            format!("/ex/confluence/{CLOUD}/wiki/rest/api/content")
        );
        assert_eq!(call.query, "limit=1");
        assert_eq!(call.headers["accept"], "application/json");
        assert_eq!(answer.json()["cursor"], "1");
    }
}

#[tokio::test]
async fn the_cursor_leads_to_the_next_page() {
    let app = app().await;
    let first = app.as_forge().get("/api/content?limit=1").await.ok();
    let next = format!(
        "/api/content?limit=1&cursor={}",
        first["cursor"].as_str().unwrap()
    );
    let _ = app.as_forge().get(&next).await.ok();
    assert_eq!(
        app.atlassian.calls().pop().unwrap().query,
        "limit=1&start=1"
    );
}

#[tokio::test]
async fn an_administrator_sees_as_somebody_else() {
    let app = app().await;
    let path = format!("/api/accounts/{COLLEAGUE}/content?limit=1");
    let answer = app.as_forge().get(&path).await.ok();
    assert_eq!(answer["results"][0]["id"], "1");
    let calls = app.atlassian.calls();
    let tokens: Vec<_> = calls
        .iter()
        .map(|call| (call.path.rsplit('/').next().unwrap(), call.token()))
        .collect();
    let theirs = format!("account-t0psecret-{COLLEAGUE}");
    assert_eq!(
        tokens,
        [
            ("current", USER_TOKEN),
            ("graphql", APP_TOKEN),
            ("content", theirs.as_str())
        ]
    );
    assert_eq!(calls[0].query, "expand=operations");
    let exchange = calls[1].json();
    assert_eq!(
        exchange["variables"]["input"],
        json!({
            "contextIds": [format!("ari:cloud:confluence::site/{CLOUD}")], "userId": COLLEAGUE,
        })
    );
    assert_eq!(
        exchange["query"],
        "mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }"
    );
    // Both the word of the product and the token are remembered.
    let _ = app.as_forge().get(&path).await.ok();
    assert_eq!(app.atlassian.calls().len(), 4);
}

#[tokio::test]
async fn nobody_else_does() {
    let app = TestApp::start().await;
    app.atlassian.answers(|call| site(&call, &[]));
    let path = format!("/api/accounts/{COLLEAGUE}/content");
    let _ = app.as_forge().get(&path).await.refused(403, "forbidden");
    let anonymous = app
        .anybody()
        .fit(|fit| fit.without("/principal"))
        .with_fit()
        .app_token()
        .user_token();
    let _ = anonymous.get(&path).await.refused(403, "forbidden");
    let no_user = app.anybody().with_fit().app_token();
    let _ = no_user.get(&path).await.refused(403, "missing_user_token");
    let _ = app
        .as_forge()
        .get("/api/accounts/a%2F..%2Fb/content")
        .await
        .refused(400, "bad_request");
    assert_eq!(
        app.atlassian.exchanges(),
        0,
        "no token is exchanged for somebody who may not"
    );
}

#[tokio::test]
async fn in_jira_jiras_administrators_count() {
    let app = app().await;
    let jira = format!("{}/ex/jira/{CLOUD}", app.atlassian.url());
    let from_jira = |app: &TestApp| {
        app.anybody()
            .fit(|fit| fit.claim("/app/apiBaseUrl", jira.as_str()))
            .with_fit()
            .app_token()
            .user_token()
    };
    let _ = from_jira(&app).get("/api/me").await.ok();
    let _ = from_jira(&app)
        .get(&format!("/api/accounts/{COLLEAGUE}/content"))
        .await
        .ok();
    let paths: Vec<_> = app
        .atlassian
        .calls()
        .iter()
        .map(|call| format!("{}?{}", call.path, call.query))
        .collect();
    assert_eq!(paths[0], format!("/ex/jira/{CLOUD}/rest/api/3/myself?"));
    assert_eq!(
        paths[1],
        format!("/ex/jira/{CLOUD}/rest/api/3/mypermissions?permissions=ADMINISTER")
    );
    // The content is Confluence's all the same, and so is the exchange.
    let exchange = app.atlassian.calls()[2].json();
    assert_eq!(
        exchange["variables"]["input"]["contextIds"][0],
        format!("ari:cloud:confluence::site/{CLOUD}")
    );
    assert!(paths[3].starts_with(&format!("/ex/confluence/{CLOUD}/wiki/rest/api/content")));
}

#[tokio::test]
async fn an_issue_is_read_in_jira_from_a_confluence_page() {
    let app = app().await;
    let answer = app.as_forge().get("/api/issues/QUA-17").await.ok();
    assert_eq!(answer["key"], "QUA-17");
    let call = app.atlassian.calls().pop().unwrap();
    assert_eq!(
        call.path,
        format!("/ex/jira/{CLOUD}/rest/api/3/issue/QUA-17")
    );
    assert_eq!(call.token(), USER_TOKEN);
}

#[tokio::test]
async fn a_product_that_the_app_is_not_installed_in_is_not_found() {
    let app = app().await;
    let bitbucket = json!([{"name": "bitbucket", "workspaceId": WORKSPACE, "apiBaseUrl": format!("{}/bb", app.atlassian.url())}]);
    let caller = app.anybody().fit(|fit| {
        fit.claim("/app/installation/contexts", bitbucket)
            .claim("/app/apiBaseUrl", format!("{}/bb", app.atlassian.url()))
            .claim(
                "/context",
                json!({"workspaceId": format!("{{{WORKSPACE}}}")}),
            )
    });
    let caller = caller.with_fit().app_token().user_token();
    for path in ["/api/content", "/api/issues/QUA-1", "/api/me"] {
        let _ = caller.clone().get(path).await.refused(404, "not_found");
    }
    assert!(app.atlassian.calls().is_empty());
}

#[tokio::test]
async fn the_trace_goes_through() {
    let app = app().await;
    let trace = "463ac35c9f6413ad48485a3953bb6124";
    let answer = app
        .as_forge()
        .header("x-b3-traceid", trace)
        .get("/api/content")
        .await;
    let _ = answer.ok();
    assert_eq!(app.atlassian.calls()[0].headers["x-b3-traceid"], trace);
    let refused = app
        .anybody()
        .header("x-b3-traceid", trace)
        .get("/api/content")
        .await;
    assert_eq!(refused.refused(401, "missing_token")["traceId"], trace);
}

#[tokio::test]
async fn a_short_failure_is_repeated_and_a_redirect_is_not_followed() {
    let app = app().await;
    let times = std::sync::atomic::AtomicUsize::new(0);
    app.atlassian.answers(move |call| {
        match times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => json_answer(503, json!({})),
            _ => page(&call),
        }
    });
    let _ = app.as_forge().get("/api/content").await.ok();
    assert_eq!(app.atlassian.calls().len(), 2);

    app.atlassian.answers(|call| {
        let mut answer = json_answer(302, Value::Null);
        answer.headers_mut().insert(
            "location",
            format!("/elsewhere?{}", call.path).parse().unwrap(),
        );
        answer
    });
    let _ = app
        .as_forge()
        .get("/api/content")
        .await
        .refused(502, "upstream_error");
    assert!(
        !app.atlassian
            .calls()
            .iter()
            .any(|call| call.path == "/elsewhere")
    );
}

#[tokio::test]
async fn identity_comes_from_the_fit_alone() {
    let app = app().await;
    let caller = app
        .as_forge()
        .header("x-account-id", COLLEAGUE)
        .header("x-forge-installation", "other");
    let answer = caller
        .get(&format!(
            "/api/invocation?principal={COLLEAGUE}&installationId=x"
        ))
        .await
        .ok();
    assert_eq!(answer["claims"]["principal"], USER);
}
