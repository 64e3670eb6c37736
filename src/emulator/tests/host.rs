//! Host pages: what is served, who is answered, and what becomes of a page's calls.

mod calls;
mod doors;
mod fits;
mod pages;
mod sessions;

use std::{fs, path::Path};

use serde_json::json;

use super::*;

const MANIFEST: &str = r"
app:
  id: ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21
modules:
  confluence:globalPage:
    - {key: page, title: Digest, route: digest, resource: ui, resolver: {endpoint: ui}}
  macro:
    - {key: unbuilt, title: Later, resource: later, resolver: {endpoint: ui}}
  jira:issuePanel:
    - {key: kit, title: Panel, resource: kit, render: native, resolver: {endpoint: ui}}
  endpoint:
    - {key: ui, remote: backend, auth: {appSystemToken: {enabled: true}, appUserToken: {enabled: true}}}
remotes:
  - {key: backend, baseUrl: 'https://r.example', operations: [fetch]}
  - {key: second, baseUrl: 'https://s.example', operations: [fetch]}
resources:
  - {key: ui, path: static/dist}
  - {key: later, path: later/dist}
  - {key: dialogue, path: static/dialogue}
  - {key: kit, path: kit/src/index.jsx}
  - {key: no-build, path: static}
permissions:
  scopes: ['read:app-system-token', 'read:app-user-token', 'read:jira-work', 'read:confluence-user']
";

/// An emulator whose app has pages that were built.
struct Hosted {
    played: Played,
    folder: TempDir,
}

impl Hosted {
    async fn start() -> Self {
        Self::with(proxy::bad_remote(), |_| {}).await
    }

    async fn with(remote: Router, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "manifest.yml", MANIFEST);
        write(
            folder.path(),
            "static/dist/index.html",
            "<!doctype html><script src=\"./assets/app.js\"></script>",
        );
        write(folder.path(), "static/dist/assets/app.js", "let a;");
        write(folder.path(), "static/secret.txt", "secret");
        write(folder.path(), "later/package.json", "{}");
        write(folder.path(), "kit/src/index.jsx", "");
        let manifest = folder.path().join("manifest.yml");
        let played = Played::with(remote, |settings| {
            settings.manifest = manifest;
            change(settings);
        })
        .await;
        Self { played, folder }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.played.running.console_origin())
    }

    fn pages_url(&self, path: &str) -> String {
        format!("{}{path}", self.played.running.pages_origin())
    }

    async fn page(&self, path: &str) -> String {
        let sent = self.played.http.get(self.url(path)).send().await.unwrap();
        sent.text().await.unwrap()
    }

    /// What a door answers the page's own script.
    async fn ask(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self.played.http.post(self.url(path)).json(&body);
        let sent = request.send().await.unwrap();
        let status = sent.status().as_u16();
        (status, sent.json().await.unwrap_or_default())
    }

    async fn invoke(&self, method: &str, path: &str) -> Value {
        let call = json!({"invokeType": "ui-remote-fetch", "method": method, "path": path});
        self.ask("/host/page/invoke", call).await.1
    }

    async fn context(&self, module: &str) -> Value {
        let text = self.page(&format!("/host/{module}/context")).await;
        serde_json::from_str(&text).unwrap()
    }

    async fn apply(&self, module: &str, form: &[(&str, &str)]) -> reqwest::Response {
        let url = self.url(&format!("/host/{module}/session"));
        self.played.http.post(url).form(form).send().await.unwrap()
    }
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
