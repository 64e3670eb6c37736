//! The request as Forge sends it: address, headers, tokens where the manifest says so.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::{Invoke, InvokeError, mask, shown};
use crate::{
    clock::Timestamp,
    emulator::{
        gateway,
        journal::{Invocation, SentRequest, Settlement},
        manifest::{APP_TOKEN_SCOPE, USER_TOKEN_SCOPE, UiModule},
        stage::Stage,
        world,
    },
    secret::Secret,
    trace::{SPAN_ID, TRACE_ID, TraceId},
};

const SYSTEM_TOKEN: HeaderName = HeaderName::from_static("x-forge-oauth-system");
const USER_TOKEN: HeaderName = HeaderName::from_static("x-forge-oauth-user");
/// More headers than this no app passes.
const MAX_HEADERS: usize = 64;

/// An invocation that is ready to be sent.
#[derive(Debug)]
pub(in crate::emulator) struct Prepared {
    user: &'static world::User,
    module_key: String,
    method: Method,
    url: Url,
    trace_id: TraceId,
    span_id: String,
    claims: Value,
    fit: Secret,
    oauth: Vec<(HeaderName, Secret)>,
    headers: HeaderMap,
    body: Option<String>,
}

impl Prepared {
    pub(super) fn new(stage: &Stage, invoke: Invoke) -> Result<Self, InvokeError> {
        let user = world::active_users()
            .find(|user| user.account_id == invoke.user)
            .ok_or(InvokeError::UnknownUser)?;
        let Some(module) = stage.manifest.module(&invoke.module_key) else {
            return Err(InvokeError::UnknownModule(invoke.module_key));
        };
        let known = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        if !known.contains(&invoke.method) {
            return Err(InvokeError::Method);
        }
        let url = resolve(&stage.remote.load(), &invoke.path)?;
        let body = body(&invoke.method, invoke.body)?;
        let headers = own_headers(invoke.headers, body.is_some())?;
        let fit = stage.mint.ui(module, user).ok_or(InvokeError::Signing)?;
        let oauth = oauth_tokens(stage, module, user)?;
        Ok(Self {
            user,
            module_key: invoke.module_key,
            method: invoke.method,
            url,
            trace_id: TraceId::random(),
            span_id: Uuid::new_v4().simple().to_string()[..16].to_owned(),
            claims: fit.claims,
            fit: fit.token,
            oauth,
            headers,
            body,
        })
    }

    pub(super) fn body_len(&self) -> usize {
        self.body.as_ref().map_or(0, String::len)
    }

    /// The FIT and the OAuth tokens.
    pub(super) fn tokens(&self) -> Vec<Secret> {
        let oauth = self.oauth.iter().map(|(_, token)| token.clone());
        oauth.chain([self.fit.clone()]).collect()
    }

    pub(super) fn token_ids(&self) -> Vec<String> {
        let tokens = self.oauth.iter();
        tokens
            .filter_map(|(_, token)| gateway::token_id(token.expose()))
            .collect()
    }

    pub(super) fn journal_entry(&self, now: Timestamp) -> Invocation {
        Invocation {
            id: 0,
            at: now,
            trace_id: self.trace_id.clone(),
            user: self.user.name,
            module_key: self.module_key.clone(),
            request: SentRequest {
                method: self.method.clone(),
                url: self.url.clone(),
                headers: self.shown_headers(),
                body: self.body.as_deref().map(shown),
            },
            claims: self.claims.clone(),
            calls: Vec::new(),
            answer: None,
            settlement: Settlement::Pending,
            duration: std::time::Duration::ZERO,
            verdict: Vec::new(),
        }
    }

