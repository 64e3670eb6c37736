//! What a UI asks for, made into a request: its module, its path, its own headers.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use url::Url;

use super::{
    Invoke, InvokeError, MAX_HEAD_BYTES,
    again::Remembered,
    envelope::{Envelope, oauth_tokens},
};
use crate::{
    clock::Timestamp,
    emulator::{
        journal::{Invocation, Settlement, Via},
        stage::Stage,
        world,
    },
};

/// More headers than this no app passes.
const MAX_HEADERS: usize = 64;

/// A UI invocation that is ready to be sent.
#[derive(Debug)]
pub(super) struct Prepared {
    user: &'static str,
    module_key: String,
    pub(super) envelope: Envelope,
}

impl Prepared {
    pub(super) fn new(stage: &Stage, invoke: Invoke) -> Result<Self, InvokeError> {
        let user = world::active_users()
            .find(|user| user.account_id == invoke.user)
            .ok_or(InvokeError::UnknownUser)?;
        let Some(module) = stage.manifest.module(&invoke.module_key) else {
            return Err(InvokeError::UnknownModule(invoke.module_key));
        };
        let Some(endpoint) = &module.endpoint else {
            return Err(InvokeError::NoEndpoint(invoke.module_key));
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
        let url = resolve(&stage.remote.load(), &invoke.path).ok_or(InvokeError::Path)?;
        let body = body(&invoke.method, invoke.body)?;
        let headers = own_headers(invoke.headers, body.is_some())?;
        if head_length(&url, &headers) > MAX_HEAD_BYTES {
            return Err(InvokeError::Long);
        }
        let installation = stage.installed.current();
        let installation = installation.ok_or(InvokeError::NotInstalled)?;
        let session = stage.session.get();
        let fit = stage.mint.ui(&installation, module, user, &session);
        let oauth = oauth_tokens(stage, installation.id, endpoint.auth, Some(user.account_id));
        Ok(Self {
            user: user.name,
            module_key: invoke.module_key,
            envelope: Envelope::new(
                (invoke.method, url),
                fit.ok_or(InvokeError::Signing)?,
                oauth.ok_or(InvokeError::Signing)?,
                headers,
                body,
            ),
        })
    }

    /// The request of an invocation, with a FIT and tokens of now.
    pub(super) fn again(stage: &Stage, invocation: &Invocation) -> Result<Self, InvokeError> {
        if invocation.via != Via::InvokeRemote {
            return Err(InvokeError::FromBrowser);
        }
        let lifetime = stage.mint.lifetime();
        Ok(Self {
            user: invocation.user,
            module_key: invocation.module_key.clone(),
            envelope: Envelope::again(stage, Remembered::of(invocation), lifetime)?,
        })
    }

    pub(super) fn journal_entry(&self, now: Timestamp) -> Invocation {
        Invocation {
            id: 0,
            at: now,
            trace_id: self.envelope.trace_id.clone(),
            user: self.user,
            module_key: self.module_key.clone(),
            via: Via::InvokeRemote,
            request: self.envelope.shown(),
            claims: self.envelope.claims.clone(),
            calls: Vec::new(),
            answer: None,
            settlement: Settlement::Pending,
            duration: std::time::Duration::ZERO,
            verdict: Vec::new(),
            faults: self.envelope.faults.clone(),
        }
    }
}

/// `new URL(path, baseUrl)`; whatever leads to another host would take the FIT there and is refused.
fn resolve(base: &Url, path: &str) -> Option<Url> {
    let url = base.join(path).ok()?;
    let at_home = url.origin() == base.origin() && url.username().is_empty();
    (!path.is_empty() && at_home).then_some(url)
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

fn head_length(url: &Url, headers: &HeaderMap) -> usize {
    let headers = headers.iter();
    let lengths = headers.map(|(name, value)| name.as_str().len() + value.len());
    url.as_str().len() + lengths.sum::<usize>()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(base: &str, path: &str) -> Option<String> {
        resolve(&base.parse().unwrap(), path).map(String::from)
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
