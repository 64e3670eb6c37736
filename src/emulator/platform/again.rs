//! A request that was sent before, made anew: its claims from now on, its tokens as they
//! are now, the rest as it was.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;

use super::{
    InvokeError,
    envelope::{Envelope, SYSTEM_TOKEN, USER_TOKEN, forwarded},
    received::MAX_SHOWN_BYTES,
};
use crate::{
    emulator::{
        journal::{Attempt, Invocation, MAX_REQUEST_BODY, SentRequest},
        stage::Stage,
    },
    ids::InstallationId,
    trace::{SPAN_ID, TRACE_ID},
};

/// A body that is this close to the bound of what is kept may have been cut there.
const LONGEST_CHARACTER: usize = 4;

/// A request as it is remembered.
#[derive(Debug, Clone, Copy)]
pub(in crate::emulator) struct Remembered<'a> {
    pub(in crate::emulator) request: &'a SentRequest,
    pub(in crate::emulator) claims: &'a Value,
    /// As much of a body as is kept in that place.
    pub(in crate::emulator) kept: usize,
}

impl<'a> Remembered<'a> {
    pub(in crate::emulator) fn of(invocation: &'a Invocation) -> Self {
        Self {
            request: &invocation.request,
            claims: &invocation.claims,
            kept: MAX_SHOWN_BYTES,
        }
    }

    pub(in crate::emulator) fn of_attempt(attempt: &'a Attempt) -> Self {
        Self {
            request: &attempt.request,
            claims: &attempt.claims,
            kept: MAX_REQUEST_BODY,
        }
    }
}

impl Envelope {
    /// The request again, in a trace of its own, with a FIT that lives so long.
    pub(in crate::emulator) fn again(
        stage: &Stage,
        remembered: Remembered<'_>,
        lifetime: Duration,
    ) -> Result<Self, InvokeError> {
        let (request, claims) = (remembered.request, remembered.claims);
        if may_be_cut(request.body.as_deref(), remembered.kept) {
            return Err(InvokeError::Cut);
        }
        // The tokens are for the remote, and it may have another address by now.
        if request.url.origin() != stage.remote.load().origin() {
            return Err(InvokeError::Elsewhere);
        }
        let installation = stage.installed.current().ok_or(InvokeError::NotInstalled)?;
        if claims["app"]["installationId"] != serde_json::json!(installation.id) {
            return Err(InvokeError::Reinstalled);
        }
        let fit = stage.mint.renew(claims, lifetime);
        let oauth = tokens(stage, installation.id, request, claims);
        Ok(Self::new(
            (request.method.clone(), request.url.clone()),
            fit.ok_or(InvokeError::Signing)?,
            oauth.ok_or(InvokeError::Signing)?,
            own_headers(&request.headers),
            request.body.clone(),
        ))
    }
}

/// Whether there may have been more of it than was kept.
pub(in crate::emulator) fn may_be_cut(body: Option<&str>, kept: usize) -> bool {
    body.is_some_and(|body| body.len() + LONGEST_CHARACTER > kept)
}

/// The tokens that the request brought, in their present form.
fn tokens(
    stage: &Stage,
    installation: InstallationId,
    request: &SentRequest,
    claims: &Value,
) -> Option<super::envelope::Forwarded> {
    let brought = |name: &HeaderName| {
        let mut headers = request.headers.iter();
        headers.any(|(known, _)| known == name.as_str())
    };
    let user = claims["principal"].as_str();
    let user = user.filter(|_| brought(&USER_TOKEN));
    forwarded(stage, installation, brought(&SYSTEM_TOKEN), user)
}

/// Those that Forge does not set anew.
fn own_headers(headers: &[(String, String)]) -> HeaderMap {
    let forges = [
        header::AUTHORIZATION,
        SYSTEM_TOKEN,
        USER_TOKEN,
        TRACE_ID,
        SPAN_ID,
    ];
    let parsed = headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        (!forges.contains(&name)).then_some((name, value))
    });
    let mut own = HeaderMap::new();
    for (name, value) in parsed {
        own.append(name, value);
    }
    own
}
