//! Ids of the platform, each a type of its own.
//!
//! An id is checked once, where it enters, and is cheap to clone from then on.
//! None of the errors repeats the text that was refused: it came from outside.
//!
//! ```
//! use forge_remote::ids::{AccountId, CloudId, EnvironmentId, IcLabel, IdError, InstallationId, ModuleKey, Product};
//!
//! let installation: InstallationId = "ari:cloud:ecosystem::installation/9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647".parse()?;
//! assert_eq!(installation.uuid().to_string(), "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647");
//! let environment: EnvironmentId = "1f0c7e3a-52b4-4d0e-8a6f-7b9c2d5e4f10".parse()?;
//! assert_eq!(InstallationId::from(environment.uuid()).uuid(), environment.uuid());
//!
//! let account: AccountId = "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458".parse()?;
//! assert_eq!(account.as_str(), "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458");
//! assert!("unidentified".parse::<AccountId>().is_err());
//!
//! // What could change a URL, a header or a log line is no id.
//! assert!("3e8d5b70/../admin".parse::<CloudId>().is_err());
//! assert!("Acme.example".parse::<IcLabel>().is_err());
//! let refused: IdError = "two words".parse::<ModuleKey>().unwrap_err();
//! assert_eq!(refused.to_string(), "not a module key: expected 1 to 255 visible ASCII characters");
//!
//! assert_eq!(Product::from("jira"), Product::Jira);
//! assert_eq!(Product::from("loom").as_str(), "loom");
//! # Ok::<(), IdError>(())
//! ```

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
