//! What the fuzz target reaches: the reader of manifests.

use std::time::Duration;

use crate::ids::{AppId, Product};
use crate::manifest::Manifest;

/// What the emulator takes from a manifest.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    /// `app.id`.
    pub app_id: AppId,
    /// Products the app is installed in.
    pub products: Vec<Product>,
    /// Keys of everything that is called: UI modules, triggers, schedules, hooks.
    pub keys: Vec<String>,
    /// Paths of endpoints that the platform calls by itself.
    pub paths: Vec<String>,
    /// Scopes, and those that a token carries.
    pub scopes: Vec<String>,
    /// The latter.
    pub granted: Vec<String>,
    /// How long each migration may take.
    pub windows: Vec<Duration>,
}

/// Reads and checks the text of a manifest.
///
/// # Errors
/// What `forge-remote dev` prints.
pub fn manifest(text: &str) -> Result<Read, String> {
    let manifest = Manifest::parse(text).map_err(|error| error.to_string())?;
    let triggers = &manifest.triggers;
    let events = triggers.events.iter().map(|it| (&it.key, &it.endpoint));
    let schedules = triggers.schedules.iter().map(|it| (&it.key, &it.endpoint));
    let hooks = triggers
        .pre_uninstalls
        .iter()
        .map(|it| (&it.key, &it.endpoint));
    let (fired, endpoints): (Vec<_>, Vec<_>) = events.chain(schedules).chain(hooks).unzip();
    let migrations = triggers.migrations.iter();
    let modules = manifest.modules.iter().map(|module| &module.key);
    Ok(Read {
        app_id: manifest.app_id,
        products: manifest.products.clone(),
        keys: modules
            .chain(fired)
            .chain(migrations.clone().map(|it| &it.key))
            .cloned()
            .collect(),
        paths: endpoints.into_iter().map(|it| it.path.clone()).collect(),
        scopes: manifest.scopes.names().map(str::to_owned).collect(),
        granted: manifest.scopes.granted().map(str::to_owned).collect(),
        windows: migrations.map(|it| it.window).collect(),
    })
}
