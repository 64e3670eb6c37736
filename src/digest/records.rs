//! What the app keeps in Forge storage, and under which keys. Nothing of the users is kept
//! anywhere else.

use serde::{Deserialize, Serialize};

use crate::{
    ids::AccountId,
    storage::{Key, NameError},
};

/// A page that has changed: `change:<pageId>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Change {
    pub(super) page_id: String,
    pub(super) title: String,
    /// Who changed it.
    pub(super) account_id: Option<AccountId>,
    /// When, as Confluence writes it.
    pub(super) at: Option<String>,
}

/// Somebody who wants a digest: `subscription:<accountId>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscription {
    pub(super) account_id: AccountId,
}

/// What changed for somebody: `digest:<accountId>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Digest {
    /// When the tick came that it was made for: milliseconds since 1970-01-01 UTC, as Forge
    /// storage itself writes moments.
    pub(super) at: i64,
    /// The pages that this account may see, the last changed first.
    pub(super) pages: Vec<Change>,
}

impl Change {
    pub(super) fn prefix() -> Result<Key, NameError> {
        Key::new("change:")
    }

    pub(super) fn key(&self) -> Result<Key, NameError> {
        Key::new(format!("change:{}", self.page_id))
    }
}

impl Subscription {
    pub(super) fn prefix() -> Result<Key, NameError> {
        Key::new("subscription:")
    }

    pub(super) fn key(account: &AccountId) -> Result<Key, NameError> {
        Key::new(format!("subscription:{account}"))
    }
}

impl Digest {
    pub(super) fn prefix() -> Result<Key, NameError> {
        Key::new("digest:")
    }

    pub(super) fn key(account: &AccountId) -> Result<Key, NameError> {
        Key::new(format!("digest:{account}"))
    }
}
