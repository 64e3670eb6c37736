//! What the rules say of an answer to something that the platform fired.

use crate::conformance::answer::{Exchange, Finding, Outcome, Severity, judge};

/// Rules about a success's body, which nobody reads here.
const OF_A_READ_BODY: [&str; 2] = ["success-parses", "success-content-type"];

/// The rules of any answer, and the one that only a 2xx acknowledges: not where a remote
/// must not take it.
pub(super) fn of(exchange: &Exchange<'_>) -> Vec<Finding> {
    let mut findings = judge(exchange);
    findings.retain(|finding| !OF_A_READ_BODY.contains(&finding.rule));
    if exchange.fit_was_good {
        findings.extend(acknowledged(exchange));
    }
    findings
}

fn acknowledged(exchange: &Exchange<'_>) -> Option<Finding> {
    let (Outcome::Answered { status, .. } | Outcome::TooLarge { status }) = exchange.outcome else {
        return None;
    };
    let passed = status.is_success();
    Some(Finding {
        rule: "acknowledged",
        sentence: if passed {
            format!("{} takes it off the platform's hands.", status.as_u16()).into()
        } else {
            format!("{} does not acknowledge it.", status.as_u16()).into()
        },
        passed,
        severity: Severity::Must,
        mend: "Keep what came, answer 202 at once, and do the work afterwards.",
    })
}
