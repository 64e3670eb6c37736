//! A call that the browser made by itself, written into the journal as the host page reports it.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{
    fits::Held,
    preflight::{self, Announced},
};

use crate::{
    emulator::{
        journal::{Answer, Invocation, SentRequest, Settlement, Via},
        platform::{mask, masked, shown},
        stage::Stage,
    },
    trace::TraceId,
};

/// More headers than these are not shown.
const MAX_HEADERS: usize = 64;
/// Longest time that is believed.
const MAX_DURATION: Duration = Duration::from_hours(1);

/// What the host page says of a `fetchRemote`. It is for people to see, and changes nothing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// `jti` of the FIT.
    fit: String,
    url: Url,
    method: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    milliseconds: u32,
    answer: Option<ReportedAnswer>,
    /// The browser's words, where it got no answer.
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ReportedAnswer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    bytes: usize,
}

/// `POST /host/{module}/fetched`
pub(super) async fn fetched(
    State(stage): State<Arc<Stage>>,
    Path(key): Path<String>,
    Json(report): Json<Report>,
) -> Response {
    // Without a FIT of this emulator's there was no such call.
    let Some(fit) = stage.fits.find(&report.fit) else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let method: Method = report.method.parse().unwrap_or(Method::GET);
    // Only where the remote is: the report names an address, and nobody else is to be asked.
    let at_the_remote = report.url.origin() == stage.remote.load().origin();
    let verdict = if report.answer.is_none() && at_the_remote {
        let names = report.headers.iter().map(|(name, _)| name.as_str());
        let announced = Announced {
            origin: &stage.origin,
            method: &method,
            headers: names.take(MAX_HEADERS).collect(),
        };
        vec![preflight::explain(&stage, &report.url, &announced).await]
    } else {
        Vec::new()
    };
    let words = verdict.first().map(|finding| finding.sentence.clone());
    let duration = Duration::from_millis(report.milliseconds.into()).min(MAX_DURATION);
    let status = report.answer.as_ref().map(|answer| answer.status);
    let settlement = match (status, report.error) {
        (Some(status), _) => Settlement::Resolved { status },
        (None, error) => Settlement::Rejected {
            message: kept(&error.unwrap_or_default(), &fit),
        },
    };
    let invocation = Invocation {
        id: 0,
        at: stage.clock.now(),
        // The browser sends none: it is the entry's own.
        trace_id: TraceId::random(),
        user: fit.user,
        module_key: key,
        via: Via::RequestRemote,
        request: SentRequest {
            method,
            url: report.url,
            headers: sent_headers(&fit, report.headers),
            body: report.body.as_deref().map(|body| kept(body, &fit)),
        },
        claims: fit.claims.clone(),
        calls: Vec::new(),
        answer: report.answer.and_then(|reported| answer(reported, &fit)),
        settlement,
        duration,
        verdict,
        faults: fit.fault.into_iter().collect(),
    };
    let id = stage.journal.begin(invocation, Vec::new());
    Json(json!({"invocation": id, "words": words})).into_response()
}

fn answer(reported: ReportedAnswer, fit: &Held) -> Option<Answer> {
    Some(Answer {
        status: StatusCode::from_u16(reported.status).ok()?,
        headers: few(reported.headers, fit),
        body: kept(&reported.body, fit),
        bytes: reported.bytes,
    })
}

/// The page's own, after the one that the browser was given for the call.
fn sent_headers(fit: &Held, own: Vec<(String, String)>) -> Vec<(String, String)> {
    let bearer = format!("Bearer {}", mask(fit.token.expose()));
    let mut headers = vec![(header::AUTHORIZATION.to_string(), bearer)];
    headers.extend(few(own, fit));
    headers
}

fn few(headers: Vec<(String, String)>, fit: &Held) -> Vec<(String, String)> {
    let few = headers.into_iter().take(MAX_HEADERS);
    few.map(|(name, value)| (kept(&name, fit), kept(&value, fit)))
        .collect()
}

/// As much as is shown; a remote may echo the FIT.
fn kept(text: &str, fit: &Held) -> String {
    masked(&shown(text), std::slice::from_ref(&fit.token))
}
