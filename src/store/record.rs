//! What is kept of an installation, and how two accounts of it become one.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    ids::{AppId, CloudId, EnvironmentId, IcLabel, InstallationId, Product, WorkspaceId},
    token::AppToken,
};

/// `last_seen` is only as fine as this: else every invocation would be a write.
const SEEN_GRAIN: Duration = Duration::from_hours(1);

/// An opaque token gets a later assumed expiry each time it arrives. The same text is
/// worth a write only when it gains this much.
const SAME_TOKEN_GAIN: Duration = Duration::from_mins(5);

/// An installation of an app, as its invocations describe it.
///
/// ```
/// use forge_remote::store::Installation;
/// let installation = Installation::new(
///     "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647".parse()?,
///     "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".parse()?,
///     "https://api.bitbucket.org",
/// );
/// assert!(installation.contexts.is_empty());
/// # Ok::<(), forge_remote::ids::IdError>(())
/// ```
///
/// ```
/// use forge_remote::{ids::CloudId, store::{Installation, StoredContext}};
/// fn products<'a>(installation: &'a Installation, cloud: &CloudId) -> Vec<&'a str> {
///     let contexts: &[StoredContext] = &installation.contexts;
///     let here = if installation.is_in(cloud) { contexts } else { &[] };
///     here.iter().map(|context| context.product.as_str()).collect()
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Installation {
    /// Its id, which changes when the app is reinstalled.
    pub id: InstallationId,
    /// The app that is installed.
    pub app_id: AppId,
    /// The Isolated Cloud it lives in; none is the commercial cloud.
    pub ic_label: Option<IcLabel>,
    /// The products it is installed in, in the order of the FIT.
    pub contexts: Vec<StoredContext>,
    /// Base for calls of the primary product's API.
    pub api_base_url: Box<str>,
    /// The site's own address. Only invocations from the UI bring it; it is kept
    /// when others come without.
    pub site_url: Option<Box<str>>,
    /// The deployed version of the app.
    pub app_version: Option<Box<str>>,
    /// `DEVELOPMENT`, `STAGING` or `PRODUCTION`, as the FIT writes it.
    pub environment: Option<Box<str>>,
    /// The app's environment.
    pub environment_id: Option<EnvironmentId>,
    /// Whether the licence is active; none where the platform sends no licence
    /// (free apps, and all outside `PRODUCTION`).
    pub license_active: Option<bool>,
}

/// One product that an app is installed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContext {
    /// The product.
    pub product: Product,
    /// The site, for Jira and Confluence.
    pub cloud_id: Option<CloudId>,
    /// The workspace, for Bitbucket.
    pub workspace_id: Option<WorkspaceId>,
    /// Base for calls of this product's API.
    pub api_base_url: Box<str>,
}

/// Who brought an app token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[doc(hidden)]
pub enum TokenOrigin {
    /// The platform itself: with an event, a schedule, or a call of a function.
    Platform,
    /// A page of the app. Whoever sits before it holds a FIT, and can put any text beside it.
    Browser,
}

/// An installation with what the remote remembers beside it.
#[derive(Debug, Clone)]
#[doc(hidden)]
pub struct Remembered {
    /// The installation, as it was last described.
    pub installation: Installation,
    /// The longest-lived app token that came; one that the platform itself brought goes
    /// before all others. It may have lapsed since.
    pub app_token: Option<AppToken>,
    /// Who brought [`app_token`](Self::app_token); means nothing where there is none.
    pub token_origin: TokenOrigin,
    /// When it last invoked the remote, to within an hour.
    pub last_seen: Timestamp,
    /// When it first invoked the remote: soon after the app was installed.
    pub first_seen: Timestamp,
}

impl Installation {
    /// An installation of which no more than this is known.
    #[must_use]
    pub fn new(id: InstallationId, app_id: AppId, api_base_url: impl Into<Box<str>>) -> Self {
        Self {
            id,
            app_id,
            ic_label: None,
            contexts: Vec::new(),
            api_base_url: api_base_url.into(),
            site_url: None,
            app_version: None,
            environment: None,
            environment_id: None,
            license_active: None,
        }
    }

