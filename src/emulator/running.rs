//! The platform while it runs: where everything is, and what a test can do with it.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    journal::{Call, Invocation},
    platform::{self, Invoke, InvokeError},
    reach,
    session::{SessionChange, SessionError},
    stage::Stage,
    storage::StoredItem,
    trust::Trust,
    world,
};
use crate::ids::{AppId, CloudId, InstallationId};

/// How long [`Running::stop`] waits for requests that are under way.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// Somebody who can sign in to the emulated site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Account id.
    pub account_id: String,
    /// Display name.
    pub name: String,
    /// Whether they administer the site.
    pub administrator: bool,
}

/// The platform while it runs. Dropping it stops it at once; [`stop`](Self::stop) waits.
///
/// ```
/// use forge_remote::emulator::{Emulator, Environment, Fault, License, Running, SessionChange, Settings, Theme, Times, Trust, User};
/// # let folder = tempfile::tempdir()?;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let mut settings = Settings::new("manifest.yml", "http://127.0.0.1:8080".parse()?);
/// settings.listen = "127.0.0.1:0".parse()?;
/// # settings.state_dir = folder.path().to_owned();
/// let emulator: Running = Emulator::start(settings).await?;
///
/// let Trust { jwks_url, app_id, .. } = emulator.trust();
/// assert_eq!((jwks_url, app_id), (emulator.jwks_url(), emulator.app_id()));
/// for (variable, value) in emulator.trust().variables() {
///     println!("{variable}={value}"); // what `serve` is started with, in another terminal
/// }
///
/// let somebody: User = emulator.users().pop().ok_or("nobody")?;
/// emulator.change_session(&SessionChange {
///     user: Some(somebody.account_id),
///     license: Some(License::Lapsed),
///     environment: Some(Environment::Production),
///     theme: Some(Theme::Dark),
///     ..SessionChange::default()
/// })?;
/// assert!(emulator.module_keys().contains(&"digest-page"));
/// println!("{} shows it", emulator.host_url("digest-page"));
///
/// emulator.switch_on(Fault::FitExpired, Times::Next(1))?;
/// assert_eq!(emulator.faults(), [(Fault::FitExpired, Times::Next(1))]);
/// emulator.switch_off(Fault::FitExpired);
/// emulator.rotate_signing_key()?;
/// emulator.retire_old_key()?;
///
/// assert!(emulator.journal().is_empty() && emulator.other_calls().is_empty());
/// emulator.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What a test of a remote in any language asks of it:
///
/// ```
/// use forge_remote::emulator::{Call, Invoke, Running, StoredIn, StoredItem};
///
/// async fn keeps_a_subscription(emulator: &Running) -> Result<(), Box<dyn std::error::Error>> {
///     emulator.set_remote("http://127.0.0.1:8081".parse()?);
///     assert!(emulator.remote_listens().await, "{:?}", emulator.remarks_on_remote());
///     emulator.forget_stored();
///
///     let user = &emulator.users()[0].account_id;
///     let asked = emulator.invoke(Invoke::get(user, "digest-page", "/api/me")).await?;
///     emulator.invoke_again(&asked).await?;
///     let failed = |call: &&Call| !call.status.is_success();
///     assert_eq!(asked.calls.iter().find(failed).map(|call| &call.note), None);
///
///     let plain = |item: &StoredItem| item.space == StoredIn::Keys;
///     assert_eq!(emulator.stored().iter().filter(|item| plain(item)).count(), 1);
///     assert_eq!(emulator.exchanges(), 0, "nobody was impersonated, nor {}", emulator.deactivated_account());
///     Ok(())
/// }
///
/// /// The settings that a remote on this library needs, one by one.
/// fn settings(emulator: &Running) -> [String; 7] {
///     [
///         emulator.api_host(),
///         emulator.graphql_url(),
///         emulator.storage_url(),
///         emulator.console_origin(),
///         emulator.pages_origin(),
///         emulator.installation_id().to_string(),
///         emulator.cloud_id().to_string(),
///     ]
/// }
/// ```
#[derive(Debug)]
pub struct Running {
    pub(super) stage: Arc<Stage>,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

impl Running {
    /// Sends invocations to `remote` from now on: for one that learns its address after
    /// the emulator's.
    pub fn set_remote(&self, remote: Url) {
        self.stage.remote.store(Arc::new(remote));
    }

    /// Whether anybody listens at the remote's address now.
    pub async fn remote_listens(&self) -> bool {
        reach::listens(&self.stage.remote.load_full()).await
    }

    /// What is to be known of the remote's address; mostly nothing.
    #[must_use]
    pub fn remarks_on_remote(&self) -> Vec<String> {
        reach::remarks(&self.stage.remote.load(), &self.stage.origin)
    }

