//! A badge for a README, as shields.io reads it from a URL.

use serde_json::{Value, json};

use super::Report;
use crate::conformance::rule::Severity;

impl Report {
    /// The JSON of a shields.io endpoint badge: how many of the rules that must hold do.
    #[must_use]
    pub fn badge(&self) -> Value {
        let must = self.score(None, Severity::Must);
        let should = self.score(None, Severity::Should);
        let color = match (must.failed, should.failed) {
            (0, 0) => "brightgreen",
            (0, _) => "green",
            _ => "red",
        };
        let message = format!("{}/{} must", must.passed, must.tried());
        json!({"schemaVersion": 1, "label": "forge remote", "message": message, "color": color})
    }
}
