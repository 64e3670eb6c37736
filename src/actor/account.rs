//! An impersonated account: the app token, exchanged for that account's.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt, ready};
use http::HeaderValue;
use tokio::time::Instant;

use super::{ActorError, Stage, app::AppCredentials};
use crate::{
    deadline::Deadline,
    error::Error,
    ids::{AccountId, InstallationId, Product},
    impersonation::{ImpersonationError, Subject},
    product::{Credentials, Identity},
    token::AccountToken,
};

/// A token that was handed out a moment ago serves without another look into the cache: the
/// one that the actor was made with is most often sent at once. No token of the cache is in
/// its last second.
const MOMENT: Duration = Duration::from_millis(500);

#[derive(Debug, Clone)]
pub(super) struct AccountCredentials {
    app: Arc<AppCredentials>,
    subject: Subject,
    /// What was handed out last, to know it again when it is refused. Held for a clone
    /// only, never across an await.
    handed: Arc<Mutex<Option<Handed>>>,
}

#[derive(Debug, Clone)]
struct Handed {
    token: AccountToken,
    at: Instant,
}

impl AccountCredentials {
    /// Exchanges the app's token for that of `account` in `product`, or in the
    /// installation's primary product.
    pub(super) async fn exchanged(
        app: Arc<AppCredentials>,
        account: AccountId,
        product: Option<&Product>,
    ) -> Result<Self, Error> {
        let reach = &app.stage().reach;
        let context = match product {
            Some(product) => reach
                .context(product)
                .ok_or_else(|| ActorError::NotInstalled(product.clone()))?,
            None => reach.primary_context().ok_or(ActorError::NoContext)?,
        };
        let subject = Subject {
            app: reach.app(),
            installation: *reach.installation(),
            ic_label: reach.ic_label().cloned(),
            context,
            account,
        };
        let credentials = Self {
            app,
            subject,
            handed: Arc::default(),
        };
        let deadline = credentials.stage().deadline;
        credentials.exchange(deadline).await?;
        Ok(credentials)
    }

    /// The same account in another product of the installation.
    pub(super) fn within(&self, product: &Product) -> Result<Self, ActorError> {
        let context = self
            .stage()
            .reach
            .context(product)
            .ok_or_else(|| ActorError::NotInstalled(product.clone()))?;
        if context == self.subject.context {
            return Ok(self.clone());
        }
        let subject = Subject {
            context,
            ..self.subject.clone()
        };
        Ok(Self {
            app: Arc::clone(&self.app),
            subject,
            handed: Arc::default(),
        })
    }

    pub(super) fn stage(&self) -> &Stage {
        self.app.stage()
    }

    /// A cached token or an exchange. Where the gateway refuses the app token, the
    /// installation's latest is tried, once. The refused one is not forgotten: the gateway
    /// says the same where the account is one that nobody can impersonate.
    async fn exchange(&self, deadline: Deadline) -> Result<HeaderValue, Error> {
        let stage = self.stage();
        let exchange = async |app_token| {
            let impersonation = &stage.shared.impersonation;
            impersonation
                .token(&self.subject, &app_token, deadline, &stage.trace)
                .await
        };
        let app_token = self.app.token();
        let token = match exchange(app_token.clone()).await {
            Err(ImpersonationError::AppTokenRefused { .. })
                if self.app.take_newer(&app_token).await =>
            {
                exchange(self.app.token()).await?
            }
            outcome => outcome?,
        };
        let authorization = token.authorization();
        *self.handed() = Some(Handed {
            token,
            at: Instant::now(),
        });
        Ok(authorization)
    }

    /// The token of a moment ago.
    fn at_hand(&self) -> Option<HeaderValue> {
        let handed = self.handed();
        let handed = handed
            .as_ref()
            .filter(|handed| handed.at.elapsed() < MOMENT)?;
        Some(handed.token.authorization())
    }

    fn handed(&self) -> MutexGuard<'_, Option<Handed>> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credentials for AccountCredentials {
    fn identity(&self) -> Identity {
        Identity::Account
    }

    fn installation(&self) -> Option<InstallationId> {
        Some(*self.stage().reach.installation())
    }

    fn authorization(&self, deadline: Deadline) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        match self.at_hand() {
            Some(authorization) => ready(Ok(authorization)).boxed(),
            None => self.exchange(deadline).boxed(),
        }
    }

    fn refused<'a>(&'a self, refused: &'a HeaderValue) -> BoxFuture<'a, bool> {
        async move {
            let handed = self
                .handed()
                .take_if(|handed| handed.token.authorization() == *refused);
            if let Some(Handed { token, .. }) = handed {
                self.stage()
                    .shared
                    .impersonation
                    .refused(&self.subject, &token);
            }
            // Exchanged once more; the product tries a request twice and no more.
            true
        }
        .boxed()
    }
}
