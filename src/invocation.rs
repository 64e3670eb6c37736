//! What a handler gets of a request from Forge: [`Invocation`].
//!
//! Taking it as an argument is all that a handler does to be called by verified
//! invocations only. It reads no header and builds none: whatever it wants from
//! Atlassian it asks of an actor.
//!
//! ```
//! use axum::Json;
//! use forge_remote::{Error, ErrorCode, Invocation};
//! use serde_json::{Value, json};
//!
//! async fn who(invocation: Invocation) -> Result<Json<Value>, Error> {
//!     let Some(account) = invocation.account() else {
//!         return Err(Error::new(ErrorCode::Forbidden, "Sign in to use this."));
//!     };
//!     Ok(Json(json!({
//!         "installation": invocation.installation(),
//!         "account": account,
//!         "product": invocation.product(),
//!         "module": invocation.claims().app.module.key,
//!         "key": invocation.fit().key_id(),
//!         "trace": invocation.trace().as_str(),
//!         "secondsLeft": invocation.deadline().remaining().as_secs(),
//!         "limit": invocation.forge().config().server.max_body_bytes,
//!     })))
//! }
//! ```

mod extract;
mod header;
mod kind;
mod platform;
mod recognised;
mod remember;

use std::{fmt, sync::Arc};

pub(crate) use self::header::hide_tokens;
pub use self::platform::FromPlatform;
pub(crate) use self::{kind::Kind, recognised::Recognised};
use crate::{
    actor::{AccountActor, ActorError, AppActor, Reach, Stage, UserActor},
    deadline::Deadline,
    error::Error,
    fit::{Claims, Fit},
    forge::Forge,
    ids::{AccountId, InstallationId, Product},
    token::{AppToken, UserToken},
    trace::TraceId,
};

/// A verified invocation: who called, where from, and on whose behalf the handler may speak.
///
/// An extractor: it can only come from a request whose FIT was verified. It is cheap to
/// clone, and further extractors of the same request share the verification.
///
/// ```
/// use axum::Json;
/// use forge_remote::{Error, Invocation};
/// use serde_json::Value;
///
/// async fn content(invocation: Invocation) -> Result<Json<Value>, Error> {
///     let confluence = invocation.as_user()?.confluence()?;
///     Ok(Json(confluence.get("/wiki/rest/api/content").query(&[("limit", "25")]).json().await?))
/// }
/// ```
#[derive(Clone)]
pub struct Invocation(Arc<Inner>);

struct Inner {
    fit: Fit,
    app_token: Option<AppToken>,
    user_token: Option<UserToken>,
    trace: TraceId,
    deadline: Deadline,
    forge: Forge,
}

impl Invocation {
    /// The verified claims of the FIT.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.0.fit
    }

    /// The verified FIT.
    #[must_use]
    pub fn fit(&self) -> &Fit {
        &self.0.fit
    }

    /// The installation that called: the key for everything you keep.
    #[must_use]
    pub fn installation(&self) -> &InstallationId {
        &self.0.fit.app.installation_id
    }

    /// The user in session. Nobody where a function or the platform itself called, and
    /// for anonymous users.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.0.fit.principal.as_ref()
    }

    /// The product that the invocation came from: the one that `app.apiBaseUrl` belongs to.
    #[must_use]
    pub fn product(&self) -> Option<&Product> {
        self.0.fit.primary().map(|context| &context.name)
    }

    /// The trace that Forge's request belongs to. Atlassian's support asks for it.
    #[must_use]
    pub fn trace(&self) -> &TraceId {
        &self.0.trace
    }

    /// Until when an answer reaches anybody. Calls to products keep to it by themselves.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.0.deadline
    }

    /// The remote that was called.
    #[must_use]
    pub fn forge(&self) -> &Forge {
        &self.0.forge
    }

    /// Speaks as the app: its bot account in this installation, which may see less than a user.
    ///
    /// # Errors
    /// `missing_app_token` if none came along; the message names the manifest line to add.
    pub fn as_app(&self) -> Result<AppActor, Error> {
        let token = self.app_token()?.clone();
        Ok(self.stage().app(token))
    }

    /// Speaks as the user in session, with that user's permissions.
    ///
    /// # Errors
    /// `missing_user_token` if none came along; the message names the manifest line to add.
    pub fn as_user(&self) -> Result<UserActor, Error> {
        let living = self
            .0
            .user_token
            .as_ref()
            .filter(|token| self.0.forge.lives(*token));
        let token = living.ok_or(ActorError::MissingUserToken)?.clone();
        Ok(self.stage().user(token))
    }

    /// Speaks as `account`, whose permissions then decide: the app token is exchanged for
    /// that account's, or a cached one is taken. The exchange is for the product that the
    /// invocation came from; [`as_account_in`](Self::as_account_in) names another.
    ///
    /// Whoever may ask for this is yours to decide, before you call it: the platform does not
    /// ask the user in session, and a token that is cached is handed out without asking anybody.
    ///
    /// ```
    /// # use forge_remote::{Error, Invocation, ids::AccountId};
    /// async fn as_them(invocation: &Invocation, account: &AccountId) -> Result<(), Error> {
    ///     let confluence = invocation.as_account(account).await?.confluence()?;
    ///     confluence.get("/wiki/rest/api/user/current").send().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// `impersonation_denied` if the platform refuses, `rate_limited` if the quota has
    /// no room in time, `missing_app_token` if there is no token to exchange.
    pub async fn as_account(&self, account: &AccountId) -> Result<AccountActor, Error> {
        let token = self.app_token()?.clone();
        self.stage().account(token, account, None).await
    }

    /// Speaks as `account` in `product`, for an app that is installed in several.
    ///
    /// ```
    /// # use forge_remote::{AccountActor, Error, Invocation, ids::{AccountId, Product}};
    /// async fn in_jira(invocation: &Invocation, account: &AccountId) -> Result<AccountActor, Error> {
    ///     invocation.as_account_in(account, &Product::Jira).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`as_account`](Self::as_account), and `not_found` if the app is not installed
    /// in that product.
    pub async fn as_account_in(
        &self,
        account: &AccountId,
        product: &Product,
    ) -> Result<AccountActor, Error> {
        let token = self.app_token()?.clone();
        self.stage().account(token, account, Some(product)).await
    }

    /// The app token that came along, if it lives: a job that the request becomes takes it on.
    pub(crate) fn living_app_token(&self) -> Option<&AppToken> {
        self.app_token().ok()
    }

    fn app_token(&self) -> Result<&AppToken, ActorError> {
        let living = self
            .0
            .app_token
            .as_ref()
            .filter(|token| self.0.forge.lives(*token));
        living.ok_or(ActorError::MissingAppToken)
    }

    fn stage(&self) -> Stage {
        let reach = Reach::of_fit(self.0.fit.clone());
        let (deadline, trace) = (self.0.deadline, self.0.trace.clone());
        self.0.forge.actors().stage(reach, deadline, trace)
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("installation", self.installation())
            .field("trace", &self.0.trace)
            .finish_non_exhaustive()
    }
}
