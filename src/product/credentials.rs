//! On whose behalf a product is called.

use std::fmt;

use futures_util::future::BoxFuture;
use http::HeaderValue;

use crate::{deadline::Deadline, error::Error, ids::InstallationId};

/// The kind of principal that speaks, for logs and metrics. Never who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The app, as its bot account.
    App,
    /// The user in session.
    User,
    /// An account that the app impersonates.
    Account,
}

impl Identity {
    pub(super) const COUNT: usize = Self::Account as usize + 1;

    /// The name in a log field and in a metric's label.
    ///
    /// ```
    /// # use forge_remote::product::Identity;
    /// assert_eq!(Identity::App.as_str(), "app");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::User => "user",
            Self::Account => "account",
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who speaks: gives the token for each try and learns when a product refuses it.
///
/// A client never keeps a token. It asks before each try, so that a token which was
/// renewed in between is used at once.
///
/// ```
/// use forge_remote::{Error, deadline::Deadline, product::{Credentials, Identity}, token::AppToken};
/// use futures_util::future::BoxFuture;
/// use http::HeaderValue;
///
/// /// The app's token as it came with the invocation: it cannot be renewed.
/// #[derive(Debug)]
/// struct AsApp(AppToken);
///
/// impl Credentials for AsApp {
///     fn identity(&self) -> Identity {
///         Identity::App
///     }
///     fn authorization(&self, _: Deadline) -> BoxFuture<'_, Result<HeaderValue, Error>> {
///         Box::pin(async { Ok(self.0.authorization()) })
///     }
///     fn refused<'a>(&'a self, _: &'a HeaderValue) -> BoxFuture<'a, bool> {
///         Box::pin(async { false })
///     }
/// }
/// ```
pub trait Credentials: fmt::Debug + Send + Sync + 'static {
    /// The kind of principal.
    fn identity(&self) -> Identity;

    /// The `Authorization` value for the next try. The client waits for it until
    /// `deadline` and no longer.
    fn authorization(&self, deadline: Deadline) -> BoxFuture<'_, Result<HeaderValue, Error>>;

    /// A product answered 401 to `refused`. True if `authorization` may now give another
    /// token and one more try is worth it.
    fn refused<'a>(&'a self, refused: &'a HeaderValue) -> BoxFuture<'a, bool>;

    /// The installation whose rate limit the calls count against, if it is known.
    ///
    /// A 429 pauses the calls of this installation to this base URL. Without it, all calls
    /// to the base URL pause: right for a site, whose base URL is its own, and too wide for
    /// Bitbucket and GraphQL, where all installations share one.
    ///
    /// ```
    /// # use forge_remote::{ids::InstallationId, product::Credentials};
    /// fn pauses_alone(own: &dyn Credentials, id: InstallationId) -> bool {
    ///     own.installation() == Some(id)
    /// }
    /// ```
    fn installation(&self) -> Option<InstallationId> {
        None
    }
}
