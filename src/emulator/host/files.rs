//! The app's own pages, as they were built: from a folder of the manifest, and from nowhere else.

use std::{
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, html};
use tokio::io::AsyncReadExt;

use super::{injection::with_script, policy};
use crate::emulator::stage::Stage;
use crate::manifest::{Frontend, UiModule};

/// A larger file is no part of a page.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// The script of a UI Kit module, bundled for browsers.
const BUNDLE: &str = "index.js";
const HTML: &str = "text/html; charset=utf-8";

/// The listener that has nothing but these.
pub(in crate::emulator) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/-/bridge.js", get(shim))
        .route("/-/theme.css", get(theme))
        .route("/-/ui-kit/{resource}", get(ui_kit))
        .route("/{resource}/{*file}", get(file))
        .fallback(not_relative)
}

/// What a module's page is made of, as it lies on the disk.
pub(super) enum Build {
    /// The address of the document.
    Ready { url: String },
    /// Where it was looked for, and where to build it; both relative to the manifest.
    Missing { file: String, project: String },
}

/// Looks whether the module's page has been built.
pub(super) fn build_of(stage: &Stage, frontend: &Frontend) -> Build {
    let pages = &stage.pages_origin;
    let resource = &frontend.resource;
    let found = if frontend.native {
        bundle(stage, frontend).map(|_| format!("{pages}/-/ui-kit/{resource}"))
    } else {
        let document = stage.folder.join(&frontend.path).join(&frontend.document);
        document
            .is_file()
            .then(|| format!("{pages}/{resource}/{}", frontend.document))
    };
    found.map_or_else(|| missing(stage, frontend), |url| Build::Ready { url })
}

fn missing(stage: &Stage, frontend: &Frontend) -> Build {
    let path = FilePath::new(&frontend.path);
    let file = if frontend.native {
        let source = path.parent().and_then(FilePath::parent);
        source.unwrap_or(path).join("dist").join(BUNDLE)
    } else {
        path.join(&frontend.document)
    };
    let project = path
        .ancestors()
        .find(|folder| stage.folder.join(folder).join("package.json").is_file());
    let project = project.map(|folder| folder.display().to_string());
    Build::Missing {
        file: file.display().to_string(),
        project: project.unwrap_or_default(),
    }
}

/// The folder of a UI Kit module's bundle: `dist` beside its source or beside a folder of that.
fn bundle(stage: &Stage, frontend: &Frontend) -> Option<PathBuf> {
    let source = FilePath::new(&frontend.path);
    source
        .ancestors()
        .skip(1)
        .map(|folder| stage.folder.join(folder).join("dist"))
        .find(|folder| folder.join(BUNDLE).is_file())
}

async fn shim() -> Response {
    let script = include_str!("frame/bridge.js");
    served("text/javascript; charset=utf-8", script).into_response()
}

async fn theme() -> Response {
    served("text/css; charset=utf-8", include_str!("frame/theme.css")).into_response()
}

/// The document around a UI Kit module's script, which draws nothing itself.
async fn ui_kit(State(stage): State<Arc<Stage>>, Path(key): Path<String>) -> Response {
    let Some(frontend) = frontend(&stage, &key).filter(|it| it.native) else {
        return not_found("The manifest has no UI Kit resource of that key.\n");
    };
    let page = html! {
        (DOCTYPE)
        title { "UI Kit" }
        script type="module" src={ "/" (frontend.resource) "/" (BUNDLE) } {}
    };
    document(&stage, page.into_string().as_bytes())
}

async fn file(
    State(stage): State<Arc<Stage>>,
    Path((key, file)): Path<(String, String)>,
) -> Response {
    let Some(path) = stage.manifest.resources.get(&key) else {
        return not_relative().await;
    };
    // A dialogue may show a resource that is no module's.
    let root = match frontend(&stage, &key).filter(|it| it.native) {
        Some(native) => bundle(&stage, native),
        None => Some(stage.folder.join(path)).filter(|root| is_build(&stage, &key, root)),
    };
    let found = match root {
        Some(root) => read(&root, &file).await,
        None => None,
    };
    match found {
        None => not_found("The app's build has no such file.\n"),
        Some(content) => match content_type(&file) {
            HTML => document(&stage, &content),
            kind => served(kind, content).into_response(),
        },
    }
}