    /// Whether it lives in that site.
    #[must_use]
    pub fn is_in(&self, cloud: &CloudId) -> bool {
        self.contexts
            .iter()
            .any(|context| context.cloud_id.as_ref() == Some(cloud))
    }
}

impl Remembered {
    /// The app's token, if it can still be used.
    #[must_use]
    pub fn living_token(&self, now: Timestamp) -> Option<&AppToken> {
        self.app_token.as_ref().filter(|token| token.lives_at(now))
    }

    /// The app's token, if it can still be used and no browser can have made it up.
    #[must_use]
    pub fn platform_token(&self, now: Timestamp) -> Option<&AppToken> {
        self.living_token(now)
            .filter(|_| self.token_origin == TokenOrigin::Platform)
    }

    /// Whether it holds that token, and has it from a browser.
    pub(crate) fn has_from_browser(&self, token: &AppToken) -> bool {
        let held = self.app_token.as_ref();
        self.token_origin == TokenOrigin::Browser
            && held.is_some_and(|held| held.secret() == token.secret())
    }

    /// Whether it was last seen so near to `now` that this is no news.
    pub(crate) fn was_seen_lately(&self, now: Timestamp) -> bool {
        // Either way round: a clock that was set back must not freeze `last_seen`.
        now.since(self.last_seen).max(self.last_seen.since(now)) < SEEN_GRAIN
    }

    /// This record, which was just made, over an older one: what it leaves out stays as it
    /// was, and so does the token if the older one's is the better.
    pub(super) fn over(self, older: &Self) -> Self {
        let now = self.last_seen;
        self.over_at(older, now)
    }

    fn over_at(mut self, older: &Self, now: Timestamp) -> Self {
        let site_url = &mut self.installation.site_url;
        if site_url.is_none() {
            site_url.clone_from(&older.installation.site_url);
        }
        self.first_seen = self.first_seen.min(older.first_seen);
        if !self.has_better_token(older, now) {
            self.app_token.clone_from(&older.app_token);
            self.token_origin = older.token_origin;
        }
        self
    }

    /// A browser's token replaces none of the platform's that lives; one of the platform
    /// replaces a browser's, however long that claims to live.
    fn has_better_token(&self, older: &Self, now: Timestamp) -> bool {
        let (Some(ours), Some(theirs)) = (&self.app_token, &older.app_token) else {
            return older.app_token.is_none();
        };
        match (self.token_origin, older.token_origin) {
            (TokenOrigin::Platform, TokenOrigin::Browser) => true,
            (TokenOrigin::Browser, TokenOrigin::Platform) => !theirs.lives_at(now),
            _ => outlives(ours, theirs),
        }
    }

    /// Two accounts of one installation as one; at the same second the known one wins.
    pub(super) fn beside(self, known: &Self, now: Timestamp) -> Self {
        if self.last_seen > known.last_seen {
            self.over_at(known, now)
        } else {
            known.clone().over_at(&self, now)
        }
    }

    /// Whether this record, which lies [`over`](Self::over) `known`, is worth a write.
    pub(super) fn adds_to(&self, known: &Self) -> bool {
        !known.was_seen_lately(self.last_seen)
            || self.token_expiry() != known.token_expiry()
            || (self.app_token.is_some() && self.token_origin != known.token_origin)
            || self.installation != known.installation
    }

    /// The same without that token; nothing if it does not hold it.
    pub(super) fn without(&self, token: &AppToken) -> Option<Self> {
        let held = self.app_token.as_ref()?;
        (held.secret() == token.secret()).then(|| Self {
            app_token: None,
            ..self.clone()
        })
    }

    fn token_expiry(&self) -> Option<Timestamp> {
        self.app_token.as_ref().map(AppToken::expires_at)
    }
}

/// Whether `new` is worth keeping in place of `old`.
fn outlives(new: &AppToken, old: &AppToken) -> bool {
    let gain = new.expires_at().since(old.expires_at());
    gain >= SAME_TOKEN_GAIN || (!gain.is_zero() && new.secret() != old.secret())
}

#[cfg(test)]
mod tests;
