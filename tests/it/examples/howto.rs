//! The handlers of the book's how-tos, each called once.

use forge_remote::emulator::{FireEvent, Invoke};
use serde_json::json;

use super::{
    Platform, UPDATED,
    rust::{remote, stored},
    titles,
};

const PAGE: &str = "5341191";

impl Platform {
    fn account(&self, name: &str) -> String {
        let users = self.emulator.users();
        let user = users.iter().find(|user| user.name.starts_with(name));
        user.unwrap().account_id.clone()
    }

    async fn status(&self, invoke: Invoke) -> u16 {
        let invocation = self.emulator.invoke(invoke).await.unwrap();
        invocation.answer.expect("an answer").status.into()
    }
}

#[tokio::test]
async fn every_how_to_does_what_its_page_says() {
    let platform = Platform::start().await;
    let remote = remote(&platform, "howto").await;
    platform
        .taken(platform.emulator.install().await.unwrap())
        .await;

    // As the app, as the user, as an account.
    let all = platform.get("Jonas", "/api/all-pages").await;
    let app = platform.get("Jonas", "/api/pages").await;
    assert_eq!(all.as_array().unwrap().len(), titles(&app).len());
    let jonas = platform.get("Jonas", "/api/me").await;
    assert_eq!(jonas["accountId"], platform.account("Jonas"));
    let path = format!("/api/pages-of/{}", platform.account("Jonas"));
    let theirs = platform.get("Mira", &path).await;
    assert!(titles(&theirs).contains(&"Draft: moving the search index"));
    let asked = Invoke::get(platform.account("Jonas"), "digest-page", &path);
    assert_eq!(platform.status(asked).await, 403);

    // An event, then a tick that counts what it left.
    let mut event = FireEvent::new(UPDATED);
    event.subject = Some(PAGE.to_owned());
    platform
        .taken(platform.emulator.fire_event(&event).unwrap())
        .await;
    stored(&platform, &format!("title:{PAGE}"), |title| {
        title == "On-call handbook"
    })
    .await;
    platform
        .taken([platform.emulator.fire_schedule("digest-hourly").unwrap()])
        .await;
    stored(&platform, "count", |count| count == 1).await;

    // A note is its author's.
    let mut write = Invoke::get(platform.account("Mira"), "digest-page", "/api/note");
    write.method = http::Method::PUT;
    write.body = Some(json!({"text": "mine"}));
    assert_eq!(platform.status(write).await, 200);
    let mira = platform.get("Mira", "/api/note").await;
    assert_eq!(mira["text"], "mine");
    let jonas = platform.get("Jonas", "/api/note").await;
    assert!(jonas.is_null());

    // Two products, and work with the token that is kept.
    let both = platform.get("Mira", "/api/both").await;
    assert!(!both["pages"].as_array().unwrap().is_empty());
    assert!(!both["issues"].as_array().unwrap().is_empty());
    let mut sync = Invoke::get(platform.account("Mira"), "digest-page", "/api/sync");
    sync.method = http::Method::POST;
    assert_eq!(platform.status(sync).await, 200);
    // There is no Bitbucket in this installation.
    let asked = Invoke::get(platform.account("Mira"), "digest-page", "/api/repositories");
    assert_eq!(platform.status(asked).await, 404);
    drop(remote);
}
