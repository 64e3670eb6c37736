//! The text of `/metrics`, as data.

use std::collections::{BTreeMap, BTreeSet};

/// A metric with all its series.
#[derive(Debug, Default)]
pub(super) struct Exported {
    pub(super) kind: String,
    pub(super) help: String,
    pub(super) labels: BTreeMap<String, BTreeSet<String>>,
}

/// Reads the text that Prometheus reads.
pub(super) fn metrics(text: &str) -> BTreeMap<String, Exported> {
    let mut found: BTreeMap<String, Exported> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            help.clone_into(&mut found.entry(name.to_owned()).or_default().help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            kind.clone_into(&mut found.entry(name.to_owned()).or_default().kind);
        } else {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let name = family(name, &found);
            let metric = found.entry(name).or_default();
            for (label, value) in pairs(labels.trim_end_matches('}')) {
                if !matches!(label, "le" | "quantile") {
                    let values = metric.labels.entry(label.to_owned()).or_default();
                    values.insert(value.to_owned());
                }
            }
        }
    }
    found
}

/// `x_bucket`, `x_sum` and `x_count` belong to the histogram `x`.
fn family(name: &str, found: &BTreeMap<String, Exported>) -> String {
    let parts = ["_bucket", "_sum", "_count"].iter();
    let whole = parts.filter_map(|part| name.strip_suffix(part));
    let mut known = whole.filter(|name| found.get(*name).is_some_and(|it| it.kind == "histogram"));
    known.next().unwrap_or(name).to_owned()
}

/// No value of ours has a quotation mark in it.
fn pairs(labels: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut words = labels.split('"');
    std::iter::from_fn(move || {
        let name = words.next()?.trim_start_matches(',').strip_suffix('=')?;
        Some((name, words.next()?))
    })
}
