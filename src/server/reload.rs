//! New settings for a remote that runs.

use crate::{
    config::{Config, Loaded, Sources},
    forge::Forge,
    telemetry::TelemetryError,
};

/// What can be changed while the remote runs. Everything else needs a restart.
const LIVE: [&str; 3] = [
    "server.cors_origins",
    "telemetry.level",
    "telemetry.sample_ratio",
];

/// Reads the settings again whenever the process gets SIGHUP, and takes of them what can be
/// changed while the remote runs: `server.cors_origins`, `telemetry.level` and
/// `telemetry.sample_ratio`. The log names what else has changed and needs a restart. Settings
/// with a mistake change nothing; the log has the sentence that would have stopped the start.
///
/// `started_with` are the settings that `forge` was made from, and `sources` where they came
/// from. Files are read again; the variables are those of `sources`. A process without
/// SIGHUP, which is one on Windows, waits here for ever.
///
/// ```no_run
/// # async fn example() -> anyhow::Result<()> {
/// use forge_remote::{Config, Forge, config::Sources, server};
///
/// let sources = Sources::process();
/// let loaded = Config::load_from(&sources)?;
/// let forge = Forge::from_config(loaded.config.clone()).await?;
/// tokio::spawn(server::reload_on_hangup(forge.clone(), sources, loaded));
/// # Ok(()) }
/// ```
pub async fn reload_on_hangup(forge: Forge, sources: Sources, started_with: Loaded) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        match signal(SignalKind::hangup()) {
            Ok(mut hangups) => {
                let mut reload = Reload::new(forge, sources, started_with);
                while hangups.recv().await.is_some() {
                    reload.once().await;
                }
            }
            Err(error) => {
                tracing::warn!(cause = %error, "settings cannot be read again: no SIGHUP arrives");
            }
        }
    }
    #[cfg(not(unix))]
    drop((forge, sources, started_with));
    std::future::pending::<()>().await;
}

#[cfg_attr(not(unix), expect(dead_code, reason = "there is no such signal"))]
struct Reload {
    forge: Forge,
    sources: Sources,
    in_force: Loaded,
}

/// What came of reading the settings again.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    applied: Vec<&'static str>,
    waiting: Vec<&'static str>,
}

#[cfg_attr(not(unix), expect(dead_code, reason = "there is no such signal"))]
impl Reload {
    const fn new(forge: Forge, sources: Sources, in_force: Loaded) -> Self {
        Self {
            forge,
            sources,
            in_force,
        }
    }

    async fn once(&mut self) {
        let sources = self.sources.clone();
        // Files: not on a thread that serves requests.
        let read = tokio::task::spawn_blocking(move || Config::load_from(&sources)).await;
        let newer = match read {
            Ok(Ok(newer)) => newer,
            Ok(Err(error)) => {
                tracing::error!(cause = %error, "new settings are not taken: nothing is changed");
                return;
            }
            Err(_) => {
                tracing::error!("new settings cannot be read: nothing is changed");
                return;
            }
        };
        match self.take(newer) {
            Ok(Read { applied, waiting }) if waiting.is_empty() => {
                tracing::info!(settings.applied = %applied.join(" "), "settings were read again");
            }
            Ok(Read { applied, waiting }) => tracing::warn!(
                settings.applied = %applied.join(" "),
                settings.need_restart = %waiting.join(" "),
                "settings were read again, and some of what has changed needs a restart"
            ),
            Err(error) => {
                tracing::error!(cause = %error, "new settings are not taken: nothing is changed");
            }
        }
    }

    /// Takes what can be taken. The rest is still another one the next time.
    fn take(&mut self, newer: Loaded) -> Result<Read, TelemetryError> {
        let changes = self.in_force.changes(&newer);
        let (applied, waiting) = changes.into_iter().partition(|key| LIVE.contains(key));
        self.forge.apply(&newer.config)?;
        let is_live = |key: &&str| LIVE.contains(key);
        self.in_force.settings.retain(|it| !is_live(&it.key));
        let taken = newer.settings.into_iter().filter(|it| is_live(&it.key));
        self.in_force.settings.extend(taken);
        Ok(Read { applied, waiting })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn sources(folder: &std::path::Path) -> Sources {
        let app = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
        let store = format!("sqlite://{}/store.db", folder.display());
        let variables = [
            ("FORGE_REMOTE__APP__IDS", app),
            ("FORGE_REMOTE__STORE__URL", &store),
            ("FORGE_REMOTE_ENV", "test"),
        ];
        Sources {
            folder: folder.to_owned(),
            variables: HashMap::from(variables.map(|(a, b)| (a.to_owned(), b.to_owned()))),
        }
    }

    #[tokio::test]
    async fn what_can_change_changes_and_the_rest_is_named_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let sources = sources(folder.path());
        let loaded = Config::load_from(&sources).unwrap();
        let forge = Forge::from_config(loaded.config.clone()).await.unwrap();
        let mut reload = Reload::new(forge.clone(), sources.clone(), loaded);
        let mut read = |text: &str| {
            std::fs::write(folder.path().join("default.toml"), text).unwrap();
            let newer = Config::load_from(&sources).unwrap();
            reload.take(newer).unwrap()
        };
        let allows = |origin: &str| forge.allows_origin(origin);
        assert!(!allows("https://a.example"));

        let text = "[server]\ncors_origins = [\"https://a.example\"]\nmax_in_flight = 7";
        let first = read(text);
        assert_eq!(first.applied, ["server.cors_origins"]);
        assert_eq!(first.waiting, ["server.max_in_flight"]);
        assert!(allows("https://a.example") && !allows("https://b.example"));

        let second = read(text);
        assert!(second.applied.is_empty());
        assert_eq!(second.waiting, ["server.max_in_flight"]);

        assert_eq!(read("").applied, ["server.cors_origins"]);
        assert!(!allows("https://a.example"));
        assert_eq!(read(""), Read::default());
    }
}
