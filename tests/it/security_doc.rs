//! `SECURITY.md` names the test that shows each of its claims: they are there.

use std::{collections::BTreeSet, fs, path::Path};

const DOCUMENT: &str = include_str!("../../SECURITY.md");

/// The rows of the threats: as many lines as have a number in their first column.
fn threats() -> impl Iterator<Item = &'static str> {
    let is_threat = |line: &&str| {
        let first = line
            .strip_prefix("| ")
            .and_then(|line| line.split(' ').next());
        first.is_some_and(|first| first.parse::<u32>().is_ok())
    };
    DOCUMENT.lines().filter(is_threat)
}

/// What stands in backquotes and names a file: `path: function`, or `path` for all of it.
fn named(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|quoted| match quoted.split_once(": ") {
        Some((path, name)) if is_evidence(path) => Some((path, Some(name))),
        None if is_evidence(quoted) => Some((quoted, None)),
        _ => None,
    })
}

fn is_evidence(path: &str) -> bool {
    let folders = ["src/", "tests/", "fuzz/"];
    folders.iter().any(|folder| path.starts_with(folder))
        || ["Cargo.toml", "Dockerfile", "deny.toml"].contains(&path)
}

/// Whether the file has that test, or tests at all; whether it has that text, if it is no code.
fn has(path: &str, name: Option<&str>) -> bool {
    let Ok(text) = fs::read_to_string(path) else {
        return false;
    };
    let is_code = Path::new(path).extension() == Some("rs".as_ref());
    match name {
        Some(name) if !is_code => text.contains(name),
        Some(name) => {
            let head = format!("fn {name}(");
            let lines: Vec<_> = text.lines().collect();
            let at = lines.iter().position(|line| line.contains(&head));
            // Its attributes stand above it, a macro's tests take theirs from there.
            at.is_some_and(|at| {
                let above = &lines[at.saturating_sub(6)..at];
                above.iter().any(|line| line.contains("test"))
            })
        }
        None => ["#[test]", "#[tokio::test", "fuzz_target!"]
            .iter()
            .any(|mark| text.contains(mark)),
    }
}

#[test]
fn every_test_that_the_security_document_names_exists() {
    let evidence: BTreeSet<_> = named(DOCUMENT).collect();
    let missing: Vec<_> = evidence
        .iter()
        .filter(|(path, name)| !has(path, *name))
        .collect();
    assert!(missing.is_empty(), "named and not there: {missing:#?}");
    assert!(evidence.len() >= 100, "only {} are named", evidence.len());
}

#[test]
fn every_threat_has_a_test() {
    for threat in threats() {
        assert!(named(threat).next().is_some(), "no test shows it: {threat}");
    }
    assert!(threats().count() >= 40, "{}", threats().count());
}
