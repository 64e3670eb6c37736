//! What the handler of an uninstall gets.

use crate::{
    actor::AppActor, deadline::Deadline, error::Error, ids::InstallationId, invocation::Invocation,
};

/// An installation that is about to go. Its products still answer.
///
/// ```
/// use forge_remote::inbox::{JobError, Uninstalling};
///
/// async fn purge(leaving: Uninstalling) -> Result<(), JobError> {
///     leaving.as_app()?.jira()?.delete("/rest/api/3/app/properties/settings").send().await?;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Uninstalling(Invocation);

impl Uninstalling {
    pub(super) const fn of(invocation: Invocation) -> Self {
        Self(invocation)
    }

    /// The installation that goes.
    #[must_use]
    pub fn installation(&self) -> &InstallationId {
        self.0.installation()
    }

    /// Speaks as the app.
    ///
    /// # Errors
    /// `missing_app_token` if none came along.
    pub fn as_app(&self) -> Result<AppActor, Error> {
        self.0.as_app()
    }

    /// Until when the platform waits: under 55 s.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.0.deadline()
    }

    /// The request.
    #[must_use]
    pub const fn invocation(&self) -> &Invocation {
        &self.0
    }
}
