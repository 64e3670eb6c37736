//! The app comes, and the app goes.

use serde_json::Value;

use super::records::{Change, Digest, Subscription};
use crate::{
    AppActor, Event, JobError,
    inbox::{Lifecycle, Uninstalling},
    storage::{Item, Key, StorageError},
};

const PER_PAGE: u8 = 100;

/// `avi:forge:installed:app`, `avi:forge:upgraded:app`: the installation is kept by now. Asks
/// Confluence who the app is there, so that the log tells when its permissions have arrived:
/// on a large site that takes minutes (Forge lifecycle events: "Eventual consistency").
pub(super) async fn welcome(event: Event<Lifecycle>) -> Result<(), JobError> {
    let confluence = event.as_app()?.confluence()?;
    let current = confluence.get("/wiki/rest/api/user/current");
    current.send().await?;
    tracing::info!("the app is ready");
    Ok(())
}

/// preUninstall: deletes everything that the app has written.
pub(super) async fn purge(leaving: Uninstalling) -> Result<(), JobError> {
    let app = leaving.as_app()?;
    for prefix in [
        Subscription::prefix()?,
        Digest::prefix()?,
        Change::prefix()?,
    ] {
        delete_all(&app, &prefix).await?;
    }
    Ok(())
}

/// A page of keys at a time.
async fn delete_all(app: &AppActor, prefix: &Key) -> Result<(), StorageError> {
    let storage = app.storage();
    let mut found = storage
        .query()
        .prefix(prefix)
        .limit(PER_PAGE)
        .entries::<Value>();
    let mut items: Vec<Item> = Vec::new();
    while let Some(entry) = found.try_next().await? {
        items.push(entry.item());
        if items.len() == usize::from(PER_PAGE) {
            storage.delete_many(items.drain(..)).await?.complete()?;
        }
    }
    storage.delete_many(items).await?.complete()?;
    Ok(())
}
