//! What came of a run: for people, for machines, and for a badge.
//!
//! ```
//! use std::fs;
//! use forge_remote::conformance::{report::{Judged, JunitError, Report, Score}, rule::{Severity, Verdict}};
//!
//! fn keep(report: &Report) -> Result<bool, Box<dyn std::error::Error>> {
//!     print!("{}", report.table(false));
//!     let xml: Result<String, JunitError> = report.junit();
//!     fs::write("check.xml", xml?)?;
//!     fs::write("check.json", report.json().to_string())?;
//!     fs::write("badge.json", report.badge().to_string())?;
//!     Ok(report.is_good())
//! }
//!
//! fn summary(report: &Report) -> String {
//!     let score: Score = report.score(None, Severity::Must);
//!     format!("{} of {} hold, {} not tried", score.passed, score.tried(), score.not_exercised)
//! }
//!
//! fn broken(report: &Report) -> impl Iterator<Item = &Judged> {
//!     report.judged.iter().filter(|one| matches!(one.verdict, Verdict::Failed(_)))
//! }
//! ```

mod badge;
mod json;
mod junit;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use junit::JunitError;

use super::rule::{Group, Rule, Severity, Verdict};

/// A rule and what became of it.
#[derive(Debug)]
pub struct Judged {
    /// The rule.
    pub rule: &'static Rule,
    /// What became of it.
    pub verdict: Verdict,
    /// How long it was played.
    pub took: Duration,
}

/// Everything that came of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// The remote's URL.
    pub remote: String,
    /// The rules that were played, in the order of the catalogue.
    pub judged: Vec<Judged>,
    /// How long all of it took.
    pub took: Duration,
}

/// How many rules came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Rules that hold.
    pub passed: usize,
    /// Rules that are broken.
    pub failed: usize,
    /// Rules that the remote gave no occasion to try.
    pub not_exercised: usize,
}

impl Score {
    /// Rules that were tried.
    #[must_use]
    pub const fn tried(&self) -> usize {
        self.passed + self.failed
    }

    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::NotExercised { .. } => self.not_exercised += 1,
        }
    }
}

impl Report {
    /// Whether no rule that a remote must keep is broken.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.score(None, Severity::Must).failed == 0
    }

    /// The score of the rules of one weight, of one group or of all.
    #[must_use]
    pub fn score(&self, group: Option<Group>, severity: Severity) -> Score {
        let mut score = Score::default();
        for one in &self.judged {
            let of_group = group.is_none_or(|group| one.rule.group == group);
            if of_group && one.rule.severity == severity {
                score.add(&one.verdict);
            }
        }
        score
    }

    /// Those of a group, in the order of the catalogue.
    fn of(&self, group: Group) -> impl Iterator<Item = &Judged> {
        self.judged
            .iter()
            .filter(move |one| one.rule.group == group)
    }

    /// Groups of which at least one rule was played.
    fn groups(&self) -> impl Iterator<Item = Group> {
        let played = |group: &Group| self.of(*group).next().is_some();
        Group::ALL.into_iter().filter(played)
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Must => "must",
        Severity::Should => "should",
    }
}
