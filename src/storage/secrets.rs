//! Values that the platform encrypts at rest.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::{Get, Key, Set, StorageError, target::Target};
use crate::product::Client;

/// Values that the platform encrypts at rest. Their keys are apart from those of plain
/// values, and no query lists them.
///
/// The secrets page of the platform says 128 KiB where the limits page says 240: values
/// between the two are sent, and may be refused.
#[derive(Clone)]
pub struct Secrets(Target);

impl Secrets {
    pub(super) const fn new(client: Arc<Client>) -> Self {
        Self(Target::secret(client))
    }

    /// Reads a secret; none if there is none under the key.
    pub fn get<T>(&self, key: &Key) -> Get<T> {
        Get::new(self.0.clone(), key)
    }

    /// Writes a secret over whatever is there, unless it is sent with
    /// [`create`](Set::create).
    pub fn set<T: Serialize + ?Sized>(&self, key: &Key, value: &T) -> Set {
        Set::new(self.0.clone(), key, value)
    }

    /// Deletes a secret. That there is none is no error.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn delete(&self, key: &Key) -> Result<(), StorageError> {
        self.0.delete(key).await
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}
