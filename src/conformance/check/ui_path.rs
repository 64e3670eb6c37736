//! `--ui-path`: what the pages of an app call.

use std::str::FromStr;

use serde_json::Value;

/// One call of a page: `[METHOD:]PATH[=JSON]`. `{account}` in the path stands for an account id.
///
/// ```
/// use forge_remote::conformance::check::UiPath;
///
/// let path: UiPath = "/api/content".parse()?;
/// assert_eq!((path.method(), path.path()), ("GET", "/api/content"));
/// let path: UiPath = r#"PUT:/api/subscription={"spaces":["ENG"]}"#.parse()?;
/// assert_eq!((path.method(), path.path()), ("PUT", "/api/subscription"));
/// assert_eq!(path.body().unwrap()["spaces"][0], "ENG");
/// # Ok::<(), forge_remote::conformance::check::NoUiPath>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiPath {
    method: String,
    path: String,
    body: Option<Value>,
}

/// A text is no `[METHOD:]PATH[=JSON]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected [METHOD:]PATH[=JSON] with one of GET, POST, PUT, PATCH and DELETE and a path that begins with /"
)]
pub struct NoUiPath;

impl UiPath {
    /// The method, in capitals.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, with its query if it has one.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is sent along.
    #[must_use]
    pub const fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }
}

impl FromStr for UiPath {
    type Err = NoUiPath;

    fn from_str(text: &str) -> Result<Self, NoUiPath> {
        // A query may have `=` and braces too: a body is a whole object or a whole list.
        let ends = text.match_indices('=').map(|(at, _)| at);
        let body = ends.into_iter().find_map(|at| {
            let value: Value = serde_json::from_str(&text[at + 1..]).ok()?;
            (value.is_object() || value.is_array()).then_some((at, value))
        });
        let (text, body) = body.map_or((text, None), |(at, body)| (&text[..at], Some(body)));
        let (method, path) = match text.split_once(":/") {
            Some((method, _)) => (method, &text[method.len() + 1..]),
            None => ("GET", text),
        };
        let method = method.to_ascii_uppercase();
        let is_method = matches!(method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE");
        let is_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
        // Nobody has these in a path: it is a body with a slip of the pen.
        let plain = path.replace("{account}", "");
        let half_a_body = plain.contains("={") || plain.contains("=[");
        if !is_method || !is_path || half_a_body {
            return Err(NoUiPath);
        }
        Ok(Self {
            method,
            path: path.to_owned(),
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<UiPath, NoUiPath> {
        text.parse()
    }

    #[test]
    fn methods_queries_and_bodies_are_told_apart() {
        let query = parse("delete:/api/x?a=b&c={account}").unwrap();
        assert_eq!(query.method(), "DELETE");
        assert_eq!(query.path(), "/api/x?a=b&c={account}");
        assert_eq!(query.body(), None);
        let body = parse(r#"PUT:/api/x?a=b=[{"a":1}]"#).unwrap();
        assert_eq!(body.path(), "/api/x?a=b");
        assert_eq!(body.body(), Some(&json!([{"a": 1}])));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            "api",
            "FETCH:/api",
            "GET:api",
            "/a b",
            "/a\r\nx: y",
            "PUT:/a={not}",
        ] {
            assert_eq!(parse(text), Err(NoUiPath), "{text}");
        }
    }
}
