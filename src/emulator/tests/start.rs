use super::*;

fn settings(folder: &Path, manifest: &str) -> Settings {
    let path = folder.join("manifest.yml");
    std::fs::write(&path, manifest).unwrap();
    let mut settings = Settings::new(path, "http://127.0.0.1:1".parse().unwrap());
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings.state_dir = folder.join("state");
    settings
}

fn good() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml")).unwrap()
}

#[tokio::test]
async fn a_port_in_use_is_one_line_that_names_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(folder.path(), &good());
    settings.listen = taken.local_addr().unwrap();
    let error = Emulator::start(settings).await.unwrap_err();
    let port = taken.local_addr().unwrap().port();
    assert_eq!(
        error.to_string(),
        format!("port {port} is in use: stop what uses it or choose another with --console")
    );
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), &good());
    settings.listen = "0.0.0.0:0".parse().unwrap();
    let error = Emulator::start(settings).await.unwrap_err();
    assert!(matches!(error, StartError::NotLoopback { .. }), "{error}");
}

#[tokio::test]
async fn a_missing_or_broken_manifest_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut missing = settings(folder.path(), "");
    missing.manifest = folder.path().join("none.yml");
    let error = Emulator::start(missing).await.unwrap_err().to_string();
    assert!(
        error.ends_with(
            "none.yml: cannot be read: run in the app's folder or name the file with --manifest"
        ),
        "{error}"
    );

    let broken = settings(folder.path(), &good().replace("modules:\n", "modules: [\n"));
    let error = Emulator::start(broken).await.unwrap_err().to_string();
    assert!(error.contains("manifest.yml: line "), "{error}");
    assert_eq!(error.lines().count(), 1);

    let unscoped = good().replace("    read:app-user-token: {}\n", "");
    let error = Emulator::start(settings(folder.path(), &unscoped))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("Endpoint module: 'ui-endpoint' requires 'read:app-user-token' scope."),
        "{error}"
    );
}

#[tokio::test]
async fn a_running_emulator_says_where_everything_is_and_stops() {
    let played = Played::start().await;
    let running = &played.running;
    let keys: Value = played
        .http
        .get(running.jwks_url())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert_eq!(running.api_host(), "127.0.0.1");
    assert_eq!(running.cloud_id().as_str(), world::cloud_id());
    assert_eq!(running.module_keys(), ["digest-page", "digest-panel"]);
    assert_eq!(running.users().len(), 3);
    let url = running.jwks_url();
    played.running.stop().await;
    assert!(played.http.get(url).send().await.is_err());
}

#[tokio::test]
async fn another_sites_name_for_this_machine_is_turned_away() {
    let played = Played::start().await;
    let url = played.running.console_url();
    let request = played.http.get(url).header("host", "evil.example:4000");
    assert_eq!(request.send().await.unwrap().status(), 421);
}
