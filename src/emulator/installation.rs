//! The app's installation in the site: it can be removed and made anew while the emulator runs.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tokio::{sync::watch, time::Instant};
use uuid::Builder;

use super::world;
use crate::ids::{AppId, InstallationId, Product};

/// The version that an app has until it is upgraded.
const FIRST_VERSION: &str = "1.0.0";

/// The app, installed in the site.
#[derive(Debug, Clone)]
pub(super) struct Installation {
    pub(super) id: InstallationId,
    pub(super) products: Vec<Product>,
    /// `app.appVersion` of its FITs.
    pub(super) app_version: String,
    /// Until when product calls are refused, and how.
    reluctant: Option<(Instant, Refused)>,
}

/// Right after an install the bot account may still lack its permissions
/// (Forge lifecycle events: "eventual consistency").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    /// What product calls are answered meanwhile.
    pub refused: Refused,
    /// How long it takes, in the platform's time; minutes on large sites.
    pub lasts: Duration,
}

/// How a product turns away an app whose installation has not settled.
///
/// See [`Settling`], and [`Running::install_settling`](super::Running::install_settling).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
}

impl Refused {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
        }
    }
}

impl Installation {
    /// The first installation of that app: the same at each start, so that what a remote keeps stays valid.
    pub(super) fn of(app: &AppId, products: Vec<Product>) -> Self {
        let digest = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            format!("{app} in {}", world::cloud_id()).as_bytes(),
        );
        let mut bytes = [0; 16];
        for (byte, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *byte = *from;
        }
        Self {
            id: Builder::from_custom_bytes(bytes).into_uuid().into(),
            products,
            app_version: FIRST_VERSION.to_owned(),
            reluctant: None,
        }
    }

    pub(super) fn is_in(&self, product: &Product) -> bool {
        self.products.contains(product)
    }

    /// How product calls are refused while the installation settles.
    pub(super) fn refuses(&self) -> Option<Refused> {
        let (until, refused) = self.reluctant?;
        (Instant::now() < until).then_some(refused)
    }
}

/// What is installed now.
#[derive(Debug)]
pub(super) struct Installed(watch::Sender<State>);

#[derive(Debug, Clone)]
struct State {
    /// The last one where there is none now.
    installation: Arc<Installation>,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Installed, and the remote has not been told yet.
    Quiet,
    /// Installed, and the event was fired.
    Announced,
    Removed,
}

/// The app is installed already, and the remote knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AlreadyInstalled;

impl Installed {
    pub(super) fn new(installation: Installation) -> Self {
        let installation = Arc::new(installation);
        let standing = Standing::Quiet;
        Self(watch::Sender::new(State {
            installation,
            standing,
        }))
    }

    /// The installation, unless it was removed.
    pub(super) fn current(&self) -> Option<Arc<Installation>> {
        let state = self.0.borrow();
        (state.standing != Standing::Removed).then(|| Arc::clone(&state.installation))
    }

    /// Whether `id` is what is installed now.
    pub(super) fn is_current(&self, id: InstallationId) -> bool {
        let state = self.0.borrow();
        state.standing != Standing::Removed && state.installation.id == id
    }

    /// Whether it is installed and the remote was told: then there is nothing to install.
    pub(super) fn is_announced(&self) -> bool {
        self.0.borrow().standing == Standing::Announced
    }

    /// The installation, or the one that was removed last.
    pub(super) fn last(&self) -> Arc<Installation> {
        Arc::clone(&self.0.borrow().installation)
    }

    /// Announces the installation that the emulator started with, or makes a new one.
    ///
    /// `settling` is real time.
    pub(super) fn install(
        &self,
        settling: Option<Settling>,
    ) -> Result<Arc<Installation>, AlreadyInstalled> {
        let mut installed = Err(AlreadyInstalled);
        self.0.send_if_modified(|state| {
            if state.standing == Standing::Announced {
                return false;
            }
            let mut installation = Installation::clone(&state.installation);
            if state.standing == Standing::Removed {
                installation.id = world::random_uuid().into();
            }
            installation.reluctant =
                settling.map(|settling| (Instant::now() + settling.lasts, settling.refused));
            state.installation = Arc::new(installation);
            state.standing = Standing::Announced;
            installed = Ok(Arc::clone(&state.installation));
            true
        });
        installed
    }

    /// Gives the installation another version of the app; none if there is no installation.
    pub(super) fn upgrade(&self, version: &str) -> Option<Arc<Installation>> {
        let mut upgraded = None;
        self.0.send_if_modified(|state| {
            if state.standing == Standing::Removed {
                return false;
            }
            let mut installation = Installation::clone(&state.installation);
            version.clone_into(&mut installation.app_version);
            state.installation = Arc::new(installation);
            upgraded = Some(Arc::clone(&state.installation));
            true
        });
        upgraded
    }

    /// Removes the installation if it is still that one.
    pub(super) fn remove(&self, id: InstallationId) {
        self.0.send_if_modified(|state| {
            let removes = state.standing != Standing::Removed && state.installation.id == id;
            if removes {
                state.standing = Standing::Removed;
            }
            removes
        });
    }

    /// For whoever waits for another installation.
    pub(super) fn changes(&self) -> Changes {
        Changes(self.0.subscribe())
    }
}

/// Tells when the installation changes.
#[derive(Debug)]
pub(super) struct Changes(watch::Receiver<State>);

impl Changes {
    /// The installation as it is now; a later change ends [`next`](Self::next).
    pub(super) fn current(&mut self) -> Option<Arc<Installation>> {
        let state = self.0.borrow_and_update();
        (state.standing != Standing::Removed).then(|| Arc::clone(&state.installation))
    }

    /// Waits until something else than that installation is there, or nothing.
    pub(super) async fn until_other_than(&mut self, id: InstallationId) {
        // The sender lives as long as the stage, which whoever waits here holds.
        let _ = self
            .0
            .wait_for(|state| state.standing == Standing::Removed || state.installation.id != id)
            .await;
    }

    /// Waits for the next change.
    pub(super) async fn next(&mut self) {
        let _ = self.0.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed() -> Installed {
        let app: AppId = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".parse().unwrap();
        Installed::new(Installation::of(&app, vec![Product::Confluence]))
    }

    #[test]
    fn an_installation_is_the_apps_own_and_stays_the_same() {
        let of = |text: &str| Installation::of(&text.parse().unwrap(), vec![]).id;
        let first = of("6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21");
        assert_eq!(first, of("6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21"));
        assert_ne!(first, of("7b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21"));
    }

    #[test]
    fn a_reinstall_has_another_id_and_an_upgrade_keeps_it() {
        let installed = installed();
        let first = installed.install(None).unwrap();
        assert!(installed.install(None).is_err());
        let upgraded = installed.upgrade("2.0.0").unwrap();
        assert_eq!(upgraded.id, first.id);
        assert_eq!(upgraded.app_version, "2.0.0");
        installed.remove(first.id);
        assert!(installed.current().is_none());
        assert!(installed.upgrade("3.0.0").is_none());
        assert_eq!(installed.last().id, first.id);
        let second = installed.install(None).unwrap();
        assert_ne!(second.id, first.id);
        installed.remove(first.id);
        assert!(installed.is_current(second.id));
    }

    #[tokio::test(start_paused = true)]
    async fn an_installation_settles() {
        let installed = installed();
        let settling = Settling {
            refused: Refused::Forbidden,
            lasts: Duration::from_secs(90),
        };
        let installation = installed.install(Some(settling)).unwrap();
        assert_eq!(installation.refuses(), Some(Refused::Forbidden));
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(installation.refuses(), None);
    }
}
