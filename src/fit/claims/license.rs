//! `app.license`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fit::text::Text;

/// The app's licence on the site that the call comes from.
///
/// Only paid apps in production have one, unless the developer sets an override.
/// Decide on [`is_active`](Self::is_active).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct License {
    /// Whether it is active: `active`, or the deprecated `isActive` if that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Whether it is a trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_evaluation: Option<bool>,
    /// Such as `MONTHLY` or `ANNUAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_period: Option<Box<str>>,
    /// The edition: `capabilityStandard` or `capabilityAdvanced`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capability_set: Option<Box<str>>,
    /// The entitlement, where Atlassian's commerce platform bills it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ccp_entitlement_id: Option<Box<str>>,
    /// The entitlement's number for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ccp_entitlement_slug: Option<Box<str>>,
    /// End of the subscription, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_end_date: Option<Box<str>>,
    /// End of the trial, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_end_date: Option<Box<str>>,
    /// Its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<LicenseKind>,
    /// Such as `USER_ACCESS`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<Box<str>>,
}

/// The type of a licence. The platform writes it in upper and in lower case.
///
/// ```
/// # use forge_remote::fit::LicenseKind;
/// assert_eq!(LicenseKind::Academic.as_str(), "ACADEMIC");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LicenseKind {
    /// `COMMERCIAL`
    Commercial,
    /// `COMMUNITY`
    Community,
    /// `ACADEMIC`
    Academic,
    /// `DEVELOPER`
    Developer,
    /// One this crate does not know yet.
    Other(Box<str>),
}

impl License {
    /// Whether the licence is active. One that does not say so is not.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active.unwrap_or(false)
    }
}

impl LicenseKind {
    /// The type as it stands in a FIT, in upper case if it is known.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Commercial => "COMMERCIAL",
            Self::Community => "COMMUNITY",
            Self::Academic => "ACADEMIC",
            Self::Developer => "DEVELOPER",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for LicenseKind {
    fn from(name: &str) -> Self {
        [
            Self::Commercial,
            Self::Community,
            Self::Academic,
            Self::Developer,
        ]
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(name))
        .unwrap_or_else(|| Self::Other(name.into()))
    }
}

impl Serialize for LicenseKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The licence as it is written. A text that is none is left out: a licence names
/// nobody, and an odd date in it is no reason to turn an invocation away.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    active: Option<bool>,
    is_active: Option<bool>,
    is_evaluation: Option<bool>,
    #[serde(borrow, default)]
    billing_period: Text<'a>,
    #[serde(borrow, default)]
    capability_set: Text<'a>,
    #[serde(borrow, default)]
    ccp_entitlement_id: Text<'a>,
    #[serde(borrow, default)]
    ccp_entitlement_slug: Text<'a>,
    #[serde(borrow, default)]
    subscription_end_date: Text<'a>,
    #[serde(borrow, default)]
    trial_end_date: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    modes: Option<Vec<Text<'a>>>,
}

impl<'de> Deserialize<'de> for License {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        Ok(Self {
            active: written.active.or(written.is_active),
            is_evaluation: written.is_evaluation,
            billing_period: written.billing_period.into_boxed(),
            capability_set: written.capability_set.into_boxed(),
            ccp_entitlement_id: written.ccp_entitlement_id.into_boxed(),
            ccp_entitlement_slug: written.ccp_entitlement_slug.into_boxed(),
            subscription_end_date: written.subscription_end_date.into_boxed(),
            trial_end_date: written.trial_end_date.into_boxed(),
            kind: written.kind.as_deref().map(LicenseKind::from),
            modes: written
                .modes
                .unwrap_or_default()
                .into_iter()
                .filter_map(Text::into_boxed)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn license(json: &str) -> License {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn active_wins_over_its_deprecated_twin() {
        assert!(license(r#"{"active": true, "isActive": false}"#).is_active());
        assert!(!license(r#"{"active": false, "isActive": true}"#).is_active());
        assert!(license(r#"{"isActive": true}"#).is_active());
        assert!(license(r#"{"active": null, "isActive": true}"#).is_active());
        assert!(!license("{}").is_active());
    }

    #[test]
    fn the_type_is_read_in_any_case_and_kept_if_unknown() {
        let kind = |json| license(json).kind.unwrap();
        assert_eq!(kind(r#"{"type": "COMMERCIAL"}"#), LicenseKind::Commercial);
        assert_eq!(kind(r#"{"type": "commercial"}"#), LicenseKind::Commercial);
        assert_eq!(
            kind(r#"{"type": "Barter"}"#),
            LicenseKind::Other("Barter".into())
        );
    }

    #[test]
    fn every_field_is_optional_and_odd_ones_do_no_harm() {
        let odd = license(
            r#"{"active": true, "trialEndDate": 5, "type": null, "modes": null,
                "supportEntitlementNumber": null, "somethingNew": {"a": [1]}}"#,
        );
        assert!(odd.is_active());
        assert_eq!(
            (odd.trial_end_date, odd.kind, odd.modes),
            (None, None, vec![])
        );
    }

    #[test]
    fn a_full_licence_is_kept_whole() {
        let json = r#"{"active":true,"isEvaluation":false,"billingPeriod":"ANNUAL","capabilitySet":"capabilityStandard","ccpEntitlementId":"0e6b","ccpEntitlementSlug":"E-7QK","subscriptionEndDate":"2027-03-01T00:00:00.000Z","trialEndDate":"2026-03-01T00:00:00.000Z","type":"ACADEMIC","modes":["USER_ACCESS"]}"#;
        assert_eq!(serde_json::to_string(&license(json)).unwrap(), json);
    }
}
