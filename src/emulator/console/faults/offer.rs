//! What can be switched on, in the words of the page.

use std::time::Duration;

use http::StatusCode;

use crate::emulator::faults::Fault;

/// What belongs together on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Products,
    Platform,
    Request,
}

pub(super) const GROUPS: [(Group, &str); 3] = [
    (Group::Products, "Confluence and Jira"),
    (Group::Platform, "Impersonation and Forge storage"),
    (Group::Request, "What Forge sends"),
];

/// A number that goes with a fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure {
    pub(super) label: &'static str,
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) usual: u64,
}

/// A fault as it stands on the page.
#[derive(Debug)]
pub(super) struct Offer {
    /// In forms.
    pub(super) name: &'static str,
    pub(super) group: Group,
    pub(super) title: &'static str,
    pub(super) meaning: &'static str,
    pub(super) figure: Option<Figure>,
    /// With its figure; none if the figure is out of the question.
    pub(super) make: fn(u64) -> Option<Fault>,
}

impl Offer {
    /// Whether `fault` is this one, whatever its figure is.
    pub(super) fn makes(&self, fault: &Fault) -> bool {
        let usual = self.figure.map_or(0, |figure| figure.usual);
        (self.make)(usual).is_some_and(|made| made.is_like(fault))
    }
}

const SLOWER: Figure = Figure {
    label: "Milliseconds",
    least: 1,
    most: 60_000,
    usual: 2_000,
};

pub(super) const OFFERS: &[Offer] = &[
    Offer {
        name: "product-slow",
        group: Group::Products,
        title: "Slow",
        meaning: "Each call takes so much longer. A UI has 25 s in all.",
        figure: Some(SLOWER),
        make: |ms| Some(Fault::ProductSlow(Duration::from_millis(ms))),
    },
    Offer {
        name: "product-429",
        group: Group::Products,
        title: "Rate limited",
        meaning: "429 with `Retry-After`.",
        figure: Some(Figure {
            label: "Retry after, in s",
            least: 0,
            most: 3_600,
            usual: 5,
        }),
        make: |seconds| Some(Fault::ProductRateLimited(Duration::from_secs(seconds))),
    },
    Offer {
        name: "product-401",
        group: Group::Products,
        title: "Unauthorized",
        meaning: "401 for a token that is good: it must not come out as the remote's own 401.",
        figure: None,
        make: |_| Some(Fault::ProductUnauthorized),
    },
    Offer {
        name: "product-5xx",
        group: Group::Products,
        title: "Failing",
        meaning: "An error of the product's own.",
        figure: Some(Figure {
            label: "Status",
            least: 500,
            most: 599,
            usual: 503,
        }),
        make: |status| {
            let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
            Some(Fault::ProductFails(status))
        },
    },
    Offer {
        name: "gateway-down",
        group: Group::Platform,
        title: "GraphQL gateway down",
        meaning: "500 for every exchange. A token that the remote keeps still works.",
        figure: None,
        make: |_| Some(Fault::GatewayDown),
    },
    Offer {
        name: "storage-429",
        group: Group::Platform,
        title: "Storage rate limited",
        meaning: "429 in the words of Forge storage.",
        figure: None,
        make: |_| Some(Fault::StorageRateLimited),
    },
    Offer {
        name: "storage-slow",
        group: Group::Platform,
        title: "Storage slow",
        meaning: "Each operation takes so much longer.",
        figure: Some(SLOWER),
        make: |ms| Some(Fault::StorageSlow(Duration::from_millis(ms))),
    },
    Offer {
        name: "fit-expired",
        group: Group::Request,
        title: "FIT expired",
        meaning: "It lapsed ten minutes ago. The remote must answer 401.",
        figure: None,
        make: |_| Some(Fault::FitExpired),
    },
    Offer {
        name: "fit-audience",
        group: Group::Request,
        title: "FIT for another app",
        meaning: "`aud` names an app that is not this one. The remote must answer 401.",
        figure: None,
        make: |_| Some(Fault::FitWrongAudience),
    },
    Offer {
        name: "fit-signature",
        group: Group::Request,
        title: "FIT with a bad signature",
        meaning: "One bit of it is wrong. The remote must answer 401.",
        figure: None,
        make: |_| Some(Fault::FitBadSignature),
    },
    Offer {
        name: "fit-key",
        group: Group::Request,
        title: "FIT with an unknown key",
        meaning: "`kid` names a key that the key set has not. The remote must answer 401.",
        figure: None,
        make: |_| Some(Fault::FitUnknownKey),
    },
    Offer {
        name: "tokens-expired",
        group: Group::Request,
        title: "App and user token expired",
        meaning: "They lapsed a minute ago. That is no 401: say 403, or take a token of before.",
        figure: None,
        make: |_| Some(Fault::TokensExpired),
    },
    Offer {
        name: "event-twice",
        group: Group::Request,
        title: "Event delivered twice",
        meaning: "The platform may send an event more than once. The work must be done once.",
        figure: None,
        make: |_| Some(Fault::DuplicateEvent),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_offered_once() {
        for offer in OFFERS {
            let usual = offer.figure.map_or(0, |figure| figure.usual);
            let fault = (offer.make)(usual).unwrap();
            let same = OFFERS.iter().filter(|other| other.makes(&fault));
            assert_eq!(same.count(), 1, "{}", offer.name);
        }
        assert!((OFFERS[3].make)(70_000).is_none());
    }
}
