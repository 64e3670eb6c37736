//! `SECURITY.md` names the test that shows each of its claims: they are there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

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

/// All files below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// How often any of `marks` stands in the code of all files below `folder`.
fn count(folder: &str, marks: impl Fn(&str) -> usize) -> usize {
    let files = files(Path::new(folder)).into_iter();
    let code = files.filter(|path| path.extension() == Some("rs".as_ref()));
    code.map(|path| marks(&fs::read_to_string(path).unwrap()))
        .sum()
}

/// The tests inside `proptest!`, and those that run its cases by themselves.
fn properties(code: &str) -> usize {
    let inside = code.split("proptest! {\n").skip(1).map(|block| {
        // It ends where its own brace is closed: with less before it than its tests have.
        let indent = block.len() - block.trim_start_matches(' ').len();
        let closing = format!("\n{}}}", " ".repeat(indent.saturating_sub(4)));
        let block = block.split(&closing).next().unwrap_or(block);
        block.matches("#[test]").count()
    });
    inside.sum::<usize>() + code.matches("= TestRunner::").count()
}

#[test]
fn what_the_security_document_counts_is_there() {
    let tests =
        |code: &str| code.matches("#[tokio::test").count() + code.matches("#[test]").count();
    let inputs = files(Path::new("fuzz/corpus"));
    let targets = files(Path::new("fuzz/fuzz_targets"));
    for target in &targets {
        let corpus = Path::new("fuzz/corpus").join(target.file_stem().unwrap());
        assert!(!files(&corpus).is_empty(), "{} is empty", corpus.display());
    }
    for (what, many) in [
        (
            "tests of what fails outside",
            count("tests/it/failures", tests),
        ),
        ("properties", count("src", properties)),
        ("fuzz targets", targets.len()),
        ("inputs in their corpora", inputs.len()),
    ] {
        let line = format!("| {what} | {many} |");
        assert!(DOCUMENT.contains(&line), "SECURITY.md does not say {line}");
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
