//! Who speaks: the app, the user in session, or an account that the app impersonates.
//!
//! An actor cannot exist without its token. It opens the products of the installation,
//! each under the base URL that the FIT gives, and keeps to the caller's deadline.
//!
//! ```
//! use axum::Json;
//! use forge_remote::{AccountActor, AppActor, Error, Invocation, ids::{AccountId, Product}};
//! use serde_json::{Value, json};
//!
//! /// What the app may see, what the user may, and what somebody else may.
//! async fn three(invocation: Invocation, other: AccountId) -> Result<Json<Value>, Error> {
//!     let path = "/wiki/rest/api/user/current";
//!     let app: AppActor = invocation.as_app()?;
//!     let them: AccountActor = invocation.as_account_in(&other, &Product::Confluence).await?;
//!     Ok(Json(json!([
//!         app.confluence()?.get(path).json::<Value>().await?,
//!         invocation.as_user()?.confluence()?.get(path).json::<Value>().await?,
//!         them.confluence()?.get(path).json::<Value>().await?,
//!     ])))
//! }
//! ```

mod account;
mod app;
mod error;
mod reach;
mod user;

use std::{fmt, marker::PhantomData, sync::Arc};

pub use self::error::ActorError;
#[doc(hidden)] // what the rooms of the library hand each other
pub use self::reach::Reach;
use self::{account::AccountCredentials, app::AppCredentials, user::UserCredentials};
use crate::{
    clock::Clock,
    deadline::Deadline,
    error::Error,
    ids::{AccountId, InstallationId, Product},
    impersonation::Impersonation,
    outbound::{ApiUrl, isolated::StorageUrls},
    product::{Bitbucket, Confluence, Credentials, GraphQl, Jira, Outbound, ProductError},
    storage::Storage,
    store::Installations,
    token::{self, AppToken, UserToken},
    trace::TraceId,
};

/// Speaks as the app: its bot account in the installation.
pub type AppActor = Actor<token::App>;
/// Speaks as the user in session.
pub type UserActor = Actor<token::User>;
/// Speaks as an account that the app impersonates.
pub type AccountActor = Actor<token::Account>;

/// Somebody who speaks to the products of one installation.
///
/// Made by [`Invocation`](crate::Invocation) and [`Installed`](crate::Installed). A handler that takes a
/// [`UserActor`] or an [`AppActor`] as an argument is called only where that token came along:
///
/// ```
/// use axum::Json;
/// use forge_remote::{Error, UserActor};
/// use serde_json::Value;
///
/// async fn me(user: UserActor) -> Result<Json<Value>, Error> {
///     Ok(Json(user.confluence()?.get("/wiki/rest/api/user/current").json().await?))
/// }
/// ```
///
/// It opens each product that the installation has, the GraphQL gateway, and as the app its storage:
///
/// ```
/// use forge_remote::{AppActor, Error, storage::Key};
/// use serde_json::Value;
///
/// async fn look_around(app: &AppActor) -> Result<(), Error> {
///     let site: Value = app.jira()?.get("/rest/api/3/serverInfo").json().await?;
///     let repositories: Value = app.bitbucket()?.get("/2.0/repositories").json().await?;
///     let me: Value = app.graphql()?.query("query { me { user { name } } }").data().await?;
///     let seen: Option<u32> = app.storage().get(&Key::new("seen")?).await?;
///     println!("{}: {site} {repositories} {me} {seen:?}", app.installation());
///     Ok(())
/// }
/// ```
pub struct Actor<Kind> {
    speaker: Speaker,
    kind: PhantomData<fn() -> Kind>,
}

#[derive(Clone)]
enum Speaker {
    App(Arc<AppCredentials>),
    User(Arc<UserCredentials>),
    Account(AccountCredentials),
}

/// How each product's client is made.
type NewClient<C> =
    fn(&Outbound, &str, Arc<dyn Credentials>, Deadline, TraceId) -> Result<C, ProductError>;

impl Speaker {
    fn credentials(&self) -> Arc<dyn Credentials> {
        match self {
            Self::App(app) => Arc::clone(app) as _,
            Self::User(user) => Arc::clone(user) as _,
            Self::Account(account) => Arc::new(account.clone()),
        }
    }
}

/// Where and until when somebody speaks: makes the actors of one invocation.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    shared: Arc<Shared>,
    reach: Reach,
    deadline: Deadline,
    trace: TraceId,
}

impl Stage {
    pub(crate) fn app(self, token: AppToken) -> AppActor {
        Actor::new(Speaker::App(Arc::new(AppCredentials::new(self, token))))
    }

    pub(crate) fn user(self, token: UserToken) -> UserActor {
        Actor::new(Speaker::User(Arc::new(UserCredentials::new(self, token))))
    }

    /// Exchanges the app token at once, so that a refusal is told where it is asked for.
    pub(crate) async fn account(
        self,
        token: AppToken,
        account: &AccountId,
        product: Option<&Product>,
    ) -> Result<AccountActor, Error> {
        let app = Arc::new(AppCredentials::new(self, token));
        let credentials = AccountCredentials::exchanged(app, account.clone(), product).await?;
        Ok(Actor::new(Speaker::Account(credentials)))
    }
}

