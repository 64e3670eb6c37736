//! What became of a batch, item by item.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{
    product::Response,
    storage::{EntityName, Item, Key, StorageError, error::UNKNOWN},
};

/// What became of a batch: each item is done or has failed on its own.
///
/// The platform promises no order. An item that its answer does not mention has failed, with
/// `UNKNOWN_ERROR`.
#[derive(Debug, Clone)]
#[must_use = "items may have failed"]
#[non_exhaustive]
pub struct Batch<S> {
    /// Those that were done: entries of a get, else where they are.
    pub done: Vec<S>,
    /// Those that failed.
    pub failed: Vec<Failure>,
}

/// Why one item of a batch failed.
///
/// Neither `Display` nor `Debug` shows key or message: they may be about people.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("an item failed with `{code}`")]
#[non_exhaustive]
pub struct Failure {
    /// Which item.
    pub item: Item,
    /// The platform's word for it, such as `KEY_NOT_FOUND`; `UNKNOWN_ERROR` if it has none.
    pub code: String,
    /// The platform's own words.
    pub message: String,
}

impl Failure {
    /// Whether it failed because there is nothing under the key.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(&*self.code, "KEY_NOT_FOUND" | "NOT_FOUND")
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

impl<S> Batch<S> {
    /// Those that were done, if none has failed but for missing keys.
    ///
    /// # Errors
    /// [`StorageError::Partial`] with all that failed otherwise.
    pub fn complete(self) -> Result<Vec<S>, StorageError> {
        let mut failed = self.failed;
        failed.retain(|failure| !failure.is_missing());
        if failed.is_empty() {
            Ok(self.done)
        } else {
            Err(StorageError::Partial(failed))
        }
    }

    /// Takes for failed what the answer is silent about.
    ///
    /// Keys alone are compared: whether the answer names entities as the request did is not
    /// worth a failure that was none.
    fn account_for<'a>(&mut self, asked: impl ExactSizeIterator<Item = &'a Item>)
    where
        S: AsRef<Key>,
    {
        if self.done.len() + self.failed.len() >= asked.len() {
            return;
        }
        for item in asked {
            let done = self.done.iter().any(|done| done.as_ref() == item.key());
            let failed = || {
                self.failed
                    .iter()
                    .any(|failed| failed.item.key() == item.key())
            };
            if !done && !failed() {
                self.failed.push(Failure {
                    item: item.clone(),
                    code: UNKNOWN.to_owned(),
                    message: String::new(),
                });
            }
        }
    }

    pub(super) fn add(&mut self, more: Self) {
        self.done.extend(more.done);
        self.failed.extend(more.failed);
    }
}

impl<S> Default for Batch<S> {
    fn default() -> Self {
        Self {
            done: Vec::new(),
            failed: Vec::new(),
        }
    }
}

/// A batch as it is answered.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<S> {
    successful_keys: Vec<S>,
    failed_keys: Vec<Failed>,
}

#[derive(Deserialize)]
struct Failed {
    #[serde(flatten)]
    item: Item,
    error: Told,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Reads the answer to a batch of `asked`.
pub(super) fn read<'a, S>(
    response: &Response,
    asked: impl ExactSizeIterator<Item = &'a Item>,
) -> Result<Batch<S>, StorageError>
where
    S: DeserializeOwned + AsRef<Key>,
{
    let answer: Answer<S> = response.json()?;
    let mut batch = Batch {
        done: answer.successful_keys,
        failed: answer.failed_keys.into_iter().map(Failed::read).collect(),
    };
    batch.account_for(asked);
    Ok(batch)
}

impl Failed {
    fn read(self) -> Failure {
        let Told { code, message } = self.error;
        // A code may stand in a log line.
        let usable = (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic());
        Failure {
            item: self.item,
            code: if usable { code } else { UNKNOWN.to_owned() },
            message,
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    /// As the platform names it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Sent {
            key: Arc<str>,
            entity_name: Option<Arc<str>>,
        }
        let sent = Sent::deserialize(deserializer)?;
        Ok(Self {
            key: Key::of_platform(sent.key),
            entity: sent.entity_name.map(EntityName::of_platform),
        })
    }
}
