//! `forge-remote check`: a remote without flaws keeps every rule, and each rule catches a remote
//! with the flaw that is meant for it.
//!
//! The remote is [`reference`]: small, written against the contract with crates of its own
//! choice, and without a line of the library. [`flaws`] has what can be wrong with it, rule by
//! rule. Here an answer that the platform waits 25 s for has to come in four.

mod command;
mod document;
mod flaws;
mod own;
mod reference;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use forge_remote::conformance::{
    check::{Check, Limits, Settings},
    report::Report,
    rule::{Group, Only, Verdict, catalogue},
};
use tempfile::TempDir;
use url::Url;

use self::{
    flaws::{Flaw, NONE},
    reference::Reference,
};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml");

/// What the pages of the reference remote call.
const UI_PATHS: &[&str] = &[
    "/api/plain",
    "/api/content",
    "/api/app-content",
    r#"PUT:/api/note={"text":"remember the milk"}"#,
    "/api/note",
    "/api/accounts/{account}/content",
];

/// Platforms that try flaws at the same time.
const LANES: usize = 4;

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.ui = Duration::from_secs(4);
    limits.event = Duration::from_secs(2);
    limits.new_key = Duration::from_secs(3);
    limits.key_hang = Duration::from_millis(1200);
    limits.handled = Duration::from_secs(4);
    limits.restart = Duration::from_secs(5);
    limits.slow = Duration::from_millis(3500);
    limits.recovered = Duration::from_secs(4);
    limits.silence = Duration::from_millis(300);
    limits
}

/// A platform, and the file by which its restart command kills the remote.
struct Stage {
    check: Check,
    restart: PathBuf,
    _folder: TempDir,
}

async fn platform() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let restart = folder.path().join("restart");
    let mut settings = Settings::new(MANIFEST);
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings.ui_paths = UI_PATHS.iter().map(|path| path.parse().unwrap()).collect();
    settings.limits = limits();
    settings.restart_command = Some(reference::restart_command(&restart));
    Stage {
        check: Check::start(settings).await.unwrap(),
        restart,
        _folder: folder,
    }
}

async fn report(stage: &Stage, flaw: Flaw, only: &[Only]) -> Report {
    let Stage { check, restart, .. } = stage;
    let remote = Reference::start(&check.trust(), flaw, restart).await;
    let url: Url = remote.url().parse().unwrap();
    check.run(&url, only, &|_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_without_flaws_keeps_every_rule() {
    let stage = platform().await;
    let report = report(&stage, NONE, &[]).await;
    let bad: Vec<_> = report
        .judged
        .iter()
        .filter(|one| one.verdict != Verdict::Passed)
        .map(|one| format!("{}: {:?}", one.rule.id, one.verdict))
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Plays each rule of a group against the remotes that it is meant to catch.
async fn rules_catch_their_flaws(group: Group) {
    let caught = flaws::all().filter(|(rule, _)| group_of(rule) == group);
    let caught: Vec<_> = caught.copied().collect();
    // Most of the time is spent in waiting for what is too late or does not come.
    let lanes = (0..LANES).map(|lane| {
        let mine = caught.iter().skip(lane).step_by(LANES).copied().collect();
        tokio::spawn(missed(mine))
    });
    let mut missed = Vec::new();
    for lane in lanes.collect::<Vec<_>>() {
        missed.extend(lane.await.unwrap());
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Those that are not caught, one after the other under a platform of their own.
async fn missed(caught: Vec<flaws::Caught>) -> Vec<String> {
    let mut missed = Vec::new();
    if caught.is_empty() {
        return missed;
    }
    let stage = platform().await;
    for (rule, flaw) in caught {
        let only: Only = rule.parse().unwrap();
        let report = report(&stage, flaw, &[only]).await;
        match &report.judged[0].verdict {
            Verdict::Failed(_) => {}
            other => missed.push(format!("{rule} although {}: {other:?}", flaw.name())),
        }
    }
    missed
}

fn group_of(id: &str) -> Group {
    let rule = catalogue().find(|rule| rule.id == id);
    rule.unwrap_or_else(|| panic!("no rule is called {id}"))
        .group
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_authentication_catch_their_flaws() {
    rules_catch_their_flaws(Group::Authentication).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_the_contract_catch_their_flaws() {
    rules_catch_their_flaws(Group::Contract).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_identity_catch_their_flaws() {
    rules_catch_their_flaws(Group::Identity).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_tokens_catch_their_flaws() {
    rules_catch_their_flaws(Group::Tokens).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_events_catch_their_flaws() {
    rules_catch_their_flaws(Group::Events).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_resilience_catch_their_flaws() {
    rules_catch_their_flaws(Group::Resilience).await;
}

#[test]
fn every_rule_has_a_remote_that_it_catches() {
    let caught: BTreeSet<&str> = flaws::all().map(|(rule, _)| *rule).collect();
    let without: Vec<&str> = catalogue()
        .map(|rule| rule.id)
        .filter(|id| !caught.contains(id))
        .collect();
    assert!(without.is_empty(), "rules that catch nothing: {without:?}");
}

#[test]
fn ids_are_said_once_and_every_rule_says_all() {
    let mut ids = BTreeSet::new();
    for rule in catalogue() {
        assert!(ids.insert(rule.id), "{} twice", rule.id);
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(rule.id.chars().all(kebab), "{}", rule.id);
        for text in [rule.sentence, rule.mend] {
            assert!(text.ends_with('.'), "{}: {text}", rule.id);
        }
        assert!(
            rule.source.starts_with("Forge"),
            "{}: {}",
            rule.id,
            rule.source
        );
    }
}
