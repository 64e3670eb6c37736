//! What a migration is, as the platform describes it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// Id of a migration: what a hook must be the same for, however often it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct MigrationId(u64);

impl MigrationId {
    /// The id of that number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The id as the platform writes it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for MigrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A migration that is planned, or begins.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Migration {
    /// Its id.
    #[serde(rename = "migrationId")]
    pub id: MigrationId,
    /// Where the data is to go.
    pub location: Region,
    /// When its window opens, in ISO 8601.
    #[serde(default)]
    pub start_time: Option<Box<str>>,
    /// When its window closes, in ISO 8601; a day after the start at most.
    #[serde(default)]
    pub end_time: Option<Box<str>>,
}

/// Key of a region, such as `EU`: one of those that `remotes[].baseUrl` of the manifest
/// takes. The platform adds some from time to time.
///
/// ```
/// use forge_remote::residency::{Migration, Region};
/// fn bucket(migration: &Migration) -> Option<&'static str> {
///     let region: &Region = &migration.location;
///     match region.as_str() {
///         "EU" | "DE" => Some("eu-central-1"),
///         "US" => Some("us-east-1"),
///         _ => None,
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Region(Box<str>);

impl Region {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<str>::deserialize(deserializer)?;
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits {
            Ok(Self(text))
        } else {
            Err(de::Error::custom(
                "a region is 1 to 64 visible ASCII characters",
            ))
        }
    }
}

/// How far a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Progress {
    /// It is under way.
    Running,
    /// Everything is copied: the platform commits.
    ReadyToCommit,
}

impl Progress {
    /// The platform knows one word for success, one for failure, and takes any other for
    /// work under way.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "in-progress",
            Self::ReadyToCommit => "ready-to-commit",
        }
    }
}
