//! Everything outside fails: key set, gateway, products, network, clock and disk.
//!
//! Each failure gets the right code within a bounded time and with a bounded memory, and
//! others are answered meanwhile. What an upstream got rid of before its connection was
//! closed is the measure of what was read: the bound of the room that read it, and what the
//! system's buffers hold.

mod bodies;
mod clock;
mod connections;
mod disk;
mod gateway;
mod key_set;
mod memory;
mod network;

use std::{future::Future, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    routing::{get, post, put},
};
use forge_remote::{Error, Forge, Invocation};
use serde_json::json;

use crate::support::{
    answer::Answer,
    app::{Setup, TestApp},
    atlassian::{Call, exchanged, json_answer},
    caller::{Caller, Fit},
};

/// Far above every bound of the service, far below what an upstream would take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a page of the app waits for an answer here. A busy machine answers in a part of it.
const WITHIN_MS: &str = "4000";

/// What sockets hold on both sides, beyond what a reader has taken.
const BUFFERS: u64 = 24 << 20;

/// The end of `future`, which must come in time.
async fn in_time<F: Future>(future: F) -> F::Output {
    let in_time = tokio::time::timeout(PATIENCE, future).await;
    in_time.expect("it ends in time")
}

/// The service in the making, beside an Atlassian that is well.
async fn setup() -> Setup {
    let setup = TestApp::setup().await.routes(routes());
    setup.atlassian().answers(|call| well(&call));
    setup.set("SERVER__ANSWER_WITHIN_MS", WITHIN_MS)
}

async fn app() -> TestApp {
    setup().await.start().await
}

/// A site and a gateway as they should be.
fn well(call: &Call) -> axum::response::Response {
    match call.path.as_str() {
        "/graphql" => exchanged(call, 3600),
        _ => json_answer(200, json!({"results": [{"id": "good"}]})),
    }
}

/// What an app would do besides reading: write, once or idempotently, and impersonate.
fn routes() -> Router<Forge> {
    async fn write(invocation: Invocation, body: Bytes) -> Result<String, Error> {
        let confluence = invocation.as_user()?.confluence()?;
        let request = confluence.post("/wiki/api/v2/pages");
        Ok(request.body("application/json", body).text().await?)
    }
    async fn replace(invocation: Invocation, body: Bytes) -> Result<String, Error> {
        let confluence = invocation.as_user()?.confluence()?;
        let request = confluence.put("/wiki/api/v2/pages/1");
        Ok(request.body("application/json", body).text().await?)
    }
    async fn act(invocation: Invocation, Path(account): Path<String>) -> Result<String, Error> {
        let account = account.parse().map_err(Error::internal)?;
        let them = invocation.as_account(&account).await?;
        let request = them.confluence()?.get("/wiki/rest/api/user/current");
        Ok(request.text().await?)
    }
    Router::new()
        .route("/test/write", post(write))
        .route("/test/replace", put(replace))
        .route("/test/as/{account}", get(act))
}

/// Forge, for a page on a site whose product is at `base`.
fn of_site(app: &TestApp, base: &str) -> Caller {
    let caller = app.anybody().fit(|_| Fit::of(base));
    caller.with_fit().app_token().user_token()
}

/// A read of a product at `base`.
async fn read(app: &TestApp, base: &str) -> Answer {
    in_time(of_site(app, base).get("/api/content")).await
}

/// Others are answered: with a call to their product and without one.
async fn others_are_answered(app: &TestApp) {
    let _ = in_time(app.as_forge().get("/api/invocation")).await.ok();
    let page = in_time(app.as_forge().get("/api/content")).await.ok();
    assert_eq!(page["results"][0]["id"], "good");
}
