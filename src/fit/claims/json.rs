//! How claims stand in JSON, where serde's derive does not say it.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

use super::{ApiBaseUrl, App, Environment, EnvironmentKind, InstallationContext, License, Module};
use crate::{
    clock::Timestamp,
    ids::{AppId, InstallationId},
};

impl Serialize for App {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Written<'a> {
            id: AppId,
            installation_id: InstallationId,
            api_base_url: &'a ApiBaseUrl,
            #[serde(skip_serializing_if = "Option::is_none")]
            app_version: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            version: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            environment: Option<&'a Environment>,
            module: &'a Module,
            #[serde(skip_serializing_if = "Option::is_none")]
            license: Option<&'a License>,
            installation: Installation<'a>,
        }
        #[derive(Serialize)]
        struct Installation<'a> {
            id: InstallationId,
            contexts: &'a [InstallationContext],
        }
        Written {
            id: self.id,
            installation_id: self.installation_id,
            api_base_url: &self.api_base_url,
            app_version: self.app_version.as_deref(),
            version: self.version.as_deref(),
            environment: self.environment.as_ref(),
            module: &self.module,
            license: self.license.as_ref(),
            installation: Installation {
                id: self.installation_id,
                contexts: &self.contexts,
            },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ApiBaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base;
        impl Visitor<'_> for Base {
            type Value = ApiBaseUrl;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    "1 to {} visible ASCII characters",
                    ApiBaseUrl::MOST_BYTES
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ApiBaseUrl, E> {
                ApiBaseUrl::new(text).ok_or_else(|| E::invalid_length(text.len(), &self))
            }
        }
        deserializer.deserialize_str(Base)
    }
}

impl Serialize for EnvironmentKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EnvironmentKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kind;
        impl Visitor<'_> for Kind {
            type Value = EnvironmentKind;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the type of an environment")
            }
            fn visit_str<E>(self, text: &str) -> Result<EnvironmentKind, E> {
                Ok(EnvironmentKind::from(text))
            }
        }
        deserializer.deserialize_str(Kind)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference to the field"
)]
pub(super) fn unix_seconds<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_i64(time.unix())
}

#[expect(
    clippy::ref_option,
    reason = "serde calls it with a reference to the field"
)]
pub(super) fn unix_seconds_if_any<S: Serializer>(
    time: &Option<Timestamp>,
    to: S,
) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::unix).serialize(to)
}
