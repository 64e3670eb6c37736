//! Files of the repository that a page names are there.

use std::{collections::BTreeSet, fs, path::Path};

use super::{ROOT, none, pages};

/// Folders of the repository; what begins with one of them is a path in it. Not `config/`:
/// files in there are the reader's own.
fn folders() -> BTreeSet<String> {
    let made = ["target", "node_modules", "config", "data"];
    let entries = fs::read_dir(ROOT).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != ".git" && !made.contains(&name.as_str()))
        .collect()
}

/// Whether the word is a path of the repository: not of a user's own app, no pattern, and
/// nothing that is made there.
fn is_path(word: &str, folders: &BTreeSet<String>) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    let made = word.contains("/dist") || word.contains("node_modules");
    let (folder, rest) = word.split_once('/').unwrap_or_default();
    folders.contains(folder) && !rest.is_empty() && word.chars().all(plain) && !made
}

/// The first word of a text that looks like a path and leads nowhere.
pub(super) fn missing(text: &str) -> Option<String> {
    let folders = folders();
    let around =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | '(' | ')' | ';' | ',' | '@');
    let words = text.split(around);
    let words = words.map(|word| word.trim_start_matches("./").trim_end_matches(['.', ':']));
    let mut paths = words.filter(|word| is_path(word, &folders));
    let lost = paths.find(|word| !Path::new(ROOT).join(word).exists());
    lost.map(str::to_owned)
}

#[test]
fn every_file_that_a_text_names_is_there() {
    let mut wrong = Vec::new();
    for page in pages::all() {
        // What changed may be about files that are gone; and rules name tests, which a test of
        // their own looks for.
        if matches!(page.path.as_str(), "CHANGELOG.md" | "docs/strictness.md") {
            continue;
        }
        for (line, code) in &page.parts.code {
            if let Some(path) = missing(code) {
                wrong.push(format!("{}:{line}: there is no {path}", page.path));
            }
        }
    }
    none(&wrong);
}

#[test]
fn a_path_that_leads_nowhere_is_seen() {
    assert_eq!(missing("bash tests/run.sh"), None);
    assert_eq!(
        missing("bash ./tests/runs.sh").as_deref(),
        Some("tests/runs.sh")
    );
    assert_eq!(missing("see `src/main.rs`, frontend/custom-ui/dist"), None);
    assert_eq!(
        missing("-f=docs/none.yaml").as_deref(),
        Some("docs/none.yaml")
    );
    assert_eq!(missing("GET /api/x and config/mine.toml"), None);
}
