//! The net that the whole suite hangs in: for each of its meshes a leak is planted, in a
//! process of its own, and is caught there.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Output},
};

/// What a process says of which plant.
const PLANTS: &[(&str, &str)] = &[
    ("a_line", "THE LOG"),
    ("a_span", "THE LOG"),
    ("a_panic", "A PANIC"),
    ("an_answer", "AN ANSWER"),
    ("a_header", "AN ANSWER'S HEADERS"),
    ("a_metric", "THE METRICS"),
    ("a_file", "THE FILE"),
    ("a_query", "A CALL OF ATLASSIAN"),
    ("a_forwarded_fit", "A CALL OF ATLASSIAN"),
];

const SIGABRT: i32 = 6;

fn run(plant: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact"])
        .arg(format!("secrets::net::plants::{plant}"))
        .output()
        .unwrap()
}

#[test]
fn whatever_shows_a_token_ends_the_process() {
    for (plant, place) in PLANTS {
        let output = run(plant);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(&format!("A SECRET IN {place}")),
            "{plant}: {said}"
        );
        assert_eq!(output.status.signal(), Some(SIGABRT), "{plant}: {said}");
    }
}

#[test]
fn who_shows_none_is_left_alone() {
    let output = run("nothing");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

/// Leaks. Each runs as a child of the tests above, and would end the whole suite.
mod plants {
    use axum::{
        Router,
        http::HeaderMap,
        routing::{MethodRouter, get},
    };
    use forge_remote::{Error, Forge, Invocation};
    use serde_json::Value;

    use crate::support::{app::TestApp, claims::USER_TOKEN};

    /// What a handler without an `Invocation` still finds in the request.
    fn token(headers: &HeaderMap) -> &str {
        headers["x-forge-oauth-user"].to_str().unwrap()
    }

    async fn app(handler: MethodRouter<Forge>) -> TestApp {
        let routes = Router::new().route("/test/plant", handler);
        TestApp::setup().await.routes(routes).start().await
    }

    async fn call(handler: MethodRouter<Forge>) {
        let app = app(handler).await;
        let _ = app.as_forge().get("/test/plant").await;
    }

    #[tokio::test]
    #[ignore = "leaks: the net runs it"]
    async fn a_line() {
        let leak = async |headers: HeaderMap| tracing::trace!("for {}", token(&headers));
        call(get(leak)).await;
    }

    #[tokio::test]
    #[ignore = "leaks: the net runs it"]
    async fn a_span() {
        let leak = async |headers: HeaderMap| {
            tracing::trace_span!("planted", token = token(&headers)).in_scope(|| {});
        };
        call(get(leak)).await;
    }

    #[tokio::test]
    #[ignore = "leaks: the net runs it"]
    async fn a_panic() {
        let leak = async |headers: HeaderMap| -> () { panic!("bad token {}", token(&headers)) };
        call(get(leak)).await;
    }

    #[tokio::test]
    #[ignore = "leaks: the net runs it"]
    async fn an_answer() {
        call(get(async |headers: HeaderMap| token(&headers).to_owned())).await;
    }

    #[tokio::test]
    #[ignore = "leaks: the net runs it"]
    async fn a_header() {
        let leak = async |headers: HeaderMap| [("x-debug", token(&headers).to_owned())];
        call(get(leak)).await;
    }

    #[tokio::test]
    #[ignore = "leaks: the net runs it"]
    async fn a_metric() {
        let leak = async |headers: HeaderMap| {
            let token = token(&headers).to_owned();
            metrics::counter!("planted_total", "token" => token).increment(1);
        };
        call(get(leak)).await;
    }

    #[tokio::test]
    #[ignore = "leaks: the net runs it"]
    async fn a_file() {
        let app = app(get(async || ())).await;
        std::fs::write(app.folder.path().join("planted"), USER_TOKEN).unwrap();
    }

    #[tokio::test]
    #[ignore = "leaks: the net runs it"]
    async fn a_query() {
        let leak = async |invocation: Invocation| -> Result<(), Error> {
            let confluence = invocation.as_user()?.confluence()?;
            let request = confluence.get("/wiki/rest/api/content");
            request.query(&[("token", USER_TOKEN)]).send().await?;
            Ok(())
        };
        call(get(leak)).await;
    }

    #[tokio::test]
    #[ignore = "leaks: the net runs it"]
    async fn a_forwarded_fit() {
        let leak = async |headers: HeaderMap, invocation: Invocation| -> Result<(), Error> {
            let fit = headers["x-fit"].to_str().unwrap();
            let confluence = invocation.as_user()?.confluence()?;
            let request = confluence.get("/wiki/rest/api/content");
            request.header("x-caller", fit).send().await?;
            Ok(())
        };
        let app = app(get(leak)).await;
        let fit = crate::support::caller::Fit::new().token();
        let _ = app
            .as_forge()
            .header("x-fit", &fit)
            .get("/test/plant")
            .await;
    }

    #[tokio::test]
    #[ignore = "the net runs it"]
    async fn nothing() {
        let app = app(get(async |headers: HeaderMap| tracing::info!(?headers))).await;
        let _ = app.as_forge().get("/test/plant").await;
        app.atlassian
            .answers(|_| crate::support::atlassian::json_answer(200, Value::Null));
        let _ = app.as_forge().get("/api/content").await;
    }
}
