//! `docs/check.md` names every rule, as the catalogue has it, and the report keeps its format.

use forge_remote::conformance::rule::{Group, Severity, catalogue};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/check.md"));

/// What stands behind the last heading of the document.
fn tables() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let head = "| rule | weight | what a good remote does |\n|---|---|---|";
        text = format!("{text}\n### {group}\n\n{head}\n");
        for rule in catalogue().filter(|rule| rule.group == group) {
            let weight = match rule.severity {
                Severity::Must => "must",
                Severity::Should => "should",
            };
            text = format!("{text}| `{}` | {weight} | {} |\n", rule.id, rule.sentence);
        }
    }
    text
}

#[test]
fn the_document_has_every_rule() {
    let (_, rules) = DOCUMENT.split_once("## The rules\n").unwrap();
    let start = rules.find("\n### ").unwrap_or(rules.len());
    let expected = tables();
    assert!(
        rules[start..] == expected,
        "replace what stands behind `## The rules` and its first paragraph by:\n{expected}"
    );
}
