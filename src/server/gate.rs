//! Where a request is let in or turned away, before anything is done for it: its FIT is not
//! verified, its body not read, and no span opened.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header},
};
use tower::Service;

use super::{
    held::Held,
    pressure::{Beat, Pressure, Tap},
};
use crate::{
    admission::{Full, OVERLOAD_PAUSE, Place, Reason, Refusals, Room},
    config::Server,
    deadline::Deadline,
    trace::TraceId,
};

/// Forge waits 5 s for the answer to an event or a tick (Forge Remote essentials).
const PLATFORM_PATIENCE: Duration = Duration::from_millis(4500);
/// It waits 55 s for an uninstall (Forge events: "Uninstall").
const UNINSTALL_PATIENCE: Duration = Duration::from_secs(53);
/// An agent streams its answer as events, for 900 s at most (Forge limits: "Rovo agents").
const STREAM_PATIENCE: Duration = Duration::from_mins(15);

/// Shared by all connections.
#[derive(Debug, Clone)]
pub(super) struct Gate(Arc<Lanes>);

#[derive(Debug)]
struct Lanes {
    ui: Lane,
    platform: Lane,
    uninstalls: Lane,
    beat: Arc<Beat>,
}

/// Requests of one kind: the places for them, and how long Forge waits for an answer.
///
/// Each kind has as many places as the settings say for itself: people on a page do not keep
/// events out, a flood of events does not keep people out, and neither meets an uninstall,
/// which takes long and comes only once.
#[derive(Debug)]
struct Lane {
    room: Room,
    tap: Arc<Tap>,
    patience: Duration,
}

/// The request was not let in.
struct TurnedAway;

impl Gate {
    pub(super) fn new(settings: &Server) -> Self {
        let beat = Arc::new(Beat::new());
        let lane = |name, patience| Lane {
            room: Room::new(settings.max_in_flight, Refusals::of_lane(name)),
            tap: Arc::new(Tap::new(Arc::clone(&beat))),
            patience,
        };
        Self(Arc::new(Lanes {
            ui: lane("ui", settings.answer_within),
            platform: lane("platform", PLATFORM_PATIENCE),
            uninstalls: lane("uninstall", UNINSTALL_PATIENCE),
            beat,
        }))
    }

    /// What watches the runtime and opens and closes the gate. Forge sends an event four more
    /// times; nobody repeats a call of a page; and an uninstall comes once. So are they shed.
    pub(super) fn pressure(&self) -> Pressure {
        let lanes = [&self.0.platform, &self.0.ui, &self.0.uninstalls];
        Pressure::on(
            lanes
                .map(|lane| (Arc::clone(&lane.tap), lane.room.clone()))
                .into(),
            Arc::clone(&self.0.beat),
        )
    }

    /// Answers the request, or says at once that it cannot be answered now.
    pub(super) async fn serve<B>(
        &self,
        mut router: Router,
        mut request: Request<B>,
    ) -> Result<Response<Held>, Infallible>
    where
        Router: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    {
        let lane = self.lane(request.uri().path());
        let Ok(place) = lane.let_in() else {
            return Ok(overloaded(request.headers()));
        };
        let deadline = Deadline::after(lane.patience);
        request.extensions_mut().insert(place.clone());
        request.extensions_mut().insert(deadline);
        let answer = router.call(request).await?;
        let deadline = if is_event_stream(answer.headers()) {
            Deadline::after(STREAM_PATIENCE)
        } else {
            deadline
        };
        Ok(answer.map(|body| Held::new(body, place, deadline)))
    }

    fn lane(&self, path: &str) -> &Lane {
        if !path.starts_with("/forge/") {
            &self.0.ui
        } else if path == "/forge/uninstall" {
            &self.0.uninstalls
        } else {
            &self.0.platform
        }
    }
}

impl Lane {
    fn let_in(&self) -> Result<Place, TurnedAway> {
        if !self.tap.lets_in() {
            self.room.refusals().count(Reason::Pressure);
            return Err(TurnedAway);
        }
        self.room.enter().map_err(|Full| TurnedAway)
    }
}

/// The public shape of an error, written by hand: nothing is left to do but to copy the
/// trace id, which is made of hex digits.
fn overloaded(headers: &HeaderMap) -> Response<Held> {
    const HEAD: &str = concat!(
        r#"{"error":{"code":"overloaded","message":"#,
        r#""The remote has more requests than it can serve. Try again in a moment.","traceId":""#
    );
    const TAIL: &str = r#""}}"#;
    let trace = TraceId::of(headers);
    let body = [HEAD, trace.as_str(), TAIL].concat();
    let mut answer = Response::new(Held::free(Body::from(body)));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let json = HeaderValue::from_static("application/json");
    let pause = HeaderValue::from(OVERLOAD_PAUSE.as_secs());
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer.headers_mut().insert(header::RETRY_AFTER, pause);
    answer
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

#[cfg(test)]
mod tests;
