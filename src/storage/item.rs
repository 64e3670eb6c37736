//! Where a value is.

use serde::Serialize;

use super::{EntityName, Key};

/// Where a value is: under a key, plain or as one of an entity.
///
/// A [`Key`] turns into one; [`Entity::item`](super::Entity::item) makes the other kind.
///
/// ```
/// use forge_remote::storage::{EntityName, Item, Key};
/// let (seat, key) = (EntityName::new("seat")?, Key::new("12")?);
/// let of_seats = Item::of(&seat, &key);
/// assert_eq!((of_seats.entity(), of_seats.key()), (Some(&seat), &key));
/// assert_eq!(Item::from(&key).entity(), None);
/// # Ok::<(), forge_remote::storage::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub(super) key: Key,
    #[serde(rename = "entityName", skip_serializing_if = "Option::is_none")]
    pub(super) entity: Option<EntityName>,
}

impl Item {
    /// The one of `entity` under `key`.
    #[must_use]
    pub fn of(entity: &EntityName, key: &Key) -> Self {
        Self {
            key: key.clone(),
            entity: Some(entity.clone()),
        }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// The entity; none for a plain value.
    #[must_use]
    pub const fn entity(&self) -> Option<&EntityName> {
        self.entity.as_ref()
    }
}

impl AsRef<Key> for Item {
    fn as_ref(&self) -> &Key {
        &self.key
    }
}

impl From<Key> for Item {
    fn from(key: Key) -> Self {
        Self { key, entity: None }
    }
}

impl From<&Key> for Item {
    fn from(key: &Key) -> Self {
        key.clone().into()
    }
}

impl From<&Self> for Item {
    fn from(item: &Self) -> Self {
        item.clone()
    }
}
