//! The app's life in the site: installed, upgraded, removed, installed again.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    deliveries::{self, Content, Parcel},
    events::{FireError, receivers},
    faults::Fault,
    installation::{Installation, Settling},
    journal::Occasion,
    stage::Stage,
    world,
};
use crate::ids::InstallationId;

const INSTALLED: &str = "avi:forge:installed:app";
const UPGRADED: &str = "avi:forge:upgraded:app";
/// A version is shorter than this.
const MAX_VERSION: usize = 32;
/// Longer no installation settles.
const MAX_SETTLING: Duration = Duration::from_hours(24);

/// Why the app's installation does not change.
///
/// ```
/// # use forge_remote::emulator::{LifecycleError, Running};
/// async fn make_sure(emulator: &Running) -> Result<(), LifecycleError> {
///     match emulator.install().await {
///         Err(LifecycleError::AlreadyInstalled) => Ok(()),
///         installed => installed.map(drop),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LifecycleError {
    /// It was installed and announced before.
    #[error("the app is installed already: uninstall it first")]
    AlreadyInstalled,
    /// There is nothing to upgrade or uninstall.
    #[error("the app is not installed in the site: install it first")]
    NotInstalled,
    /// The text is no version.
    #[error("a version has 1 to {MAX_VERSION} digits, letters, dots and hyphens")]
    Version,
    /// The installation changed, and its event is not delivered.
    #[error(transparent)]
    Fire(#[from] FireError),
}

/// Installs the app and fires the event; the numbers of its deliveries.
pub(super) async fn install(
    stage: &Arc<Stage>,
    settling: Option<Settling>,
) -> Result<Vec<u64>, LifecycleError> {
    let _one_at_a_time = stage.lifecycle.lock().await;
    let settling = settling.map(|settling| Settling {
        lasts: stage.timing.scaled(settling.lasts).min(MAX_SETTLING),
        ..settling
    });
    let installation = stage.installed.install(settling);
    let installation = installation.map_err(|_| LifecycleError::AlreadyInstalled)?;
    let mut event = event(stage, &installation, INSTALLED);
    event["installerAccountId"] = world::MIRA.into();
    fire(stage, &installation, INSTALLED, &event)
}

/// Gives the app another version and fires the event, as the platform does for a major one.
pub(super) async fn upgrade(stage: &Arc<Stage>, version: &str) -> Result<Vec<u64>, LifecycleError> {
    let well_formed = (1..=MAX_VERSION).contains(&version.len())
        && version
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+'));
    if !well_formed {
        return Err(LifecycleError::Version);
    }
    let _one_at_a_time = stage.lifecycle.lock().await;
    let installation = stage.installed.upgrade(version);
    let installation = installation.ok_or(LifecycleError::NotInstalled)?;
    let mut event = event(stage, &installation, UPGRADED);
    event["upgraderAccountId"] = world::MIRA.into();
    let scopes: Vec<_> = stage.manifest.scopes.names().collect();
    event["permissions"] = json!({"scopes": scopes});
    fire(stage, &installation, UPGRADED, &event)
}

/// Lets the remote clean up, whatever it answers, and removes the installation with all its tokens.
///
/// It goes on when the caller goes away. Gives back the numbers of the deliveries, which
/// are settled then.
pub(super) async fn uninstall(stage: &Arc<Stage>) -> Result<Vec<u64>, LifecycleError> {
    let stage = Arc::clone(stage);
    let removed = tokio::spawn(async move { remove(&stage).await });
    // It ends early only with the runtime.
    removed.await.unwrap_or(Err(LifecycleError::NotInstalled))
}

async fn remove(stage: &Arc<Stage>) -> Result<Vec<u64>, LifecycleError> {
    let _one_at_a_time = stage.lifecycle.lock().await;
    let installation = stage.installed.current();
    let installation = installation.ok_or(LifecycleError::NotInstalled)?;
    let mut deliveries = Vec::new();
    for module in &stage.manifest.triggers.pre_uninstalls {
        let content = Content::Json(json!({}));
        let occasion = Occasion::PreUninstall;
        let parcel = Parcel::to(&module.endpoint, &module.key, occasion, content);
        // Not guaranteed to run: what cannot be sent keeps nobody from uninstalling.
        deliveries.extend(deliveries::deliver(stage, &installation, parcel).ok());
    }
    for id in &deliveries {
        // No longer than the platform gives it: the deliverer has the limit.
        stage.journal.settled(*id).await;
    }
    stage.installed.remove(installation.id);
    forget(stage, installation.id);
    Ok(deliveries)
}

/// The one place where everything that is kept for an installation goes with it.
fn forget(stage: &Stage, installation: InstallationId) {
    stage.tokens.forget(installation);
    stage.storage.forget(installation);
}

fn event(stage: &Stage, installation: &Installation, name: &str) -> Value {
    let app = &stage.manifest.app_id;
    let product = installation.products.first();
    let product = product.map_or("confluence", |product| product.as_str());
    json!({
        "eventType": name,
        // A bare UUID, where the FIT has the whole identifier.
        "id": installation.id.uuid(),
        "app": {
            "id": app.uuid(),
            "version": installation.app_version,
            "name": stage.title,
            "ownerAccountId": world::JONAS,
        },
        "environment": {"id": world::environment()},
        "context": format!("ari:cloud:{product}::site/{}", world::cloud_id()),
    })
}

/// To every trigger that names it; an app need not.
fn fire(
    stage: &Arc<Stage>,
    installation: &Installation,
    name: &str,
    event: &Value,
) -> Result<Vec<u64>, LifecycleError> {
    let receivers = match receivers(stage, name, false) {
        Ok(receivers) => receivers,
        Err(FireError::NotSubscribed(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let twice = stage.faults.take(|fault| *fault == Fault::DuplicateEvent);
    let mut deliveries = Vec::new();
    for _ in 0..=u8::from(twice.is_some()) {
        for (key, endpoint) in &receivers {
            let content = Content::Event {
                event: event.clone(),
                wrapped: stage.timing.wrapped,
            };
            let occasion = Occasion::Event(name.to_owned());
            let mut parcel = Parcel::to(endpoint, key, occasion, content);
            parcel.faults = twice.into_iter().collect();
            let id = deliveries::deliver(stage, installation, parcel).map_err(FireError::from)?;
            deliveries.push(id);
        }
    }
    Ok(deliveries)
}
