//! What is stored, for tests and for the console.

use std::fmt;

use serde_json::Value;

use super::{
    address::{Address, Space},
    shelf::Item,
};
use crate::clock::Timestamp;

/// An item of Forge storage, as the emulator holds it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct StoredItem {
    /// The namespace it lives in.
    pub space: StoredIn,
    /// Its key.
    pub key: String,
    /// Its value; `None` for a secret.
    pub value: Option<Value>,
    /// Length of the value as JSON, in bytes.
    pub bytes: usize,
    /// When its key was first written.
    pub created: Timestamp,
    /// When it was last written.
    pub updated: Timestamp,
    /// When its `ttl` ends. It is deleted a minute later, and is still returned until then.
    pub expires: Option<Timestamp>,
}

/// A namespace of Forge storage.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoredIn {
    /// Plain keys and values.
    Keys,
    /// Secrets.
    Secrets,
    /// Entities of that type.
    Entity(String),
}

impl StoredItem {
    pub(super) fn of(address: &Address, item: &Item) -> Self {
        let space = match &address.space {
            Space::Plain => StoredIn::Keys,
            Space::Secret => StoredIn::Secrets,
            Space::Entity(name) => StoredIn::Entity(name.as_str().to_owned()),
        };
        Self {
            value: (space != StoredIn::Secrets).then(|| item.value.clone()),
            space,
            key: address.key.as_str().to_owned(),
            bytes: item.bytes,
            created: item.created,
            updated: item.updated,
            expires: item.expires,
        }
    }
}

impl fmt::Debug for StoredItem {
    /// Without the value, which is the app's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredItem")
            .field("space", &self.space)
            .field("key", &self.key)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
