//! What is counted has a bounded number of series, whatever strangers send.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{
    app::TestApp,
    caller::{Caller, Fit},
    claims::{OTHER_APP, USER},
    load::updated,
    place::Place,
    remote::{Remote, Serve},
    site::Site,
};

/// Every text of a stranger holds it.
const STRANGE: &str = "str4nge";

/// Everything that a caller may choose, once, each time with other words.
async fn everything_strange(remote: &Remote, site: &Site) {
    let word = || format!("{STRANGE}{}", uuid::Uuid::new_v4().simple());
    let call = async |caller: Caller, method: &str, path: String| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let _ = caller.send(method, &path).await;
    };
    let anybody = || remote.anybody();
    let forge = || anybody().with_fit().app_token().user_token();
    let platform = || remote.as_platform();

    call(anybody(), "GET", format!("/{}/{}", word(), word())).await;
    call(
        anybody(),
        "GET",
        format!("/api/{}?{}={}", word(), word(), word()),
    )
    .await;
    call(anybody(), &word(), "/api/invocation".to_owned()).await;
    call(
        forge().header(&word(), &word()),
        "GET",
        "/api/invocation".to_owned(),
    )
    .await;
    call(
        anybody().token(&word()),
        "GET",
        "/api/invocation".to_owned(),
    )
    .await;
    let foreign = anybody().fit(|fit| fit.claim("/aud", OTHER_APP).claim("/jti", word()));
    call(foreign.with_fit(), "GET", "/api/invocation".to_owned()).await;
    let unknown = anybody().fit(|fit| fit.header("kid", word()));
    call(unknown.with_fit(), "GET", "/api/invocation".to_owned()).await;
    let elsewhere = || {
        let id = format!("ari:cloud:ecosystem::installation/{}", uuid::Uuid::new_v4());
        let fit = Fit::of(&site.atlassian.url()).claim("/app/installationId", id.as_str());
        fit.claim("/app/installation/id", id)
    };
    let strange = elsewhere()
        .claim("/principal", word())
        .claim("/app/module/type", word());
    let caller = anybody().token(&strange.token());
    call(caller, "GET", "/api/invocation".to_owned()).await;
    let leaving = anybody().token(&elsewhere().of_platform().token());
    let leaving = leaving.json(&json!({word(): word()}));
    call(leaving, "POST", "/forge/uninstall".to_owned()).await;
    call(forge(), "GET", format!("/api/content?cursor={}", word())).await;
    call(forge(), "GET", format!("/api/issues/{}-1", word())).await;
    call(forge(), "GET", format!("/api/accounts/{}/content", word())).await;
    for path in ["/forge/events", "/forge/lifecycle", "/forge/scheduled"] {
        let body = json!({"eventType": word(), "moduleKey": word(), word(): word()});
        call(platform().json(&body), "POST", path.to_owned()).await;
    }
    call(platform(), "POST", format!("/forge/scheduled/{}", word())).await;
    call(platform(), "POST", format!("/forge/migration/{}", word())).await;
    let page = word();
    call(
        platform().json(&updated(&page)),
        "POST",
        "/forge/events".to_owned(),
    )
    .await;
    let pages = [page];
    site.until("the event is handled", |seen| seen.has_all(&pages))
        .await;
}

/// A module's key comes from a FIT that the platform has signed, and stands in a label. There
/// are only so many places for them.
#[tokio::test]
async fn a_thousand_modules_make_few_series() {
    let app = TestApp::start().await;
    let mut callers = JoinSet::new();
    for module in 0..1000 {
        let module = format!("module-{module}");
        let caller = app
            .anybody()
            .fit(|fit| fit.claim("/app/module/key", module));
        callers.spawn(let_in(caller));
        // More at once could be more than one installation's share.
        if callers.len() == 8 {
            while callers.join_next().await.is_some() {}
        }
    }
    callers.join_all().await;
    let text = app.forge.metrics().unwrap();
    let lines = text
        .lines()
        .filter(|line| line.starts_with("forge_invocations_total{"));
    let modules = lines.clone().filter(|line| line.contains("\"module-"));
    assert_eq!(modules.count(), 64, "{text}");
    let count = |line: &str| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap();
    let others = lines.clone().find(|line| line.contains("<other>"));
    assert_eq!(count(others.expect("the others are counted")), 1000 - 64);
    // Other tests of this process count in the same place, under other names.
    let of_this_test = lines.filter(|line| line.contains("\"module-") || line.contains("<other>"));
    assert_eq!(of_this_test.map(count).sum::<u64>(), 1000);
}

/// Calls until it is let in: on a busy machine it may be shed, before anything is counted.
async fn let_in(caller: Caller) {
    let began = Instant::now();
    loop {
        let answer = caller.clone().with_fit().get("/api/invocation").await;
        if answer.status == 200 {
            return;
        }
        assert_eq!(answer.status, 503);
        assert!(began.elapsed() < Duration::from_secs(30), "never let in");
    }
}

/// The series, without their values.
async fn series(remote: &Remote) -> BTreeSet<String> {
    let metrics = remote.operator().get("/metrics").await;
    let text = String::from_utf8(metrics.body).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
        .collect()
}

/// Tasks that go by the clock ask the store for something else now and then, and look after what
/// is sealed: that begins when it begins.
fn comes_with_time(series: &str) -> bool {
    ["forge_store_", "forge_sealed_", "forge_resealed_"]
        .iter()
        .any(|name| series.starts_with(name))
}

#[tokio::test]
async fn no_word_of_a_stranger_makes_a_series() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let remote = Serve::new(&place, &site).start().await;
    // Each outcome has its series once it was met.
    for _ in 0..2 {
        everything_strange(&remote, &site).await;
    }
    let known = series(&remote).await;
    assert!(
        known.iter().any(|one| one.contains(r#"route="<unknown>""#)),
        "{known:#?}"
    );
    for _ in 0..30 {
        everything_strange(&remote, &site).await;
    }
    let all = series(&remote).await;
    let new = all.difference(&known);
    let new: Vec<_> = new.filter(|one| !comes_with_time(one)).collect();
    assert!(new.is_empty(), "{new:#?}");
    for words in [STRANGE, USER, "ari:cloud", "t0psecret", "eyJ"] {
        let found: Vec<_> = all.iter().filter(|one| one.contains(words)).collect();
        assert!(found.is_empty(), "{found:#?}");
    }
    // Nor is the test blind: what was not met before makes one.
    let _ = remote.anybody().get("/api/me").await;
    assert!(series(&remote).await.len() > all.len());
}
