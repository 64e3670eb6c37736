//! Confluence content: the same list as the user, the app, or another account sees it.

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header::CONTENT_TYPE};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;

use super::administrators::Administrators;
use crate::{Error, ErrorCode, Invocation, ids::AccountId, product::Confluence};

/// Confluence's own default.
const DEFAULT_LIMIT: u16 = 25;
/// More than Confluence gives on one page of content.
const MAX_LIMIT: u16 = 100;
const MAX_CURSOR: usize = 512;
/// Ten times what a page of content has. As values in memory, an answer may take thirty
/// times the bytes that it came in.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// `?limit=&cursor=&as=`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    limit: Option<u16>,
    cursor: Option<String>,
    #[serde(rename = "as")]
    speaker: Speaker,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    #[default]
    User,
    App,
}

/// One page of content, and where the next one begins. The list stands in it as Confluence
/// wrote it: it is checked to be JSON, and neither taken apart nor put together again.
#[derive(Serialize)]
struct ContentPage<'a> {
    results: &'a RawValue,
    limit: u16,
    cursor: Option<String>,
}

/// What Confluence says; everything but the list and the way on is left out.
#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow, deserialize_with = "list")]
    results: &'a RawValue,
    #[serde(rename = "_links", default)]
    links: Links,
}

#[derive(Default, Deserialize)]
struct Links {
    next: Option<String>,
}

/// `GET /api/content`
pub(super) async fn own(
    invocation: Invocation,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let confluence = match asked.speaker {
        Speaker::User => invocation.as_user()?.confluence()?,
        Speaker::App => invocation.as_app()?.confluence()?,
    };
    page(&confluence, &asked).await
}

/// `GET /api/accounts/{accountId}/content`: for site administrators only, because
/// whoever impersonates sees what the other one may see.
pub(super) async fn of_account(
    invocation: Invocation,
    State(administrators): State<Administrators>,
    Path(account): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let account: AccountId = account.parse().map_err(|error| {
        Error::new(ErrorCode::BadRequest, "This is no account id.").caused_by(error)
    })?;
    administrators.require(&invocation).await?;
    let them = invocation
        .as_account_in(&account, &crate::ids::Product::Confluence)
        .await?;
    page(&them.confluence()?, &asked).await
}

async fn page(confluence: &Confluence, asked: &Asked) -> Result<Response, Error> {
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let message = format!("`limit` must be a number from 1 to {MAX_LIMIT}.");
        return Err(Error::new(ErrorCode::BadRequest, message));
    }
    let mut request = confluence
        .get("/wiki/rest/api/content")
        .query(&[("limit", limit)])
        .max_bytes(MAX_BYTES);
    if let Some(cursor) = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
        request = request.query(&[position(cursor)?]);
    }
    let answer = request.send().await?;
    let listed: Listed<'_> = answer.json()?;
    ContentPage {
        results: listed.results,
        limit,
        cursor: listed.links.next.as_deref().and_then(next_cursor),
    }
    .into_answer()
}

/// An array as it stands in the text. All of it has been read by now, so it is JSON.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de RawValue, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    if value.get().starts_with('[') {
        Ok(value)
    } else {
        Err(D::Error::custom("not a list"))
    }
}

impl ContentPage<'_> {
    /// Room is made once, as the list is most of the answer.
    fn into_answer(self) -> Result<Response, Error> {
        let mut body = Vec::with_capacity(self.results.get().len() + MAX_CURSOR);
        serde_json::to_writer(&mut body, &self).map_err(Error::internal)?;
        let json = HeaderValue::from_static("application/json");
        Ok(([(CONTENT_TYPE, json)], body).into_response())
    }
}

/// Confluence counts (`start=25`) or hands out a cursor; ours is either's value.
fn position(cursor: &str) -> Result<(&'static str, &str), Error> {
    if cursor.len() > MAX_CURSOR {
        let message = "`cursor` must be one that an earlier answer gave.";
        return Err(Error::new(ErrorCode::BadRequest, message));
    }
    let counts = cursor.bytes().all(|byte| byte.is_ascii_digit());
    Ok((if counts { "start" } else { "cursor" }, cursor))
}

fn next_cursor(next: &str) -> Option<String> {
    let (_, query) = next.split_once('?')?;
    let find = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    find("cursor").or_else(|| find("start"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_the_next_links_own() {
        for (next, cursor) in [
            ("/rest/api/content?limit=25&start=25", Some("25")),
            (
                "/rest/api/content?cursor=_f_Mg%3D%3D_sa&limit=25&start=25",
                Some("_f_Mg==_sa"),
            ),
            ("/rest/api/content", None),
            ("", None),
        ] {
            assert_eq!(next_cursor(next).as_deref(), cursor, "{next}");
        }
    }

    async fn passed_on(answer: &str) -> String {
        let listed: Listed<'_> = serde_json::from_str(answer).unwrap();
        let page = ContentPage {
            results: listed.results,
            limit: 25,
            cursor: listed.links.next.as_deref().and_then(next_cursor),
        };
        let answer = page.into_answer().unwrap();
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/json");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        String::from_utf8(body.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_list_is_passed_on_as_it_came() {
        for list in [
            "[]",
            r#"[ {"id": 12345678901234567890123, "x": 1.0e2, "t": "\u00fc ü"} ,null]"#,
        ] {
            let answer = format!(
                r#"{{"size":1,"results": {list} ,"_links":{{"next":"/x?start=25","base":7}}}}"#
            );
            let expected = format!(r#"{{"results":{list},"limit":25,"cursor":"25"}}"#);
            assert_eq!(passed_on(&answer).await, expected);
        }
        assert_eq!(
            passed_on(r#"{"results":[1]}"#).await,
            r#"{"results":[1],"limit":25,"cursor":null}"#
        );
    }

    #[test]
    fn what_is_no_list_is_not_passed_on() {
        for answer in [
            "{}",
            "[]",
            r#"{"results":null}"#,
            r#"{"results":{"0":1}}"#,
            r#"{"results":"[]"}"#,
            r#"{"results":[1,]}"#,
            r#"{"results":[1}"#,
            r#"{"results":[01]}"#,
            r#"{"results":["\x"]}"#,
            r#"{"results":[],"results":[]}"#,
            r#"{"results":[]} x"#,
            "<html>",
            "",
        ] {
            assert!(
                serde_json::from_str::<Listed<'_>>(answer).is_err(),
                "{answer}"
            );
        }
        let not_utf_8 = b"{\"results\":[\"\xff\"]}";
        assert!(serde_json::from_slice::<Listed<'_>>(not_utf_8).is_err());
    }

    #[test]
    fn a_number_is_a_start_and_anything_else_a_cursor() {
        assert_eq!(position("25").unwrap(), ("start", "25"));
        assert_eq!(position("_f_Mg==").unwrap(), ("cursor", "_f_Mg=="));
        assert!(position(&"9".repeat(513)).is_err());
    }
}
