//! What goes into a batch.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::storage::{Item, StorageError, Ttl, value};

/// A value that is to be written with others, in a batch or a
/// [transaction](crate::storage::Transaction).
///
/// A value that cannot be sent is the error of sending it.
///
/// ```
/// # use forge_remote::storage::{Key, NameError, Put, Ttl, TtlError};
/// # fn example(key: &Key) -> Result<Put, TtlError> {
/// Ok(Put::new(key, &["mon", "thu"]).ttl(Ttl::days(30)?))
/// # }
/// ```
#[must_use = "nothing is written until it is sent"]
pub struct Put {
    pub(in crate::storage) item: Item,
    pub(in crate::storage) value: Result<Box<RawValue>, StorageError>,
    pub(in crate::storage) ttl: Option<Ttl>,
}

impl Put {
    /// This value, under a [`Key`](crate::storage::Key) or as an entity's [`Item`].
    pub fn new<T: Serialize + ?Sized>(item: impl Into<Item>, value: &T) -> Self {
        Self {
            item: item.into(),
            value: value::write(value),
            ttl: None,
        }
    }

    /// Keeps it for that long only.
    pub const fn ttl(mut self, ttl: Ttl) -> Self {
        self.ttl = Some(ttl);
        self
    }
}

impl fmt::Debug for Put {
    /// Without key and value: they may be about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put")
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

/// A value that can be sent.
#[derive(Serialize)]
pub(super) struct Writing {
    #[serde(flatten)]
    item: Item,
    value: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Ttled>,
}

/// The only option that a batch and a transaction know.
#[derive(Serialize)]
pub(in crate::storage) struct Ttled {
    ttl: Ttl,
}

impl Ttled {
    pub(in crate::storage) const fn new(ttl: Ttl) -> Self {
        Self { ttl }
    }
}

impl Writing {
    pub(super) fn of(put: Put) -> Result<Self, StorageError> {
        Ok(Self {
            item: put.item,
            value: put.value?,
            options: put.ttl.map(Ttled::new),
        })
    }

    pub(super) const fn item(&self) -> &Item {
        &self.item
    }

    /// What it takes in a request, or more: names are short and the rest is fixed.
    pub(super) fn most_bytes(&self) -> usize {
        /// A character of a key takes three bytes of UTF-8, or six escaped.
        const NAMES_AND_OPTIONS: usize = 6 * 500 + 256;
        self.value.get().len() + NAMES_AND_OPTIONS
    }
}
