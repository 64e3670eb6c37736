//! The one listener: what was asked is written down first, and then answered.

use std::{sync::Weak, time::Duration, time::Instant};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

use super::{
    Inner, Platform, exchange,
    fault::{Fault, On},
    journal::{Bearer, Kind, Seen},
    keys::KeysServed,
    product, storage, stray,
    tenant::Tenant,
};

const KEYS: &str = "/.well-known/jwks.json";
const GRAPHQL: &str = "/graphql";
const STORAGE: &str = "/forge/storage/kvs";
const FOREIGN: &str = "/foreign/";

/// What a remote may send: storage takes batches of 4 MB.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Longer than anybody may wait.
const SILENCE: Duration = Duration::from_mins(1);

pub(super) async fn serve(listener: TcpListener, inner: Weak<Inner>) {
    let app = Router::new().fallback(handle).with_state(inner);
    // It never returns an error (axum: "will never actually complete or return an error").
    let _ = axum::serve(listener, app).await;
}

async fn handle(State(inner): State<Weak<Inner>>, request: Request) -> Response {
    let Some(inner) = inner.upgrade() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let platform = Platform(inner);
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let asked = Asked::of(&platform, &parts, &body);
    platform.journal().add(asked.seen.to_keep());
    asked.answer(&platform).await
}

/// A request, and whom it concerns.
struct Asked {
    seen: Seen,
    tenant: Option<Tenant>,
    /// Of a product: the path behind the site.
    inner_path: String,
    authorization: String,
}

