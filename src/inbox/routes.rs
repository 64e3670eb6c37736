//! The doors for events, schedules and the uninstall.

mod events;
mod schedules;
mod strangers;
mod uninstall;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::FromRef,
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use metrics::Counter;
use serde::Serialize;
use tracing::Instrument;

use self::strangers::Strangers;
use super::{
    Events, Schedule, identity,
    intake::{Intake, IntakeError, in_time},
    span,
    uninstall::Uninstall,
};
use crate::{
    error::Error,
    forge::Forge,
    invocation::Invocation,
    store::jobs::{Added, JobId, NewJob},
};

/// The routes of the platform's own calls.
pub(super) fn routes(
    forge: &Forge,
    events: &Events,
    schedule: &Schedule,
    intake: Intake,
    uninstall: Uninstall,
) -> Router<Forge> {
    let desk = Desk(Arc::new(Inner {
        forge: forge.clone(),
        events: events.clone(),
        schedule: schedule.clone(),
        intake,
        uninstall,
        unhandled: metrics::counter!("forge_events_unhandled_total"),
        strange_events: Strangers::default(),
        strange_schedules: Strangers::default(),
    }));
    Router::new()
        .route("/forge/events", post(events::take))
        .route("/forge/lifecycle", post(events::take))
        .route("/forge/scheduled", post(schedules::take_by_module))
        .route("/forge/scheduled/{schedule}", post(schedules::take_by_path))
        .route("/forge/uninstall", post(uninstall::take))
        .with_state(desk)
}

/// What the handlers share.
#[derive(Clone)]
struct Desk(Arc<Inner>);

struct Inner {
    forge: Forge,
    events: Events,
    schedule: Schedule,
    intake: Intake,
    uninstall: Uninstall,
    unhandled: Counter,
    strange_events: Strangers,
    strange_schedules: Strangers,
}

impl FromRef<Desk> for Forge {
    fn from_ref(desk: &Desk) -> Self {
        desk.0.forge.clone()
    }
}

impl Desk {
    /// Acknowledges once the job is on disk, and the installation too: a job of one that
    /// nobody knows could not run. One of an installation that was just deleted is dropped.
    async fn acknowledge(
        &self,
        invocation: &Invocation,
        job: NewJob,
    ) -> Result<Acknowledged, Error> {
        let id = invocation.installation();
        if self.0.forge.is_gone(id) {
            tracing::info!(
                installation = %id.uuid(),
                name = &*job.name,
                "an event or tick of an installation that was just deleted is dropped"
            );
            return Ok(Acknowledged {
                id: job.id,
                duplicate: false,
            });
        }
        let deadline = invocation.deadline();
        let span = span::of_keeping(&job);
        let kept = self.0.intake.keep(job, deadline).instrument(span);
        let (added, ()) = tokio::try_join!(kept, self.installation_kept(invocation))?;
        Ok(Acknowledged::of(added))
    }

    /// Ends when the installation is on disk.
    async fn installation_kept(&self, invocation: &Invocation) -> Result<(), IntakeError> {
        let kept = self.0.forge.installation_kept(invocation.installation());
        let kept = in_time(invocation.deadline(), kept).await?;
        kept.map_err(|error| IntakeError::Store(Arc::new(error)))
    }

    /// Acknowledges what nobody handles, and does not keep it.
    fn pass_over(&self, invocation: &Invocation) -> Acknowledged {
        self.0.unhandled.increment(1);
        Acknowledged {
            id: identity::job_id(invocation.claims()),
            duplicate: false,
        }
    }
}

/// 202: it is on disk, or nobody wants it.
struct Acknowledged {
    id: JobId,
    duplicate: bool,
}

impl Acknowledged {
    const fn of(added: Added) -> Self {
        let Added { id, duplicate } = added;
        Self { id, duplicate }
    }
}

impl IntoResponse for Acknowledged {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            id: uuid::Uuid,
            duplicate: bool,
        }
        let body = Body {
            id: self.id.uuid(),
            duplicate: self.duplicate,
        };
        (StatusCode::ACCEPTED, Json(body)).into_response()
    }
}