impl<Kind> Actor<Kind> {
    fn new(speaker: Speaker) -> Self {
        Self {
            speaker,
            kind: PhantomData,
        }
    }

    /// Confluence.
    ///
    /// # Errors
    /// `not_found` if the app is not installed there.
    pub fn confluence(&self) -> Result<Confluence, Error> {
        self.open(&Product::Confluence, Confluence::new)
    }

    /// Jira, with Jira Software and Jira Service Management.
    ///
    /// # Errors
    /// `not_found` if the app is not installed there.
    pub fn jira(&self) -> Result<Jira, Error> {
        self.open(&Product::Jira, Jira::new)
    }

    /// Bitbucket.
    ///
    /// # Errors
    /// `not_found` if the app is not installed there.
    pub fn bitbucket(&self) -> Result<Bitbucket, Error> {
        self.open(&Product::Bitbucket, Bitbucket::new)
    }

    /// The GraphQL gateway, which serves all products.
    ///
    /// # Errors
    /// `upstream_error` if `atlassian.graphql_url` may get no token.
    pub fn graphql(&self) -> Result<GraphQl, Error> {
        let stage = self.stage();
        let url = stage.shared.graphql_url.url().as_str();
        let credentials = self.speaker.credentials();
        let outbound = &stage.shared.outbound;
        Ok(GraphQl::new(
            outbound,
            url,
            credentials,
            stage.deadline,
            stage.trace.clone(),
        )?)
    }

    /// The installation that it speaks in.
    #[must_use]
    pub fn installation(&self) -> &InstallationId {
        self.stage().reach.installation()
    }

    /// A client of `product` under the base URL that the installation has for it.
    fn open<C>(&self, product: &Product, client: NewClient<C>) -> Result<C, Error> {
        let stage = self.stage();
        let base = stage
            .reach
            .base_url(product)
            .ok_or_else(|| ActorError::NotInstalled(product.clone()))?;
        let credentials = match &self.speaker {
            // The exchange is for the product that is going to be called.
            Speaker::Account(account) => Arc::new(account.within(product)?),
            speaker => speaker.credentials(),
        };
        let outbound = &stage.shared.outbound;
        Ok(client(
            outbound,
            base,
            credentials,
            stage.deadline,
            stage.trace.clone(),
        )?)
    }

    fn stage(&self) -> &Stage {
        match &self.speaker {
            Speaker::App(app) => app.stage(),
            Speaker::User(user) => user.stage(),
            Speaker::Account(account) => account.stage(),
        }
    }
}

impl Actor<token::App> {
    /// Forge storage: what the app keeps in this installation.
    ///
    /// Only the app has it. The platform takes neither a user's nor an impersonated token there:
    ///
    /// ```compile_fail,E0599
    /// # use forge_remote::UserActor;
    /// fn of_user(user: &UserActor) {
    ///     user.storage();
    /// }
    /// ```
    #[must_use]
    pub fn storage(&self) -> Storage {
        let stage = self.stage();
        let (base, barred) = stage.shared.storage.of(stage.reach.ic_label());
        Storage::new(
            &stage.shared.outbound,
            base,
            barred,
            self.speaker.credentials(),
            stage.deadline,
            stage.trace.clone(),
        )
    }
}

impl<Kind> Clone for Actor<Kind> {
    fn clone(&self) -> Self {
        Self::new(self.speaker.clone())
    }
}

impl<Kind> fmt::Debug for Actor<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.speaker {
            Speaker::App(_) => "AppActor",
            Speaker::User(_) => "UserActor",
            Speaker::Account(_) => "AccountActor",
        };
        f.debug_struct(who)
            .field("installation", self.installation())
            .finish_non_exhaustive()
    }
}

/// What all actors of a remote share. A clone is one count more.
#[derive(Clone)]
pub(crate) struct Actors(Arc<Shared>);

struct Shared {
    outbound: Outbound,
    graphql_url: ApiUrl,
    storage: StorageUrls,
    impersonation: Impersonation,
    installations: Installations,
    clock: Clock,
}

impl Actors {
    pub(crate) fn new(
        outbound: Outbound,
        graphql_url: ApiUrl,
        storage: StorageUrls,
        impersonation: Impersonation,
        installations: Installations,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Shared {
            outbound,
            graphql_url,
            storage,
            impersonation,
            installations,
            clock,
        }))
    }

    /// Opens the first connections to the products.
    pub(crate) async fn warm_up(&self) {
        self.0.outbound.warm_up().await;
    }

    /// Forgets the tokens that were exchanged in an installation.
    pub(crate) fn forget(&self, installation: &InstallationId) {
        self.0.impersonation.forget_installation(installation);
    }

    /// Shows what is left of the quota of exchanges, as it is now.
    pub(crate) fn measure(&self) {
        self.0.impersonation.measure();
    }

    pub(crate) fn stage(&self, reach: Reach, deadline: Deadline, trace: TraceId) -> Stage {
        Stage {
            shared: Arc::clone(&self.0),
            reach,
            deadline,
            trace,
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
