//! An installation without an invocation: for a webhook from elsewhere, a queue, a timer.

use std::{sync::Arc, time::Duration};

use super::Forge;
use crate::{
    actor::{AccountActor, ActorError, AppActor, Reach, Stage},
    deadline::Deadline,
    error::Error,
    ids::{AccountId, Product},
    store::{self, Remembered},
    token::AppToken,
    trace::TraceId,
};

/// How long background work waits for a product, unless it says otherwise.
const BACKGROUND_PATIENCE: Duration = Duration::from_mins(5);

/// An installation as the store remembers it, for background work.
///
/// ```
/// use std::time::Duration;
/// use forge_remote::{Error, Forge, ids::{AccountId, CloudId, Product}};
///
/// /// A webhook from elsewhere names a site and a user of it.
/// async fn reminded(forge: &Forge, cloud: &CloudId, account: &AccountId) -> Result<(), Error> {
///     for installed in forge.installations_of_cloud(cloud).await? {
///         let installed = installed.within(Duration::from_secs(30));
///         println!("version {:?}", installed.record().app_version);
///         let them = installed.as_account(account).await?;
///         them.jira()?.get("/rest/api/3/myself").send().await?;
///         installed.as_account_in(account, &Product::Confluence).await?;
///         installed.as_app()?.jira()?.get("/rest/api/3/serverInfo").send().await?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Installed {
    forge: Forge,
    known: Arc<Remembered>,
    patience: Duration,
}

impl Installed {
    pub(super) const fn new(forge: Forge, known: Arc<Remembered>) -> Self {
        Self {
            forge,
            known,
            patience: BACKGROUND_PATIENCE,
        }
    }

    /// What is known of it.
    #[must_use]
    pub fn record(&self) -> &store::Installation {
        &self.known.installation
    }

    /// Gives each actor made from here `patience` for all it does, in place of five minutes.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Speaks as the app, with the latest app token that the installation brought. A page of
    /// the app brings tokens too; those of events and schedules go before them.
    ///
    /// # Errors
    /// `missing_app_token` if none lives: the next invocation that carries one brings it.
    pub fn as_app(&self) -> Result<AppActor, Error> {
        Ok(self.stage().app(self.token()?))
    }

    /// Speaks as `account` in the installation's primary product.
    ///
    /// # Errors
    /// As [`Invocation::as_account`](crate::Invocation::as_account).
    pub async fn as_account(&self, account: &AccountId) -> Result<AccountActor, Error> {
        self.stage().account(self.token()?, account, None).await
    }

    /// Speaks as `account` in `product`.
    ///
    /// # Errors
    /// As [`Invocation::as_account_in`](crate::Invocation::as_account_in).
    pub async fn as_account_in(
        &self,
        account: &AccountId,
        product: &Product,
    ) -> Result<AccountActor, Error> {
        let token = self.token()?;
        self.stage().account(token, account, Some(product)).await
    }

    fn token(&self) -> Result<AppToken, ActorError> {
        let known = self.known.app_token.clone();
        known
            .filter(|token| self.forge.lives(token))
            .ok_or(ActorError::MissingAppToken)
    }

    /// The patience begins now, and the work is a trace of its own.
    fn stage(&self) -> Stage {
        let reach = Reach::of_store(Arc::clone(&self.known));
        let deadline = Deadline::after(self.patience);
        self.forge
            .actors()
            .stage(reach, deadline, TraceId::random())
    }
}
