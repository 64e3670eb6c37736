//! Writes a call into the journal, whether it is answered or its caller goes away before.

use std::{sync::Arc, time::Duration};

use axum::{extract::Request, response::Response};
use http::StatusCode;
use tokio::time::Instant;

use super::{Meant, Note, identity};
use crate::{
    emulator::{
        faults::{Fault, Struck},
        journal::{Belonging, Call, Identity, Purpose},
        platform::masked,
        stage::Stage,
        tokens::{BadToken, Grant},
    },
    trace,
};

/// Longest path and query that is kept for the console.
const MAX_PATH: usize = 512;
/// What proxies log where a client hung up; it is never sent.
const HUNG_UP: u16 = 499;

/// Sees one call to its end.
pub(super) struct Witness {
    stage: Arc<Stage>,
    began: Instant,
    trace_id: Option<String>,
    token_id: Option<String>,
    /// Taken when it is written down.
    call: Option<Call>,
}

impl Witness {
    pub(super) fn of(
        stage: &Arc<Stage>,
        request: &Request,
        verified: Result<&Grant, &BadToken>,
    ) -> Self {
        let path = request.uri().path_and_query();
        let path = path.map_or("/", |path| path.as_str());
        let trace_id = request.headers().get(trace::TRACE_ID);
        let trace_id = trace_id.and_then(|value| value.to_str().ok());
        let grant = verified.ok();
        Self {
            stage: Arc::clone(stage),
            began: Instant::now(),
            trace_id: trace_id.map(str::to_owned),
            token_id: grant.map(|grant| grant.jti.clone()),
            call: Some(Call {
                identity: grant.map_or(Identity::Nobody, identity),
                purpose: Purpose::Product,
                method: request.method().clone(),
                path: masked(path, &[]).chars().take(MAX_PATH).collect(),
                status: StatusCode::from_u16(HUNG_UP).unwrap_or(StatusCode::REQUEST_TIMEOUT),
                started: Duration::ZERO,
                duration: Duration::ZERO,
                note: Some("The remote hung up before it was answered.".to_owned()),
                faults: Vec::new(),
                at: stage.clock.now(),
                installation: grant.map(|grant| grant.installation),
            }),
        }
    }

    /// A fault struck the call.
    pub(super) fn struck(&mut self, fault: Fault) {
        if let Some(call) = &mut self.call {
            call.faults.push(fault);
        }
    }

    /// The call was answered like this.
    pub(super) fn answered(mut self, response: &Response) {
        let extensions = response.extensions();
        if let Some(struck) = extensions.get::<Struck>() {
            self.struck(struck.0);
        }
        if let Some(call) = &mut self.call {
            call.status = response.status();
            call.note = extensions.get::<Note>().map(|note| note.0.to_string());
            if let Some(meant) = extensions.get::<Meant>() {
                call.purpose = meant.0.clone();
            }
        }
        // It is written where it is dropped.
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let Some(mut call) = self.call.take() else {
            return;
        };
        call.duration = self.began.elapsed();
        let belongs = Belonging {
            trace_id: self.trace_id.as_deref(),
            token_id: self.token_id.as_deref(),
        };
        self.stage.journal.record(call, self.began, belongs);
    }
}
