//! Data-residency migrations: the remote's hooks, in their order, to one end or the other.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    deliveries::{self, Content, Parcel},
    events::FireError,
    installation::Installation,
    journal::{Answer, Delivery, DeliveryState, Hook, Occasion},
    moment,
    stage::Stage,
};
use crate::manifest::{Migration, TokenSwitches};

/// Where a remote can keep data (Forge manifest: regions of `baseUrl`).
const REGIONS: [&str; 11] = [
    "EU", "US", "AU", "DE", "SG", "CA", "IN", "KR", "JP", "GB", "CH",
];
const FIRST_ID: u64 = 57_500;
/// How often the platform asks how far the copy is.
const POLL: Duration = Duration::from_mins(5);

/// A data-residency migration to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrate {
    /// The new region: `EU`, `US`, `AU`, `DE`, `SG`, `CA`, `IN`, `KR`, `JP`, `GB` or `CH`.
    pub location: String,
    /// Whether the administrator changes their mind once the copy has started.
    pub cancelled: bool,
}

impl Migrate {
    /// A migration that nobody cancels.
    pub fn to(location: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            cancelled: false,
        }
    }
}

/// How a migration ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Migrated {
    /// The remote took the commit: the new region holds.
    Committed,
    /// The remote was told to roll back: the old region holds.
    RolledBack(Reason),
}

/// Why a migration was rolled back.
///
/// ```
/// use forge_remote::emulator::{FireError, Hook, Migrate, Migrated, Reason, Running};
///
/// async fn refuses_korea(emulator: &Running) -> Result<bool, FireError> {
///     let moved = emulator.migrate(&Migrate::to("KR")).await?;
///     let refused = |hook: &Hook, code: &str| *hook == Hook::Schedule && code == "E0002";
///     Ok(matches!(moved, Migrated::RolledBack(Reason::Failed(hook, Some(code))) if refused(&hook, &code)))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A hook failed, with the `errorResponseCode` if the remote named one.
    Failed(Hook, Option<String>),
    /// The copy was not ready within the window.
    TooLate,
    /// The administrator cancelled it.
    Cancelled,
}

/// Calls the hooks in their order, and rolls back when one fails.
pub(super) async fn migrate(stage: &Arc<Stage>, migrate: &Migrate) -> Result<Migrated, FireError> {
    if !REGIONS.contains(&migrate.location.as_str()) {
        return Err(FireError::Region);
    }
    let installation = stage.installed.current().ok_or(FireError::NotInstalled)?;
    let module = stage.manifest.triggers.migrations.first();
    let module = module.ok_or(FireError::NoMigration)?;
    let journey = Journey {
        stage,
        installation: &installation,
        module,
        id: FIRST_ID + stage.fired.fetch_add(1, Ordering::Relaxed),
    };
    let migrated = match journey.forward(migrate).await? {
        None => Migrated::Committed,
        Some(reason) => {
            // Whatever it answers.
            journey.call(Hook::Rollback, journey.only_the_id()).await?;
            Migrated::RolledBack(reason)
        }
    };
    Ok(migrated)
}

struct Journey<'a> {
    stage: &'a Arc<Stage>,
    installation: &'a Installation,
    module: &'a Migration,
    id: u64,
}

impl Journey<'_> {
    /// As far as the remote goes along; none if it went to the end.
    async fn forward(&self, migrate: &Migrate) -> Result<Option<Reason>, FireError> {
        let now = self.stage.clock.now();
        let plan = json!({
            "startTime": moment::iso(now, 0),
            "endTime": moment::iso(now.plus(self.module.window), 0),
            "location": migrate.location,
            "migrationId": self.id,
        });
        for hook in [Hook::Schedule, Hook::Start] {
            if let Some(reason) = self.failed(hook, plan.clone()).await? {
                return Ok(Some(reason));
            }
        }
        if migrate.cancelled {
            return Ok(Some(Reason::Cancelled));
        }
        if let Some(reason) = self.copied().await? {
            return Ok(Some(reason));
        }
        self.failed(Hook::Commit, self.only_the_id()).await
    }

    async fn failed(&self, hook: Hook, body: Value) -> Result<Option<Reason>, FireError> {
        let delivery = self.call(hook, body).await?;
        if delivery.state == DeliveryState::Delivered {
            return Ok(None);
        }
        let code = delivery.answer().and_then(error_code);
        Ok(Some(Reason::Failed(hook, code)))
    }

    /// Asks until the copy is ready, failed, or too late.
    async fn copied(&self) -> Result<Option<Reason>, FireError> {
        let timing = &self.stage.timing;
        let began = Instant::now();
        let window = timing.scaled(self.module.window);
        loop {
            // An answer that is no 2xx counts as none: it is asked again.
            let delivery = self.call(Hook::Status, Value::Null).await?;
            let answer = delivery
                .answer()
                .filter(|answer| answer.status.is_success());
            let status = answer.and_then(Answer::json).map(|it| it["status"].clone());
            match status.as_ref().and_then(Value::as_str) {
                Some("ready-to-commit") => return Ok(None),
                Some("failed") => {
                    let code = answer.and_then(error_code);
                    return Ok(Some(Reason::Failed(Hook::Status, code)));
                }
                _ => {}
            }
            if began.elapsed() >= window {
                return Ok(Some(Reason::TooLate));
            }
            sleep(timing.scaled(POLL)).await;
        }
    }

    fn only_the_id(&self) -> Value {
        json!({"migrationId": self.id})
    }

    /// Calls one hook and waits for its end; as it stands then.
    async fn call(&self, hook: Hook, body: Value) -> Result<Delivery, FireError> {
        let path = format!("{}/{hook}", self.module.path);
        let asks = hook == Hook::Status;
        let parcel = Parcel {
            occasion: Occasion::Migration(hook),
            module_key: self.module.key.clone(),
            endpoint_key: self.module.key.clone(),
            method: if asks { Method::GET } else { Method::POST },
            path: if asks {
                format!("{path}?migrationId={}", self.id)
            } else {
                path
            },
            // No source mentions OAuth tokens here.
            auth: TokenSwitches::default(),
            content: if asks {
                Content::Nothing
            } else {
                Content::Json(body)
            },
            delay: Duration::ZERO,
            faults: Vec::new(),
        };
        let id = deliveries::deliver(self.stage, self.installation, parcel)?;
        let settled = self.stage.journal.settled(id).await;
        settled.ok_or(FireError::TooMany)
    }
}

fn error_code(answer: &Answer) -> Option<String> {
    Some(answer.json()?["errorResponseCode"].as_str()?.to_owned())
}
