//! Two services on one PostgreSQL are one remote.

use axum::{Router, extract::Path, routing::get};
use forge_remote::{Error, Forge, Invocation, ids::AccountId};
use serde_json::json;

use crate::support::{
    app::TestApp,
    atlassian::{exchanged, json_answer},
    claims::{COLLEAGUE, INSTALLATION},
    postgres::TestDatabase,
};

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Answers with whom the account's call was made for.
fn routes() -> Router<Forge> {
    async fn act(invocation: Invocation, Path(account): Path<String>) -> Result<String, Error> {
        let account: AccountId = account.parse().map_err(Error::internal)?;
        let them = invocation.as_account(&account).await?;
        let whoami = them.confluence()?.get("/wiki/rest/api/whoami").send();
        whoami.await?.text().map_err(Error::from)
    }
    Router::new().route("/test/as/{account}", get(act))
}

async fn replica(database: &TestDatabase) -> TestApp {
    let setup = TestApp::setup().await.routes(routes());
    let setup = setup.set("STORE__URL", &database.url());
    let app = setup.set("STORE__ENCRYPTION_KEY", KEY).start().await;
    app.atlassian.answers(|call| match call.path.as_str() {
        "/graphql" => exchanged(&call, 3600),
        _ => json_answer(200, json!(call.speaker())),
    });
    app
}

#[tokio::test]
async fn what_one_replica_learns_the_other_knows() {
    let database = TestDatabase::create().await;
    let (ours, theirs) = (replica(&database).await, replica(&database).await);
    let id = INSTALLATION.parse().unwrap();
    assert!(theirs.forge.installation(&id).await.is_err());

    let path = format!("/test/as/{COLLEAGUE}");
    let first = ours.as_forge().get(&path).await.ok();
    let second = theirs.as_forge().get(&path).await.ok();
    assert_eq!(first, second, "the same account");
    assert_eq!(ours.atlassian.exchanges(), 1);
    assert_eq!(theirs.atlassian.exchanges(), 0);

    // What was still to be written is written when a service stops.
    ours.stopped().await;
    let third = replica(&database).await;
    let known = third.forge.installation(&id).await.unwrap();
    known.as_app().unwrap();
    assert_eq!(third.operator().get("/readyz").await.status, 200);
}
