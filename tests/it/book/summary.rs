//! The table of contents has every page, and nothing else.

use std::{collections::BTreeSet, fs};

use super::{ROOT, none, pages};

#[test]
fn every_page_stands_in_the_table_of_contents_once() {
    let summary = fs::read_to_string(format!("{ROOT}/docs/SUMMARY.md")).unwrap();
    let listed = super::markdown::parts(&summary).links;
    let listed: Vec<_> = listed
        .into_iter()
        .map(|(_, link)| format!("docs/{}", link.trim_start_matches("./")))
        .collect();
    let known: BTreeSet<_> = pages::chapters().into_iter().map(|it| it.path).collect();
    let mut wrong: Vec<_> = known
        .iter()
        .filter(|path| !listed.contains(path))
        .map(|path| format!("{path} is not in docs/SUMMARY.md"))
        .collect();
    let mut seen = BTreeSet::new();
    for path in &listed {
        if !known.contains(path) {
            wrong.push(format!("docs/SUMMARY.md lists {path}, which is not there"));
        }
        if !seen.insert(path) {
            wrong.push(format!("docs/SUMMARY.md lists {path} twice"));
        }
    }
    none(&wrong);
}

/// A reader who came from elsewhere has to know what the page is.
#[test]
fn every_page_begins_with_its_title_and_has_no_other() {
    let mut wrong = Vec::new();
    for page in pages::chapters() {
        let mut fenced = false;
        let titles = page.text.lines().filter(|line| {
            fenced ^= line.trim_start().starts_with("```");
            !fenced && line.starts_with("# ")
        });
        let titles: Vec<_> = titles.collect();
        if titles.len() != 1 || !page.text.starts_with(titles[0]) {
            wrong.push(format!("{}: {titles:?}", page.path));
        }
    }
    none(&wrong);
}
