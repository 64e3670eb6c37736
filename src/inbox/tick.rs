//! What a handler of a schedule gets.

use std::ops::Deref;

use super::Job;

/// One run of a scheduled trigger, for one installation.
///
/// The platform sends one for each installation, and its body says nothing. A handler runs
/// at least once, and may be cancelled: see [`Job`], to which a tick leads.
///
/// ```
/// use forge_remote::inbox::{JobError, Tick};
///
/// async fn nightly(tick: Tick) -> Result<(), JobError> {
///     tick.as_app()?.jira()?.get("/rest/api/3/serverInfo").send().await?;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Tick(Job);

impl Tick {
    pub(super) const fn of(job: Job) -> Self {
        Self(job)
    }

    /// The key it was registered with: that of the trigger in the manifest.
    #[must_use]
    pub fn schedule(&self) -> &str {
        self.0.name()
    }

    /// The job that it is.
    #[must_use]
    pub const fn job(&self) -> &Job {
        &self.0
    }
}

impl Deref for Tick {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.0
    }
}
