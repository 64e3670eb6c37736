//! What holds of any page: whatever it says of the next one, that is fetched from the same
//! place or not at all.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use serde_json::{Value, json};

use super::*;
use crate::{
    clock::{Clock, Timestamp},
    deadline::Deadline,
    outbound::{self, ApiHosts},
    product::{Api, Call, Outbound, client::Client, tests::Tokens},
    trace::TraceId,
};

const SITE: &str = "https://api.atlassian.com/ex/confluence/1";

/// A request for a page of a list.
fn asking(api: Api, method: Method, body: Option<&'static str>) -> Outgoing {
    let hosts = ApiHosts::new(["api.atlassian.com"], false);
    let base = hosts.check(SITE.parse().unwrap()).unwrap();
    let clock = Clock::manual(Timestamp::from_unix(1_785_585_600));
    let outbound = Outbound::new(outbound::client().unwrap(), hosts, clock);
    let deadline = Deadline::after(std::time::Duration::from_secs(25));
    let url = base.with_path("/wiki/rest/api/content").unwrap();
    let client = Client::at(
        &outbound,
        api,
        base,
        Tokens::new(&["t"]),
        deadline,
        TraceId::random(),
    );
    Outgoing {
        client: Arc::new(client),
        call: Call {
            api,
            method,
            route: "/wiki/rest/api/content".into(),
        },
        url: url.with_query(Some("limit=2&start=5")),
        headers: HeaderMap::new(),
        body: body.map(|body| Bytes::from_static(body.as_bytes())),
        idempotent: true,
        max_bytes: 1024,
        one_try: std::time::Duration::from_secs(5),
    }
}

/// Links, honest and not.
fn link() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "/",
        "//",
        "..",
        ".",
        "%2e",
        "\\",
        "?",
        "#",
        "@",
        ":",
        "https://",
        "http://",
        "1",
        "2",
        "ex",
        "confluence",
        "wiki",
        "api.atlassian.com",
        "evil.example",
        "rest",
        "start=2",
        "ü",
        " ",
        "\n",
    ]);
    prop_oneof![
        prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat()),
        "(https://api\\.atlassian\\.com)?(/ex/confluence/[12])?/(wiki/)?rest[/.%a-z0-9?=&]{0,20}",
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u64..20).prop_map(Value::from),
        link().prop_map(Value::from),
        link().prop_map(|link| json!({"next": link})),
        (0_usize..4).prop_map(|count| json!(vec![0; count])),
        link().prop_map(|link| json!([link])),
    ]
}

/// Pages in the products' styles, mixed.
fn page() -> impl Strategy<Value = (String, Option<String>)> {
    let name = select(vec![
        "results",
        "values",
        "issues",
        "next",
        "_links",
        "isLast",
        "isLastPage",
        "nextPageToken",
        "startAt",
        "start",
        "limit",
        "total",
        "size",
    ]);
    let members = prop::collection::btree_map(name.prop_map(str::to_owned), any_value(), 0..7);
    let body = prop_oneof![
        8 => members.prop_map(|members| json!(members).to_string()),
        1 => any_value().prop_map(|value| value.to_string()),
        1 => "\\PC{0,20}",
    ];
    let header = link().prop_map(|link| format!("<{link}>; rel=\"next\""));
    (body, prop::option::of(header))
}

fn answered(call: &Call, body: String, link: Option<&str>) -> Response {
    let link = link.and_then(|link| HeaderValue::from_bytes(link.as_bytes()).ok());
    Response {
        call: call.clone(),
        status: StatusCode::OK,
        headers: link.map(|link| (header::LINK, link)).into_iter().collect(),
        body: body.into(),
    }
}

/// Runs `check` on the request that follows `asked` after each of many pages.
fn after_any_page(asked: &Outgoing, check: impl Fn(Outgoing) -> Result<(), TestCaseError>) {
    let outcome = TestRunner::default().run(&page(), |(body, link)| {
        let response = answered(&asked.call, body, link.as_deref());
        let Ok(envelope) = Envelope::read(&response, None) else {
            return Ok(());
        };
        let _ = envelope.items::<Value>(&response);
        match following(asked, &response, &envelope) {
            Ok(Some(next)) => check(next),
            _ => Ok(()),
        }
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn stays(asked: &Outgoing, next: &Outgoing) -> Result<(), TestCaseError> {
    let url = next.url.url();
    prop_assert_eq!(url.origin(), asked.url.url().origin());
    prop_assert!(url.path().starts_with("/ex/confluence/1/"), "{}", url);
    prop_assert!(url.username().is_empty() && url.password().is_none());
    prop_assert_eq!(&url.as_str().parse::<url::Url>().unwrap(), url);
    prop_assert_eq!(&next.call, &asked.call);
    Ok(())
}

#[tokio::test]
async fn no_page_leads_away_from_the_base() {
    for api in [Api::Confluence, Api::Jira, Api::Bitbucket] {
        let asked = asking(api, Method::GET, None);
        after_any_page(&asked, |next| {
            prop_assert_eq!(&next.body, &None);
            stays(&asked, &next)
        });
    }
}

#[tokio::test]
async fn a_search_goes_on_with_the_rest_of_its_body() {
    let asked = asking(
        Api::Jira,
        Method::POST,
        Some(r#"{"jql":"a=b","maxResults":2}"#),
    );
    after_any_page(&asked, |next| {
        stays(&asked, &next)?;
        let body: Value = serde_json::from_slice(next.body.as_ref().unwrap()).unwrap();
        prop_assert_eq!(&body["jql"], "a=b");
        prop_assert_eq!(&body["maxResults"], 2);
        Ok(())
    });
}

#[tokio::test]
async fn a_position_stands_in_the_query_once() {
    let asked = asking(Api::Jira, Method::GET, None);
    let pages = (any::<String>(), 0_u64..100, 1_usize..5);
    let outcome = TestRunner::default().run(&pages, |(token, start, count)| {
        let by_token = json!({"issues": vec![0; count], "nextPageToken": token});
        let by_number = json!({"values": vec![0; count], "startAt": start});
        for (page, name, position) in [
            (by_token, "nextPageToken", token),
            (by_number, "startAt", (start + count as u64).to_string()),
        ] {
            let response = answered(&asked.call, page.to_string(), None);
            let envelope = Envelope::read(&response, None).unwrap();
            let next = following(&asked, &response, &envelope).unwrap();
            prop_assert_eq!(next.is_none(), position.is_empty());
            let Some(next) = next else { continue };
            stays(&asked, &next)?;
            let pairs: Vec<_> = next.url.url().query_pairs().into_owned().collect();
            let of = |wanted: &str| pairs.iter().filter(|(name, _)| name == wanted).count();
            prop_assert_eq!((of(name), of("limit"), of("start")), (1, 1, 1));
            prop_assert!(pairs.contains(&(name.to_owned(), position)));
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
