//! A page was created or changed: what the next digest needs to know of it.

use serde::Deserialize;

use super::records::Change;
use crate::{Event, JobError, ids::AccountId, product::ProductError, storage::Ttl};

/// Whoever has got no digest for that long does not learn of it any more.
const KEPT_DAYS: u64 = 7;

/// `avi:confluence:created:page`, `avi:confluence:updated:page`
#[derive(Debug, Deserialize)]
pub(super) struct PageEvent {
    content: Content,
}

#[derive(Debug, Deserialize)]
struct Content {
    id: String,
}

/// A page, as the app sees it (Confluence REST v2).
#[derive(Deserialize)]
struct Page {
    id: String,
    title: String,
    version: Option<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    author_id: Option<AccountId>,
    created_at: Option<String>,
}

/// Writes what the page is now, not what the event says: handled twice, or after a later
/// one, it is the same as handled once.
pub(super) async fn page_changed(event: Event<PageEvent>) -> Result<(), JobError> {
    let app = event.as_app()?;
    let page = app
        .confluence()?
        .get("/wiki/api/v2/pages/{id}")
        .segment("id", &event.payload.content.id)
        .json::<Page>()
        .await;
    let page = match page {
        Ok(page) => page,
        Err(ProductError::NotFound(_)) => return Err(JobError::drop("the page is gone")),
        Err(error) => return Err(error.into()),
    };
    let (account_id, at) = page
        .version
        .map(|version| (version.author_id, version.created_at))
        .unwrap_or_default();
    let change = Change {
        page_id: page.id,
        title: page.title,
        account_id,
        at,
    };
    let ttl = Ttl::days(KEPT_DAYS)?;
    app.storage().set(&change.key()?, &change).ttl(ttl).await?;
    Ok(())
}
