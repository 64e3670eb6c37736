//! The user in session: a token that came with the request, and no other.

use futures_util::future::{BoxFuture, FutureExt, ready};
use http::HeaderValue;

use super::Stage;
use crate::{
    deadline::Deadline,
    error::Error,
    ids::InstallationId,
    product::{Credentials, Identity},
    token::UserToken,
};

#[derive(Debug)]
pub(super) struct UserCredentials {
    stage: Stage,
    token: UserToken,
}

impl UserCredentials {
    pub(super) const fn new(stage: Stage, token: UserToken) -> Self {
        Self { stage, token }
    }

    pub(super) const fn stage(&self) -> &Stage {
        &self.stage
    }
}

impl Credentials for UserCredentials {
    fn identity(&self) -> Identity {
        Identity::User
    }

    fn installation(&self) -> Option<InstallationId> {
        Some(*self.stage.reach.installation())
    }

    fn authorization(&self, _: Deadline) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        ready(Ok(self.token.authorization())).boxed()
    }

    /// There is no other: Forge brings a user's token with each invocation.
    fn refused<'a>(&'a self, _: &'a HeaderValue) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }
}
