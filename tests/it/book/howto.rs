//! What the how-tos show is what `examples/howto.rs` runs, word for word.

use super::{ROOT, none, pages};

/// What a reader sees of a block but its imports, in parts that blank lines part.
fn shown(block: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut importing = false;
    for line in block
        .lines()
        .filter(|line| *line != "#" && !line.starts_with("# "))
    {
        importing |= line.starts_with("use ");
        if importing {
            importing = !line.ends_with(';');
        } else if line.is_empty() {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[test]
fn what_a_how_to_shows_is_what_the_example_runs() {
    let example = std::fs::read_to_string(format!("{ROOT}/examples/howto.rs")).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    let pages = pages::chapters();
    for page in pages.iter().filter(|it| it.path.starts_with("docs/howto/")) {
        for block in page.parts.blocks.iter().filter(|it| it.language == "rust") {
            for part in shown(&block.text) {
                count += 1;
                if !example.contains(part.trim_end()) {
                    let line = block.line;
                    wrong.push(format!(
                        "{}:{line}: not in examples/howto.rs:\n{part}",
                        page.path
                    ));
                }
            }
        }
    }
    none(&wrong);
    assert!(count > 15, "{count}");
}

#[test]
fn imports_and_hidden_lines_are_left_out() {
    let block = "use a::{\n    B,\n};\nuse c;\n\nfn d() {}\n\n# fn e() {\nf();\n# }\n";
    assert_eq!(shown(block), ["fn d() {}\n", "f();\n"]);
}
