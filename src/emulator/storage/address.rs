//! Where an item lives: its namespace and its key.

use std::{fmt, sync::Arc};

use super::fault::{Code, Fault};

const MAX_KEY: usize = 500;
const MIN_ENTITY: usize = 3;
const MAX_ENTITY: usize = 60;

/// Key of an item: 1 to 500 characters of the platform's alphabet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Arc<str>);

/// Name of an entity type: 3 to 60 characters of the platform's alphabet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntityName(Arc<str>);

/// Namespaces share no key. The derived order puts the items of one beside each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    /// Plain key and value.
    Plain,
    /// Values that no query and no page shows.
    Secret,
    /// Items of one entity type.
    Entity(EntityName),
}

/// An item's place. Addresses are ordered by namespace, then by key, byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) space: Space,
    pub(super) key: Key,
}

impl Key {
    /// Checks a key as it came (Forge storage REST: `^(?!\s+$)[a-zA-Z0-9:._\s-#]+$`).
    pub(super) fn check(text: Option<String>) -> Result<Self, Fault> {
        let text = text.ok_or_else(|| Fault::new(Code::EmptyKey, "The request names no `key`."))?;
        if text.is_empty() {
            return Err(Fault::new(
                Code::KeyTooShort,
                "A key has at least one character.",
            ));
        }
        if text.chars().nth(MAX_KEY).is_some() {
            let message = "A key has at most 500 characters.";
            return Err(Fault::new(Code::KeyTooLong, message));
        }
        let allowed = |c: char| {
            c.is_ascii_alphanumeric()
                || matches!(c, ':' | '.' | '_' | '-' | '#')
                || is_script_space(c)
        };
        if !text.chars().all(allowed) || text.chars().all(is_script_space) {
            let message = "A key consists of letters, digits, `:` `.` `_` `-` `#` and white space, and not of white space alone.";
            return Err(Fault::new(Code::InvalidKey, message));
        }
        Ok(Self(text.into()))
    }

    /// A text to compare keys with, which need not be one.
    pub(super) fn bound(text: &str) -> Self {
        Self(text.into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// `\s` as JavaScript has it: other than Unicode's white space by these two.
fn is_script_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

impl EntityName {
    /// Checks an entity's name as it came. `_` is allowed: the manifest's schema has it, and
    /// the storage's own pattern does not.
    pub(super) fn check(text: &str) -> Result<Self, Fault> {
        let length = text.chars().count();
        if length < MIN_ENTITY {
            let message = "An entity name has at least 3 characters.";
            return Err(Fault::new(Code::EntityTypeTooShort, message));
        }
        if length > MAX_ENTITY {
            let message = "An entity name has at most 60 characters.";
            return Err(Fault::new(Code::EntityTypeTooLarge, message));
        }
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || matches!(byte, b':' | b'-' | b'.' | b'_')
        };
        let well_formed = text.bytes().all(allowed)
            && !text.starts_with(['.', '-'])
            && !text.ends_with('.')
            && !text.contains("..");
        if !well_formed {
            let message = "An entity name consists of lower-case letters, digits, `:` `-` `.` and `_`, begins with neither `.` nor `-`, ends in no `.` and has no two in a row.";
            return Err(Fault::new(Code::InvalidEntityType, message));
        }
        Ok(Self(text.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Address {
    /// The place that a request with these fields means: an entity's if it names one, else the plain one.
    pub(super) fn of(entity: Option<&str>, key: Option<String>) -> Result<Self, Fault> {
        let space = match entity {
            Some(name) => Space::Entity(EntityName::check(name)?),
            None => Space::Plain,
        };
        let key = Key::check(key)?;
        Ok(Self { space, key })
    }

    pub(super) fn secret(key: Option<String>) -> Result<Self, Fault> {
        Ok(Self {
            space: Space::Secret,
            key: Key::check(key)?,
        })
    }

    pub(super) fn entity(&self) -> Option<&EntityName> {
        match &self.space {
            Space::Entity(name) => Some(name),
            Space::Plain | Space::Secret => None,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<Key, Code> {
        Key::check(Some(text.to_owned())).map_err(|fault| fault.code)
    }

    fn entity(text: &str) -> Result<EntityName, Code> {
        EntityName::check(text).map_err(|fault| fault.code)
    }

    #[test]
    fn keys_follow_the_platforms_pattern() {
        for good in [
            "a",
            "digest:QUA:cfg",
            "a b",
            "#1._-",
            " x ",
            &"k".repeat(500),
        ] {
            assert!(key(good).is_ok(), "{good}");
        }
        for bad in [" ", "\t\n", "\u{feff}", "a/b", "ä", "a\u{85}b", "a\0", "a%"] {
            assert_eq!(key(bad), Err(Code::InvalidKey), "{bad:?}");
        }
        assert_eq!(key(""), Err(Code::KeyTooShort));
        assert_eq!(key(&"k".repeat(501)), Err(Code::KeyTooLong));
        assert_eq!(Key::check(None).map_err(|f| f.code), Err(Code::EmptyKey));
    }

    #[test]
    fn entity_names_follow_the_platforms_pattern() {
        for good in ["sub", "a.b:c-d_e", ":ab", &"e".repeat(60)] {
            assert!(entity(good).is_ok(), "{good}");
        }
        for bad in [".ab", "-ab", "ab.", "a..b", "Sub", "a b", "äöü"] {
            assert_eq!(entity(bad), Err(Code::InvalidEntityType), "{bad}");
        }
        assert_eq!(entity("ab"), Err(Code::EntityTypeTooShort));
        assert_eq!(entity(&"e".repeat(61)), Err(Code::EntityTypeTooLarge));
    }

    #[test]
    fn items_of_one_namespace_stand_together_in_the_order_of_their_keys() {
        let of = |entity: Option<&str>, key: &str| Address::of(entity, Some(key.into())).unwrap();
        let secret = Address::secret(Some("a".into())).unwrap();
        let mut all = [
            of(Some("sub"), "a"),
            of(None, "b"),
            secret,
            of(None, "B"),
            of(None, "a:1"),
        ];
        all.sort();
        let keys: Vec<_> = all.iter().map(|address| address.key.as_str()).collect();
        assert_eq!(keys, ["B", "a:1", "b", "a", "a"]);
        assert_eq!(all[3].space, Space::Secret);
    }
}
