//! What a handler of an event gets.

use std::ops::Deref;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::Job;
use crate::ids::AccountId;

/// An event, on one attempt to handle it.
///
/// `T` is what its body is read as: a type of yours with the fields that you need, or
/// [`Value`] for all of them. A body that cannot be read as `T` is a dead letter at once: no
/// attempt would change it, and it can be replayed once the type has been mended.
///
/// A handler runs at least once, and may be cancelled: see [`Job`], to which an event leads.
///
/// ```
/// use forge_remote::inbox::{Event, JobError};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct PageEvent {
///     content: Content,
/// }
///
/// #[derive(Deserialize)]
/// struct Content {
///     id: String,
/// }
///
/// async fn page_updated(event: Event<PageEvent>) -> Result<(), JobError> {
///     let confluence = event.as_app()?.confluence()?;
///     let page = confluence.get("/wiki/api/v2/pages/{id}").segment("id", &event.payload.content.id);
///     let page: serde_json::Value = page.json().await?;
///     println!("{} is {}", event.idempotency_key(), page["title"]);
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Event<T = Value> {
    /// The event's body, without `retryContext`.
    pub payload: T,
    job: Job,
}

impl<T: DeserializeOwned> Event<T> {
    pub(super) fn of(job: Job) -> Result<Self, serde_json::Error> {
        let payload = serde_json::from_str(job.payload())?;
        Ok(Self { payload, job })
    }
}

impl<T> Event<T> {
    /// Its type, such as `avi:confluence:updated:page`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.job.name()
    }

    /// The job that it is.
    #[must_use]
    pub const fn job(&self) -> &Job {
        &self.job
    }
}

impl<T> Deref for Event<T> {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.job
    }
}

/// The body of `avi:forge:installed:app` and `avi:forge:upgraded:app`, as far as it is
/// documented. Whose it is, the FIT says: see [`Job::installation`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Lifecycle {
    /// Who installed the app.
    pub installer_account_id: Option<AccountId>,
    /// Who upgraded it.
    pub upgrader_account_id: Option<AccountId>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}
