//! A request as Forge sends it: signed, traced, with tokens where the manifest says so.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::{mask::mask, received::shown};
use crate::manifest::{APP_TOKEN_SCOPE, TokenSwitches, USER_TOKEN_SCOPE};
use crate::{
    emulator::{faults::Fault, gateway, journal::SentRequest, mint::Fit, stage::Stage},
    ids::InstallationId,
    secret::Secret,
    trace::{SPAN_ID, TRACE_ID, TraceId},
};

pub(super) const SYSTEM_TOKEN: HeaderName = HeaderName::from_static("x-forge-oauth-system");
pub(super) const USER_TOKEN: HeaderName = HeaderName::from_static("x-forge-oauth-user");

/// A request that is ready to be sent.
#[derive(Debug)]
pub(in crate::emulator) struct Envelope {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(in crate::emulator) trace_id: TraceId,
    span_id: String,
    pub(in crate::emulator) claims: Value,
    fit: Secret,
    oauth: Vec<(HeaderName, Secret)>,
    headers: HeaderMap,
    pub(super) body: Option<String>,
    /// What is wrong with its tokens, on demand.
    pub(in crate::emulator) faults: Vec<Fault>,
}

/// The OAuth tokens that travel with a request.
#[derive(Debug, Default)]
pub(in crate::emulator) struct Forwarded {
    tokens: Vec<(HeaderName, Secret)>,
    fault: Option<Fault>,
}

impl Envelope {
    /// In a trace of its own.
    pub(in crate::emulator) fn new(
        (method, url): (Method, Url),
        fit: Fit,
        oauth: Forwarded,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Self {
        Self {
            method,
            url,
            trace_id: TraceId::random(),
            span_id: Uuid::new_v4().simple().to_string()[..16].to_owned(),
            claims: fit.claims,
            fit: fit.token,
            oauth: oauth.tokens,
            headers,
            body,
            faults: fit.fault.into_iter().chain(oauth.fault).collect(),
        }
    }

    /// Whether a remote must accept the FIT.
    pub(in crate::emulator) fn fit_is_good(&self) -> bool {
        !self.faults.iter().any(Fault::spoils_the_fit)
    }

    pub(in crate::emulator) fn body_len(&self) -> usize {
        self.body.as_ref().map_or(0, String::len)
    }

    /// The FIT and the OAuth tokens.
    pub(in crate::emulator) fn tokens(&self) -> Vec<Secret> {
        let oauth = self.oauth.iter().map(|(_, token)| token.clone());
        oauth.chain([self.fit.clone()]).collect()
    }

    pub(in crate::emulator) fn token_ids(&self) -> Vec<String> {
        let tokens = self.oauth.iter();
        tokens
            .filter_map(|(_, token)| gateway::token_id(token.expose()))
            .collect()
    }

    /// As it is kept for people, tokens masked.
    pub(in crate::emulator) fn shown(&self) -> SentRequest {
        SentRequest {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.shown_headers(),
            body: self.body.as_deref().map(shown),
        }
    }

    fn shown_headers(&self) -> Vec<(String, String)> {
        self.headers_with(mask)
    }

    /// With the tokens in them.
    pub(super) fn headers_in_full(&self) -> Vec<(String, String)> {
        self.headers_with(str::to_owned)
    }

    fn headers_with(&self, form: impl Fn(&str) -> String) -> Vec<(String, String)> {
        let mut shown = vec![(
            header::AUTHORIZATION.to_string(),
            format!("Bearer {}", form(self.fit.expose())),
        )];
        for (name, token) in &self.oauth {
            shown.push((name.to_string(), form(token.expose())));
        }
        shown.push((TRACE_ID.to_string(), self.trace_id.to_string()));
        shown.push((SPAN_ID.to_string(), self.span_id.clone()));
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            shown.push((name.to_string(), value));
        }
        shown
    }

    pub(super) fn into_request(self, client: &reqwest::Client) -> reqwest::RequestBuilder {
        let mut request = client
            .request(self.method, self.url)
            .headers(self.headers)
            .bearer_auth(self.fit.expose())
            .header(TRACE_ID, self.trace_id.as_str())
            .header(SPAN_ID, &self.span_id);
        for (name, token) in &self.oauth {
            if let Ok(mut value) = HeaderValue::from_str(token.expose()) {
                value.set_sensitive(true);
                request = request.header(name, value);
            }
        }
        match self.body {
            Some(body) => request.body(body),
            None => request,
        }
    }
}

/// The tokens that `endpoint.auth` switches on and the scopes allow: none at all
/// where the manifest has no scope but those that ask for tokens, and none of a user
/// where nobody is in session.
pub(in crate::emulator) fn oauth_tokens(
    stage: &Stage,
    installation: InstallationId,
    auth: TokenSwitches,
    user: Option<&str>,
) -> Option<Forwarded> {
    let scopes = &stage.manifest.scopes;
    if scopes.granted().next().is_none() {
        return Some(Forwarded::default());
    }
    let app = auth.app && scopes.has(APP_TOKEN_SCOPE);
    let user = user.filter(|_| auth.user && scopes.has(USER_TOKEN_SCOPE));
    forwarded(stage, installation, app, user)
}

/// The app's token, and that user's, where they are wanted.
pub(super) fn forwarded(
    stage: &Stage,
    installation: InstallationId,
    app: bool,
    user: Option<&str>,
) -> Option<Forwarded> {
    if !app && user.is_none() {
        return Some(Forwarded::default());
    }
    let expired = |fault: &Fault| *fault == Fault::TokensExpired;
    let fault = stage.faults.take(expired);
    let tokens = &stage.tokens;
    let token = |user: Option<&str>| match (fault, user) {
        (Some(_), user) => tokens.lapsed(installation, user),
        (None, Some(user)) => tokens.for_user(installation, user),
        (None, None) => tokens.for_app(installation),
    };
    let mut found = Vec::new();
    if app {
        found.push((SYSTEM_TOKEN, token(None)?));
    }
    if user.is_some() {
        found.push((USER_TOKEN, token(user)?));
    }
    Some(Forwarded {
        tokens: found,
        fault,
    })
}
