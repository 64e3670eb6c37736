//! Reading one value.

use std::{fmt, future::IntoFuture, marker::PhantomData};

use futures_util::future::{BoxFuture, FutureExt};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Entry, Key, Metadata, StorageError,
    operation::unless_missing,
    target::{Address, Target},
};

/// A value that is about to be read. Awaited, it gives the value, or none; with
/// [`entry`](Self::entry) the value and what was asked for beside it.
///
/// ```
/// # use forge_remote::storage::{Key, Metadata, Storage, StorageError};
/// # async fn example(storage: &Storage, key: &Key) -> Result<(), StorageError> {
/// let hour: Option<u8> = storage.get(key).await?;
/// let entry = storage.get::<u8>(key).metadata(&[Metadata::UpdatedAt]).entry().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read until it is awaited"]
pub struct Get<T> {
    target: Target,
    key: Key,
    metadata: Vec<Metadata>,
    value: PhantomData<fn() -> T>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    address: Address<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Options<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Options<'a> {
    metadata_fields: &'a [Metadata],
}

impl<'a> Options<'a> {
    /// None if nothing is asked for.
    pub(super) fn of(metadata_fields: &'a [Metadata]) -> Option<Self> {
        (!metadata_fields.is_empty()).then_some(Self { metadata_fields })
    }
}

impl<T> Get<T> {
    pub(super) fn new(target: Target, key: &Key) -> Self {
        Self {
            target,
            key: key.clone(),
            metadata: Vec::new(),
            value: PhantomData,
        }
    }

    /// Asks for this beside the value; see [`entry`](Self::entry).
    pub fn metadata(mut self, fields: &[Metadata]) -> Self {
        self.metadata = fields.to_vec();
        self
    }
}

impl<T: DeserializeOwned> Get<T> {
    /// Reads the value with its metadata; none if there is none under the key.
    ///
    /// # Errors
    /// [`StorageError`]; a value that is no `T` is one.
    pub async fn entry(self) -> Result<Option<Entry<T>>, StorageError> {
        let body = Body {
            address: self.target.address(&self.key),
            options: Options::of(&self.metadata),
        };
        let answer = self.target.getting().send(&self.target.client, &body).await;
        match unless_missing(answer)? {
            Some(response) => Ok(Some(response.json()?)),
            None => Ok(None),
        }
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for Get<T> {
    type Output = Result<Option<T>, StorageError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move { Ok(self.entry().await?.map(|entry| entry.value)) }.boxed()
    }
}

impl<T> fmt::Debug for Get<T> {
    /// Without the key: it may be about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get").finish_non_exhaustive()
    }
}
