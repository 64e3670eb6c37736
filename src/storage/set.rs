//! Writing one value.

use std::{fmt, future::IntoFuture};

use futures_util::future::{BoxFuture, FutureExt};
use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    Entry, Key, Metadata, StorageError, Ttl,
    target::{Address, Target},
    value,
};
use crate::product::Response;

/// A value that is about to be written.
///
/// How it is sent says what is to happen if there is one already:
///
/// | sent with | then | repeated |
/// |---|---|---|
/// | `.await` | it is overwritten | yes |
/// | [`create`](Self::create) | it stays, and [`StorageError::AlreadyExists`] | no |
/// | [`previous`](Self::previous) | it is overwritten and given back | no |
/// | [`latest`](Self::latest) | it is overwritten, and what is now there given back | yes |
///
/// A value that cannot be sent is the error of sending it.
///
/// ```
/// # use forge_remote::storage::{Key, Storage, StorageError, Ttl};
/// /// True for one of all replicas, until a minute is over at the soonest.
/// async fn is_mine(storage: &Storage, key: &Key, minute: Ttl) -> Result<bool, StorageError> {
///     match storage.set(key, &true).ttl(minute).create().await {
///         Ok(()) => Ok(true),
///         Err(StorageError::AlreadyExists(_)) => Ok(false),
///         Err(error) => Err(error),
///     }
/// }
/// ```
///
/// ```
/// # use forge_remote::storage::{Key, Metadata, Storage, StorageError};
/// async fn count(storage: &Storage, key: &Key) -> Result<u32, StorageError> {
///     let before = storage.set(key, &1).previous::<u32>().await?;
///     let set = storage.set(key, &before.map_or(1, |entry| entry.value + 1));
///     let now = set.metadata(&[Metadata::UpdatedAt]).latest().await?;
///     Ok(now.value)
/// }
/// ```
#[must_use = "nothing is written until it is awaited"]
pub struct Set {
    target: Target,
    key: Key,
    value: Result<Box<RawValue>, StorageError>,
    ttl: Option<Ttl>,
    metadata: Vec<Metadata>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    address: Address<'a>,
    value: &'a RawValue,
    #[serde(skip_serializing_if = "Options::is_empty")]
    options: Options<'a>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<Ttl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_value: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    return_metadata_fields: &'a [Metadata],
}

impl Options<'_> {
    const fn is_empty(&self) -> bool {
        self.ttl.is_none()
            && self.key_policy.is_none()
            && self.return_value.is_none()
            && self.return_metadata_fields.is_empty()
    }
}

impl Set {
    pub(super) fn new<T: Serialize + ?Sized>(target: Target, key: &Key, value: &T) -> Self {
        Self {
            target,
            key: key.clone(),
            value: value::write(value),
            ttl: None,
            metadata: Vec::new(),
        }
    }

    /// Keeps it for that long only. Without, it is kept until it is deleted.
    pub const fn ttl(mut self, ttl: Ttl) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Asks for this beside the value that [`previous`](Self::previous) or
    /// [`latest`](Self::latest) give back.
    pub fn metadata(mut self, fields: &[Metadata]) -> Self {
        self.metadata = fields.to_vec();
        self
    }

    /// Writes it only if there is nothing under the key (`FAIL_IF_EXISTS`).
    ///
    /// After an error that leaves open whether it was written, such as a lost connection, it
    /// may be there.
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`] if there is, or any other [`StorageError`].
    pub async fn create(self) -> Result<(), StorageError> {
        let policy = Options {
            key_policy: Some("FAIL_IF_EXISTS"),
            ..Options::default()
        };
        let sent = self.send(policy, false).await;
        sent.map(|_| ()).map_err(StorageError::of_create)
    }

    /// Writes it and gives back what it replaced; none if there was nothing.
    ///
    /// # Errors
    /// [`StorageError`]. That what was there is no `T` is one, and the value is written then.
    pub async fn previous<T: DeserializeOwned>(self) -> Result<Option<Entry<T>>, StorageError> {
        let response = self.returning("PREVIOUS", false).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        Ok(Some(response.json()?))
    }

    /// Writes it and gives back what is now there.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn latest<T: DeserializeOwned>(self) -> Result<Entry<T>, StorageError> {
        Ok(self.returning("LATEST", true).await?.json()?)
    }

    async fn returning(self, which: &'static str, twice: bool) -> Result<Response, StorageError> {
        let metadata = self.metadata.clone();
        let options = Options {
            return_value: Some(which),
            return_metadata_fields: &metadata,
            ..Options::default()
        };
        self.send(options, twice).await
    }

    /// `twice`: whether doing it twice is the same as doing it once.
    async fn send(self, options: Options<'_>, twice: bool) -> Result<Response, StorageError> {
        let value = self.value?;
        let body = Body {
            address: self.target.address(&self.key),
            value: &value,
            options: Options {
                ttl: self.ttl,
                ..options
            },
        };
        let operation = self.target.setting().repeatable(twice);
        operation.send(&self.target.client, &body).await
    }
}

impl IntoFuture for Set {
    type Output = Result<(), StorageError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move { self.send(Options::default(), true).await.map(|_| ()) }.boxed()
    }
}

impl fmt::Debug for Set {
    /// Without key and value: they may be about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Set")
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}
