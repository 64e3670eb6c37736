//! The door to the emulated APIs: who calls, may they, and a line in the journal.

mod witness;

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    journal::{Identity, Purpose},
    stage::Stage,
    storage,
    tokens::{BadToken, Grant, Kind},
    world,
};
use crate::{ids::Product, trace::TraceId};
use witness::Witness;

/// An answer that turns a call down, in the words of the API that gives it.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
    note: Option<Cow<'static, str>>,
}

/// Why a call was refused, for the console alone.
#[derive(Debug, Clone)]
pub(super) struct Note(pub(super) Cow<'static, str>);

/// What a call was for, where it is no plain product call.
#[derive(Debug, Clone)]
pub(super) struct Meant(pub(super) Purpose);

impl Refusal {
    pub(super) const fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body,
            note: None,
        }
    }

    /// Tells the developer more than the platform tells the remote.
    pub(super) fn because(mut self, note: impl Into<Cow<'static, str>>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// In the shape of the API that lives at that path.
    fn of_api(path: &str, status: StatusCode, message: &'static str) -> Self {
        if path.starts_with(storage::BASE) {
            storage::refusal(status, message)
        } else {
            Self::gateway(status, message)
        }
    }

    /// The gateway in front of the products: `{"code", "message"}`.
    pub(super) fn gateway(status: StatusCode, message: &str) -> Self {
        Self::new(status, json!({"code": status.as_u16(), "message": message}))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(note) = self.note {
            response.extensions_mut().insert(Note(note));
        }
        response
    }
}

impl Grant {
    /// Passes if the token carries one of these scopes: any of them opens the operation.
    pub(super) fn require(&self, any_of: &[&str]) -> Result<(), Refusal> {
        if any_of.iter().any(|scope| self.carries(scope)) {
            return Ok(());
        }
        let scopes = any_of.join("` or `");
        let note = match self.kind {
            Kind::Impersonated => format!(
                "The impersonated token lacks `{scopes}`: give that scope `allowImpersonation: true` in permissions.scopes."
            ),
            Kind::App | Kind::User => {
                format!("The token lacks `{scopes}`: add that scope to permissions.scopes.")
            }
        };
        Err(Refusal::gateway(
            StatusCode::UNAUTHORIZED,
            "Unauthorized; scope does not match",
        )
        .because(note))
    }
}

/// Lets a call through whose token is good and whose site is this one; writes it into the journal.
pub(super) async fn gate(
    State(stage): State<Arc<Stage>>,
    mut request: Request,
    next: Next,
) -> Response {
    let verified =
        bearer(request.headers()).and_then(|token| stage.tokens.verify(token, &stage.installed));
    let mut witness = Witness::of(&stage, &request, verified.as_ref());
    let path = request.uri().path().to_owned();
    let answering = TraceId::of(request.headers());
    let mut response = match verified {
        Err(reason) => Refusal::of_api(&path, StatusCode::UNAUTHORIZED, "Unauthorized")
            .because(note_on(reason))
            .into_response(),
        Ok(grant) => {
            if let Some((fault, delay)) = stage.faults.delay(&path) {
                witness.struck(fault);
                sleep(delay).await;
            }
            if let Some(refusal) = wrong_site(&stage, &path).or_else(|| unsettled(&stage, &path)) {
                refusal.into_response()
            } else if let Some(refused) = stage.faults.refuse_product(&path) {
                refused
            } else {
                request.extensions_mut().insert(grant);
                in_json(&path, next.run(request).await)
            }
        }
    };
    if path.starts_with(storage::BASE) {
        let [trace, _] = answering.onward();
        response.headers_mut().extend([trace]);
    }
    witness.answered(&response);
    response
}

/// The framework's own refusals (405, a query given twice, a body too large) as the gateway would say them.
fn in_json(path: &str, response: Response) -> Response {
    let status = response.status();
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if json || !status.is_client_error() {
        return response;
    }
    let reason = status.canonical_reason().unwrap_or("Bad Request");
    Refusal::of_api(path, status, reason).into_response()
}

fn bearer(headers: &HeaderMap) -> Result<&str, BadToken> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(BadToken::Missing)
}

const fn note_on(reason: BadToken) -> &'static str {
    match reason {
        BadToken::Missing => "The call carried no bearer token.",
        BadToken::Forged => {
            "The bearer is no OAuth token that this emulator made. A FIT opens no API."
        }
        BadToken::Expired => "The token has expired: read its `exp`, and take a newer one.",
        BadToken::OtherInstallation => {
            "The token belongs to another installation, or to one that was removed."
        }
    }
}

/// `/ex/<product>/<cloudId>/…` must name a product the app is installed in, and this site.
fn wrong_site(stage: &Stage, path: &str) -> Option<Refusal> {
    let mut segments = path.strip_prefix("/ex/")?.split('/');
    let product = Product::from(segments.next().unwrap_or_default());
    let cloud = segments.next().unwrap_or_default();
    let installation = stage.installed.current();
    let note = if !installation.is_some_and(|installation| installation.is_in(&product)) {
        "The app is not installed in that product: no module of the manifest lives there."
    } else if !world::is_this_site(cloud) {
        "The cloud id is not this site's: build the URL from the FIT's `apiBaseUrl`."
    } else {
        return None;
    };
    Some(Refusal::gateway(StatusCode::NOT_FOUND, "Not Found").because(note))
}

/// Products refuse an app for a while after its install, where that is asked for.
fn unsettled(stage: &Stage, path: &str) -> Option<Refusal> {
    path.strip_prefix("/ex/")?;
    let refused = stage.installed.current()?.refuses()?;
    let status = refused.status();
    let message = status.canonical_reason().unwrap_or_default();
    Some(Refusal::gateway(status, message).because(
        "The app was installed just now and has not got its permissions yet: try again later, with growing pauses.",
    ))
}

fn identity(grant: &Grant) -> Identity {
    let account_id = grant.sub.clone();
    let name = world::user(&account_id)
        .map_or(account_id.as_str(), |user| user.name)
        .to_owned();
    match grant.kind {
        Kind::App => Identity::App,
        Kind::User => Identity::User { account_id, name },
        Kind::Impersonated => Identity::Impersonated { account_id, name },
    }
}

/// The platform has more APIs than are played here: say so rather than pretend that they do not exist.
pub(super) async fn not_played() -> Refusal {
    Refusal::gateway(
        StatusCode::NOT_IMPLEMENTED,
        "The emulator does not play this API",
    )
    .because("This path may well exist on the platform; the emulator does not play it.")
}
