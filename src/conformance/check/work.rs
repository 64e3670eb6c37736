//! What a remote does about an event or a tick, as far as the platform sees it: the calls of
//! products and of storage that follow.

use std::{sync::Arc, time::Duration};

use super::{Door, DoorKind, Run};
use crate::conformance::{
    platform::{Kind, Seen, Tenant},
    rule::Miss,
    wire::Call,
};

/// A door of the platform's own at which a good call makes the remote work.
#[derive(Debug, Clone)]
pub(in crate::conformance) struct Worker {
    pub(in crate::conformance) door: Door,
}

/// Calls of products and of storage.
fn work(seen: &[Arc<Seen>]) -> Vec<Arc<Seen>> {
    let mut work = seen.to_vec();
    work.retain(|seen| is_work(seen));
    work
}

fn is_work(seen: &Seen) -> bool {
    matches!(seen.kind, Kind::Product | Kind::Storage)
}

/// Whether it changes something, and is no search that is spelt as a POST.
pub(in crate::conformance) fn is_change(seen: &Seen) -> bool {
    match seen.kind {
        Kind::Storage => !["/get", "/query"]
            .iter()
            .any(|end| seen.path.ends_with(end)),
        Kind::Product => {
            let reads = matches!(seen.method.as_str(), "GET" | "HEAD" | "OPTIONS");
            !reads && !seen.path.contains("search") && !seen.path.contains("graphql")
        }
        Kind::Keys | Kind::Exchange | Kind::Elsewhere | Kind::Foreign => false,
    }
}

/// In a few words, for a report.
pub(in crate::conformance) fn describe_work(seen: &[Arc<Seen>]) -> String {
    let mut text = format!("{} calls of products and storage", seen.len());
    if let Some(first) = seen.first() {
        text = format!("{text}, the first: {}", first.describe());
    }
    text
}

impl Run {
    /// The first door of product events, else of lifecycle events, at which a good event makes
    /// the remote work. Found out once in a run.
    pub(in crate::conformance) async fn event_worker(&self) -> Result<&Worker, Miss> {
        let find = || async {
            let mut doors: Vec<&Door> = self.event_doors();
            doors.sort_by_key(|door| !door.is_product_event());
            self.first_worker(&doors).await
        };
        let found = self.event_worker.get_or_init(find).await;
        found.as_ref().ok_or_else(|| {
            Miss::not_exercised("no event makes the remote call a product or storage")
        })
    }

    /// The same of schedules, for an installation that has been used.
    pub(in crate::conformance) async fn tick_worker(&self) -> Result<&Worker, Miss> {
        let find = || async {
            let schedules = self.schedule_doors();
            self.first_worker(&schedules).await
        };
        let found = self.tick_worker.get_or_init(find).await;
        found.as_ref().ok_or_else(|| {
            Miss::not_exercised("no scheduled trigger makes the remote call a product or storage")
        })
    }

    /// The doors of events, each type of them.
    pub(in crate::conformance) fn event_doors(&self) -> Vec<&Door> {
        let doors = self.doors().iter();
        doors
            .filter(|door| matches!(door.kind, DoorKind::Event(_)))
            .collect()
    }

    pub(in crate::conformance) fn schedule_doors(&self) -> Vec<&Door> {
        let doors = self.doors().iter();
        doors
            .filter(|door| matches!(door.kind, DoorKind::Schedule(_)))
            .collect()
    }

    async fn first_worker(&self, doors: &[&Door]) -> Option<Worker> {
        for door in doors {
            let tenant = self.tenant();
            if matches!(door.kind, DoorKind::Schedule(_)) {
                self.live_in(&tenant).await;
            }
            let before = self.platform.journal().of(&tenant).len();
            let answered = self.ask(&self.good(door, &tenant)).await;
            if !matches!(answered, Ok(answer) if answer.is_success()) {
                continue;
            }
            if !self.until_worked(&tenant, before).await {
                continue;
            }
            return Some(Worker {
                door: (*door).clone(),
            });
        }
        None
    }

    /// Uses the app as a site does before a schedule comes: its pages are called, and something
    /// happens in the product.
    pub(in crate::conformance) async fn live_in(&self, tenant: &Tenant) {
        let pages = self.doors().iter().filter(|door| door.is_ui());
        let events = self.event_doors().into_iter();
        for door in pages.chain(events.filter(|door| door.is_product_event())) {
            // Whatever comes of it: other rules judge that.
            let _ = self.ask(&self.good(door, tenant)).await;
        }
        self.quiet_work(tenant, 0).await;
    }

    /// Whether the remote works for `tenant` in the time it has, after the first `before` calls.
    pub(in crate::conformance) async fn until_worked(
        &self,
        tenant: &Tenant,
        before: usize,
    ) -> bool {
        let patience = self.limits.handled;
        self.worked_within(tenant, before, patience).await
    }

    pub(in crate::conformance) async fn worked_within(
        &self,
        tenant: &Tenant,
        before: usize,
        patience: Duration,
    ) -> bool {
        let worked = |seen: &[Arc<Seen>]| seen.iter().skip(before).any(|seen| is_work(seen));
        let journal = self.platform.journal();
        worked(&journal.until(tenant, patience, worked).await)
    }

    /// The work after the first `before` calls, once nothing more comes.
    pub(in crate::conformance) async fn quiet_work(
        &self,
        tenant: &Tenant,
        before: usize,
    ) -> Vec<Arc<Seen>> {
        let journal = self.platform.journal();
        let (silence, patience) = (self.limits.silence, self.limits.handled);
        let seen = journal.until_quiet(tenant, silence, patience).await;
        work(seen.get(before..).unwrap_or_default())
    }

    /// A call at `door` with this body and a FIT of its own.
    pub(in crate::conformance) fn deliver(
        &self,
        door: &Door,
        tenant: &Tenant,
        body: &serde_json::Value,
    ) -> Call {
        let call = self.call(door, tenant).json(body);
        call.fit(&self.fit(door, tenant).token())
    }

    /// The body of a new event for `door`; a tick's for any other.
    pub(in crate::conformance) fn body_for(
        &self,
        door: &Door,
        tenant: &Tenant,
    ) -> serde_json::Value {
        match &door.kind {
            DoorKind::Event(event_type) => {
                let id = super::fresh_id();
                crate::conformance::platform::event(&self.platform, tenant, event_type, &id)
            }
            _ => serde_json::json!({}),
        }
    }
}
