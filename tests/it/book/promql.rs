//! Queries: of metrics that the code counts.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::ROOT;

pub(super) fn check(text: &str) -> Result<(), String> {
    let counted = metrics();
    for name in names(text) {
        // What Prometheus makes of a histogram.
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix));
        if !counted.contains(name) && !base.is_some_and(|base| counted.contains(base)) {
            return Err(format!("no code counts `{name}`"));
        }
    }
    parsed(text)
}

/// By promtool, if it is here: `tests/run.sh` installs it.
fn parsed(text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml");
    let query = text.lines().map(|line| format!("          {line}\n"));
    let query: String = query.collect();
    let rules =
        "groups:\n  - name: book\n    rules:\n      - record: book:query\n        expr: |\n";
    fs::write(&file, format!("{rules}{query}")).unwrap();
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "rules"]).arg(&file);
    match promtool.stdin(Stdio::null()).output() {
        Err(_) => Ok(()),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Words that begin like our metrics.
fn names(text: &str) -> Vec<&str> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let words = text.split(word);
    words.filter(|word| word.starts_with("forge_")).collect()
}

/// Every text of the code that begins so, in quotes.
fn metrics() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    look(&Path::new(ROOT).join("src"), &mut found);
    assert!(found.contains("forge_shed_total"), "{found:?}");
    found
}

fn look(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let quoted = text.split("\"forge_").skip(1);
            let names = quoted.filter_map(|rest| rest.split_once('"'));
            found.extend(names.map(|(name, _)| format!("forge_{name}")));
        }
    }
}
