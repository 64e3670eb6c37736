//! Data residency: what the platform asks of a remote when a site moves to another region.
//!
//! Only an app that declares `migration:dataResidency` in its manifest is asked. One that
//! keeps end-user data in regions implements [`DataResidency`]; one that keeps none answers
//! [`NothingToMove`].
//!
//! ```text
//! schedule ──► start ──► status, status, … ──► commit
//!    │           │              │
//!    └───────────┴──────────────┴────────────► rollback
//! ```
//!
//! An app that keeps nothing of its users, and one that says why it cannot move:
//!
//! ```
//! use forge_remote::{Forge, residency::{self, MigrationError, MigrationId, NothingToMove}};
//!
//! let ui = axum::Router::<Forge>::new().merge(residency::routes(NothingToMove));
//!
//! assert_eq!(MigrationError::RegionUnsupported.code(), Some("E0002"));
//! assert_eq!(MigrationError::failed("no room in that region").code(), Some("E9999"));
//! assert_eq!(MigrationError::try_again("the copy is busy").code(), None);
//! assert_eq!(MigrationId::new(57_500).number(), 57_500);
//! ```

mod error;
mod migration;
mod routes;

use crate::invocation::Invocation;

pub use self::{
    error::MigrationError,
    migration::{Migration, MigrationId, Progress, Region},
    routes::routes,
};

/// How an app moves what it keeps of its users into another region (Data residency: "Remote
/// hooks").
///
/// The platform repeats a hook that it had no answer to, twice, and any hook may come again
/// after a restart: each must mean the same however often it comes for one
/// [`MigrationId`]. Nothing that is at the old place may change before
/// [`commit`](Self::commit): until then the site can be rolled back.
///
/// Each hook has 4.5 s. What takes longer goes on in the background after
/// [`start`](Self::start), and [`status`](Self::status), which is asked every five minutes,
/// tells how far it is. The products of the site do not answer between start and end.
///
/// ```
/// use forge_remote::residency::{DataResidency, Migration, MigrationError, MigrationId, Progress};
/// use forge_remote::{Forge, Invocation, residency};
///
/// struct Mover;
///
/// impl DataResidency for Mover {
///     async fn schedule(&self, _: &Invocation, migration: &Migration) -> Result<(), MigrationError> {
///         match migration.location.as_str() {
///             "EU" | "US" => Ok(()), // and write it down, under `migration.id`
///             _ => Err(MigrationError::RegionUnsupported),
///         }
///     }
///
///     async fn start(&self, _: &Invocation, _: &Migration) -> Result<(), MigrationError> {
///         Ok(()) // the copy begins, in a task
///     }
///
///     async fn status(&self, _: &Invocation, _: MigrationId) -> Result<Progress, MigrationError> {
///         Ok(Progress::ReadyToCommit)
///     }
///
///     async fn commit(&self, _: &Invocation, _: MigrationId) -> Result<(), MigrationError> {
///         Ok(())
///     }
///
///     async fn rollback(&self, _: &Invocation, _: MigrationId) -> Result<(), MigrationError> {
///         Ok(())
///     }
/// }
///
/// let ui = axum::Router::<Forge>::new().merge(residency::routes(Mover));
/// ```
pub trait DataResidency: Send + Sync + 'static {
    /// A migration is planned. An error keeps the app where it is, and the administrator
    /// is told.
    fn schedule(
        &self,
        invocation: &Invocation,
        migration: &Migration,
    ) -> impl Future<Output = Result<(), MigrationError>> + Send;

    /// The migration begins. What is kept is copied from now on, and not yet used.
    fn start(
        &self,
        invocation: &Invocation,
        migration: &Migration,
    ) -> impl Future<Output = Result<(), MigrationError>> + Send;

    /// How far it is. An error with a code ends the migration.
    fn status(
        &self,
        invocation: &Invocation,
        migration: MigrationId,
    ) -> impl Future<Output = Result<Progress, MigrationError>> + Send;

    /// The copy is the one that counts now.
    fn commit(
        &self,
        invocation: &Invocation,
        migration: MigrationId,
    ) -> impl Future<Output = Result<(), MigrationError>> + Send;

    /// The migration is off, and everything stays at the old place. The platform does not
    /// read the answer.
    fn rollback(
        &self,
        invocation: &Invocation,
        migration: MigrationId,
    ) -> impl Future<Output = Result<(), MigrationError>> + Send;
}

/// The answers of an app that keeps no end-user data of its own, or keeps it with the
/// platform, which moves it by itself: there is nothing to do, and it is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingToMove;

impl DataResidency for NothingToMove {
    async fn schedule(&self, _: &Invocation, _: &Migration) -> Result<(), MigrationError> {
        Ok(())
    }

    async fn start(&self, _: &Invocation, _: &Migration) -> Result<(), MigrationError> {
        Ok(())
    }

    async fn status(&self, _: &Invocation, _: MigrationId) -> Result<Progress, MigrationError> {
        Ok(Progress::ReadyToCommit)
    }

    async fn commit(&self, _: &Invocation, _: MigrationId) -> Result<(), MigrationError> {
        Ok(())
    }

    async fn rollback(&self, _: &Invocation, _: MigrationId) -> Result<(), MigrationError> {
        Ok(())
    }
}
