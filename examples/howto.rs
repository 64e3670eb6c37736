//! The handlers of the book's how-tos (`docs/howto/`), in one remote.
//!
//! The pages show them word for word, which a test holds, and another runs this remote under
//! the emulator. Run it as `examples/README.md` says of `remote`.

use axum::{
    Json, Router,
    extract::Path,
    routing::{get, post, put},
};
use forge_remote::{
    AppActor, Config, Error, ErrorCode, Event, Events, Forge, Interval, Invocation, JobError,
    Schedule, Tick, UserActor,
    ids::{AccountId, InstallationId, Product},
    storage::{Key, Ttl},
    telemetry,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::load()?;
    telemetry::init(&config.telemetry)?;
    let forge = Forge::from_config(config).await?;
    let ui = Router::new()
        .route("/api/pages", get(pages))
        .route("/api/all-pages", get(all_pages))
        .route("/api/me", get(me))
        .route("/api/pages-of/{account}", get(pages_of))
        .route("/api/note", put(write_note).get(read_note))
        .route("/api/both", get(both))
        .route("/api/repositories", get(repositories))
        .route("/api/sync", post(sync_now));
    let events = Events::new().on("avi:confluence:updated:page", page_updated);
    let schedule = Schedule::new().on_every(Interval::Hour, "digest-hourly", hourly);
    Ok(forge_remote::serve(forge, ui, events, schedule).await?)
}

/// What the app itself may see.
async fn pages(app: AppActor) -> Result<Json<Value>, Error> {
    let pages = app
        .confluence()?
        .get("/wiki/api/v2/pages")
        .query(&[("limit", "50")]);
    Ok(Json(pages.json().await?))
}

/// All of them, page after page; 1,000 pages at most.
async fn all_pages(app: AppActor) -> Result<Json<Vec<Value>>, Error> {
    let pages = app.confluence()?.get("/wiki/api/v2/pages");
    Ok(Json(pages.items().all().await?))
}

#[derive(Serialize, Deserialize)]
struct User {
    #[serde(rename = "accountId")]
    account_id: String,
    #[serde(rename = "displayName")]
    display_name: String,
}

/// Who looks at the page, asked of Confluence.
async fn me(user: UserActor) -> Result<Json<User>, Error> {
    let confluence = user.confluence()?;
    Ok(Json(
        confluence.get("/wiki/rest/api/user/current").json().await?,
    ))
}

/// What somebody else may see. Only for administrators of the site: whoever calls this sees
/// what that account sees.
async fn pages_of(
    invocation: Invocation,
    Path(account): Path<AccountId>,
) -> Result<Json<Value>, Error> {
    require_administrator(&invocation).await?;
    let them = invocation
        .as_account_in(&account, &Product::Confluence)
        .await?;
    let pages = them.confluence()?.get("/wiki/api/v2/pages").json().await?;
    Ok(Json(pages))
}

/// Asked as the user in session, so nobody can say it of somebody else.
async fn require_administrator(invocation: &Invocation) -> Result<(), Error> {
    let confluence = invocation.as_user()?.confluence()?;
    let me = confluence
        .get("/wiki/rest/api/user/current")
        .query(&[("expand", "operations")]);
    let me: Value = me.json().await?;
    let administers = |operation: &Value| {
        operation["operation"] == "administer" && operation["targetType"] == "application"
    };
    let operations = me["operations"].as_array();
    if operations.is_some_and(|all| all.iter().any(administers)) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Forbidden,
        "Only an administrator of the site may ask this.",
    ))
}

#[derive(Deserialize)]
struct PageUpdated {
    content: Content,
}

#[derive(Serialize, Deserialize)]
struct Content {
    id: String,
    title: String,
}

/// Keeps the last title of each page that changed, for thirty days.
async fn page_updated(event: Event<PageUpdated>) -> Result<(), JobError> {
    let page = &event.payload.content;
    let key = format!("title:{}", page.id).parse()?;
    event
        .as_app()?
        .storage()
        .set(&key, &page.title)
        .ttl(Ttl::days(30)?)
        .await?;
    Ok(())
}

/// Counts them, once an hour.
async fn hourly(tick: Tick) -> Result<(), JobError> {
    let storage = tick.as_app()?.storage();
    let mut titles = storage
        .query()
        .prefix(&Key::new("title:")?)
        .entries::<String>();
    let mut count = 0;
    while titles.try_next().await?.is_some() {
        count += 1;
    }
    storage.set(&Key::new("count")?, &count).await?;
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct Note {
    text: String,
}

/// Storage is the app's: whose note it is says the key.
fn note_of(invocation: &Invocation) -> Result<Key, Error> {
    let account = invocation.account();
    let account = account.ok_or_else(|| Error::new(ErrorCode::Forbidden, "Sign in first."))?;
    Ok(Key::new(format!("note:{account}"))?)
}

async fn write_note(invocation: Invocation, Json(note): Json<Note>) -> Result<Json<Note>, Error> {
    let key = note_of(&invocation)?;
    invocation.as_app()?.storage().set(&key, &note).await?;
    Ok(Json(note))
}

async fn read_note(invocation: Invocation) -> Result<Json<Option<Note>>, Error> {
    let key = note_of(&invocation)?;
    Ok(Json(invocation.as_app()?.storage().get(&key).await?))
}

/// One answer out of two products, both asked as the user in session.
async fn both(user: UserActor) -> Result<Json<Value>, Error> {
    let (confluence, jira) = (user.confluence()?, user.jira()?);
    let pages = confluence.get("/wiki/api/v2/pages").json::<Value>();
    let issues = jira
        .get("/rest/api/3/search/jql")
        .query(&[("jql", "project = QUA")]);
    let (pages, issues) = tokio::try_join!(pages, issues.json::<Value>())?;
    Ok(Json(
        json!({"pages": pages["results"], "issues": issues["issues"]}),
    ))
}

/// The repositories of the workspace that the app is installed in.
async fn repositories(invocation: Invocation) -> Result<Json<Vec<Value>>, Error> {
    let contexts = &invocation.claims().app.contexts;
    let bitbucket = contexts.iter().find(|it| it.name == Product::Bitbucket);
    let workspace = bitbucket.and_then(|it| it.workspace_id.as_ref());
    let workspace = workspace.ok_or_else(|| Error::new(ErrorCode::NotFound, "No workspace."))?;
    let bitbucket = invocation.as_app()?.bitbucket()?;
    let list = bitbucket
        .get("/2.0/repositories/{workspace}")
        .segment("workspace", format!("{{{workspace}}}"));
    Ok(Json(list.items().all().await?))
}

/// Work that no call of Forge started: it speaks with the token that the installation brought
/// last.
async fn sync(forge: &Forge, installation: &InstallationId) -> Result<Value, Error> {
    let app = forge.installation(installation).await?.as_app()?;
    Ok(app
        .confluence()?
        .get("/wiki/rest/api/content")
        .json()
        .await?)
}

async fn sync_now(invocation: Invocation) -> Result<Json<Value>, Error> {
    Ok(Json(
        sync(invocation.forge(), invocation.installation()).await?,
    ))
}
