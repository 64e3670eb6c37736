//! What a remote has to be told, so that it takes the checker for the platform.

use url::Url;

use crate::{conformance::platform::Platform, ids::AppId};

/// What a remote has to be told, in any language.
///
/// Two of these are settings of any remote: where the keys are, and which hosts may get a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The app: `aud` and `app.id` of every FIT.
    pub app_id: AppId,
    /// The key set that FITs are verified with. None if the remote trusts a key already.
    pub jwks_url: Option<String>,
    /// What `app.apiBaseUrl` begins with: the one origin that may get a token.
    pub api_origin: String,
    /// The GraphQL gateway, where tokens are exchanged for impersonation.
    pub graphql_url: String,
    /// Forge storage.
    pub storage_url: String,
}

impl Trust {
    pub(super) fn in_the(platform: &Platform) -> Self {
        let origin = platform.origin();
        let keys = platform.keys().is_ours();
        Self {
            app_id: platform.app(),
            jwks_url: keys.then(|| format!("{origin}/.well-known/jwks.json")),
            graphql_url: format!("{origin}/graphql"),
            storage_url: format!("{origin}/forge/storage/kvs"),
            api_origin: origin,
        }
    }

    /// The same for a remote on this library: variables of its environment.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let origin = Url::parse(&self.api_origin).ok();
        let host = origin
            .and_then(|it| it.host_str().map(str::to_owned))
            .unwrap_or_default();
        let mut variables = vec![("FORGE_REMOTE__APP__IDS", self.app_id.to_string())];
        variables.extend(
            self.jwks_url
                .clone()
                .map(|url| ("FORGE_REMOTE__FIT__JWKS_URL", url)),
        );
        variables.push(("FORGE_REMOTE__ATLASSIAN__API_HOSTS", host));
        variables.push((
            "FORGE_REMOTE__ATLASSIAN__GRAPHQL_URL",
            self.graphql_url.clone(),
        ));
        variables.push((
            "FORGE_REMOTE__ATLASSIAN__STORAGE_URL",
            self.storage_url.clone(),
        ));
        variables
    }
}
