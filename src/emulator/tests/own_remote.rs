//! The page about the remote, for one that is up, not yet up, and gone.

use super::*;

async fn page(played: &Played) -> String {
    let url = format!("{}remote", played.running.console_url());
    let sent = played.http.get(url).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    sent.text().await.unwrap()
}

/// Taken from nobody, and nobody's again.
async fn nobodys() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    format!("http://{address}").parse().unwrap()
}

#[tokio::test]
async fn it_has_the_two_settings_and_the_variables() {
    let played = Played::start().await;
    let html = page(&played).await;
    let trust = played.running.trust();
    assert!(html.contains(&format!("<dd>{}</dd>", trust.jwks_url)));
    assert!(html.contains(&format!("<dd>{}</dd>", trust.api_origin)));
    for (name, value) in trust.variables() {
        assert!(html.contains(&format!("{name}={value}\n")), "{name}");
    }
    // What it tells is so: the claims of a FIT lead to that origin, and the keys are there.
    let invoke = Invoke::get(world::MIRA, "digest-page", "/");
    let claims = played.running.invoke(invoke).await.unwrap().claims;
    let api = claims["app"]["apiBaseUrl"].as_str().unwrap();
    assert!(api.starts_with(&format!("{}/", trust.api_origin)), "{api}");
    assert_eq!(claims["aud"], trust.app_id.to_string());
    let keys = played.http.get(&trust.jwks_url).send().await.unwrap();
    let keys: Value = keys.json().await.unwrap();
    assert_eq!(keys["keys"][0]["kty"], "RSA");
}

#[tokio::test]
async fn it_tells_a_remote_that_is_not_up_from_one_that_has_gone() {
    let played = Played::start().await;
    assert!(page(&played).await.contains(">listens<"));
    played.running.set_remote(nobodys().await);
    assert!(!played.running.remote_listens().await);
    let html = page(&played).await;
    assert!(html.contains(">not up yet<") && html.contains("as soon as it listens"));
    played.running.install().await.unwrap();
    let html = page(&played).await;
    assert!(html.contains(">unreachable<") && html.contains("any more"));
}

#[tokio::test]
async fn an_address_that_needs_more_is_remarked_on() {
    let played = Played::start().await;
    assert!(!page(&played).await.contains("certificate"));
    let mut remote = nobodys().await;
    remote.set_scheme("https").unwrap();
    played.running.set_remote(remote);
    assert!(
        page(&played)
            .await
            .contains("must be one that this machine trusts")
    );
}
