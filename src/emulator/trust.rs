//! What a remote has to be told, so that it takes the emulator for the platform.

use url::Url;

use super::stage::Stage;
use crate::ids::AppId;

/// What a remote has to be told, in any language, so that it takes the emulator for the platform.
///
/// Two of these are settings of any remote: where the keys are, and which hosts may get a token.
///
/// ```
/// use std::process::Command;
/// use forge_remote::emulator::Trust;
///
/// fn own_remote(trust: &Trust) -> Command {
///     let mut remote = Command::new("my-remote");
///     remote.env("JWKS_URL", &trust.jwks_url).env("API_HOST", trust.api_host());
///     remote.envs(trust.variables()); // for one on this library
///     remote
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The app of the manifest: `aud` and `app.id` of every FIT.
    pub app_id: AppId,
    /// The key set that FITs are verified with.
    pub jwks_url: String,
    /// What `app.apiBaseUrl` begins with: the one origin that may get a token.
    pub api_origin: String,
    /// The GraphQL gateway, where tokens are exchanged for impersonation.
    pub graphql_url: String,
    /// Forge storage.
    pub storage_url: String,
}

impl Trust {
    pub(super) fn in_the(stage: &Stage) -> Self {
        let origin = &stage.origin;
        Self {
            app_id: stage.manifest.app_id,
            jwks_url: format!("{origin}/.well-known/jwks.json"),
            api_origin: origin.clone(),
            graphql_url: format!("{origin}/graphql"),
            storage_url: format!("{origin}{}", super::storage::BASE),
        }
    }

    /// The host of [`api_origin`](Self::api_origin), as URLs write it.
    #[must_use]
    pub fn api_host(&self) -> String {
        let origin = Url::parse(&self.api_origin);
        let host = origin.ok().and_then(|it| it.host_str().map(str::to_owned));
        host.unwrap_or_default()
    }

    /// The same for a remote on this library: variables of its environment.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("FORGE_REMOTE__APP__IDS", self.app_id.to_string()),
            ("FORGE_REMOTE__FIT__JWKS_URL", self.jwks_url.clone()),
            ("FORGE_REMOTE__ATLASSIAN__API_HOSTS", self.api_host()),
            (
                "FORGE_REMOTE__ATLASSIAN__GRAPHQL_URL",
                self.graphql_url.clone(),
            ),
            (
                "FORGE_REMOTE__ATLASSIAN__STORAGE_URL",
                self.storage_url.clone(),
            ),
        ]
    }
}
