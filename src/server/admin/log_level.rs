//! `/log-level`: what the log says, looked at and changed for a while.
//!
//! The admin listener asks nobody who they are. A page in a browser on the same network must not
//! be able to make the log louder or silent, so what looks like one is refused: its request has
//! an `origin`, or a type that a form can have.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use tokio_util::task::AbortOnDropHandle;

use crate::telemetry::level::{self, InForce, LogLevel};

const USUAL_TIME: Duration = Duration::from_hours(1);
const LONGEST_TIME: Duration = Duration::from_hours(24);

/// The end of the level that is in force for a while: one task, however often it is changed.
type End = Arc<Mutex<Option<AbortOnDropHandle<()>>>>;

#[derive(Deserialize)]
struct Asked {
    r#for: Option<String>,
}

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/log-level", get(show).put(change).delete(reset))
        .layer(DefaultBodyLimit::max(level::LONGEST))
        .with_state(End::default())
}

async fn show() -> Response {
    of_process().map_or_else(refused, |level| said(&level.in_force()))
}

async fn change(
    State(end): State<End>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let outcome = of_nobodys_page(&headers).and_then(|()| {
        let level = of_process()?;
        let time = time(asked.r#for.as_deref())?;
        let directives = body.trim();
        if directives.is_empty() {
            return Err((
                StatusCode::BAD_REQUEST,
                "the body is the level, such as debug\n",
            ));
        }
        let no_level = |_| {
            let why = "expected a level such as debug, or directives such as \
                       info,forge_remote::product=debug\n";
            (StatusCode::BAD_REQUEST, why)
        };
        level::filter(directives).map_err(no_level)?;
        // Before it is in force: it may silence this line too.
        tracing::warn!(
            level_asked = directives,
            seconds = time.as_secs(),
            "the log level is changed for a while"
        );
        let force = level.pass(directives, time).map_err(no_level)?;
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            // A moment later, so that it is over when it is asked for.
            tokio::time::sleep(time + Duration::from_millis(1)).await;
            level.expire();
            tracing::info!("the log level is the configured one again");
        }));
        *end.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(force)
    });
    outcome.map_or_else(refused, |force| said(&force))
}

async fn reset(State(end): State<End>, headers: HeaderMap) -> Response {
    let outcome = of_nobodys_page(&headers).and_then(|()| of_process());
    outcome.map_or_else(refused, |level| {
        *end.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let force = level.reset();
        tracing::info!("the log level is set back to the configured one");
        said(&force)
    })
}

type Refusal = (StatusCode, &'static str);

fn refused(refusal: Refusal) -> Response {
    refusal.into_response()
}

fn said(force: &InForce) -> Response {
    Json(json!({
        "level": force.level,
        "configured": force.configured,
        "passesInSeconds": force.passes_in.map(|time| time.as_secs()),
    }))
    .into_response()
}

fn of_process() -> Result<&'static LogLevel, Refusal> {
    let why = "the log of this program was not set up by telemetry::init\n";
    level::of_process().ok_or((StatusCode::NOT_FOUND, why))
}

/// A browser names the origin of whatever changes something, and a script cannot leave it out.
fn of_nobodys_page(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
        let why = "not from a browser's page\n";
        return Err((StatusCode::FORBIDDEN, why));
    }
    let is_text = |kind: &[u8]| kind.starts_with(b"text/plain");
    match headers.get(header::CONTENT_TYPE) {
        Some(kind) if !is_text(kind.as_bytes()) => Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the level with `content-type: text/plain`\n",
        )),
        _ => Ok(()),
    }
}

/// Such as `90s`, `10m` or `2h`.
fn time(text: Option<&str>) -> Result<Duration, Refusal> {
    let Some(text) = text else {
        return Ok(USUAL_TIME);
    };
    let read = || {
        let unit = text.char_indices().next_back()?.0;
        let (number, unit) = text.split_at(unit);
        let number: u32 = number.parse().ok()?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        let time = Duration::from_secs(u64::from(number) * seconds);
        (time >= Duration::from_secs(1) && time <= LONGEST_TIME).then_some(time)
    };
    let why = "`for` is a time from 1s to 24h, such as 90s, 10m or 2h\n";
    read().ok_or((StatusCode::BAD_REQUEST, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_with_a_unit_and_at_most_a_day() {
        for (text, seconds) in [
            (None, Some(3600)),
            (Some("1s"), Some(1)),
            (Some("10m"), Some(600)),
            (Some("24h"), Some(86_400)),
            (Some("25h"), None),
            (Some("0s"), None),
            (Some("10"), None),
            (Some("m"), None),
            (Some(""), None),
            (Some("-1s"), None),
            (Some("4294967296s"), None),
            (Some("4294967295h"), None),
            (Some("1ü"), None),
        ] {
            assert_eq!(time(text).ok().map(|it| it.as_secs()), seconds, "{text:?}");
        }
    }

    #[test]
    fn a_page_in_a_browser_changes_nothing() {
        let told = |name: &'static str, value: &str| {
            let name = http::HeaderName::from_static(name);
            of_nobodys_page(&HeaderMap::from_iter([(name, value.parse().unwrap())]))
                .map_err(|(status, _)| status.as_u16())
        };
        assert_eq!(told("origin", "null"), Err(403));
        assert_eq!(told("origin", "http://localhost:9090"), Err(403));
        assert_eq!(told("sec-fetch-site", "same-origin"), Err(403));
        for kind in ["application/x-www-form-urlencoded", "application/json", ""] {
            assert_eq!(told("content-type", kind), Err(415), "{kind}");
        }
        assert_eq!(told("content-type", "text/plain;charset=UTF-8"), Ok(()));
        assert_eq!(told("x-any", "1"), Ok(()));
    }
}