    /// What a remote has to be told, so that it takes the emulator for the platform.
    #[must_use]
    pub fn trust(&self) -> Trust {
        Trust::in_the(&self.stage)
    }

    /// The page for people.
    #[must_use]
    pub fn console_url(&self) -> String {
        format!("{}/", self.stage.origin)
    }

    /// The page of the product that shows the UI module of that key.
    #[must_use]
    pub fn host_url(&self, module_key: &str) -> String {
        format!("{}/host/{module_key}", self.stage.origin)
    }

    /// The origin of host pages, from which `requestRemote` comes: an entry of `server.cors_origins`.
    #[must_use]
    pub fn console_origin(&self) -> String {
        self.stage.origin.clone()
    }

    /// The origin of the apps' own pages, which a host page frames.
    #[must_use]
    pub fn pages_origin(&self) -> String {
        self.stage.pages_origin.clone()
    }

    /// Signs somebody else in, or changes the circumstances that are in every FIT from now on.
    ///
    /// # Errors
    /// [`SessionError`] for a user, page or issue that the site has not; then nothing changes.
    pub fn change_session(&self, change: &SessionChange) -> Result<(), SessionError> {
        self.stage.session.change(change)
    }

    /// The key set that FITs are verified with: `fit.jwks_url`.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        self.trust().jwks_url
    }

    /// The GraphQL gateway: `atlassian.graphql_url`.
    #[must_use]
    pub fn graphql_url(&self) -> String {
        self.trust().graphql_url
    }

    /// The host that stands in for the platform's: `atlassian.api_hosts`.
    #[must_use]
    pub fn api_host(&self) -> String {
        self.trust().api_host()
    }

    /// The app of the manifest: `app.ids`.
    #[must_use]
    pub fn app_id(&self) -> AppId {
        self.stage.manifest.app_id
    }

    /// The app's installation in the emulated site; the last one where it was uninstalled.
    #[must_use]
    pub fn installation_id(&self) -> InstallationId {
        self.stage.installed.last().id
    }

    /// The emulated site.
    ///
    /// # Panics
    /// Never: the site's id is written in this crate, and a test parses it.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "a constant of this crate that a test parses"
    )]
    pub fn cloud_id(&self) -> CloudId {
        world::cloud_id().parse().expect("the site's id is one")
    }

    /// Those who can sign in, the administrator first.
    #[must_use]
    pub fn users(&self) -> Vec<User> {
        world::active_users()
            .map(|user| User {
                account_id: user.account_id.to_owned(),
                name: user.name.to_owned(),
                administrator: user.administrator,
            })
            .collect()
    }

    /// An account that is still known and can no longer be impersonated.
    #[must_use]
    pub fn deactivated_account(&self) -> &'static str {
        world::TOMAS
    }

    /// Keys of the UI modules.
    #[must_use]
    pub fn module_keys(&self) -> Vec<&str> {
        let modules = self.stage.manifest.modules.iter();
        modules.map(|module| module.key.as_str()).collect()
    }

    /// Invokes the remote as a UI would, and waits until the platform has settled it.
    ///
    /// # Errors
    /// [`InvokeError`] for what the platform would never send.
    pub async fn invoke(&self, invoke: Invoke) -> Result<Invocation, InvokeError> {
        platform::invoke(&self.stage, invoke).await
    }

    /// Sends the request of an invocation once more, with a new FIT and tokens of now, and
    /// waits until the platform has settled it.
    ///
    /// # Errors
    /// [`InvokeError`] if it was not kept whole, or its installation is gone.
    pub async fn invoke_again(&self, invocation: &Invocation) -> Result<Invocation, InvokeError> {
        platform::again(&self.stage, invocation).await
    }

    /// Impersonation exchanges that reached the gateway with a good app token and within the rate.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.stage.exchanges.admitted()
    }

    /// The last hundred invocations, the newest first.
    #[must_use]
    pub fn journal(&self) -> Vec<Invocation> {
        self.stage.journal.newest_first()
    }

    /// Calls of the emulated APIs that belong to no invocation, the newest first.
    #[must_use]
    pub fn other_calls(&self) -> Vec<Call> {
        self.stage.journal.strays()
    }

    /// What the app has in Forge storage, in the order of namespaces and keys; without the
    /// values of secrets.
    #[must_use]
    pub fn stored(&self) -> Vec<StoredItem> {
        self.stage.storage.snapshot(self.stage.installed.last().id)
    }

    /// Deletes what the app has in Forge storage, as an uninstall does.
    pub fn forget_stored(&self) {
        self.stage.storage.forget(self.stage.installed.last().id);
    }

    /// The address of Forge storage: `atlassian.storage_url`.
    #[must_use]
    pub fn storage_url(&self) -> String {
        self.trust().storage_url
    }

    /// Stops listening and waits for requests under way, 2 s at most.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(STOP_LIMIT, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
