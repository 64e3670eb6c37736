//! Forge storage: the app's data, kept by the platform, read and written over REST.
//!
//! What is stored belongs to one installation and leaves with it, so keys need no prefix. Only
//! the app may speak to it: the platform takes neither a user's token nor an impersonated
//! one, and so only an [`AppActor`](crate::AppActor) opens a [`Storage`].
//!
//! ```
//! use forge_remote::{AppActor, Error, storage::{Key, Ttl}};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Subscription {
//!     hour: u8,
//! }
//!
//! async fn subscribe(app: &AppActor, account: &str) -> Result<(), Error> {
//!     let storage = app.storage();
//!     let key = Key::new(format!("subscription:{account}"))?;
//!     if storage.get::<Subscription>(&key).await?.is_none() {
//!         storage.set(&key, &Subscription { hour: 7 }).ttl(Ttl::days(30)?).await?;
//!     }
//!     Ok(())
//! }
//!
//! /// All of them, page after page.
//! async fn hours(app: &AppActor) -> Result<Vec<u8>, Error> {
//!     let prefix = Key::new("subscription:")?;
//!     let storage = app.storage();
//!     let mut entries = storage.query().prefix(&prefix).limit(100).entries::<Subscription>();
//!     let mut hours = Vec::new();
//!     while let Some(entry) = entries.try_next().await? {
//!         hours.push(entry.value.hour);
//!     }
//!     Ok(hours)
//! }
//! ```
//!
//! # What there is
//!
//! | for | with |
//! |---|---|
//! | one value | [`get`](Storage::get), [`set`](Storage::set), [`delete`](Storage::delete) |
//! | values whose keys begin alike | [`query`](Storage::query) |
//! | secrets, sealed by the platform and in no query | [`secrets`](Storage::secrets) |
//! | custom entities, with indexes | [`entity`](Storage::entity) |
//! | several writes, all or none | [`transaction`](Storage::transaction) |
//! | many values, each on its own | [`get_many`](Storage::get_many), [`set_many`](Storage::set_many), [`delete_many`](Storage::delete_many) |
//!
//! # What to know
//!
//! * **Consistency.** A get after a set sees it. A query may not, for a moment. Of two writes
//!   the last wins; [`create`](Set::create) and a [`transaction`](Storage::transaction) with
//!   conditions do not overwrite blindly.
//! * **Limits.** The documented ones are checked before anything is sent: a key has 500
//!   characters, a value 240 KiB of JSON and 31 levels, a batch or a transaction 25 items and
//!   4 MB, a page 100 entries. `null` is no value.
//! * **Expiry.** A value with a [`Ttl`] may still be given up to 48 hours after its time:
//!   see [`Entry::is_expired`].
//! * **Repeats.** Where doing it twice is the same as doing it once, a lost connection,
//!   502, 503 and 504 are tried again: every get and query, every delete, a set that
//!   overwrites, a batch, and a transaction without conditions. Not so
//!   [`create`](Set::create), [`previous`](Set::previous) and a transaction with conditions:
//!   the repeat would meet what the first try did. A 429 and a 401 did nothing and are tried
//!   again always, by the rules of [`Request`](crate::product::Request).
//! * **Scopes.** The manifest needs `storage:app` and `read:app-system-token`.

mod batch;
mod entity;
mod entry;
mod error;
mod filter;
mod get;
mod item;
mod name;
mod operation;
mod query;
mod secrets;
mod set;
mod target;
#[cfg(test)]
mod tests;
mod transaction;
mod ttl;
mod value;

use std::{fmt, sync::Arc};

use serde::Serialize;

use self::target::Target;
pub use self::{
    batch::{Batch, Failure, Put},
    entity::Entity,
    entry::{Entry, Metadata},
    error::StorageError,
    filter::{Condition, Filter, Range},
    get::Get,
    item::Item,
    name::{EntityName, IndexName, Key, NameError},
    query::{ByIndex, ByKey, Cursor, Entries, Page, Query, Sort},
    secrets::Secrets,
    set::Set,
    transaction::Transaction,
    ttl::{Ttl, TtlError},
};
use crate::{
    deadline::Deadline,
    outbound::{ApiUrl, HostNotAllowed},
    product::{Api, Client, Credentials, Outbound},
    trace::TraceId,
};

/// Forge storage of one installation, as the app. See the [module](self) for a tour.
///
/// ```
/// use forge_remote::storage::{Key, Secrets, Storage, StorageError};
/// use serde_json::Value;
///
/// async fn rotate(storage: &Storage, key: &Key) -> Result<(), StorageError> {
///     let secrets: Secrets = storage.secrets();
///     if let Some(old) = secrets.get::<String>(key).await? {
///         println!("{} characters go", old.len());
///         secrets.delete(key).await?;
///     }
///     secrets.set(key, "n3w").await?;
///     storage.delete(key).await
/// }
/// ```
#[derive(Clone)]
pub struct Storage {
    client: Arc<Client>,
}

impl Storage {
    /// Storage under `base`, which the settings name for the installation's cloud. If `barred`, each
    /// call is that error. `credentials` must be the app's: the platform takes no others.
    pub(crate) fn new(
        outbound: &Outbound,
        base: ApiUrl,
        barred: Option<HostNotAllowed>,
        credentials: Arc<dyn Credentials>,
        deadline: Deadline,
        trace: TraceId,
    ) -> Self {
        let mut client = Client::at(outbound, Api::Storage, base, credentials, deadline, trace);
        client.bar(barred);
        Self {
            client: Arc::new(client),
        }
    }

    /// Reads a value; none if there is none under the key.
    pub fn get<T>(&self, key: &Key) -> Get<T> {
        Get::new(self.plain(), key)
    }

    /// Writes a value over whatever is there, unless it is sent with
    /// [`create`](Set::create).
    pub fn set<T: Serialize + ?Sized>(&self, key: &Key, value: &T) -> Set {
        Set::new(self.plain(), key, value)
    }

    /// Deletes a value. That there is none is no error.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn delete(&self, key: &Key) -> Result<(), StorageError> {
        self.plain().delete(key).await
    }

    /// Entries in the order of their keys: all, or those with a prefix. Secrets and entities
    /// are not among them.
    pub fn query(&self) -> Query<ByKey> {
        Query::by_key(Arc::clone(&self.client))
    }

    /// Values that the platform encrypts at rest, with keys of their own.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        Secrets::new(Arc::clone(&self.client))
    }

    /// The custom entities of that name.
    #[must_use]
    pub fn entity(&self, name: &EntityName) -> Entity {
        Entity::new(Arc::clone(&self.client), name)
    }

    /// Up to 25 writes that are all done or none.
    pub fn transaction(&self) -> Transaction {
        Transaction::new(Arc::clone(&self.client))
    }

    fn plain(&self) -> Target {
        Target::plain(Arc::clone(&self.client))
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}
