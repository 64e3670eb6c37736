//! The house as `docs/architecture.md` draws it: a room imports from floors below it only.

use std::{collections::BTreeMap, fs, path::Path};

/// Each room with its floor.
const FLOORS: &[(&str, u8)] = &[
    ("cache", 0),
    ("captured_log", 0),
    ("clock", 0),
    ("config", 0),
    ("cors", 0),
    ("deadline", 0),
    ("error", 0),
    ("ids", 0),
    ("outbound", 0),
    ("secret", 0),
    ("telemetry", 0),
    ("token", 0),
    ("trace", 0),
    ("admission", 1),
    ("fit", 1),
    ("store", 1),
    ("impersonation", 2),
    ("product", 2),
    ("storage", 3),
    ("actor", 4),
    ("forge", 5),
    ("invocation", 6),
    ("inbox", 7),
    ("residency", 7),
    ("server", 8),
    ("digest", 9),
    ("manifest", 8),
    ("conformance", 9),
    ("emulator", 10),
    ("fuzzing", 11),
];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path
                .strip_prefix("src")
                .unwrap()
                .to_string_lossy()
                .into_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Rooms that a text names after `crate::`, alone or in braces.
fn imports(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let word = |text: &str| -> String {
            text.chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect()
        };
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0_usize;
            let mut start = true;
            for (index, symbol) in group.char_indices() {
                match symbol {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start = true,
                    symbol if start && depth == 0 && !symbol.is_whitespace() => {
                        rooms.push(word(&group[index..]));
                        start = false;
                    }
                    _ => {}
                }
            }
        } else {
            rooms.push(word(rest));
        }
    }
    rooms
}

#[test]
fn imports_go_down_the_floors() {
    std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    assert!(files.len() > 30, "{}", files.len());
    let mut wrong = Vec::new();
    for (file, text) in files {
        let room = file.split(['/', '.']).next().unwrap();
        if matches!(room, "lib" | "main" | "cli") {
            continue;
        }
        let floor = *floors
            .get(room)
            .unwrap_or_else(|| panic!("{file}: no floor for `{room}`"));
        // Documentation may name what lies above.
        let code: Vec<_> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        for import in imports(&code.join("\n")) {
            // Names without a room are the façade's; only the top floors use those.
            let above = match floors.get(import.as_str()) {
                Some(other) => import != room && *other >= floor && !(*other == 0 && floor == 0),
                None => floor < floors["digest"] && !file.contains("tests"),
            };
            if above {
                wrong.push(format!("{file} (floor {floor}) imports crate::{import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_reads_them() {
    let text = "use crate::{\n    actor::{A, B},\n    fit::C,\n};\nfn f(x: crate::store::D) {}";
    assert_eq!(imports(text), ["actor", "fit", "store"]);
}