/// A folder with one of the resource's documents. Any other is no page: a manifest that names
/// `/` or `../..` opens nobody's disk to the app's script.
fn is_build(stage: &Stage, resource: &str, root: &FilePath) -> bool {
    let frontends = stage.manifest.modules.iter();
    frontends
        .filter_map(|module| module.frontend.as_ref())
        .filter(|frontend| frontend.resource == resource)
        .map(|frontend| frontend.document.as_str())
        .chain(["index.html"])
        .any(|document| content_type(document) == HTML && root.join(document).is_file())
}

fn frontend<'a>(stage: &'a Stage, resource: &str) -> Option<&'a Frontend> {
    let frontends = stage.manifest.modules.iter();
    frontends
        .filter_map(|module: &UiModule| module.frontend.as_ref())
        .find(|frontend| frontend.resource == resource)
}

/// A file below `root`. Neither dots nor links lead out of it.
async fn read(root: &FilePath, file: &str) -> Option<Vec<u8>> {
    let plain = |segment: &str| {
        !segment.is_empty() && !segment.starts_with('.') && !segment.contains(['\\', '\0', ':'])
    };
    if !file.split('/').all(plain) {
        return None;
    }
    let root = tokio::fs::canonicalize(root).await.ok()?;
    let path = tokio::fs::canonicalize(root.join(file)).await.ok()?;
    if !path.starts_with(&root) {
        return None;
    }
    let opened = tokio::fs::File::open(path).await.ok()?;
    let about = opened.metadata().await.ok()?;
    if !about.is_file() || about.len() > MAX_BYTES {
        return None;
    }
    let mut content = Vec::new();
    // It may grow while it is read.
    let read = opened.take(MAX_BYTES).read_to_end(&mut content).await;
    read.ok().map(|_| content)
}

/// The app's document with the bridge in it.
fn document(stage: &Stage, content: &[u8]) -> Response {
    let tag = html! { script src="/-/bridge.js" data-host=(stage.origin) {} };
    let content = with_script(content, &tag.into_string());
    let page = served(HTML, content);
    policy::under(&policy::of_app(stage), page)
}

/// Absolute paths lead out of the folder that the platform gives an app on its host.
async fn not_relative() -> Response {
    not_found(
        "No app has its files here. Name them relative to the page, as the platform needs it: \
         with Vite set `base: './'`.\n",
    )
}

fn not_found(sentence: &'static str) -> Response {
    (
        StatusCode::NOT_FOUND,
        served("text/plain; charset=utf-8", sentence),
    )
        .into_response()
}

fn served(kind: &'static str, content: impl IntoResponse) -> impl IntoResponse {
    let fixed = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        // A new build shows at the next load.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (fixed, content)
}

fn content_type(file: &str) -> &'static str {
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => HTML,
        "js" | "mjs" | "cjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "wasm" => "application/wasm",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn neither_dots_nor_links_lead_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("dist");
        std::fs::create_dir_all(root.join("assets")).unwrap();
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        std::fs::write(root.join("assets/a.js"), "a").unwrap();
        std::fs::write(root.join(".env"), "e").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path().join("secret"), root.join("link")).unwrap();
        assert_eq!(read(&root, "assets/a.js").await.unwrap(), b"a");
        for file in [
            "../secret",
            "assets/../../secret",
            "assets/../assets/a.js",
            "..\\secret",
            "assets//a.js",
            "/etc/passwd",
            ".env",
            "link",
            "assets",
            "none",
            "",
            "a\0",
        ] {
            assert_eq!(read(&root, file).await, None, "{file}");
        }
    }

    #[tokio::test]
    async fn a_file_beyond_the_limit_is_not_served() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(folder.path().join("large.bin")).unwrap();
        file.set_len(MAX_BYTES).unwrap();
        assert!(read(folder.path(), "large.bin").await.is_some());
        file.set_len(MAX_BYTES + 1).unwrap();
        assert!(read(folder.path(), "large.bin").await.is_none());
    }

    #[test]
    fn scripts_are_scripts_and_the_unknown_is_nothing_that_runs() {
        assert_eq!(content_type("a/b.min.JS"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("a.css"), "text/css; charset=utf-8");
        assert_eq!(content_type("noext"), "application/octet-stream");
        assert_eq!(content_type("a.exe"), "application/octet-stream");
    }
}
