//! Custom entities.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::{
    EntityName, Get, IndexName, Item, Key, Query, Set, StorageError, query::ByIndex, target::Target,
};
use crate::product::Client;

/// The custom entities of one name, as `app.storage.entities` of the manifest declares them.
///
/// ```
/// use forge_remote::storage::{Condition, EntityName, Filter, IndexName, Range, Sort};
/// # use forge_remote::{Error, storage::Storage};
/// # use serde_json::Value;
/// # async fn example(storage: &Storage) -> Result<(), Error> {
/// let subscriptions = storage.entity(&EntityName::new("subscription")?);
/// let active = subscriptions
///     .query(&IndexName::new("by-space")?)
///     .partition(["65538"])
///     .range(Range::between(100, 200))
///     .filter(Filter::all([Condition::equal_to("active", true)]))
///     .sort(Sort::Descending)
///     .entries::<Value>()
///     .all()
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// One by one, and by its key among others:
///
/// ```
/// # use forge_remote::storage::{Entity, IndexName, Item, Key, StorageError};
/// # use serde_json::Value;
/// async fn move_out(seats: &Entity, key: &Key) -> Result<Item, StorageError> {
///     let seat: Option<Value> = seats.get(key).await?;
///     if seat.is_none() {
///         seats.set(key, &serde_json::json!({"taken": false})).create().await?;
///     }
///     let all: Vec<_> = seats.query(&IndexName::by_key()).entries::<Value>().all().await?;
///     println!("{} of {}", all.len(), seats.name().as_str());
///     seats.delete(key).await?;
///     Ok(seats.item(key))
/// }
/// ```
#[derive(Clone)]
pub struct Entity {
    target: Target,
    name: EntityName,
}

impl Entity {
    pub(super) fn new(client: Arc<Client>, name: &EntityName) -> Self {
        Self {
            target: Target::entity(client, name.clone()),
            name: name.clone(),
        }
    }

    /// Reads one; none if there is none under the key.
    pub fn get<T>(&self, key: &Key) -> Get<T> {
        Get::new(self.target.clone(), key)
    }

    /// Writes one over whatever is there, unless it is sent with [`create`](Set::create).
    pub fn set<T: Serialize + ?Sized>(&self, key: &Key, value: &T) -> Set {
        Set::new(self.target.clone(), key, value)
    }

    /// Deletes one. That there is none is no error.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn delete(&self, key: &Key) -> Result<(), StorageError> {
        self.target.delete(key).await
    }

    /// Those of an index, in its order. Every entity has [`IndexName::by_key`].
    pub fn query(&self, index: &IndexName) -> Query<ByIndex> {
        Query::by_index(Arc::clone(&self.target.client), &self.name, index)
    }

    /// The one under `key`, for a batch or a transaction.
    #[must_use]
    pub fn item(&self, key: &Key) -> Item {
        Item::of(&self.name, key)
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &EntityName {
        &self.name
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entity")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
