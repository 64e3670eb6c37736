//! What is stored under a key.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{EntityName, Item, Key};
use crate::{clock::Timestamp, outbound::upstream};

/// A value with its key, and whatever was asked for beside it.
///
/// `Debug` shows neither key nor value: they may be about people, or a secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<T> {
    /// The key.
    pub key: Key,
    /// The entity that it is one of; none for plain values and secrets.
    pub entity: Option<EntityName>,
    /// The value.
    pub value: T,
    /// When it was first written; only if [`Metadata::CreatedAt`] was asked for.
    pub created_at: Option<Timestamp>,
    /// When it was last written; only if [`Metadata::UpdatedAt`] was asked for.
    pub updated_at: Option<Timestamp>,
    /// When it expires; only if [`Metadata::ExpireTime`] was asked for and it ever does.
    pub expires_at: Option<Timestamp>,
}

impl<T> Entry<T> {
    /// Whether its time is over.
    ///
    /// The platform deletes up to 48 hours late and still gives the value until then. Where that
    /// matters, ask for [`Metadata::ExpireTime`] and for this. Without it, nothing is known
    /// to be expired.
    ///
    /// ```
    /// # use forge_remote::{clock::Clock, storage::{Key, Metadata, Storage, StorageError}};
    /// async fn session(storage: &Storage, key: &Key) -> Result<Option<String>, StorageError> {
    ///     let asked = storage.get::<String>(key).metadata(&[Metadata::ExpireTime]);
    ///     let entry = asked.entry().await?;
    ///     let now = Clock::system().now();
    ///     Ok(entry.filter(|entry| !entry.is_expired(now)).map(|entry| entry.value))
    /// }
    /// ```
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Where it is, for a batch or a transaction.
    #[must_use]
    pub fn item(&self) -> Item {
        Item {
            key: self.key.clone(),
            entity: self.entity.clone(),
        }
    }
}

impl<T> AsRef<Key> for Entry<T> {
    fn as_ref(&self) -> &Key {
        &self.key
    }
}

impl<T> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("entity", &self.entity)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What the platform tells beside a value, if it is asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Metadata {
    /// When it was first written.
    CreatedAt,
    /// When it was last written.
    UpdatedAt,
    /// When it expires.
    ExpireTime,
}

impl Metadata {
    /// All of it.
    pub const ALL: &'static [Self] = &[Self::CreatedAt, Self::UpdatedAt, Self::ExpireTime];
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entry<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Sent<T> {
            key: Arc<str>,
            entity_name: Option<Arc<str>>,
            value: T,
            created_at: Option<Milliseconds>,
            updated_at: Option<Milliseconds>,
            expire_time: Option<String>,
        }
        let sent = Sent::deserialize(deserializer)?;
        let expires_at = match sent.expire_time.as_deref().map(upstream::iso_8601) {
            // To take it for a value that never expires would be a guess.
            Some(None) => return Err(D::Error::custom("an expire time that is no time")),
            known => known.flatten(),
        };
        Ok(Self {
            key: Key::of_platform(sent.key),
            entity: sent.entity_name.map(EntityName::of_platform),
            value: sent.value,
            created_at: sent.created_at.map(Milliseconds::timestamp),
            updated_at: sent.updated_at.map(Milliseconds::timestamp),
            expires_at,
        })
    }
}

/// Milliseconds since 1970: JavaScript's numbers, which may be written with a fraction.
#[derive(Deserialize)]
#[serde(untagged)]
enum Milliseconds {
    Whole(i64),
    Fraction(f64),
}

impl Milliseconds {
    fn timestamp(self) -> Timestamp {
        Timestamp::from_unix(match self {
            Self::Whole(milliseconds) => milliseconds.div_euclid(1000),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the cast saturates, and a fraction of a second is dropped"
            )]
            Self::Fraction(milliseconds) => (milliseconds / 1000.0).floor() as i64,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(json: Value) -> serde_json::Result<Entry<Value>> {
        serde_json::from_value(json)
    }

    #[test]
    fn metadata_is_read_where_it_is_sent() {
        let entry = read(json!({
            "key": "k", "entityName": "employee", "value": [1], "createdAt": 1_785_585_600_999_i64,
            "updatedAt": 1_785_585_601_000.5, "expireTime": "2026-08-01T12:00:09.5Z", "more": {},
        }))
        .unwrap();
        assert_eq!(entry.entity.as_ref().unwrap().as_str(), "employee");
        let unix = |time: Option<Timestamp>| time.unwrap().unix() - 1_785_585_600;
        assert_eq!(unix(entry.created_at), 0);
        assert_eq!(unix(entry.updated_at), 1);
        assert_eq!(unix(entry.expires_at), 9);
    }

    #[test]
    fn an_entry_is_expired_from_its_time_on() {
        let entry = read(json!({"key": "k", "value": 1, "expireTime": "2026-08-01T12:00:00Z"}));
        let entry = entry.unwrap();
        for (unix, expired) in [(-1, false), (0, true), (1, true)] {
            let now = Timestamp::from_unix(1_785_585_600 + unix);
            assert_eq!(entry.is_expired(now), expired, "{unix}");
        }
        let unknown = read(json!({"key": "k", "value": 1})).unwrap();
        assert!(!unknown.is_expired(Timestamp::from_unix(i64::MAX)));
    }

    #[test]
    fn an_unreadable_expire_time_is_not_taken_for_none() {
        assert!(read(json!({"key": "k", "value": 1, "expireTime": "soon"})).is_err());
    }

    #[test]
    fn a_key_that_we_would_not_write_can_be_read() {
        let entry = read(json!({"key": "a/b", "value": 1})).unwrap();
        assert_eq!(entry.key.as_str(), "a/b");
    }
}
