//! `forge-remote check --list`

use std::fmt::Write;

use forge_remote::conformance::rule::{Only, Severity, catalogue};

/// Every rule that `only` takes, a line each.
pub(super) fn print(only: &[Only]) {
    let mut text = String::new();
    let chosen = catalogue().filter(|rule| only.is_empty() || only.iter().any(|it| it.takes(rule)));
    for rule in chosen {
        let severity = match rule.severity {
            Severity::Must => "must",
            Severity::Should => "should",
        };
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "{:<14} {severity:<6} {:<36} {}",
            rule.group, rule.id, rule.sentence
        );
    }
    super::write::out(&text);
}
