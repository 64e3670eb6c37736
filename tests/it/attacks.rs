//! Hostile tokens and headers, over real HTTP, each with the code it must get.
//!
//! The table is played in order against one service whose clock stands still, so that a
//! token is on the edge of its time exactly when its row says so. Right but odd tokens
//! stand between the hostile ones: a service that refuses all fails too.

mod algorithm;
mod audience;
mod bearer;
mod contradiction;
mod control;
mod forwarded;
mod json;
mod key_injection;
mod padding;
mod place;
mod row;
mod scene;
mod siblings;
mod signature;
mod smuggling;
mod textbook;
mod time;
mod types;
mod unicode;

use std::{collections::HashSet, fs};

use self::{
    row::{Row, Want},
    scene::{Scene, good},
};
use crate::support::claims::{INSTALLATION, USER};

/// Everything, with where the row is from. `evil` is a host that must never be asked.
fn table(evil: &str) -> Vec<(&'static str, Row)> {
    let families = [
        ("control", control::rows()),
        ("algorithm", algorithm::rows()),
        ("key injection", key_injection::rows(evil)),
        ("signature", signature::rows()),
        ("padding", padding::rows()),
        ("types", types::rows()),
        ("json", json::rows()),
        ("unicode", unicode::rows()),
        ("time", time::rows()),
        ("audience", audience::rows()),
        ("contradiction", contradiction::rows()),
        ("bearer", bearer::rows()),
        ("forwarded tokens", forwarded::rows()),
        ("place", place::rows()),
        ("smuggling", smuggling::rows()),
        // Last: it moves the clock.
        ("siblings", siblings::rows()),
    ];
    families
        .into_iter()
        .flat_map(|(family, rows)| rows.into_iter().map(move |row| (family, row)))
        .collect()
}

fn count(rows: &[(&str, Row)], wanted: impl Fn(&str, &Want) -> bool) -> usize {
    let rows = rows.iter();
    rows.filter(|(family, row)| wanted(family, &row.want))
        .count()
}

#[test]
fn the_table_is_long_and_says_nothing_twice() {
    let rows = table("http://127.0.0.1:1");
    let hostile = |want: &Want| !matches!(want, Want::Accepted);
    // Without the matrix of types, which is quickly long.
    let by_hand = count(&rows, |family, want| family != "types" && hostile(want));
    assert!(by_hand >= 900, "{by_hand}");
    let all = count(&rows, |_, want| hostile(want));
    let right = rows.len() - all;
    let document = fs::read_to_string("SECURITY.md").unwrap();
    let thousands = format!("{},{:03}", all / 1000, all % 1000);
    for (what, many) in [
        ("hostile requests", thousands),
        ("odd requests that are right", right.to_string()),
    ] {
        let line = format!("| {what} | {many} |");
        assert!(document.contains(&line), "SECURITY.md does not say {line}");
    }
    let mut names = HashSet::new();
    for (family, row) in &rows {
        assert!(names.insert((family, &row.name)), "{family}: {}", row.name);
    }
}

#[tokio::test]
async fn every_attack_gets_its_code_and_leaves_no_trace() {
    let scene = Scene::set().await;
    let rows = table(&scene.evil());
    let mut wrong = Vec::new();
    for (family, row) in &rows {
        if let Err(why) = scene.play(row).await {
            wrong.push(format!("{family}, {}: {why}", row.name));
        }
    }
    let (failed, all) = (wrong.len(), rows.len());
    assert!(failed == 0, "{failed} of {all} rows:\n{}", wrong.join("\n"));
    assert_eq!(scene.calls_elsewhere(), Vec::<String>::new());

    // The clock has gone on by now.
    let after = good().claim("/exp", scene::NOW + 53).token();
    let after = Row::token("after all that", after, Want::Accepted);
    scene.play(&after).await.expect("a good token still passes");
    let said = scene.log();
    let ours = count(&rows, |_, want| !matches!(want, Want::Connection(_)));
    assert!(said.lines().count() >= ours, "the log was listened to");
    let secrets = rows.iter().flat_map(|(_, row)| row.secrets());
    // The log names the installation that called, and one row has its claims in plain text.
    let secrets: HashSet<&str> = secrets
        .filter(|word| !INSTALLATION.ends_with(word))
        .map(|word| &word[..row::SHORTEST])
        .collect();
    assert!(
        secrets.len() > all / 2,
        "most rows have a token of their own"
    );
    for word in row::words(said.as_bytes()).collect::<HashSet<_>>() {
        let told = secrets.iter().find(|secret| word.contains(**secret));
        assert!(told.is_none(), "{word} is in the log");
    }
    for secret in [row::POISON, USER] {
        assert!(!said.contains(secret), "{secret} is in the log");
    }
}
