//! `docs/metrics.md`, as data.

use std::collections::{BTreeMap, BTreeSet};

use super::server::shipped;

/// A row of one of the tables.
#[derive(Debug)]
pub(super) struct Documented {
    pub(super) kind: String,
    /// The labels, each with its values if they are listed.
    pub(super) labels: BTreeMap<String, BTreeSet<String>>,
}

/// Labels whose values are the app's, not ours to list.
const OPEN: [&str; 4] = ["route", "module", "version", "features"];

/// All rows, by the metric's name.
pub(super) fn metrics() -> BTreeMap<String, Documented> {
    let mut found = BTreeMap::new();
    let mut before = BTreeMap::new();
    let text = shipped("docs/metrics.md");
    for line in text.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let ["", name, kind, labels, meaning, ""] = cells[..] else {
            continue;
        };
        let Some(name) = quoted(name).next() else {
            continue;
        };
        assert!(!meaning.is_empty(), "{name}");
        let labels = read_labels(labels, &mut before);
        let kind = kind.to_owned();
        let doubled = found.insert(name.to_owned(), Documented { kind, labels });
        assert!(doubled.is_none(), "{name} twice");
    }
    found
}

/// As in: lane, as above; reason, with its values.
fn read_labels(
    text: &str,
    before: &mut BTreeMap<String, BTreeSet<String>>,
) -> BTreeMap<String, BTreeSet<String>> {
    if text == "none" {
        return BTreeMap::new();
    }
    let labels = text.split(';').map(|part| {
        let mut words = quoted(part).map(str::to_owned);
        let label = words.next().unwrap_or_else(|| panic!("no label in {text}"));
        let values: BTreeSet<_> = if part.contains("as above") {
            before[&label].clone()
        } else if OPEN.contains(&label.as_str()) {
            BTreeSet::new()
        } else {
            words.collect()
        };
        before.insert(label.clone(), values.clone());
        (label, values)
    });
    labels.collect()
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The blocks of `promql`, each with the heading that it stands under.
pub(super) fn queries() -> Vec<(String, String)> {
    let text = shipped("docs/metrics.md");
    let (mut heading, mut block, mut found) = (String::new(), None::<String>, Vec::new());
    for line in text.lines() {
        match (&mut block, line) {
            (None, "```promql") => block = Some(String::new()),
            (None, _) if line.starts_with('#') => {
                line.trim_start_matches('#').trim().clone_into(&mut heading);
            }
            (None, _) => {}
            (Some(_), "```") => found.push((heading.clone(), block.take().unwrap_or_default())),
            (Some(query), _) => query.push_str(line),
        }
    }
    found
}
