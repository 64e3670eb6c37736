//! Many values in one request, each done on its own.

pub(super) mod items;
mod outcome;

use std::collections::HashSet;

use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    items::Put,
    outcome::{Batch, Failure},
};
use self::{items::Writing, outcome::read};
use super::{
    Entry, Item, Key, Storage, StorageError,
    operation::{MANY_VALUES, Operation},
};

/// "≤25 items" for a batch and a transaction (Forge storage REST).
const MOST_ITEMS: usize = 25;

/// What [`Storage::set_many`] puts into one request: the lower reading of "4 MB".
const BYTES_PER_BATCH: usize = 4_000_000;

/// One to 25 items, each of them once.
pub(super) fn check_items<'a>(items: impl Iterator<Item = &'a Item>) -> Result<(), StorageError> {
    let count = check_each_once(items)?;
    if (1..=MOST_ITEMS).contains(&count) {
        return Ok(());
    }
    Err(StorageError::OutOfRange {
        what: "the number of items",
        most: MOST_ITEMS,
    })
}

fn check_each_once<'a>(items: impl Iterator<Item = &'a Item>) -> Result<usize, StorageError> {
    let mut seen = HashSet::new();
    for item in items {
        if !seen.insert(item) {
            return Err(StorageError::DuplicateKey);
        }
    }
    Ok(seen.len())
}

fn collected<I: Into<Item>>(items: impl IntoIterator<Item = I>) -> Vec<Item> {
    items.into_iter().map(Into::into).collect()
}

/// **Batches.** Each item of a batch is done or fails on its own: see [`Batch`]. `batch_…` is
/// one request with up to 25 items; `…_many` takes a list of any length, in as many requests as
/// it needs, one after the other. An error of one of them ends it, and those before are
/// done: all three may be called again with the same list.
///
/// ```
/// use forge_remote::storage::{Batch, Entry, Failure, Item, Key, Put, Storage, StorageError};
///
/// async fn double(storage: &Storage, keys: &[Key]) -> Result<(), StorageError> {
///     let Batch { done, failed, .. } = storage.get_many::<u32>(keys).await?;
///     let missing = failed.iter().filter(|failure: &&Failure| failure.is_missing()).count();
///     println!("{missing} are new");
///     let doubled = done.iter().map(|entry| Put::new(&entry.key, &(entry.value * 2)));
///     let written: Vec<Item> = storage.set_many(doubled).await?.complete()?;
///     println!("{} are doubled", written.len());
///     storage.delete_many(keys).await?.complete()?;
///     Ok(())
/// }
///
/// /// The same in one request, of 25 at most.
/// async fn once(storage: &Storage, keys: &[Key]) -> Result<(), StorageError> {
///     let read: Batch<Entry<u32>> = storage.batch_get(keys).await?;
///     storage.batch_set(read.done.iter().map(|entry| Put::new(entry.item(), &0))).await?;
///     storage.batch_delete(keys).await?;
///     Ok(())
/// }
/// ```
impl Storage {
    /// Reads 1 to 25 values in one request.
    ///
    /// A key with nothing under it is among the failures: see [`Failure::is_missing`].
    ///
    /// # Errors
    /// [`StorageError`], of the request as a whole.
    pub async fn batch_get<T: DeserializeOwned>(
        &self,
        items: impl IntoIterator<Item: Into<Item>>,
    ) -> Result<Batch<Entry<T>>, StorageError> {
        let items = collected(items);
        check_items(items.iter())?;
        self.get_batch(&items).await
    }

    /// Writes 1 to 25 values in one request.
    ///
    /// # Errors
    /// [`StorageError`], of the request as a whole.
    pub async fn batch_set(
        &self,
        puts: impl IntoIterator<Item = Put>,
    ) -> Result<Batch<Item>, StorageError> {
        let puts = writings(puts)?;
        check_items(puts.iter().map(Writing::item))?;
        self.batch("/v1/batch/set", &puts, Writing::item).await
    }

    /// Deletes 1 to 25 values in one request.
    ///
    /// # Errors
    /// [`StorageError`], of the request as a whole.
    pub async fn batch_delete(
        &self,
        items: impl IntoIterator<Item: Into<Item>>,
    ) -> Result<Batch<Item>, StorageError> {
        let items = collected(items);
        check_items(items.iter())?;
        self.delete_batch(&items).await
    }

    /// Reads any number of values, 25 in a request.
    ///
    /// # Errors
    /// [`StorageError`], of one of the requests as a whole.
    pub async fn get_many<T: DeserializeOwned>(
        &self,
        items: impl IntoIterator<Item: Into<Item>>,
    ) -> Result<Batch<Entry<T>>, StorageError> {
        let items = collected(items);
        check_each_once(items.iter())?;
        let mut all = Batch::default();
        for some in items.chunks(MOST_ITEMS) {
            all.add(self.get_batch(some).await?);
        }
        Ok(all)
    }

    /// Writes any number of values, 25 or 4 MB in a request.
    ///
    /// # Errors
    /// [`StorageError`], of one of the requests as a whole; those before are done. A value
    /// that cannot be sent is found before anything is.
    pub async fn set_many(
        &self,
        puts: impl IntoIterator<Item = Put>,
    ) -> Result<Batch<Item>, StorageError> {
        let puts = writings(puts)?;
        check_each_once(puts.iter().map(Writing::item))?;
        let mut all = Batch::default();
        let mut rest = puts.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(fitting(rest));
            all.add(self.batch("/v1/batch/set", some, Writing::item).await?);
            rest = others;
        }
        Ok(all)
    }

    /// Deletes any number of values, 25 in a request.
    ///
    /// # Errors
    /// [`StorageError`], of one of the requests as a whole; those before are done.
    pub async fn delete_many(
        &self,
        items: impl IntoIterator<Item: Into<Item>>,
    ) -> Result<Batch<Item>, StorageError> {
        let items = collected(items);
        check_each_once(items.iter())?;
        let mut all = Batch::default();
        for some in items.chunks(MOST_ITEMS) {
            all.add(self.delete_batch(some).await?);
        }
        Ok(all)
    }

    async fn get_batch<T: DeserializeOwned>(
        &self,
        items: &[Item],
    ) -> Result<Batch<Entry<T>>, StorageError> {
        self.batch("/v1/batch/get", items, |item| item).await
    }

    async fn delete_batch(&self, items: &[Item]) -> Result<Batch<Item>, StorageError> {
        self.batch("/v1/batch/delete", items, |item| item).await
    }

    async fn batch<I: Serialize, S: DeserializeOwned + AsRef<Key>>(
        &self,
        path: &'static str,
        body: &[I],
        item: fn(&I) -> &Item,
    ) -> Result<Batch<S>, StorageError> {
        let operation = Operation::new(path, MANY_VALUES);
        let response = operation.send(&self.client, body).await?;
        read(&response, body.iter().map(item))
    }
}

fn writings(puts: impl IntoIterator<Item = Put>) -> Result<Vec<Writing>, StorageError> {
    puts.into_iter().map(Writing::of).collect()
}

/// How many of these go into one request; at least one of them.
fn fitting(puts: &[Writing]) -> usize {
    let mut bytes = 0;
    let fits = puts.iter().take(MOST_ITEMS).take_while(|put| {
        bytes += put.most_bytes();
        bytes <= BYTES_PER_BATCH
    });
    fits.count().max(1)
}
