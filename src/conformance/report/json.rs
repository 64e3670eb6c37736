//! The report for machines. `docs/check.md` describes it; `version` counts up when a reader
//! would have to change.

use serde_json::{Value, json};

use super::{Judged, Report, Score, severity};
use crate::conformance::rule::{Group, Severity, Verdict};

/// Of the format below.
const VERSION: u32 = 1;

impl Report {
    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let rules: Vec<Value> = self.judged.iter().map(rule).collect();
        let groups: Vec<Value> = self
            .groups()
            .map(|group| {
                let mut scores = self.scores(Some(group));
                scores["group"] = json!(group.as_str());
                scores
            })
            .collect();
        json!({
            "version": VERSION,
            "checker": env!("CARGO_PKG_VERSION"),
            "remote": self.remote,
            "passed": self.is_good(),
            "seconds": self.took.as_secs_f64(),
            "score": self.scores(None),
            "groups": groups,
            "rules": rules,
        })
    }

    fn scores(&self, group: Option<Group>) -> Value {
        json!({
            "must": score(self.score(group, Severity::Must)),
            "should": score(self.score(group, Severity::Should)),
        })
    }
}

fn score(score: Score) -> Value {
    json!({"passed": score.passed, "failed": score.failed, "notExercised": score.not_exercised})
}

fn rule(one: &Judged) -> Value {
    let rule = one.rule;
    let mut json = json!({
        "id": rule.id,
        "group": rule.group.as_str(),
        "severity": severity(rule.severity),
        "sentence": rule.sentence,
        "source": rule.source,
        "seconds": one.took.as_secs_f64(),
    });
    match &one.verdict {
        Verdict::Passed => json["verdict"] = json!("passed"),
        Verdict::Failed(failure) => {
            json["verdict"] = json!("failed");
            json["sent"] = json!(failure.sent);
            json["cameBack"] = json!(failure.came_back);
            json["mend"] = json!(failure.mend.as_deref().unwrap_or(rule.mend));
        }
        Verdict::NotExercised { why } => {
            json["verdict"] = json!("notExercised");
            json["why"] = json!(why);
        }
    }
    json
}
