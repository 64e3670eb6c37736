//! The report for build servers: a suite for each group, a case for each rule.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Judged, Report, severity};
use crate::conformance::rule::{Severity, Verdict};

/// The report cannot be written as XML.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report as JUnit XML")]
pub struct JunitError(#[source] quick_junit::SerializeError);

impl Report {
    /// The report as XML of `JUnit`. A rule that should hold and does not is a skipped case, with the
    /// reason: a build server knows nothing between red and green.
    ///
    /// # Errors
    ///
    /// If a text cannot stand in XML, which is not expected.
    pub fn junit(&self) -> Result<String, JunitError> {
        let mut report = quick_junit::Report::new("forge-remote check");
        report.set_time(self.took);
        for group in self.groups() {
            let mut suite = TestSuite::new(group.as_str());
            suite.add_test_cases(self.of(group).map(case));
            suite.set_time(self.of(group).map(|one| one.took).sum());
            report.add_test_suite(suite);
        }
        report.to_string().map_err(JunitError)
    }
}

fn case(one: &Judged) -> TestCase {
    let rule = one.rule;
    let status = match &one.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Failed(failure) => {
            let mut status = if rule.severity == Severity::Must {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            } else {
                TestCaseStatus::skipped()
            };
            let mend = failure.mend.as_deref().unwrap_or(rule.mend);
            status.set_message(rule.sentence);
            status.set_type(severity(rule.severity));
            status.set_description(format!(
                "sent: {}\ncame back: {}\nmend: {mend}\nsource: {}",
                failure.sent, failure.came_back, rule.source
            ));
            status
        }
        Verdict::NotExercised { why } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("not exercised: {why}"));
            status
        }
    };
    let mut case = TestCase::new(rule.id, status);
    case.set_classname(format!("forge-remote.check.{}", rule.group));
    case.set_time(one.took);
    case
}
