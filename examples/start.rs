//! The remote of the book's first page (`docs/start.md`), word for word.

use axum::{Json, Router, routing::get};
use forge_remote::{Config, Error, Event, Events, Forge, JobError, Schedule, UserActor, telemetry};
use serde_json::Value;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::load()?;
    telemetry::init(&config.telemetry)?;
    let forge = Forge::from_config(config).await?;
    let ui = Router::new().route("/api/mine", get(mine));
    let events = Events::new().on("avi:confluence:updated:page", page_updated);
    forge_remote::serve(forge, ui, events, Schedule::new()).await?;
    Ok(())
}

/// A page of the app asks. Called only where a user's token came along.
async fn mine(user: UserActor) -> Result<Json<Value>, Error> {
    let pages = user.confluence()?.get("/wiki/api/v2/pages");
    Ok(Json(pages.json().await?))
}

/// Something happened. The event is on disk by now, and this is called until it says `Ok`.
async fn page_updated(event: Event) -> Result<(), JobError> {
    let page = event.payload.pointer("/content/id").and_then(Value::as_str);
    let page = page.ok_or_else(|| JobError::drop("the event names no page"))?;
    let key = format!("seen:{page}").parse()?;
    event.as_app()?.storage().set(&key, &true).await?;
    Ok(())
}
