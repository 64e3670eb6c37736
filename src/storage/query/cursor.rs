//! Where a page ended.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// A longer one is not a position in a list.
const MOST_BYTES: usize = 8 * 1024;

/// Where a page ended, in the platform's own words: opaque, good for the same query only, and
/// not for long.
///
/// It may go out to a browser and come back. Read from JSON, it is not empty and has at most
/// 8 KiB.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Cursor(Arc<str>);

impl Cursor {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn new(text: Arc<str>) -> Option<Self> {
        (1..=MOST_BYTES).contains(&text.len()).then_some(Self(text))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Arc::deserialize(deserializer)?)
            .ok_or_else(|| D::Error::custom("a cursor that is empty or too long"))
    }
}

impl fmt::Debug for Cursor {
    /// Not the text: it may be made of keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").finish_non_exhaustive()
    }
}
