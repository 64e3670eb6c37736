//! One exchange at a time for a subject, however many callers want its token.
//!
//! An exchange is a flight: a task of its own, so that it arrives also when the
//! caller that began it goes away. Others board while it is under way.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::watch, time::Instant};

use super::{error::ImpersonationError, held::Grant, subject::Subject};
use crate::{
    deadline::Deadline,
    ids::InstallationId,
    token::{AccountToken, AppToken},
};

type Outcome = Result<AccountToken, ImpersonationError>;

/// The exchanges under way.
///
/// The lock is short: it is taken on misses only and never across an await. What a
/// flight brings is kept under it, so that a caller finds either the flight or its result.
#[derive(Debug, Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Subject, Arc<Flight>>>>);

/// One exchange.
#[derive(Debug)]
pub(super) struct Flight {
    progress: watch::Sender<Progress>,
    /// The app token that it exchanges; another caller may have a newer one.
    app_token: AppToken,
    /// A renewal waits for nothing and tries once: nobody depends on it.
    renewal: bool,
}

#[derive(Debug)]
enum Progress {
    Asking,
    /// In the line of the quota; its turn is expected then.
    Queued(Instant),
    Done(Outcome),
}

/// How a caller gets to its token.
pub(super) enum Boarding {
    /// It is there after all, or denied.
    Known(Outcome),
    /// Somebody else's flight is under way.
    Joined(Arc<Flight>),
    /// The caller begins one.
    Leads(Pilot),
}

impl Flights {
    /// Joins the flight for `subject` or begins one, unless `known` has the answer by now.
    pub(super) fn board(
        &self,
        subject: &Subject,
        app_token: &AppToken,
        known: impl FnOnce() -> Option<Outcome>,
    ) -> Boarding {
        let mut flights = self.lock();
        if let Some(flight) = flights.get(subject) {
            return Boarding::Joined(Arc::clone(flight));
        }
        if let Some(outcome) = known() {
            return Boarding::Known(outcome);
        }
        Boarding::Leads(self.begin(&mut flights, subject, app_token, false))
    }

    /// Begins a renewal, unless a flight is under way.
    pub(super) fn renew(&self, subject: &Subject, app_token: &AppToken) -> Option<Pilot> {
        let mut flights = self.lock();
        (!flights.contains_key(subject)).then(|| self.begin(&mut flights, subject, app_token, true))
    }

    /// Flights of the installation arrive for those on board, but bring nothing to keep.
    pub(super) fn forget(&self, installation: &InstallationId) {
        self.lock()
            .retain(|subject, _| subject.installation != *installation);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn begin(
        &self,
        flights: &mut HashMap<Subject, Arc<Flight>>,
        subject: &Subject,
        app_token: &AppToken,
        renewal: bool,
    ) -> Pilot {
        let flight = Arc::new(Flight {
            progress: watch::Sender::new(Progress::Asking),
            app_token: app_token.clone(),
            renewal,
        });
        flights.insert(subject.clone(), Arc::clone(&flight));
        Pilot {
            flights: self.clone(),
            subject: subject.clone(),
            flight,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, Arc<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// The end of the flight, waited for as long as the caller has time; one that
    /// would have to wait longer in the line of the quota learns that at once.
    pub(super) async fn outcome(&self, deadline: Deadline) -> Outcome {
        let mut progress = self.progress.subscribe();
        let arrival = async {
            loop {
                match &*progress.borrow_and_update() {
                    Progress::Done(outcome) => return outcome.clone(),
                    Progress::Queued(at) => {
                        let retry_after = at.saturating_duration_since(Instant::now());
                        if !deadline.allows(retry_after) {
                            return Err(ImpersonationError::RateLimited { retry_after });
                        }
                    }
                    Progress::Asking => {}
                }
                if progress.changed().await.is_err() {
                    return Err(ImpersonationError::Interrupted);
                }
            }
        };
        deadline
            .bound(arrival)
            .await
            .unwrap_or(Err(ImpersonationError::Deadline))
    }

    /// Whether a caller who was only on board may do better with a flight of its own:
    /// it has more time, a newer app token, or wants the token more than a renewal does.
    pub(super) fn may_do_better(
        &self,
        error: &ImpersonationError,
        app_token: &AppToken,
        deadline: Deadline,
    ) -> bool {
        match error {
            ImpersonationError::RateLimited { retry_after } => deadline.allows(*retry_after),
            ImpersonationError::AppTokenRefused { .. } => {
                self.app_token.secret() != app_token.secret()
            }
            ImpersonationError::Gateway { .. } => self.renewal,
            // That of the caller who began it: another replica was at work for too long.
            ImpersonationError::Deadline => !deadline.remaining().is_zero(),
            _ => false,
        }
    }
}

/// Held by the task of a flight. However the task ends, the flight ends with it.
#[derive(Debug)]
pub(super) struct Pilot {
    flights: Flights,
    subject: Subject,
    flight: Arc<Flight>,
}

impl Pilot {
    pub(super) const fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(super) const fn flight(&self) -> &Arc<Flight> {
        &self.flight
    }

    /// Tells those on board when the quota is expected to have a place.
    pub(super) fn queued(&self, at: Instant) {
        self.flight.progress.send_replace(Progress::Queued(at));
    }

    pub(super) fn asking(&self) {
        self.flight.progress.send_replace(Progress::Asking);
    }

    /// Ends the flight. Its result is kept unless it was forgotten on the way.
    pub(super) fn land(
        &self,
        result: Result<Grant, ImpersonationError>,
        keep: impl FnOnce(&Subject, &Result<Grant, ImpersonationError>),
    ) {
        {
            let mut flights = self.flights.lock();
            if self.is_listed(&flights) {
                keep(&self.subject, &result);
                flights.remove(&self.subject);
            }
        }
        let outcome = result.map(|grant| grant.token);
        self.flight.progress.send_replace(Progress::Done(outcome));
    }

    fn is_listed(&self, flights: &HashMap<Subject, Arc<Flight>>) -> bool {
        flights
            .get(&self.subject)
            .is_some_and(|listed| Arc::ptr_eq(listed, &self.flight))
    }
}

impl Drop for Pilot {
    /// Still under way: the task panicked, or the runtime stops.
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        if self.is_listed(&flights) {
            flights.remove(&self.subject);
        }
        drop(flights);
        self.flight.progress.send_if_modified(|progress| {
            let open = !matches!(progress, Progress::Done(_));
            if open {
                *progress = Progress::Done(Err(ImpersonationError::Interrupted));
            }
            open
        });
    }
}
