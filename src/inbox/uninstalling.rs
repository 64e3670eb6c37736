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
pub struct Uninstalling {
    invocation: Invocation,
    deadline: Deadline,
}

impl Uninstalling {
    pub(super) const fn of(invocation: Invocation, deadline: Deadline) -> Self {
        Self {
            invocation,
            deadline,
        }
    }

    /// The installation that goes.
    #[must_use]
    pub fn installation(&self) -> &InstallationId {
        self.invocation.installation()
    }

    /// Speaks as the app.
    ///
    /// # Errors
    /// `missing_app_token` if none came along.
    pub fn as_app(&self) -> Result<AppActor, Error> {
        self.invocation.as_app()
    }

    /// Until when the handler may take: under 55 s. It is cut off then, and the
    /// installation is deleted.
    #[must_use]
    pub const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The request.
    #[must_use]
    pub const fn invocation(&self) -> &Invocation {
        &self.invocation
    }
}
