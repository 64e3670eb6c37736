//! The report for people.

use std::fmt::Write;

use super::{Judged, Report, Score, severity};
use crate::conformance::rule::{Severity, Verdict};

/// Colours of a terminal, or none.
struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn green(&self, text: &str) -> String {
        self.with("32", text)
    }

    fn red(&self, text: &str) -> String {
        self.with("31", text)
    }

    fn yellow(&self, text: &str) -> String {
        self.with("33", text)
    }

    fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }
}

impl Report {
    /// The report as a table: each group with its rules and its score. What is broken has three
    /// more lines: what was sent, what came back, how to mend it.
    #[must_use]
    pub fn table(&self, colour: bool) -> String {
        let paint = Paint(colour);
        let mut text = String::new();
        for group in self.groups() {
            // Writing into a string does not fail.
            let _ = writeln!(text, "\n{}", paint.bold(group.as_str()));
            for one in self.of(group) {
                text.push_str(&line(one, &paint));
            }
            for weight in [Severity::Must, Severity::Should] {
                let score = self.score(Some(group), weight);
                if score != Score::default() {
                    let _ = writeln!(text, "  {}", summary(weight, score, &paint));
                }
            }
        }
        let _ = writeln!(text, "\n{} {}", paint.bold("total"), self.remote);
        for weight in [Severity::Must, Severity::Should] {
            let score = self.score(None, weight);
            let _ = writeln!(text, "  {}", summary(weight, score, &paint));
        }
        let verdict = if self.is_good() {
            paint.green("Every rule that a remote must keep and that could be tried holds.")
        } else {
            paint.red("Rules that a remote must keep are broken.")
        };
        let _ = writeln!(text, "  {verdict} {:.1} s", self.took.as_secs_f64());
        text
    }
}

fn line(one: &Judged, paint: &Paint) -> String {
    let rule = one.rule;
    let head = |mark: String| {
        format!(
            "  {mark} {:<6} {}\n           {}\n",
            severity(rule.severity),
            rule.id,
            paint.dim(rule.sentence)
        )
    };
    match &one.verdict {
        Verdict::Passed => head(paint.green("✓")),
        Verdict::NotExercised { why } => {
            let why = paint.dim(&format!("not exercised: {why}"));
            format!("{}           {why}\n", head(paint.yellow("–")))
        }
        Verdict::Failed(failure) => {
            let mend = failure.mend.as_deref().unwrap_or(rule.mend);
            let mark = if rule.severity == Severity::Must {
                paint.red("✗")
            } else {
                paint.yellow("✗")
            };
            format!(
                "{}           sent       {}\n           came back  {}\n           mend       {mend}\n           source     {}\n",
                head(mark),
                failure.sent,
                failure.came_back,
                rule.source
            )
        }
    }
}

fn summary(weight: Severity, score: Score, paint: &Paint) -> String {
    let tried = format!(
        "{:<6} {} of {} hold",
        severity(weight),
        score.passed,
        score.tried()
    );
    let tried = if score.failed == 0 {
        paint.green(&tried)
    } else {
        paint.red(&tried)
    };
    if score.not_exercised == 0 {
        return tried;
    }
    let rest = format!("{} not exercised", score.not_exercised);
    format!("{tried}, {}", paint.yellow(&rest))
}
