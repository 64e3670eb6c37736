//! Whatever stands in the list, looked at in one way.

use super::{Filter, Kind, Outcome, Row};
use crate::emulator::{
    faults::Fault,
    journal::{
        Entry, Stray, deliveries,
        delivery::DeliveryState,
        record::{Call, Identity, Settlement},
    },
};

/// Whatever stands in the list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Any<'a> {
    Invocation(&'a Entry),
    Delivery(&'a deliveries::Entry),
    Stray(&'a Stray),
}

impl Any<'_> {
    pub(super) const fn order(self) -> u64 {
        match self {
            Self::Invocation(entry) => entry.order,
            Self::Delivery(entry) => entry.order,
            Self::Stray(stray) => stray.order,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Invocation(_) => Kind::Invocation,
            Self::Delivery(entry) => Kind::of(&entry.delivery.occasion),
            Self::Stray(_) => Kind::Call,
        }
    }

    pub(super) fn module(&self) -> &str {
        match self {
            Self::Invocation(entry) => &entry.invocation.module_key,
            Self::Delivery(entry) => &entry.delivery.module_key,
            Self::Stray(_) => "",
        }
    }

    pub(super) fn installation(self) -> Option<String> {
        match self {
            Self::Invocation(entry) => entry.invocation.claims["app"]["installationId"]
                .as_str()
                .map(str::to_owned),
            Self::Delivery(entry) => Some(entry.delivery.installation.to_string()),
            Self::Stray(stray) => stray.call.installation.map(|id| id.to_string()),
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::Invocation(entry) => match &entry.invocation.settlement {
                Settlement::Pending => Outcome::Pending,
                Settlement::Resolved { status } if *status < 400 => Outcome::Good,
                Settlement::Resolved { .. } => Outcome::Error,
                Settlement::Rejected { .. } => Outcome::Failed,
            },
            Self::Delivery(entry) => match entry.delivery.state {
                DeliveryState::Waiting | DeliveryState::UnderWay => Outcome::Pending,
                DeliveryState::Delivered => Outcome::Good,
                DeliveryState::Dropped | DeliveryState::Abandoned => Outcome::Failed,
            },
            Self::Stray(stray) => match stray.call.status.as_u16() {
                0..400 => Outcome::Good,
                400..500 => Outcome::Error,
                _ => Outcome::Failed,
            },
        }
    }

    fn broken(self) -> bool {
        match self {
            Self::Invocation(entry) => entry.invocation.verdict.iter().any(|it| !it.passed),
            Self::Delivery(entry) => {
                let mut attempts = entry.delivery.attempts.iter();
                attempts.any(|attempt| attempt.verdict.iter().any(|it| !it.passed))
            }
            Self::Stray(_) => false,
        }
    }

    fn calls(&self) -> &[Call] {
        match self {
            Self::Invocation(entry) => &entry.invocation.calls,
            Self::Delivery(entry) => &entry.delivery.calls,
            Self::Stray(stray) => std::slice::from_ref(&stray.call),
        }
    }

    pub(super) fn matches(&self, filter: &Filter) -> bool {
        (filter.kinds.is_empty() || filter.kinds.contains(&self.kind()))
            && filter.outcome.is_none_or(|it| it == self.outcome())
            && (!filter.broken || self.broken())
            && (filter.module.as_deref()).is_none_or(|module| module == self.module())
            && (filter.installation.as_deref())
                .is_none_or(|id| self.installation().as_deref() == Some(id))
    }

    fn faults(&self) -> Vec<Fault> {
        let mut all: Vec<Fault> = match self {
            Self::Invocation(entry) => entry.invocation.faults.clone(),
            Self::Delivery(entry) => {
                let attempts = entry.delivery.attempts.iter();
                let sent = attempts.flat_map(|attempt| &attempt.faults);
                entry.delivery.faults.iter().chain(sent).copied().collect()
            }
            Self::Stray(_) => Vec::new(),
        };
        all.extend(self.calls().iter().flat_map(|call| &call.faults));
        let mut each: Vec<Fault> = Vec::new();
        for fault in all {
            if !each.contains(&fault) {
                each.push(fault);
            }
        }
        each
    }

    pub(super) fn row(self) -> Row {
        let (id, at, duration) = match self {
            Self::Invocation(entry) => {
                let invocation = &entry.invocation;
                (invocation.id, invocation.at, invocation.duration)
            }
            Self::Delivery(entry) => {
                let delivery = &entry.delivery;
                let last = delivery.attempts.last();
                let duration = last.map(|last| last.started + last.duration);
                (delivery.id, delivery.at, duration.unwrap_or_default())
            }
            Self::Stray(stray) => (stray.id, stray.call.at, stray.call.duration),
        };
        Row {
            order: self.order(),
            kind: self.kind(),
            id,
            at,
            what: self.what(),
            module: self.module().to_owned(),
            user: self.user(),
            outcome: self.outcome(),
            word: self.word(),
            broken: self.broken(),
            duration,
            attempts: match self {
                Self::Delivery(entry) => entry.delivery.attempts.len(),
                _ => 1,
            },
            calls: self.calls().len(),
            faults: self.faults(),
        }
    }

    fn what(self) -> String {
        match self {
            Self::Invocation(entry) => {
                let request = &entry.invocation.request;
                let path = request.url.path();
                let query = request.url.query().map(|query| format!("?{query}"));
                format!("{} {path}{}", request.method, query.unwrap_or_default())
            }
            Self::Delivery(entry) => entry.delivery.occasion.to_string(),
            Self::Stray(stray) => format!("{} {}", stray.call.method, stray.call.path),
        }
    }

    fn user(self) -> Option<String> {
        match self {
            Self::Invocation(entry) => Some(entry.invocation.user.to_owned()),
            Self::Delivery(_) => None,
            Self::Stray(stray) => match &stray.call.identity {
                Identity::App => Some("app".to_owned()),
                Identity::User { name, .. } => Some(name.clone()),
                Identity::Impersonated { name, .. } => Some(format!("as {name}")),
                Identity::Nobody => Some("nobody".to_owned()),
            },
        }
    }

    fn word(self) -> String {
        match self {
            Self::Invocation(entry) => match &entry.invocation.settlement {
                Settlement::Pending => "…".to_owned(),
                Settlement::Resolved { status } => status.to_string(),
                Settlement::Rejected { .. } => "reject".to_owned(),
            },
            Self::Delivery(entry) => match entry.delivery.state {
                DeliveryState::Waiting => "waits",
                DeliveryState::UnderWay => "…",
                DeliveryState::Delivered => "taken",
                DeliveryState::Dropped => "dropped",
                DeliveryState::Abandoned => "ended",
            }
            .to_owned(),
            Self::Stray(stray) => stray.call.status.as_u16().to_string(),
        }
    }
}
