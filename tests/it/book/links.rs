//! Links between pages, and to places within them.

use std::{collections::BTreeMap, path::Path};

use super::{
    ROOT, none,
    pages::{self, Page},
};

/// The path that a link of that page means, from the root, without `.` and `..`.
fn target(page: &Page, link: &str) -> Option<String> {
    let mut path: Vec<&str> = page
        .folder()
        .split('/')
        .filter(|it| !it.is_empty())
        .collect();
    for step in link.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()?),
            step => path.push(step),
        }
    }
    Some(path.join("/"))
}

fn follow(page: &Page, link: &str, anchors: &BTreeMap<String, Vec<String>>) -> Result<(), String> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = if file.is_empty() {
        Some(page.path.clone())
    } else {
        target(page, file)
    };
    let path = path.ok_or("it leads out of the repository")?;
    if !Path::new(ROOT).join(&path).exists() {
        return Err(format!("there is no {path}"));
    }
    // The book has its own folder only: in it the link would lead nowhere.
    if page.path.starts_with("docs/") && !path.starts_with("docs/") {
        return Err(format!("{path} is no part of the book: name it in `code`"));
    }
    let known = anchors.get(&path);
    if !anchor.is_empty() && !known.is_some_and(|known| known.iter().any(|it| it == anchor)) {
        return Err(format!("{path} has no heading #{anchor}"));
    }
    Ok(())
}

fn is_elsewhere(link: &str) -> bool {
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| link.starts_with(scheme))
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages::all();
    let anchors = pages
        .iter()
        .map(|page| (page.path.clone(), page.parts.anchors.clone()))
        .collect();
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in &pages {
        for (line, link) in page.parts.links.iter().filter(|(_, it)| !is_elsewhere(it)) {
            count += 1;
            if let Err(why) = follow(page, link, &anchors) {
                wrong.push(format!("{}:{line}: {link}: {why}", page.path));
            }
        }
    }
    none(&wrong);
    assert!(count > 50, "{count}");
}
