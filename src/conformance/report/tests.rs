use super::*;
use crate::conformance::rule::{Failure, catalogue};

/// A report of three rules: one holds, one is broken, one could not be tried.
fn report(weight: Severity) -> Report {
    let mut rules = catalogue().filter(|rule| rule.severity == weight);
    let failure = Failure {
        sent: "GET /api with <nothing> & more".to_owned(),
        came_back: "200, text/html: <h1>\u{1}</h1>".to_owned(),
        mend: None,
    };
    let verdicts = [
        Verdict::Passed,
        Verdict::Failed(failure),
        Verdict::NotExercised {
            why: "there is no page".to_owned(),
        },
    ];
    let judged = verdicts.into_iter().map(|verdict| Judged {
        rule: rules.next().unwrap(),
        verdict,
        took: Duration::from_millis(12),
    });
    Report {
        remote: "http://127.0.0.1:8080/".to_owned(),
        judged: judged.collect(),
        took: Duration::from_secs(2),
    }
}

#[test]
fn what_was_not_tried_counts_for_nothing() {
    let score = report(Severity::Must).score(None, Severity::Must);
    assert_eq!((score.passed, score.failed, score.not_exercised), (1, 1, 1));
    assert_eq!(score.tried(), 2);
}

#[test]
fn only_what_must_hold_makes_it_bad() {
    assert!(!report(Severity::Must).is_good());
    assert!(report(Severity::Should).is_good());
}

#[test]
fn the_table_says_what_was_sent_what_came_and_how_to_mend_it() {
    let report = report(Severity::Must);
    let table = report.table(false);
    for text in [
        "✓ must",
        "✗ must",
        "– must",
        "sent ",
        "came back ",
        "mend ",
        "not exercised: there is no page",
        "1 of 2 hold, 1 not exercised",
    ] {
        assert!(table.contains(text), "{text} is missing:\n{table}");
    }
    assert!(!table.contains('\x1b'), "{table}");
    assert!(
        report.table(true).contains("\x1b[31m✗"),
        "{}",
        report.table(true)
    );
}

#[test]
fn json_has_what_the_document_describes() {
    let json = report(Severity::Must).json();
    assert_eq!(json["version"], 1);
    assert_eq!(json["passed"], false);
    assert_eq!(json["score"]["must"]["failed"], 1);
    assert_eq!(json["rules"][0]["verdict"], "passed");
    assert_eq!(json["rules"][1]["verdict"], "failed");
    for name in ["sent", "cameBack", "mend", "source", "sentence"] {
        assert!(json["rules"][1][name].is_string(), "{name}: {json}");
    }
    assert_eq!(json["rules"][2]["verdict"], "notExercised");
    assert_eq!(json["rules"][2]["why"], "there is no page");
}

/// The members of an object, and of the objects in it, in order.
fn shape(value: &serde_json::Value, path: &str, found: &mut std::collections::BTreeSet<String>) {
    if let Some(object) = value.as_object() {
        for (name, value) in object {
            let path = format!("{path}.{name}");
            shape(value, &path, found);
            found.insert(path);
        }
    }
    for value in value.as_array().into_iter().flatten() {
        shape(value, path, found);
    }
}

#[test]
fn the_document_shows_the_same_members() {
    let document = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/check.md"));
    let start = document.find("```json\n").unwrap() + "```json\n".len();
    let end = document[start..].find("```").unwrap();
    let shown: serde_json::Value = serde_json::from_str(&document[start..start + end]).unwrap();
    let (mut described, mut made) = Default::default();
    shape(&shown, "", &mut described);
    shape(&report(Severity::Must).json(), "", &mut made);
    assert_eq!(described, made);
}

#[test]
fn junit_fails_for_what_must_hold_and_skips_the_rest() {
    let must = report(Severity::Must).junit().unwrap();
    assert!(must.contains(r#"failures="1""#), "{must}");
    assert!(
        must.contains(r#"skipped="1""#) || must.contains(r#"disabled="1""#),
        "{must}"
    );
    assert!(
        must.contains("GET /api with &lt;nothing&gt; &amp; more"),
        "{must}"
    );
    assert!(!must.contains('\u{1}'), "no control character is XML");
    let should = report(Severity::Should).junit().unwrap();
    assert!(should.contains(r#"failures="0""#), "{should}");
    for (xml, failures) in [(must, 1), (should, 0)] {
        let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
        let mut cases = read.test_suites.iter().flat_map(|it| &it.test_cases);
        assert_eq!((read.tests, read.failures), (3, failures));
        assert!(cases.all(|case| catalogue().any(|rule| case.name.as_str() == rule.id)));
    }
}

#[test]
fn the_badge_is_red_when_it_should_be() {
    assert_eq!(report(Severity::Must).badge()["color"], "red");
    assert_eq!(report(Severity::Must).badge()["message"], "1/2 must");
    assert_eq!(report(Severity::Should).badge()["color"], "green");
}
