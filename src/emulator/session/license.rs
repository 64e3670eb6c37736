//! `app.license` of a FIT, state by state (Forge Invocation Token: the license claim).

use std::time::Duration;

use serde_json::{Value, json};

use crate::{clock::Timestamp, emulator::moment::iso};

const DAY: Duration = Duration::from_hours(24);

/// The app's license in the site.
///
/// The platform puts it into production's FITs only, and into others where the developer
/// overrides it: choosing one here is that override.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum License {
    /// A free app: the claim is absent.
    #[default]
    None,
    /// Paid for.
    Active,
    /// On trial for another fortnight.
    Evaluation,
    /// Not paid for any more.
    Lapsed,
}

impl License {
    pub(in crate::emulator) const ALL: [Self; 4] =
        [Self::None, Self::Active, Self::Evaluation, Self::Lapsed];

    /// As the form names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Active => "active",
            Self::Evaluation => "evaluation",
            Self::Lapsed => "lapsed",
        }
    }

    /// The claim, where there is one.
    pub(in crate::emulator) fn claim(self, now: Timestamp) -> Option<Value> {
        let later = |days: u32| iso(now.plus(DAY * days), 0);
        let earlier = |days: u32| {
            let span = i64::try_from((DAY * days).as_secs()).unwrap_or(i64::MAX);
            iso(Timestamp::from_unix(now.unix().saturating_sub(span)), 0)
        };
        let (active, trial_end, subscription_end) = match self {
            Self::None => return None,
            Self::Active => (true, None, later(300)),
            Self::Evaluation => (true, Some(later(14)), later(14)),
            Self::Lapsed => (false, None, earlier(3)),
        };
        let mut claim = json!({
            "active": active,
            "isActive": active,
            "billingPeriod": "MONTHLY",
            "capabilitySet": "capabilityStandard",
            "ccpEntitlementId": "0e6b9f4d-5a12-3c87-b8e0-94d1c27f6a35",
            "ccpEntitlementSlug": "E-7QK-2M4-90P-XT1",
            "isEvaluation": trial_end.is_some(),
            "subscriptionEndDate": subscription_end,
            "supportEntitlementNumber": null,
            "type": "COMMERCIAL",
            "modes": ["USER_ACCESS"],
        });
        if let Some(end) = trial_end {
            claim["trialEndDate"] = end.into();
        }
        Some(claim)
    }
}
