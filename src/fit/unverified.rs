//! The claims as they were read, before anybody vouched for them.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use serde_json::value::RawValue;

use super::{
    claims::{ApiBaseUrl, App, Claims, Context, Environment, InstallationContext, License, Module},
    error::Malformed,
    jws,
    object::Object,
    text::Text,
};
use crate::{
    clock::Timestamp,
    ids::{AccountId, AppId, IcLabel, InstallationId},
};

/// Claims that nobody vouched for.
///
/// They say which key set counts for the token; all else may be read only when the
/// signature holds and [`Rules`](super::rules::Rules) have passed them.
pub(super) struct UnverifiedClaims<'a> {
    /// `iss`, if it is a text.
    pub(super) issuer: Text<'a>,
    /// `aud`.
    pub(super) audience: Audience<'a>,
    /// `app.installation.id`.
    pub(super) second_installation_id: InstallationId,
    /// Everything else.
    pub(super) claims: Claims,
}

impl<'a> UnverifiedClaims<'a> {
    /// Reads the claims, once.
    ///
    /// The cause is reduced to a position: serde's words could quote a claim.
    pub(super) fn parse(json: &'a [u8]) -> Result<Self, Malformed> {
        jws::object::<Written<'a>>(json)
            .map(Self::from)
            .map_err(|error| Malformed::Claims {
                line: error.line(),
                column: error.column(),
            })
    }
}

/// `aud`: a text or several. Anything else names nobody.
#[derive(Debug)]
pub(super) enum Audience<'a> {
    One(Text<'a>),
    Several(Vec<Text<'a>>),
}

impl<'a> Audience<'a> {
    fn read(json: Option<&'a RawValue>) -> Self {
        let json = json.map_or("null", RawValue::get);
        let texts = if json.starts_with('[') {
            serde_json::from_str(json).map(Self::Several)
        } else {
            serde_json::from_str(json).map(Self::One)
        };
        texts.unwrap_or(Self::Several(Vec::new()))
    }

    /// The audiences; none if one of them is no text.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        };
        let clean = texts.iter().all(|text| text.as_deref().is_some());
        texts
            .iter()
            .filter_map(Text::as_deref)
            .filter(move |_| clean)
    }
}

/// The claims' JSON. A claim that is there twice is an error, which serde's derive
/// sees to: two readers could otherwise take different ones.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    app: Object<WrittenApp<'a>>,
    context: Option<Object<Context>>,
    principal: Option<Principal>,
    ic_label: Option<IcLabel>,
    #[serde(borrow, default)]
    iss: Text<'a>,
    #[serde(borrow)]
    aud: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "rounded_down_if_any")]
    iat: Option<Timestamp>,
    #[serde(default, deserialize_with = "rounded_up_if_any")]
    nbf: Option<Timestamp>,
    #[serde(deserialize_with = "rounded_down")]
    exp: Timestamp,
    jti: Option<Box<str>>,
    /// Not documented and not used; RFC 7519 has it a text.
    #[serde(rename = "sub", default, deserialize_with = "text_if_any")]
    _subject: (),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenApp<'a> {
    id: AppId,
    installation_id: InstallationId,
    api_base_url: ApiBaseUrl,
    app_version: Option<Box<str>>,
    /// Deprecated: that it is of another form is no reason to turn an invocation away.
    #[serde(borrow, default)]
    version: Text<'a>,
    environment: Option<Object<Environment>>,
    module: Object<Module>,
    license: Option<Object<License>>,
    installation: Object<WrittenInstallation>,
}

#[derive(Deserialize)]
struct WrittenInstallation {
    id: InstallationId,
    contexts: Option<Vec<Object<InstallationContext>>>,
}

impl<'a> From<Written<'a>> for UnverifiedClaims<'a> {
    fn from(written: Written<'a>) -> Self {
        let Object(app) = written.app;
        let Object(module) = app.module;
        let Object(installation) = app.installation;
        let contexts = installation.contexts.unwrap_or_default().into_iter();
        Self {
            issuer: written.iss,
            audience: Audience::read(written.aud),
            second_installation_id: installation.id,
            claims: Claims {
                app: App {
                    id: app.id,
                    installation_id: app.installation_id,
                    api_base_url: app.api_base_url,
                    app_version: app.app_version,
                    version: app.version.into_boxed(),
                    environment: app.environment.map(|Object(environment)| environment),
                    module,
                    license: app.license.map(|Object(license)| license),
                    contexts: contexts.map(|Object(context)| context).collect(),
                },
                context: written.context.map(|Object(context)| context),
                principal: written.principal.and_then(|Principal(account)| account),
                ic_label: written.ic_label,
                issued_at: written.iat,
                not_before: written.nbf,
                expires_at: written.exp,
                token_id: written.jti,
            },
        }
    }
}

fn text_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    Option::<Cow<'de, str>>::deserialize(from).map(drop)
}

/// `principal`; the platform's word for nobody is read as nobody.
struct Principal(Option<AccountId>);

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Account;
        impl Visitor<'_> for Account {
            type Value = Principal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an account id")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Principal, E> {
                if text == "unidentified" {
                    return Ok(Principal(None));
                }
                let account = text.parse().map_err(E::custom)?;
                Ok(Principal(Some(account)))
            }
        }
        deserializer.deserialize_str(Account)
    }
}

/// A `NumericDate` (RFC 7519): seconds since 1970, whole or not.
enum NumericDate {
    Whole(i64),
    Fraction(f64),
}

/// Beyond it an `f64` is no `i64` any more.
const END_OF_TIME: f64 = 9.2e18;

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seconds;
        impl Visitor<'_> for Seconds {
            type Value = NumericDate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since 1970, not negative")
            }
            fn visit_u64<E>(self, seconds: u64) -> Result<NumericDate, E> {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                Ok(NumericDate::Whole(seconds))
            }
            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<NumericDate, E> {
                if (0.0..END_OF_TIME).contains(&seconds) {
                    Ok(NumericDate::Fraction(seconds))
                } else {
                    Err(E::invalid_value(de::Unexpected::Float(seconds), &self))
                }
            }
        }
        deserializer.deserialize_any(Seconds)
    }
}

impl NumericDate {
    /// The whole second, rounded as `round` does.
    fn rounded(self, round: fn(f64) -> f64) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "rounded, and within `i64`")]
        let whole = |seconds| round(seconds) as i64;
        Timestamp::from_unix(match self {
            Self::Whole(seconds) => seconds,
            Self::Fraction(seconds) => whole(seconds),
        })
    }
}

/// For `exp`: a token must not live longer for the rounding.
fn rounded_down<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    NumericDate::deserialize(from).map(|date| date.rounded(f64::floor))
}

fn rounded_down_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    rounded_down(from).map(Some)
}

/// For `nbf`: a token must not become valid sooner for the rounding.
fn rounded_up_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    NumericDate::deserialize(from).map(|date| Some(date.rounded(f64::ceil)))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
