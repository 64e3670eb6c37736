//! Keys, entity names and index names, checked before they are sent.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text cannot be a key, an entity name or an index name. It does not repeat the text.
///
/// ```
/// use forge_remote::storage::{EntityName, IndexName, Key};
/// let wrong = EntityName::new("Seat").unwrap_err();
/// println!("{} must be {}", wrong.what(), wrong.expected());
/// assert_eq!(Key::new("seat:12")?.as_str(), "seat:12");
/// assert_eq!(EntityName::new("seat")?.as_str(), "seat");
/// assert_eq!(IndexName::by_key(), IndexName::new("by-key")?);
/// assert_eq!(IndexName::by_key().as_str(), "by-key");
/// # Ok::<(), forge_remote::storage::NameError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {what}: expected {expected}")]
pub struct NameError {
    what: &'static str,
    expected: &'static str,
}

impl NameError {
    /// What the text was meant to be: `a storage key` and the like.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// What such a text looks like.
    #[must_use]
    pub const fn expected(&self) -> &'static str {
        self.expected
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// [`NameError`] says what it should look like.
            pub fn new(text: impl Into<Arc<str>>) -> Result<Self, NameError> {
                let text = text.into();
                if $check(&text) {
                    Ok(Self(text))
                } else {
                    Err(NameError { what: $what, expected: $expected })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// The key of a value: 1 to 500 letters, digits, `:`, `.`, `_`, `-`, `#` and white space,
    /// not white space alone (Forge storage REST).
    ///
    /// Data is per installation: a key needs no prefix for it.
    ///
    /// ```
    /// use forge_remote::storage::Key;
    /// let key = Key::new("digest:QUA:cfg")?;
    /// assert!(Key::new("digest/QUA").is_err());
    /// # Ok::<(), forge_remote::storage::NameError>(())
    /// ```
    Key,
    "a storage key",
    "1 to 500 letters, digits, `:`, `.`, `_`, `-`, `#` or spaces, and not spaces alone",
    is_key
}

name! {
    /// The name of a custom entity, as `app.storage.entities` of the manifest declares it: 3
    /// to 60 of `a-z`, `0-9`, `:`, `-`, `_`, `.`.
    EntityName,
    "an entity name",
    "3 to 60 of `a-z`, `0-9`, `:`, `-`, `_`, `.`, with neither `.` nor `-` first, no `..`, and no `.` last",
    is_entity_name
}

name! {
    /// The name of an entity's index: 3 to 50 letters, digits, `:`, `-`, `_`, `.`.
    IndexName,
    "an index name",
    "3 to 50 letters, digits, `:`, `-`, `_`, `.`",
    is_index_name
}

impl Key {
    /// A key as the platform names it. What it holds is a key, whatever our own check says.
    pub(super) fn of_platform(text: Arc<str>) -> Self {
        Self(text)
    }
}

impl EntityName {
    pub(super) fn of_platform(text: Arc<str>) -> Self {
        Self(text)
    }
}

impl IndexName {
    /// The index that every entity has: by key.
    #[must_use]
    pub fn by_key() -> Self {
        Self("by-key".into())
    }
}

/// `^(?!\s+$)[a-zA-Z0-9:._\s-#]+$` of the platform, in JavaScript's reading: the `-` behind
/// `\s` is a hyphen.
fn is_key(text: &str) -> bool {
    let mut length = 0;
    let mut blank = true;
    for symbol in text.chars() {
        length += 1;
        let space = is_space(symbol);
        blank &= space;
        let allowed = space
            || symbol.is_ascii_alphanumeric()
            || matches!(symbol, ':' | '.' | '_' | '-' | '#');
        if !allowed || length > 500 {
            return false;
        }
    }
    length > 0 && !blank
}

/// JavaScript's `\s`. Unicode's white space, but a byte order mark is and a NEL is not.
fn is_space(symbol: char) -> bool {
    match symbol {
        '\u{feff}' => true,
        '\u{85}' => false,
        other => other.is_whitespace(),
    }
}

/// `^(?![\.\-])(?!.*\.{2})[a-z0-9:\-.]*(?<![.])$` of the platform, and the `_` that the
/// manifest's schema takes too: whether it is allowed is for the platform to say.
fn is_entity_name(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b':' | b'-' | b'_' | b'.');
    (3..=60).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with(['.', '-'])
        && !text.ends_with('.')
        && !text.contains("..")
}

fn is_index_name(text: &str) -> bool {
    (3..=50).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_the_platform_takes() {
        let longest = "k".repeat(500);
        for text in [
            "k",
            "a:b.c_d-e#f",
            "two words",
            " k ",
            "tab\tk",
            "\u{a0}k",
            "\u{feff}k",
            &longest,
            "\u{2003}#",
        ] {
            assert!(Key::new(text).is_ok(), "{text:?}");
        }
        // Characters are counted, not bytes.
        let spaced = format!("k{}", "\u{2003}".repeat(499));
        assert!(Key::new(spaced).is_ok());
    }

    #[test]
    fn nothing_else_is_a_key() {
        let long = "k".repeat(501);
        for text in [
            "", " ", " \t\n", "\u{2003}", "a/b", "ü", "a$", "a\"b", "a\0", "a\u{85}b", "a+b",
            "a,b", "a%b", &long,
        ] {
            assert!(Key::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn entity_names_are_what_the_platform_takes() {
        let (longest, long) = ("e".repeat(60), "e".repeat(61));
        for text in ["abc", "a-b", "a:b.c-1", "_ab", ":ab", "ab-", &longest] {
            assert!(EntityName::new(text).is_ok(), "{text:?}");
        }
        for text in [
            "", "ab", ".ab", "-ab", "a..b", "ab.", "Abc", "a b", "äbc", &long,
        ] {
            assert!(EntityName::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn index_names_are_what_the_platform_takes() {
        assert_eq!(IndexName::by_key().as_str(), "by-key");
        assert!(is_index_name(IndexName::by_key().as_str()));
        for text in ["", "ab", "a b", "äbc", &"i".repeat(51)] {
            assert!(IndexName::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_error_does_not_repeat_the_text() {
        let error = Key::new("712020:ab/cd").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("712020"));
    }

    #[test]
    fn a_key_in_a_body_is_checked() {
        assert!(serde_json::from_str::<Key>("\"a:b\"").is_ok());
        assert!(serde_json::from_str::<Key>("\"a/b\"").is_err());
    }
}
