//! The doors behind the bridge: `invoke` through the platform, and a FIT for `fetchRemote`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::relay::{self, Call};
use crate::emulator::{
    platform::{self, InvokeError, MAX_HEAD_BYTES},
    stage::Stage,
};

/// `POST /host/{module}/invoke`: always 200, for the page's promise is settled by the body.
pub(super) async fn invoke(
    State(stage): State<Arc<Stage>>,
    Path(key): Path<String>,
    Json(call): Json<Call>,
) -> Json<Value> {
    let user = stage.session.get().user;
    let invoke = match call.into_invoke(user.account_id, &key) {
        Ok(invoke) => invoke,
        Err(sentence) => return refused(sentence),
    };
    match platform::relay(&stage, invoke).await {
        Ok(relayed) => Json(relay::answer(&relayed)),
        Err(error) => refused(&error.to_string()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    remote_key: String,
    #[serde(default)]
    path: Option<String>,
}

/// `POST /host/{module}/fit`: where a `fetchRemote` goes, and the FIT that goes with it.
pub(super) async fn fit(
    State(stage): State<Arc<Stage>>,
    Path(key): Path<String>,
    Json(wanted): Json<Wanted>,
) -> Response {
    match fit_for(&stage, &key, &wanted) {
        Ok(granted) => ([(header::CACHE_CONTROL, "no-store")], Json(granted)).into_response(),
        Err(sentence) => (StatusCode::UNPROCESSABLE_ENTITY, refused(&sentence)).into_response(),
    }
}

fn fit_for(stage: &Stage, key: &str, wanted: &Wanted) -> Result<Value, String> {
    let module = stage.manifest.module(key);
    let module = module.ok_or_else(|| InvokeError::UnknownModule(key.to_owned()).to_string())?;
    if !stage.manifest.remotes.contains(&wanted.remote_key) {
        return Err(format!(
            "the manifest has no remote `{}`: `requestRemote` takes the `key` of one of `remotes`",
            wanted.remote_key.escape_debug()
        ));
    }
    let path = wanted.path.as_deref().unwrap_or_default();
    let url = appended(&stage.remote.load(), path).ok_or_else(|| InvokeError::Path.to_string())?;
    if url.as_str().len() > MAX_HEAD_BYTES {
        return Err(InvokeError::Long.to_string());
    }
    let fit = stage
        .fits
        .take(stage, module)
        .map_err(|error| error.to_string())?;
    Ok(json!({"url": url, "token": fit.token.expose(), "id": fit.id()}))
}

/// `path` appended to the remote's address, base path and all.
fn appended(base: &Url, path: &str) -> Option<Url> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let base_text = base.as_str().trim_end_matches('/');
    let url = Url::parse(&format!("{base_text}{slash}{path}")).ok()?;
    (!path.is_empty() && url.origin() == base.origin()).then_some(url)
}

fn refused(sentence: &str) -> Json<Value> {
    Json(json!({"rejects": sentence, "refused": true}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_appended_to_the_remotes_address() {
        for (base, path, url) in [
            ("http://r.example", "/a?b=c", "http://r.example/a?b=c"),
            ("http://r.example/base/", "/a", "http://r.example/base/a"),
            ("http://r.example/base", "a", "http://r.example/base/a"),
            (
                "http://r.example",
                "//evil.example",
                "http://r.example//evil.example",
            ),
            (
                "http://r.example",
                "@evil.example",
                "http://r.example/@evil.example",
            ),
        ] {
            let appended = appended(&base.parse().unwrap(), path);
            assert_eq!(appended.map(String::from).as_deref(), Some(url));
        }
        assert_eq!(appended(&"http://r.example".parse().unwrap(), ""), None);
    }
}
