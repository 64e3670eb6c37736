//! Scripts and styles of host pages, as they stand beside this file: nothing has to be built.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Each with its name, its type and its text.
const ASSETS: [(&str, &str, &str); 13] = [
    (
        "host.css",
        "text/css; charset=utf-8",
        include_str!("host.css"),
    ),
    ("calls.js", SCRIPT, include_str!("script/calls.js")),
    ("commands.js", SCRIPT, include_str!("script/commands.js")),
    ("doors.js", SCRIPT, include_str!("script/doors.js")),
    (
        "fetch-remote.js",
        SCRIPT,
        include_str!("script/fetch-remote.js"),
    ),
    ("flags.js", SCRIPT, include_str!("script/flags.js")),
    ("frame.js", SCRIPT, include_str!("script/frame.js")),
    ("history.js", SCRIPT, include_str!("script/history.js")),
    ("host.js", SCRIPT, include_str!("script/host.js")),
    ("modal.js", SCRIPT, include_str!("script/modal.js")),
    ("session.js", SCRIPT, include_str!("script/session.js")),
    ("ui-kit.js", SCRIPT, include_str!("script/ui-kit.js")),
    (
        "ui-kit-parts.js",
        SCRIPT,
        include_str!("script/ui-kit-parts.js"),
    ),
];

/// `GET /host-assets/{name}`
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let found = ASSETS.iter().find(|(known, _, _)| *known == name);
    match found {
        Some((_, kind, text)) => {
            let kind = HeaderValue::from_static(kind);
            ([(header::CONTENT_TYPE, kind)], *text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
