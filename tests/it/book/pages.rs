//! Which pages there are.

use std::{fs, path::Path};

use super::{
    ROOT,
    markdown::{self, Parts},
};

/// A page and what is in it.
pub(crate) struct Page {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) parts: Parts,
}

impl Page {
    fn read(path: &str) -> Self {
        let text = fs::read_to_string(format!("{ROOT}/{path}")).unwrap();
        let parts = markdown::parts(&text);
        Self {
            path: path.to_owned(),
            text,
            parts,
        }
    }

    /// The folder that its links start from.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// The chapters, that is all under `docs/` but the table of contents.
pub(crate) fn chapters() -> Vec<Page> {
    let mut paths = Vec::new();
    markdown_under("docs", &mut paths);
    paths.retain(|path| path != "docs/SUMMARY.md");
    paths.sort();
    assert!(paths.len() > 20, "{paths:?}");
    paths.iter().map(|path| Page::read(path)).collect()
}

/// The chapters and what stands beside the book.
pub(crate) fn all() -> Vec<Page> {
    let beside = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "examples/README.md",
        "docs/SUMMARY.md",
    ];
    let beside = beside.iter().map(|path| Page::read(path));
    chapters().into_iter().chain(beside).collect()
}

fn markdown_under(folder: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let is_page = Path::new(&name).extension().is_some_and(|it| it == "md");
        let path = format!("{folder}/{}", name.to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            markdown_under(&path, found);
        } else if is_page {
            found.push(path);
        }
    }
}
