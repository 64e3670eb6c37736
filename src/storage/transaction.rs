//! Several writes that are all done or none.

use std::{fmt, sync::Arc};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    EntityName, Filter, Item, Key, StorageError,
    batch::{Put, check_items, items::Ttled},
    operation::{ONE_VALUE, Operation},
};
use crate::product::Client;

/// Up to 25 writes and checks that are put together, and then all done or none.
///
/// Each key may occur once, and everything together has at most 4 MB. Without conditions a
/// transaction may be repeated, with any it is not: the repeat would meet what the first
/// try did. A mistake in putting it together is the error of committing it.
///
/// ```
/// # use forge_remote::{Error, storage::{Condition, EntityName, Key, Put, Storage, StorageError}};
/// # async fn example(storage: &Storage, old: &Key, new: &Key) -> Result<(), Error> {
/// let seat = EntityName::new("seat")?;
/// let moved = storage
///     .transaction()
///     .delete(old)
///     .set(Put::new(new, "here"))
///     .check(&seat, new, Condition::equal_to("taken", false))
///     .commit()
///     .await;
/// if let Err(StorageError::ConditionFailed(_)) = moved {
///     // Somebody was faster. Nothing was written.
/// }
/// # Ok(())
/// # }
/// ```
///
/// ```
/// # use forge_remote::{Error, storage::{Condition, Item, Put, Storage}};
/// async fn swap(storage: &Storage, one: &Item, other: &Item) -> Result<(), Error> {
///     let free = || Condition::equal_to("taken", false);
///     let both = storage.transaction().delete_if(one, free()).set_if(Put::new(other, "here"), free());
///     Ok(both.commit().await?)
/// }
/// ```
#[must_use = "nothing is written until it is committed"]
pub struct Transaction {
    client: Arc<Client>,
    body: Body,
    conditional: bool,
    /// The first mistake.
    problem: Option<StorageError>,
}

#[derive(Default, Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set: Vec<Setting>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    delete: Vec<Conditional>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    check: Vec<Conditional>,
}

#[derive(Serialize)]
struct Setting {
    #[serde(flatten)]
    item: Item,
    value: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conditions: Option<Filter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Ttled>,
}

#[derive(Serialize)]
struct Conditional {
    #[serde(flatten)]
    item: Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    conditions: Option<Filter>,
}

impl Transaction {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            body: Body::default(),
            conditional: false,
            problem: None,
        }
    }

    /// Writes a value over whatever is there.
    pub fn set(self, put: Put) -> Self {
        self.add_set(put, None)
    }

    /// Writes a value if what is there meets the condition; else nothing of the transaction
    /// is done.
    pub fn set_if(self, put: Put, condition: impl Into<Filter>) -> Self {
        self.add_set(put, Some(condition.into()))
    }

    /// Deletes a value.
    pub fn delete(mut self, item: impl Into<Item>) -> Self {
        self.body.delete.push(Conditional {
            item: item.into(),
            conditions: None,
        });
        self
    }

    /// Deletes a value if it meets the condition; else nothing of the transaction is done.
    pub fn delete_if(mut self, item: impl Into<Item>, condition: impl Into<Filter>) -> Self {
        let conditions = self.demand(Some(condition.into()));
        let item = item.into();
        self.body.delete.push(Conditional { item, conditions });
        self
    }

    /// Demands that an entity meets the condition; else nothing of the transaction is done.
    pub fn check(mut self, entity: &EntityName, key: &Key, condition: impl Into<Filter>) -> Self {
        let conditions = self.demand(Some(condition.into()));
        let item = Item::of(entity, key);
        self.body.check.push(Conditional { item, conditions });
        self
    }

    /// Does it all, or nothing.
    ///
    /// # Errors
    /// [`StorageError::ConditionFailed`] if a condition is not met and the platform says so;
    /// its code for that is not documented, and another 4xx is possible. Any other
    /// [`StorageError`]. Nothing was written, except where the error leaves open whether the
    /// request arrived, such as a lost connection.
    pub async fn commit(self) -> Result<(), StorageError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let Body { set, delete, check } = &self.body;
        let items = set.iter().map(|setting| &setting.item);
        let others = delete.iter().chain(check).map(|other| &other.item);
        check_items(items.chain(others))?;
        let operation = Operation::new("/v1/transaction", ONE_VALUE);
        let sent = operation
            .repeatable(!self.conditional)
            .send(&self.client, &self.body)
            .await;
        match sent {
            Err(error) if self.conditional => Err(error.of_conditions()),
            sent => sent.map(|_| ()),
        }
    }

    fn add_set(mut self, put: Put, conditions: Option<Filter>) -> Self {
        let conditions = self.demand(conditions);
        match put.value {
            Ok(value) => self.body.set.push(Setting {
                item: put.item,
                value,
                conditions,
                options: put.ttl.map(Ttled::new),
            }),
            Err(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
        self
    }

    fn demand(&mut self, conditions: Option<Filter>) -> Option<Filter> {
        if let Some(filter) = &conditions {
            self.conditional = true;
            if let Some(problem) = filter.problem() {
                self.problem.get_or_insert(problem);
            }
        }
        conditions
    }
}

impl fmt::Debug for Transaction {
    /// Without keys and values: they may be about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("sets", &self.body.set.len())
            .field("deletes", &self.body.delete.len())
            .field("checks", &self.body.check.len())
            .finish_non_exhaustive()
    }
}
