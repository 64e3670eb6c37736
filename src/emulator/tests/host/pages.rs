//! What is served, and from where.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// The text of an attribute.
fn attribute<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[tokio::test]
async fn every_ui_module_is_listed_and_has_its_page() {
    let hosted = Hosted::start().await;
    let index = hosted.page("/host").await;
    for key in ["page", "unbuilt", "kit"] {
        assert!(index.contains(&format!("href=\"/host/{key}\"")), "{key}");
        let page = hosted.page(&format!("/host/{key}")).await;
        assert!(page.contains("id=\"session\""), "{key}");
    }
    let page = hosted.page("/host/page").await;
    assert!(page.contains("<iframe id=\"app\""));
    assert_eq!(
        attribute(&page, "data-src"),
        Some(hosted.pages_url("/ui/index.html").as_str())
    );
    let unknown = hosted.played.http.get(hosted.url("/host/none"));
    assert_eq!(unknown.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_page_that_was_not_built_says_what_to_run() {
    let hosted = Hosted::start().await;
    let page = hosted.page("/host/unbuilt").await;
    assert!(!page.contains("<iframe"));
    assert!(page.contains("npm ci &amp;&amp; npm run build"));
    assert!(page.contains("later/dist/index.html"));
    assert!(page.contains("Run in <code>later</code>"));
    let kit = hosted.page("/host/kit").await;
    assert!(!kit.contains("<iframe") && kit.contains("kit/dist/index.js"));
}

#[tokio::test]
async fn a_ui_kit_module_runs_out_of_sight_and_is_labelled() {
    let hosted = Hosted::start().await;
    write(hosted.folder.path(), "kit/dist/index.js", "let kit;");
    let page = hosted.page("/host/kit").await;
    assert!(page.contains("id=\"native\"") && page.contains("UI Kit, drawn by the emulator"));
    let src = attribute(&page, "data-src").unwrap();
    let document = hosted.played.http.get(src).send().await.unwrap();
    let document = document.text().await.unwrap();
    let (shim, own) = (
        document.find("/-/bridge.js").unwrap(),
        document.find("/kit/index.js").unwrap(),
    );
    assert!(shim < own, "{document}");
    let script = hosted.played.http.get(hosted.pages_url("/kit/index.js"));
    assert_eq!(
        script.send().await.unwrap().text().await.unwrap(),
        "let kit;"
    );
}

#[tokio::test]
async fn who_may_not_see_the_issue_does_not_see_the_app() {
    let hosted = Hosted::start().await;
    write(hosted.folder.path(), "kit/dist/index.js", "");
    let priya = [("user", world::PRIYA), ("issue", "QUA-18")];
    hosted.apply("kit", &priya).await;
    let page = hosted.page("/host/kit").await;
    assert!(!page.contains("<iframe"));
    assert!(page.contains("Priya Raman may not see “QUA-18”"));
}

#[tokio::test]
async fn the_apps_document_has_the_bridge_before_its_own_scripts() {
    let hosted = Hosted::start().await;
    let sent = hosted.played.http.get(hosted.pages_url("/ui/index.html"));
    let document = sent.send().await.unwrap();
    let headers = document.headers().clone();
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    let policy = headers["content-security-policy"].to_str().unwrap();
    let framed = format!("frame-ancestors {}", hosted.played.running.console_origin());
    assert!(policy.contains(&framed), "{policy}");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert_eq!(
        document.text().await.unwrap(),
        format!(
            "<!doctype html><script src=\"/-/bridge.js\" data-host=\"{}\"></script><script src=\"./assets/app.js\"></script>",
            hosted.played.running.console_origin()
        )
    );
    let script = hosted
        .played
        .http
        .get(hosted.pages_url("/ui/assets/app.js"));
    let script = script.send().await.unwrap();
    assert_eq!(
        script.headers()["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(script.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn a_resource_that_is_no_modules_is_there_for_dialogues() {
    let hosted = Hosted::start().await;
    write(hosted.folder.path(), "static/dialogue/index.html", "<p>");
    let sent = hosted
        .played
        .http
        .get(hosted.pages_url("/dialogue/index.html"));
    let document = sent.send().await.unwrap();
    assert_eq!(document.status(), 200);
    assert!(
        document
            .text()
            .await
            .unwrap()
            .starts_with("<script src=\"/-/bridge.js\"")
    );
}

/// The status of a request whose path no client has tidied.
async fn raw_status(hosted: &Hosted, path: &str) -> u16 {
    let address = hosted
        .pages_url("")
        .trim_start_matches("http://")
        .to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .unwrap()
        .unwrap();
    assert!(!answer.contains("secret"), "{path}");
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn no_path_leads_out_of_the_build() {
    let hosted = Hosted::start().await;
    assert_eq!(raw_status(&hosted, "/ui/assets/app.js").await, 200);
    for path in [
        "/ui/../secret.txt",
        "/ui/%2e%2e/secret.txt",
        "/ui/..%2fsecret.txt",
        "/ui/assets/..%2f..%2fsecret.txt",
        "/ui/..%5csecret.txt",
        "/ui//secret.txt",
        "/ui/%00",
        "/ui/",
        "/later/../static/secret.txt",
        "/none/index.html",
    ] {
        assert_eq!(raw_status(&hosted, path).await, 404, "{path}");
    }
}

#[tokio::test]
async fn a_folder_without_a_document_is_no_build() {
    let hosted = Hosted::start().await;
    write(hosted.folder.path(), "static/notes.txt", "private");
    assert_eq!(raw_status(&hosted, "/no-build/notes.txt").await, 404);
    write(hosted.folder.path(), "static/index.html", "<!doctype html>");
    assert_eq!(raw_status(&hosted, "/no-build/notes.txt").await, 200);
}

#[tokio::test]
async fn a_file_that_is_named_absolutely_is_missed_with_a_word_of_advice() {
    let hosted = Hosted::start().await;
    let sent = hosted.played.http.get(hosted.pages_url("/assets/app.js"));
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(answer.text().await.unwrap().contains("base: './'"));
}

#[tokio::test]
async fn a_host_page_allows_its_own_script_and_the_remote_only() {
    let hosted = Hosted::start().await;
    let sent = hosted.played.http.get(hosted.url("/host/page"));
    let page = sent.send().await.unwrap();
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    let remote = hosted.played.running.stage.remote.load();
    let remote = remote.origin().ascii_serialization();
    for directive in [
        "default-src 'none'".to_owned(),
        "script-src 'self'".to_owned(),
        format!("connect-src 'self' {remote}"),
        format!("frame-src {}", hosted.pages_url("")),
        "frame-ancestors 'none'".to_owned(),
    ] {
        let directives: Vec<_> = policy.split("; ").collect();
        assert!(directives.contains(&directive.as_str()), "{policy}");
    }
    let html = page.text().await.unwrap();
    let scripts: Vec<_> = html.match_indices("<script").collect();
    assert_eq!(scripts.len(), 1);
    let source = attribute(&html[scripts[0].0..], "src").unwrap();
    let script = hosted.played.http.get(hosted.url(source)).send().await;
    assert_eq!(
        script.unwrap().headers()["content-type"],
        "text/javascript; charset=utf-8"
    );
}

#[tokio::test]
async fn localhost_is_led_to_the_one_origin_that_remotes_allow() {
    let hosted = Hosted::start().await;
    let origin: url::Url = hosted.played.running.console_origin().parse().unwrap();
    let port = origin.port().unwrap();
    let sent = hosted
        .played
        .http
        .get(hosted.url("/host/page"))
        .header("host", format!("localhost:{port}"));
    let led = sent.send().await.unwrap();
    assert_eq!(led.status(), 307);
    assert_eq!(led.headers()["location"], hosted.url("/host/page").as_str());
}
