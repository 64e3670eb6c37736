//! The first page of the book: its manifest and its remote, beside each other.

use super::{
    Platform, ROOT, UPDATED,
    rust::{remote, stored},
    titles,
};
use crate::book::pages;
use forge_remote::emulator::FireEvent;

#[tokio::test]
async fn the_first_remote_does_what_the_page_says() {
    let chapters = pages::chapters();
    let page = chapters.iter().find(|it| it.path == "docs/start.md");
    let blocks = &page.unwrap().parts.blocks;
    let block = |language: &str| {
        let found = blocks.iter().find(|it| it.language == language);
        found.unwrap().text.clone()
    };
    let example = std::fs::read_to_string(format!("{ROOT}/examples/start.rs")).unwrap();
    assert!(
        example.ends_with(&block("rust")),
        "the page shows another remote"
    );

    let platform = Platform::of(&block("yaml")).await;
    let remote = remote(&platform, "start").await;
    let mira = platform.get("Mira", "/api/mine").await;
    let jonas = platform.get("Jonas", "/api/mine").await;
    assert!(titles(&mira).contains(&"Salary bands 2027"));
    assert!(!titles(&jonas).contains(&"Salary bands 2027"));

    let mut event = FireEvent::new(UPDATED);
    event.subject = Some("5341191".to_owned());
    platform
        .taken(platform.emulator.fire_event(&event).unwrap())
        .await;
    stored(&platform, "seen:5341191", |value| value == true).await;
    drop(remote);
}
