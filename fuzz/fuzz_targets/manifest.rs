//! A manifest: what is taken keeps the rules that the emulator builds on.
#![no_main]

use std::{collections::BTreeSet, time::Duration};

use forge_remote::{fuzzing::emulator, ids::Product};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let read = emulator::manifest(text);
    assert_eq!(
        read,
        emulator::manifest(text),
        "the same text, read differently"
    );
    let manifest = match read {
        Ok(manifest) => manifest,
        Err(problem) => {
            assert!(!problem.is_empty());
            return;
        }
    };
    assert!(text.contains(&manifest.app_id.uuid().to_string()) || has_escapes(text));
    assert!(!manifest.products.is_empty());
    assert!(!manifest.keys.is_empty());
    for product in &manifest.products {
        assert!(matches!(product, Product::Confluence | Product::Jira));
    }
    let keys: BTreeSet<_> = manifest.keys.iter().collect();
    assert_eq!(keys.len(), manifest.keys.len(), "a key that is used twice");
    for key in keys {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        assert!(!key.is_empty() && key.bytes().all(plain), "the key {key:?}");
    }
    assert!(manifest.paths.iter().all(|path| !path.is_empty()));
    for scope in &manifest.granted {
        assert!(manifest.scopes.contains(scope));
        assert!(!matches!(
            scope.as_str(),
            "read:app-system-token" | "read:app-user-token"
        ));
    }
    let hours = |hours: f64| Duration::from_hours(1).mul_f64(hours);
    assert!(
        manifest
            .windows
            .iter()
            .all(|it| (hours(0.5)..=hours(24.0)).contains(it))
    );

    // A comment behind it all says nothing.
    if text.ends_with('\n') {
        let commented = emulator::manifest(&format!("{text}# no part of it\n"));
        assert_eq!(commented.as_ref(), Ok(&manifest));
    }
});

/// Whether a text may say the same in other letters: by an escape, or by a capital digit.
fn has_escapes(text: &str) -> bool {
    text.contains('\\') || text.bytes().any(|byte| (b'A'..=b'F').contains(&byte))
}
