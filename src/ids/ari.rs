//! Ids that travel as Atlassian resource identifiers around a UUID.

use std::{fmt, str::FromStr};

use uuid::{Uuid, fmt::Hyphenated};

use super::{IdError, text_form};

/// UUIDs are taken in their hyphenated form only, as the platform writes them.
fn hyphenated(text: &str) -> Option<Uuid> {
    if text.len() == 36 {
        Uuid::try_parse(text).ok()
    } else {
        None
    }
}

macro_rules! ari_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $prefix:literal, $last:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            const EXPECTED: &str = concat!("`", $prefix, "<uuid>` or a bare UUID");

            /// The UUID in the identifier.
            #[must_use]
            pub const fn uuid(&self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let last: fn(&str) -> &str = $last;
                let bare = text.strip_prefix($prefix).map_or(text, last);
                hyphenated(bare)
                    .map(Self)
                    .ok_or(IdError { what: $what, expected: Self::EXPECTED })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl serde::Serialize for $name {
            /// All at once: claims with a handful of ids are an answer's largest part.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut text = [0; $prefix.len() + Hyphenated::LENGTH];
                let (prefix, uuid) = text.split_at_mut($prefix.len());
                prefix.copy_from_slice($prefix.as_bytes());
                self.0.hyphenated().encode_lower(uuid);
                let text = str::from_utf8(&text).map_err(serde::ser::Error::custom)?;
                serializer.serialize_str(text)
            }
        }

        text_form!($name);
    };
}

ari_id! {
    /// A Forge app: `ari:cloud:ecosystem::app/<uuid>`, the audience of its FITs.
    ///
    /// ```
    /// use forge_remote::ids::AppId;
    /// let bare: AppId = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".parse()?;
    /// assert_eq!(bare.to_string(), "ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21");
    /// # Ok::<(), forge_remote::ids::IdError>(())
    /// ```
    AppId, "an app id", "ari:cloud:ecosystem::app/", |rest| rest
}

ari_id! {
    /// One installation of an app: the key for everything that is stored.
    ///
    /// It survives upgrades and changes on a reinstall (Forge Remote essentials: `app.installationId`).
    InstallationId, "an installation id", "ari:cloud:ecosystem::installation/", |rest| rest
}

ari_id! {
    /// An environment of an app. The platform writes it with one UUID or with
    /// the app's before it; the last one is the environment's.
    EnvironmentId, "an environment id", "ari:cloud:ecosystem::environment/",
    |rest| rest.rsplit('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647";

    #[test]
    fn an_installation_id_is_read_with_and_without_its_prefix() {
        let full: InstallationId = format!("ari:cloud:ecosystem::installation/{UUID}")
            .parse()
            .unwrap();
        assert_eq!(full, UUID.parse().unwrap());
        assert_eq!(full.uuid().to_string(), UUID);
    }

    #[test]
    fn other_forms_of_a_uuid_are_refused() {
        for text in [
            "",
            "9c7e1a524d084b6fa3e15f20d8b9c647",
            "{9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647}",
            "urn:uuid:9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647",
            " 9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c64",
            "ari:cloud:ecosystem::app/9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647",
        ] {
            assert!(text.parse::<InstallationId>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_environment_id_is_its_last_segment() {
        let app = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
        for text in [
            format!("ari:cloud:ecosystem::environment/{UUID}"),
            format!("ari:cloud:ecosystem::environment/{app}/{UUID}"),
            UUID.to_owned(),
        ] {
            assert_eq!(
                text.parse::<EnvironmentId>().unwrap().uuid().to_string(),
                UUID
            );
        }
    }

    #[test]
    fn an_id_keeps_its_text_through_json() {
        let id: AppId = UUID.parse().unwrap();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"ari:cloud:ecosystem::app/{UUID}\""));
        assert_eq!(serde_json::from_str::<AppId>(&json).unwrap(), id);
    }
}
