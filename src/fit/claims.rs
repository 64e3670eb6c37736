//! What a verified FIT says (Forge Remote essentials: "The Forge Invocation Token").
//!
//! Fields are added to the token without notice: what is not known is ignored,
//! and a value that is not known is kept as text.

mod json;
mod license;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    clock::Timestamp,
    ids::{
        AccountId, AppId, CloudId, EnvironmentId, IcLabel, InstallationId, ModuleKey, Product,
        WorkspaceId,
    },
};

pub use license::{License, LicenseKind};

/// The claims of a FIT: app, installation, user, and where the call comes from.
///
/// They serialise as they stand in the token. `Debug` leaves the user and the
/// module's free-form data out, so that they do not get into a log.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Claims {
    /// The app and its installation.
    pub app: App,
    /// Where in the product the call comes from. Calls from a function, events and
    /// schedules have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// The user who invoked. None for events, schedules and functions, and where
    /// nobody is signed in, which the platform may also write as `unidentified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<AccountId>,
    /// The Isolated Cloud that the call comes from; none in the commercial cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ic_label: Option<IcLabel>,
    /// `iat`.
    #[serde(
        rename = "iat",
        serialize_with = "json::unix_seconds_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    pub issued_at: Option<Timestamp>,
    /// `nbf`.
    #[serde(
        rename = "nbf",
        serialize_with = "json::unix_seconds_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    pub not_before: Option<Timestamp>,
    /// `exp`. A fraction of a second is dropped.
    #[serde(rename = "exp", serialize_with = "json::unix_seconds")]
    pub expires_at: Timestamp,
    /// `jti`. Not for single use: the browser sends one FIT with many requests.
    #[serde(rename = "jti", skip_serializing_if = "Option::is_none")]
    pub token_id: Option<Box<str>>,
}

/// The app, in one installation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct App {
    /// The app; it is the token's audience.
    pub id: AppId,
    /// The installation: the key for everything that is stored.
    pub installation_id: InstallationId,
    /// The base of calls to the primary product.
    pub api_base_url: ApiBaseUrl,
    /// The deployed version, such as `2.0.0`.
    pub app_version: Option<Box<str>>,
    /// The internal version number. Deprecated by the platform, and may vanish.
    pub version: Option<Box<str>>,
    /// The environment that the app is deployed to.
    pub environment: Option<Environment>,
    /// The module that was invoked.
    pub module: Module,
    /// The licence. Only paid apps in production have one.
    pub license: Option<License>,
    /// One for each product that the app is installed in.
    pub contexts: Vec<InstallationContext>,
}

/// A product that the app is installed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InstallationContext {
    /// The product.
    pub name: Product,
    /// The base of calls to it.
    pub api_base_url: ApiBaseUrl,
    /// The site: Jira and Confluence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<CloudId>,
    /// The workspace: Bitbucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<WorkspaceId>,
}

/// An environment of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Environment {
    /// Development, staging or production.
    #[serde(rename = "type")]
    pub kind: EnvironmentKind,
    /// Its id.
    pub id: EnvironmentId,
}

/// What an environment is for. The platform's customers use [`Production`](Self::Production).
///
/// ```
/// # use forge_remote::fit::EnvironmentKind;
/// assert_eq!(EnvironmentKind::Staging.as_str(), "STAGING");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvironmentKind {
    /// `DEVELOPMENT`
    Development,
    /// `STAGING`
    Staging,
    /// `PRODUCTION`
    Production,
    /// One this crate does not know yet.
    Other(Box<str>),
}

/// The module that was invoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Module {
    /// The module's internal type, such as `xen:macro`; `core:endpoint` where no UI
    /// module made the call. A UI module's type in the manifest is
    /// `type` of [`Context::extension`].
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// Its key in the manifest.
    pub key: ModuleKey,
}

/// Where in the product a call comes from.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Context {
    /// The site: Jira and Confluence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<CloudId>,
    /// The workspace: Bitbucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<WorkspaceId>,
    /// The site's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_url: Option<Box<str>>,
    /// This instance of the module, such as one macro on a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<Box<str>>,
    /// The UI module's key in the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_key: Option<ModuleKey>,
    /// What the module adds, as JSON text: its form depends on the module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<Box<RawValue>>,
}

/// The base of calls to a product, as the FIT has it.
///
/// A text and not a URL: the outgoing side parses it, and checks its host, when it
/// makes a call.
///
/// ```
/// use forge_remote::fit::{ApiBaseUrl, InstallationContext};
/// fn bases(contexts: &[InstallationContext]) -> Vec<&ApiBaseUrl> {
///     contexts.iter().map(|context| &context.api_base_url).collect()
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ApiBaseUrl(Box<str>);

impl Claims {
    /// The product that [`App::api_base_url`] belongs to.
    ///
    /// It is the context with that base. If none has it, it is the one that the base
    /// names, as in `…/ex/confluence/<cloudId>`.
    #[must_use]
    pub fn primary(&self) -> Option<&InstallationContext> {
        let base = self.app.api_base_url.without_slash();
        let contexts = &self.app.contexts;
        contexts
            .iter()
            .find(|context| context.api_base_url.without_slash() == base)
            .or_else(|| contexts.iter().find(|context| context.is_named_by(base)))
    }

    /// Whether a browser may have sent it: it names a user or a place in the product. Whoever
    /// sits there holds the FIT, and can put any text beside it as a token.
    #[must_use]
    pub const fn may_come_from_browser(&self) -> bool {
        self.principal.is_some() || self.context.is_some()
    }

    /// The app's installation in `product`.
    #[must_use]
    pub fn context_of(&self, product: &Product) -> Option<&InstallationContext> {
        self.app
            .contexts
            .iter()
            .find(|context| context.name == *product)
    }
}

impl InstallationContext {
    fn is_named_by(&self, base: &str) -> bool {
        self.cloud_id
            .as_ref()
            .and_then(|cloud| base.strip_suffix(cloud.as_str()))
            .and_then(|rest| rest.strip_suffix('/'))
            .and_then(|rest| rest.strip_suffix(self.name.as_str()))
            .is_some_and(|rest| rest.ends_with("/ex/"))
    }
}

impl ApiBaseUrl {
    /// Far longer than `https://api.atlassian.com/ex/confluence/<cloudId>`.
    const MOST_BYTES: usize = 512;

    /// The base as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn new(text: &str) -> Option<Self> {
        let fits = (1..=Self::MOST_BYTES).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(text.into()))
    }

    fn without_slash(&self) -> &str {
        self.0.strip_suffix('/').unwrap_or(&self.0)
    }
}

impl fmt::Display for ApiBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApiBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl EnvironmentKind {
    /// The name as it stands in a FIT.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Development => "DEVELOPMENT",
            Self::Staging => "STAGING",
            Self::Production => "PRODUCTION",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for EnvironmentKind {
    fn from(name: &str) -> Self {
        [Self::Development, Self::Staging, Self::Production]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(name))
            .unwrap_or_else(|| Self::Other(name.into()))
    }
}

impl Module {
    /// Whether no UI module made the call: a function, an event or a schedule did.
    #[must_use]
    pub fn is_endpoint(&self) -> bool {
        &*self.kind == "core:endpoint"
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("app", &self.app)
            .field("context", &self.context)
            .field("ic_label", &self.ic_label)
            .field("issued_at", &self.issued_at)
            .field("not_before", &self.not_before)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("cloud_id", &self.cloud_id)
            .field("workspace_id", &self.workspace_id)
            .field("module_key", &self.module_key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
