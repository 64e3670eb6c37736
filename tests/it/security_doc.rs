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

/// What stands in backquotes and has the form `path.rs: name`, or `path.rs` for all of a file.
fn named(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|quoted| match quoted.split_once(": ") {
        Some((path, name)) if has_tests(path) => Some((path, Some(name))),
        None if has_tests(quoted) => Some((quoted, None)),
        _ => None,
    })
}

fn has_tests(path: &str) -> bool {
    let place = ["src/", "tests/", "fuzz/"]
        .iter()
        .any(|place| path.starts_with(place));
    place
        && Path::new(path)
            .extension()
            .is_some_and(|extension| extension == "rs")
}

#[test]
fn every_test_that_the_security_document_names_exists() {
    let mut missing = Vec::new();
    let mut found = BTreeSet::new();
    for (path, name) in named(DOCUMENT) {
        let text = fs::read_to_string(path).unwrap_or_default();
        let is_there = match name {
            Some(name) => text.contains(&format!("fn {name}(")),
            None => {
                text.contains("#[test]")
                    || text.contains("#[tokio::test")
                    || text.contains("fuzz_target!")
            }
        };
        if !is_there {
            missing.push((path, name));
        }
        found.insert((path, name));
    }
    assert!(
        missing.is_empty(),
        "named in SECURITY.md and not there: {missing:#?}"
    );
    assert!(found.len() >= 60, "only {} tests are named", found.len());
}

#[test]
fn every_threat_has_a_test() {
    for threat in threats() {
        assert!(named(threat).next().is_some(), "no test shows it: {threat}");
    }
    assert!(threats().count() >= 25, "{}", threats().count());
}