    fn shown_headers(&self) -> Vec<(String, String)> {
        let mut shown = vec![(
            header::AUTHORIZATION.to_string(),
            format!("Bearer {}", mask(self.fit.expose())),
        )];
        for (name, token) in &self.oauth {
            shown.push((name.to_string(), mask(token.expose())));
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

/// `new URL(path, baseUrl)`; whatever leads to another host would take the FIT there and is refused.
fn resolve(base: &Url, path: &str) -> Result<Url, InvokeError> {
    let url = base.join(path).map_err(|_| InvokeError::Path)?;
    let at_home = url.origin() == base.origin() && url.username().is_empty();
    if path.is_empty() || !at_home {
        return Err(InvokeError::Path);
    }
    Ok(url)
}

fn body(method: &Method, body: Option<Value>) -> Result<Option<String>, InvokeError> {
    match body {
        None => Ok(None),
        Some(body @ Value::Object(_)) if *method != Method::GET => Ok(Some(body.to_string())),
        Some(_) => Err(InvokeError::Body),
    }
}

/// The caller's headers, without those that Forge or the connection sets.
fn own_headers(given: Vec<(String, String)>, has_body: bool) -> Result<HeaderMap, InvokeError> {
    let mut headers = HeaderMap::new();
    if has_body {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    for (name, value) in given.into_iter().take(MAX_HEADERS) {
        let parsed = (
            HeaderName::from_bytes(name.trim().as_bytes()),
            HeaderValue::from_str(value.trim()),
        );
        let (Ok(header_name), Ok(value)) = parsed else {
            return Err(InvokeError::Header(name.chars().take(64).collect()));
        };
        if !set_by_forge(&header_name) {
            headers.insert(header_name, value);
        }
    }
    Ok(headers)
}

fn set_by_forge(name: &HeaderName) -> bool {
    let connection = [
        header::AUTHORIZATION,
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
    ];
    connection.contains(name)
        || name.as_str().starts_with("x-forge-")
        || name.as_str().starts_with("x-b3-")
}

/// The tokens that `endpoint.auth` switches on and the scopes allow: none at all
/// where the manifest has no scope but those that ask for tokens.
fn oauth_tokens(
    stage: &Stage,
    module: &UiModule,
    user: &world::User,
) -> Result<Vec<(HeaderName, Secret)>, InvokeError> {
    let scopes = &stage.manifest.scopes;
    let mut tokens = Vec::new();
    if scopes.granted().next().is_none() {
        return Ok(tokens);
    }
    if module.auth.app && scopes.has(APP_TOKEN_SCOPE) {
        let token = stage.tokens.for_app().ok_or(InvokeError::Signing)?;
        tokens.push((SYSTEM_TOKEN, token));
    }
    if module.auth.user && scopes.has(USER_TOKEN_SCOPE) {
        let token = stage
            .tokens
            .for_user(user.account_id)
            .ok_or(InvokeError::Signing)?;
        tokens.push((USER_TOKEN, token));
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(base: &str, path: &str) -> Option<String> {
        resolve(&base.parse().unwrap(), path).ok().map(String::from)
    }

    #[test]
    fn a_path_is_resolved_as_a_browser_would() {
        for (base, path, url) in [
            (
                "https://r.example/base/",
                "tasks",
                "https://r.example/base/tasks",
            ),
            (
                "https://r.example/base",
                "/tasks",
                "https://r.example/tasks",
            ),
            ("https://r.example", "/a?b=c", "https://r.example/a?b=c"),
            ("https://r.example", "/a/../b", "https://r.example/b"),
        ] {
            assert_eq!(resolved(base, path).as_deref(), Some(url));
        }
    }

    #[test]
    fn a_path_that_leads_to_another_host_is_refused() {
        for path in [
            "",
            "//evil.example/",
            "https://evil.example/",
            "http://r.example/",
            "\\\\evil.example",
            "https://me@r.example/",
        ] {
            assert_eq!(resolved("https://r.example", path), None, "{path}");
        }
    }

    #[test]
    fn the_caller_cannot_replace_what_forge_sets() {
        let given = [
            ("Authorization", "Bearer mine"),
            ("X-Forge-OAuth-System", "mine"),
            ("x-b3-traceid", "mine"),
            ("host", "mine"),
            ("x-own", "kept"),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = own_headers(given.to_vec(), false).unwrap();
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-own"], "kept");
        let split = own_headers(vec![("a".into(), "b\r\nc: d".into())], false);
        assert_eq!(split, Err(InvokeError::Header("a".into())));
    }

    #[test]
    fn a_body_is_an_object_and_never_on_a_get() {
        let object = serde_json::json!({"a": 1});
        assert_eq!(
            body(&Method::POST, Some(object.clone())),
            Ok(Some(r#"{"a":1}"#.into()))
        );
        assert_eq!(body(&Method::GET, Some(object)), Err(InvokeError::Body));
        assert_eq!(
            body(&Method::PUT, Some(Value::from(1))),
            Err(InvokeError::Body)
        );
    }
}