impl Asked {
    fn of(platform: &Platform, parts: &Parts, body: &Bytes) -> Self {
        let path = parts.uri.path().to_owned();
        let bearer = bearer(platform, &parts.headers);
        let host = parts.headers.get(header::HOST);
        let host = host.and_then(|value| value.to_str().ok());
        let is_foreign =
            host.is_some_and(|host| platform.foreign_origin().ends_with(&format!("/{host}")));
        let (mut kind, cloud, inner_path) = place(&path);
        if is_foreign && path.starts_with(FOREIGN) {
            kind = Kind::Foreign;
        }
        let by_token = match &bearer {
            Bearer::Of {
                cloud,
                installation,
                ..
            } => platform
                .tenant_of_cloud(cloud)
                .filter(|tenant| tenant.installation() == *installation),
            Bearer::None | Bearer::Unknown => None,
        };
        let by_site = cloud
            .as_deref()
            .and_then(|cloud| platform.tenant_of_cloud(cloud));
        let installation = match &bearer {
            Bearer::Of { installation, .. } => Some(installation.clone()),
            Bearer::None | Bearer::Unknown => by_site.as_ref().map(Tenant::installation),
        };
        let text = |name: &str| {
            let value = parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let seen = Seen {
            at: Instant::now(),
            kind,
            method: parts.method.to_string(),
            path,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            host: text("host").unwrap_or_default(),
            bearer,
            installation,
            cloud,
            trace_id: text("x-b3-traceid"),
            strays: stray::find(parts, body, |word| platform.knows(word)),
            body: serde_json::from_slice(body).unwrap_or_default(),
            body_bytes: body.len(),
        };
        let tenant = if kind == Kind::Product {
            by_site
        } else {
            by_token
        };
        Self {
            seen,
            tenant,
            inner_path,
            authorization: text("authorization").unwrap_or_default(),
        }
    }

    async fn answer(&self, platform: &Platform) -> Response {
        let on = match self.seen.kind {
            Kind::Keys => return keys(platform).await,
            Kind::Elsewhere => return not_found(),
            Kind::Foreign => return Json(json!({"results": [], "values": []})).into_response(),
            Kind::Exchange => On::Exchange,
            Kind::Storage => On::Storage,
            Kind::Product => On::Products,
        };
        let fault = self
            .tenant
            .as_ref()
            .map_or(Fault::None, |tenant| tenant.fault_now(on));
        match fault {
            Fault::None => self.good(platform),
            Fault::Slow(by) => {
                sleep(by.min(SILENCE)).await;
                self.good(platform)
            }
            Fault::Silent => {
                sleep(SILENCE).await;
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
            Fault::LinksAway => {
                let body = product::with_links(self.good_body(), &self.away(platform));
                let link = format!("<{}>; rel=\"next\"", self.away(platform));
                ([(header::LINK, link)], Json(body)).into_response()
            }
            Fault::RedirectAway(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
                (status, [(header::LOCATION, self.away(platform))]).into_response()
            }
            Fault::Echo(status) => {
                let said = &self.authorization;
                let body = json!({"code": status, "message": format!("Not with {said}"),
                    "errorMessages": [said], "authorization": said});
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                (status, [("x-echo", said.as_str())], Json(body)).into_response()
            }
            fault => broken(fault),
        }
    }

    /// Where this request would have been answered on a foreign host.
    fn away(&self, platform: &Platform) -> String {
        format!(
            "{}{FOREIGN}{}",
            platform.foreign_origin(),
            self.seen.path.trim_start_matches('/')
        )
    }

    /// What a product says, whoever asks.
    fn good_body(&self) -> Value {
        let seen = &self.seen;
        self.tenant.as_ref().map_or(Value::Null, |tenant| {
            product::body(tenant, &seen.bearer, &self.inner_path, &seen.query)
        })
    }

    fn good(&self, platform: &Platform) -> Response {
        let seen = &self.seen;
        if seen.kind == Kind::Exchange {
            return exchange::answer(platform, &seen.bearer, self.tenant.as_ref(), &seen.body);
        }
        let Bearer::Of {
            cloud,
            speaker,
            good: true,
            ..
        } = &seen.bearer
        else {
            return unauthorized();
        };
        let Some(tenant) = &self.tenant else {
            return unauthorized();
        };
        if cloud != tenant.cloud_id() {
            return unauthorized();
        }
        if seen.kind == Kind::Product {
            let body = product::body(tenant, &seen.bearer, &self.inner_path, &seen.query);
            return Json(body).into_response();
        }
        if *speaker != super::Speaker::App || seen.method != "POST" {
            return unauthorized();
        }
        let now = platform.clock().now_millis();
        storage::answer(tenant, &self.inner_path, &seen.body, now)
    }
}

/// What kind of place a path is; of a product also its site, and the path behind it.
fn place(path: &str) -> (Kind, Option<String>, String) {
    if path == KEYS {
        return (Kind::Keys, None, String::new());
    }
    if path == GRAPHQL {
        return (Kind::Exchange, None, String::new());
    }
    if let Some(operation) = path
        .strip_prefix(STORAGE)
        .and_then(|rest| rest.strip_prefix("/v1/"))
    {
        return (Kind::Storage, None, operation.to_owned());
    }
    let product = path
        .strip_prefix("/ex/")
        .and_then(|rest| rest.split_once('/'));
    if let Some((_, rest)) = product {
        let (cloud, inner) = rest.split_once('/').unwrap_or((rest, ""));
        return (Kind::Product, Some(cloud.to_owned()), format!("/{inner}"));
    }
    (Kind::Elsewhere, None, String::new())
}

fn bearer(platform: &Platform, headers: &HeaderMap) -> Bearer {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Bearer::None;
    };
    let text = value.to_str().unwrap_or_default();
    let token = text
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    token.map_or(Bearer::Unknown, |(_, token)| platform.holder(token.trim()))
}

async fn keys(platform: &Platform) -> Response {
    if let KeysServed::HangsAndFails(after) = platform.keys().served() {
        sleep(after.min(SILENCE)).await;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    Json(platform.keys().document()).into_response()
}

fn unauthorized() -> Response {
    let body = json!({"code": 401, "message": "Unauthorized"});
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

fn not_found() -> Response {
    let body = json!({"code": 404, "message": "Not Found"});
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

fn broken(fault: Fault) -> Response {
    const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
    match fault {
        Fault::Status(status) => {
            let body = json!({"code": status, "message": "The product is broken for this check.",
                "errorMessages": ["The product is broken for this check."]});
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, Json(body)).into_response()
        }
        Fault::Limited(seconds) => {
            let headers = [(header::RETRY_AFTER, seconds.to_string())];
            let body = json!({"message": "Rate limit exceeded."});
            (StatusCode::TOO_MANY_REQUESTS, headers, Json(body)).into_response()
        }
        Fault::Malformed => (JSON, r#"{"results": [{"id": "4456"#).into_response(),
        Fault::Html => {
            let html = [(header::CONTENT_TYPE, "text/html")];
            (html, "<!doctype html><title>Maintenance</title>").into_response()
        }
        Fault::Cut => {
            let start = Ok(Bytes::from_static(b"{\"results\": ["));
            let end = Err(std::io::Error::other("cut for this check"));
            let stream = futures_util::stream::iter([start, end]);
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CONTENT_LENGTH, "4096"),
            ];
            (headers, Body::from_stream(stream)).into_response()
        }
        Fault::Huge(bytes) => {
            let filling = "x".repeat(bytes.min(64 * 1024 * 1024));
            (
                JSON,
                json!({"results": [{"id": "1", "title": filling}]}).to_string(),
            )
                .into_response()
        }
        Fault::Redirect(path) => (StatusCode::FOUND, [(header::LOCATION, path)]).into_response(),
        Fault::None
        | Fault::Silent
        | Fault::Slow(_)
        | Fault::RedirectAway(_)
        | Fault::LinksAway
        | Fault::Echo(_) => Json(Value::Null).into_response(),
    }
}
