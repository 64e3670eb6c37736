//! A whole Forge remote: which pages changed lately, for whoever asks.
//!
//! `examples/README.md` says how to run it under the emulator. What it relies on without
//! showing it: every request is verified, an event is on disk before it is acknowledged, and
//! whatever fails becomes an answer that the platform understands.

use axum::{Json, Router, routing::get};
use forge_remote::storage::{Key, Ttl};
use forge_remote::{AppActor, Config, Error, Event, Events, Forge, Interval, JobError};
use forge_remote::{Schedule, Tick, UserActor, telemetry};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::load()?;
    telemetry::init(&config.telemetry)?;
    let forge = Forge::from_config(config).await?;
    let ui = Router::new().route("/api/changed", get(changed));
    let events = Events::new().on("avi:confluence:updated:page", page_updated);
    let schedule = Schedule::new().on_every(Interval::Hour, "digest-hourly", list_changes);
    Ok(forge_remote::serve(forge, ui, events, schedule).await?)
}

/// A page of the app asks: of what changed, what may this user see?
async fn changed(app: AppActor, user: UserActor) -> Result<Json<Value>, Error> {
    let list: Option<Vec<String>> = app.storage().get(&Key::new("changed")?).await?;
    let Some(ids) = list.filter(|ids| !ids.is_empty()) else {
        return Ok(Json(json!({"results": []})));
    };
    let confluence = user.confluence()?;
    let pages = confluence.get("/wiki/api/v2/pages");
    let pages = pages.query(&[("id", ids.join(","))]);
    Ok(Json(pages.json().await?))
}

/// Something happened: remembered for a day. Written twice, it is the same as written once.
async fn page_updated(event: Event) -> Result<(), JobError> {
    let page = event.payload["content"]["id"].as_str();
    let page = page.ok_or_else(|| JobError::drop("the event names no page"))?;
    let storage = event.as_app()?.storage();
    let key = format!("page:{page}").parse()?;
    Ok(storage.set(&key, page).ttl(Ttl::days(1)?).await?)
}

/// An hour has passed: the list is made anew. 25 pages are what the product gives at once.
async fn list_changes(tick: Tick) -> Result<(), JobError> {
    let storage = tick.as_app()?.storage();
    let pages = storage.query().prefix(&Key::new("page:")?);
    let pages = pages.entries::<String>().all().await?;
    let ids: Vec<_> = pages.into_iter().map(|it| it.value).take(25).collect();
    Ok(storage.set(&Key::new("changed")?, &ids).await?)
}
