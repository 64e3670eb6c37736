//! The products' error bodies, each in its own shape, read as lines of text.

use serde_json::Value;

const MOST_LINES: usize = 20;
const LINE_CHARS: usize = 500;
const CODE_BYTES: usize = 64;

/// What an error body says. Nothing, if it is HTML or otherwise unreadable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    lines: Vec<String>,
    code: Option<String>,
}

impl ErrorBody {
    pub(super) fn read(body: &str) -> Self {
        let mut told = Self::default();
        if let Ok(body) = serde_json::from_str(body) {
            told.read_value(&body);
        }
        told
    }

    /// What the `errors` of a GraphQL answer say.
    pub(super) fn of_errors(errors: &Value) -> Self {
        let mut told = Self::default();
        told.add_errors(errors);
        told
    }

    pub(super) fn message(&self) -> Option<&str> {
        self.lines.first().map(String::as_str)
    }

    pub(super) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    fn read_value(&mut self, body: &Value) {
        // Forge storage. The gateway's is a number: it says no more than the status.
        let code = body.get("code").and_then(Value::as_str);
        self.code = code.filter(|code| is_code(code)).map(str::to_owned);
        // Confluence v1, the gateway, and most others.
        self.add(None, body.get("message"));
        // Jira: `errorMessages` are about the request, `errors` about its fields.
        for message in array(body.get("errorMessages")) {
            self.add(None, Some(message));
        }
        // Jira Service Management.
        self.add(None, body.get("errorMessage"));
        // Bitbucket.
        if let Some(error) = body.get("error") {
            self.add(None, Some(error));
            self.add(None, error.get("message"));
            self.add(None, error.get("detail"));
            self.add_fields(error.get("fields"));
        }
        if let Some(errors) = body.get("errors") {
            self.add_errors(errors);
        }
        // Confluence v1 lists what it could not validate under `data`.
        if let Some(errors) = body.get("data").and_then(|data| data.get("errors")) {
            self.add_errors(errors);
        }
    }

    /// Jira's map of fields; Confluence v2's and GraphQL's list of objects.
    fn add_errors(&mut self, errors: &Value) {
        self.add_fields(Some(errors));
        for error in array(Some(errors)) {
            self.add(None, Some(error));
            let message = ["message", "title", "code"]
                .iter()
                .find_map(|key| error.get(key));
            // Confluence v1 wraps it once more: `{"message": {"translation": "…"}}`.
            let inner = message.and_then(|message| message.get("translation"));
            self.add(None, inner.or(message));
            self.add(None, error.get("detail"));
        }
    }

    fn add_fields(&mut self, fields: Option<&Value>) {
        for (field, complaints) in fields.and_then(Value::as_object).into_iter().flatten() {
            self.add(Some(field), Some(complaints));
            for complaint in array(Some(complaints)) {
                self.add(Some(field), Some(complaint));
            }
        }
    }

    /// One line, if the value is a text that says something new.
    fn add(&mut self, field: Option<&str>, text: Option<&Value>) {
        let Some(text) = text.and_then(Value::as_str) else {
            return;
        };
        let line = one_line(field, text);
        if !line.is_empty() && self.lines.len() < MOST_LINES && !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }
}

fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A word such as `KEY_NOT_FOUND`, which may stand in a log line.
fn is_code(text: &str) -> bool {
    (1..=CODE_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Text from outside must not forge a second log line.
fn one_line(field: Option<&str>, text: &str) -> String {
    let field = field.map(|field| format!("{field}: ")).unwrap_or_default();
    let mut line = String::new();
    for word in field
        .chars()
        .chain(text.trim().chars())
        .take(LINE_CHARS)
        .collect::<String>()
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(body: &str) -> Vec<String> {
        ErrorBody::read(body).lines().to_vec()
    }

    #[test]
    fn every_shape_is_understood() {
        for (shape, body, told) in [
            (
                "Jira",
                r#"{"errorMessages":["No such issue.","Sorry."],"errors":{"summary":"is required","labels":["a","b"]}}"#,
                &[
                    "No such issue.",
                    "Sorry.",
                    "labels: a",
                    "labels: b",
                    "summary: is required",
                ] as &[_],
            ),
            (
                "Jira, fields only",
                r#"{"errorMessages":[],"errors":{"summary":"is required"}}"#,
                &["summary: is required"],
            ),
            (
                "Confluence v1",
                r#"{"statusCode":404,"data":{"authorized":false,"valid":true,"errors":[{"message":{"translation":"Bad title"}}],"successful":false},"message":"No content found"}"#,
                &["No content found", "Bad title"],
            ),
            (
                "Confluence v2",
                r#"{"errors":[{"status":404,"code":"NOT_FOUND","title":"Not Found","detail":null},{"code":"ONLY_CODE"}]}"#,
                &["Not Found", "ONLY_CODE"],
            ),
            (
                "JSM",
                r#"{"errorMessage":"The desk is closed","i18nErrorMessage":{"i18nKey":"k","parameters":[]}}"#,
                &["The desk is closed"],
            ),
            (
                "Bitbucket",
                r#"{"type":"error","error":{"message":"Not found","detail":"There is no such repository","fields":{"name":["too long"]}}}"#,
                &["Not found", "There is no such repository", "name: too long"],
            ),
            (
                "gateway",
                r#"{"code":401,"message":"Unauthorized; scope does not match"}"#,
                &["Unauthorized; scope does not match"],
            ),
            (
                "GraphQL",
                r#"{"data":null,"errors":[{"message":"No","path":["a"],"extensions":{"statusCode":400}}]}"#,
                &["No"],
            ),
        ] {
            assert_eq!(lines(body), told, "{shape}");
        }
    }

    #[test]
    fn what_is_no_error_body_says_nothing() {
        for body in [
            "",
            "<html><body>502 Bad Gateway</body></html>",
            "null",
            "[]",
            "42",
            r#""text""#,
            r#"{"message":null,"errors":7,"errorMessages":{"a":1},"error":[1]}"#,
            r#"{"message":"cut o"#,
            r#"{"data":"x","errors":[[],null,{}]}"#,
        ] {
            assert_eq!(lines(body), [""; 0], "{body}");
        }
    }

    #[test]
    fn a_message_is_one_short_line() {
        let body =
            serde_json::json!({ "message": format!(" a\r\n  b\u{1b}[31m {}", "ü".repeat(2000)) });
        let line = &lines(&body.to_string())[0];
        assert!(line.starts_with("a b [31m ü"), "{line}");
        assert!(line.chars().count() <= LINE_CHARS);
    }

    #[test]
    fn lines_are_few_and_said_once() {
        let many: Vec<_> = (0..100).map(|n| n.to_string()).collect();
        let body = serde_json::json!({ "errorMessages": many, "message": "0" });
        assert_eq!(lines(&body.to_string()).len(), MOST_LINES);
    }

    proptest! {
        #[test]
        fn no_body_breaks_it(body in "\\PC*|[{\\[\",:a-z0-9\\]}]{0,200}") {
            for line in lines(&body) {
                prop_assert!(!line.contains(['\n', '\r']));
            }
        }
    }
}
