//! The app: the token that came along, then the latest that the installation has, unless a
//! browser may have made the first one up.

use std::sync::{Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt, ready};
use http::HeaderValue;

use super::Stage;
use crate::{
    deadline::Deadline,
    error::Error,
    ids::InstallationId,
    product::{Credentials, Identity},
    token::AppToken,
};

#[derive(Debug)]
pub(super) struct AppCredentials {
    stage: Stage,
    /// Held for a clone only, never across an await.
    token: Mutex<AppToken>,
}

impl AppCredentials {
    pub(super) const fn new(stage: Stage, token: AppToken) -> Self {
        Self {
            stage,
            token: Mutex::new(token),
        }
    }

    pub(super) const fn stage(&self) -> &Stage {
        &self.stage
    }

    pub(super) fn token(&self) -> AppToken {
        self.token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts the installation's latest token in the place of `token`, if it is another one
    /// that lives and is worth as much. Not for a browser: any text beside a FIT would be worth the app's token.
    pub(super) async fn take_newer(&self, token: &AppToken) -> bool {
        let Stage { shared, reach, .. } = &self.stage;
        if reach.may_come_from_browser() {
            return false;
        }
        let known = shared
            .installations
            .find(reach.installation())
            .await
            .ok()
            .flatten();
        let now = shared.clock.now();
        let latest = known.as_ref();
        match latest.and_then(|latest| reach.replacement(token, latest, now)) {
            Some(latest) => {
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = latest.clone();
                true
            }
            None => false,
        }
    }

    /// A product refused `token`: nobody is to use it again.
    async fn forget(&self, token: &AppToken) {
        let Stage { shared, reach, .. } = &self.stage;
        let installations = &shared.installations;
        if let Err(error) = installations
            .forget_app_token(reach.installation(), token)
            .await
        {
            tracing::warn!(cause = %error, "a refused app token could not be forgotten");
        }
    }
}

impl Credentials for AppCredentials {
    fn identity(&self) -> Identity {
        Identity::App
    }

    fn installation(&self) -> Option<InstallationId> {
        Some(*self.stage.reach.installation())
    }

    fn authorization(&self, _: Deadline) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        ready(Ok(self.token().authorization())).boxed()
    }

    fn refused<'a>(&'a self, refused: &'a HeaderValue) -> BoxFuture<'a, bool> {
        async move {
            let token = self.token();
            if token.authorization() != *refused {
                // Another call has found a newer one already.
                return true;
            }
            self.forget(&token).await;
            self.take_newer(&token).await
        }
        .boxed()
    }
}
