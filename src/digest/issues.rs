//! A Jira issue, as the user in session sees it.

use axum::{Json, extract::Path};
use serde_json::Value;

use crate::{Error, ErrorCode, Invocation};

/// Jira's own limit on a project key is shorter; numbers are not longer.
const MAX_KEY: usize = 64;

pub(super) async fn issue(
    invocation: Invocation,
    Path(key): Path<String>,
) -> Result<Json<Value>, Error> {
    if !is_key(&key) {
        let message = "An issue key looks like `QUA-17`; an issue id is a number.";
        return Err(Error::new(ErrorCode::BadRequest, message));
    }
    let jira = invocation.as_user()?.jira()?;
    Ok(Json(
        jira.get("/rest/api/3/issue/{key}")
            .segment("key", key)
            .json()
            .await?,
    ))
}

fn is_key(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let project = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let numbered = text
        .rsplit_once('-')
        .is_some_and(|(key, number)| project(key) && digits(number));
    text.len() <= MAX_KEY && (digits(text) || numbered)
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn keys_and_ids_are_told_from_anything_else() {
        for text in ["QUA-17", "qua_2-1", "10042"] {
            assert!(is_key(text), "{text}");
        }
        for text in [
            "",
            "QUA",
            "QUA-",
            "-1",
            "QUA-1/x",
            "..",
            "QUA 1",
            "9A-1",
            "QUA-1?x=1",
        ] {
            assert!(!is_key(text), "{text}");
        }
    }
}
