//! The rules of the platform, each with a remote that breaks it and is caught.
//!
//! `docs/strictness.md` is the list of them. Time is paused where the platform's own limits
//! are played: a minute between two deliveries is a minute, and takes none.

mod answers;
mod document;
mod events;
mod exchange;
mod figures;
mod hooks;
mod products;
mod requests;
mod schedules;
mod scripted;
mod storage;

use super::*;

/// Names of the rules that a verdict says were broken.
fn broken(verdict: &[crate::conformance::answer::Finding]) -> Vec<&'static str> {
    let findings = verdict.iter().filter(|finding| !finding.passed);
    findings.map(|finding| finding.rule).collect()
}

/// The app's own manifest with one text in place of another, wherever it stands.
fn manifest(from: &str, to: &str) -> (TempDir, PathBuf) {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifest.yml");
    let text = std::fs::read_to_string(own).unwrap();
    assert!(text.contains(from), "the manifest has no {from:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.yml");
    std::fs::write(&path, text.replace(from, to)).unwrap();
    (folder, path)
}
