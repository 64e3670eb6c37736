//! Ids of the platform, each a type of its own.
//!
//! An id is checked once, where it enters, and is cheap to clone from then on.
//! None of the errors repeats the text that was refused: it came from outside.

mod ari;
mod opaque;
#[cfg(test)]
mod properties;

pub use ari::{AppId, EnvironmentId, InstallationId};
pub use opaque::{AccountId, CloudId, IcLabel, ModuleKey, Product, WorkspaceId};

/// A text is not the id it was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {what}: expected {expected}")]
pub struct IdError {
    pub(crate) what: &'static str,
    pub(crate) expected: &'static str,
}

/// `Debug` and `Deserialize` by way of `Display` and `FromStr`.
macro_rules! text_form {
    ($name:ident) => {
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                struct Text;
                impl ::serde::de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str($name::EXPECTED)
                    }
                    fn visit_str<E: ::serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}
use text_form;
