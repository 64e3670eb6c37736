//! Ids whose inside is Atlassian's business: bounded, checked for characters that
//! could change a URL, a header or a log line, and otherwise passed on as they are.

use std::{fmt, str::FromStr, sync::Arc};

use super::{IdError, text_form};

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $normal:expr, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            const EXPECTED: &str = $expected;

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let normal: fn(&str) -> &str = $normal;
                let accepts: fn(&str) -> bool = $accepts;
                let text = normal(text);
                if accepts(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { what: $what, expected: Self::EXPECTED })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        text_form!($name);
    };
}

fn made_of(text: &str, most: usize, allowed: fn(u8) -> bool) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(allowed)
}

fn without_braces(text: &str) -> &str {
    text.strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(text)
}

opaque_id! {
    /// A Jira or Confluence site. It stays the same when the app is reinstalled.
    ///
    /// ```
    /// let id: forge_remote::ids::CloudId = "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85".parse()?;
    /// assert_eq!(id.as_str(), "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85");
    /// # Ok::<(), forge_remote::ids::IdError>(())
    /// ```
    CloudId, "a cloud id", "1 to 64 letters, digits or hyphens",
    |text| text,
    |text| made_of(text, 64, |b| b.is_ascii_alphanumeric() || b == b'-')
}

opaque_id! {
    /// A Bitbucket workspace. The platform writes it with and without braces; here it has none.
    ///
    /// ```
    /// use forge_remote::ids::WorkspaceId;
    /// let braced: WorkspaceId = "{d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63}".parse()?;
    /// assert_eq!(braced.as_str(), "d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63");
    /// # Ok::<(), forge_remote::ids::IdError>(())
    /// ```
    WorkspaceId, "a workspace id", "1 to 64 letters, digits or hyphens, in braces or not",
    without_braces,
    |text| made_of(text, 64, |b| b.is_ascii_alphanumeric() || b == b'-')
}

opaque_id! {
    /// An Atlassian account. Both `712020:<uuid>` and 24 hex digits exist; the text is opaque.
    ///
    /// `unidentified` is no account: the platform writes it where nobody is signed in.
    AccountId, "an account id", "1 to 128 letters, digits, `:`, `-`, `_` or `.`, and not `unidentified`",
    |text| text,
    |text| text != "unidentified"
        && made_of(text, 128, |b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.'))
}

opaque_id! {
    /// Key of a module in the manifest.
    ///
    /// ```
    /// let id: forge_remote::ids::ModuleKey = "digest-page".parse()?;
    /// assert_eq!(id.as_str(), "digest-page");
    /// # Ok::<(), forge_remote::ids::IdError>(())
    /// ```
    ModuleKey, "a module key", "1 to 255 visible ASCII characters",
    |text| text,
    |text| made_of(text, 255, |b| b.is_ascii_graphic())
}

opaque_id! {
    /// Label of an Isolated Cloud: `^[a-z0-9_-]{1,50}$`, checked before it touches a URL.
    ///
    /// ```
    /// let id: forge_remote::ids::IcLabel = "acme-1".parse()?;
    /// assert_eq!(id.as_str(), "acme-1");
    /// # Ok::<(), forge_remote::ids::IdError>(())
    /// ```
    IcLabel, "an Isolated Cloud label", "1 to 50 of a-z, 0-9, `_`, `-`",
    |text| text,
    |text| made_of(text, 50, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// A product an app is installed in, by the name the FIT gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Product {
    /// Jira, with Jira Software and Jira Service Management.
    Jira,
    /// Confluence.
    Confluence,
    /// Bitbucket.
    Bitbucket,
    /// Compass.
    Compass,
    /// One this crate does not know yet; at most 64 characters are kept.
    Other(Arc<str>),
}

impl Product {
    /// The name as it stands in a FIT, a manifest and an ARI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Jira => "jira",
            Self::Confluence => "confluence",
            Self::Bitbucket => "bitbucket",
            Self::Compass => "compass",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Product {
    fn from(name: &str) -> Self {
        match name {
            "jira" => Self::Jira,
            "confluence" => Self::Confluence,
            "bitbucket" => Self::Bitbucket,
            "compass" => Self::Compass,
            other => {
                let end = other
                    .char_indices()
                    .nth(64)
                    .map_or(other.len(), |(at, _)| at);
                Self::Other(other[..end].into())
            }
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Product {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Product {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl serde::de::Visitor<'_> for Name {
            type Value = Product;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a product's name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Product, E> {
                Ok(Product::from(name))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_account_id_are_taken() {
        for text in [
            "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458",
            "5f3c9a1be8d2470071b64c0d",
        ] {
            assert_eq!(text.parse::<AccountId>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_could_change_a_url_or_a_log_line_is_no_account_id() {
        let long = "a".repeat(129);
        for text in [
            "",
            "a/b",
            "a b",
            "a\nb",
            "a?b",
            "a#b",
            "ä",
            "%2e",
            "unidentified",
            &long,
        ] {
            assert!(text.parse::<AccountId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_label_that_could_change_a_url_is_refused() {
        let long = "a".repeat(51);
        for text in ["", "../x", "a.b", "Orange", "orange\n", "a/b", &long] {
            assert!(text.parse::<IcLabel>().is_err(), "{text:?}");
        }
        assert!("or_an-ge9".parse::<IcLabel>().is_ok());
    }

    #[test]
    fn an_unknown_product_keeps_its_name() {
        assert_eq!(Product::from("loom").as_str(), "loom");
        assert_eq!(
            Product::from("ü".repeat(100).as_str())
                .as_str()
                .chars()
                .count(),
            64
        );
    }
}
