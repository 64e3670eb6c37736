//! `docs/strictness.md` names the test behind each of its rows: they are there, and all of them.

use std::{collections::BTreeSet, fs, path::Path};

const DOCUMENT: &str = include_str!("../../../../docs/strictness.md");
const SUITE: &str = "src/emulator/tests/strictness";

/// The rows of the tables: rule, the vendor's page, what the emulator does, test.
fn rows() -> Vec<Vec<&'static str>> {
    let lines = DOCUMENT.lines().filter(|line| line.starts_with("| "));
    lines
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .filter(|cells: &Vec<_>| cells.len() == 4 && cells[0] != "rule")
        .collect()
}

/// `file: test` in backquotes.
fn named(cell: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.map(|quoted| quoted.split_once(": ").unwrap_or((quoted, "")))
}

/// Where the short name of a file leads.
fn path(file: &str) -> String {
    if file.starts_with("manifest/") {
        format!("src/{file}.rs")
    } else if file.contains('/') {
        format!("src/emulator/{file}.rs")
    } else {
        format!("{SUITE}/{file}.rs")
    }
}

/// The names of the tests in a file.
fn tests_in(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_else(|_| panic!("no {}", path.display()));
    let lines: Vec<_> = text.lines().collect();
    let functions = lines.iter().enumerate().filter_map(|(at, line)| {
        let name = line
            .trim_start()
            .trim_start_matches("async ")
            .strip_prefix("fn ")?;
        let above = at.checked_sub(1).map(|at| lines[at].trim())?;
        let is_test = above == "#[test]" || above.starts_with("#[tokio::test");
        is_test.then(|| name.split('(').next().unwrap_or_default().to_owned())
    });
    functions.collect()
}

#[test]
fn every_row_names_a_test_that_exists_and_a_page_of_the_vendors() {
    let rows = rows();
    assert!(rows.len() >= 60, "only {} rows", rows.len());
    for row in rows {
        let [rule, page, does, test] = row[..] else {
            unreachable!()
        };
        assert!(!page.is_empty() && !does.is_empty(), "{rule}");
        let mut tests = named(test).peekable();
        assert!(tests.peek().is_some(), "no test shows it: {rule}");
        for (file, name) in tests {
            let found = tests_in(Path::new(&path(file)));
            assert!(
                found.contains(name),
                "{rule}: there is no test `{name}` in {file}"
            );
        }
    }
}

#[test]
fn every_test_of_the_suite_stands_in_the_document() {
    let listed: BTreeSet<_> = rows()
        .iter()
        .flat_map(|row| named(row[3]))
        .map(|(_, name)| name.to_owned())
        .collect();
    for entry in fs::read_dir(SUITE).unwrap() {
        let path = entry.unwrap().path();
        // A folder holds tables, and this file what is about the document itself.
        if path.is_dir() || path.ends_with("document.rs") {
            continue;
        }
        for test in tests_in(&path) {
            assert!(
                listed.contains(&test),
                "{}: `{test}` stands nowhere",
                path.display()
            );
        }
    }
}
