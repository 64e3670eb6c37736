use super::*;
use crate::emulator::world::{JONAS, MIRA, PRIYA};

fn titles(list: &Value) -> Vec<&str> {
    let results = list["results"].as_array().unwrap();
    results
        .iter()
        .map(|page| page["title"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_same_list_differs_by_who_asks() {
    let played = Played::start().await;
    let url = played.api("confluence", "/wiki/rest/api/content?limit=50");
    let mut lists = Vec::new();
    for token in [
        played.app_token(),
        played.user_token(MIRA),
        played.user_token(JONAS),
        played.user_token(PRIYA),
    ] {
        let (status, list) = played.get(&token, &url).await;
        assert_eq!(status, 200);
        lists.push(list);
    }
    let lists: Vec<_> = lists.iter().map(titles).collect();
    assert!(lists[1].contains(&"Salary bands 2027"));
    assert!(!lists[0].contains(&"Salary bands 2027"));
    assert!(lists[2].contains(&"Draft: moving the search index"));
    assert!(!lists[1].contains(&"Draft: moving the search index"));
    assert!(lists[3].contains(&"Parental leave, explained"));
    assert!(!lists[0].contains(&"Parental leave, explained"));
}

#[tokio::test]
async fn both_generations_of_pagination_lead_through_all_pages_once() {
    let played = Played::start().await;
    let token = played.user_token(MIRA);
    let whole = played
        .get(&token, &played.api("confluence", "/wiki/rest/api/content"))
        .await
        .1;
    let whole = titles(&whole);
    for (first, prefix) in [
        ("/wiki/rest/api/content?limit=3&type=page", "/wiki"),
        ("/wiki/api/v2/pages?limit=3", ""),
    ] {
        let mut seen = Vec::new();
        let mut next = Some(first.to_owned());
        while let Some(path) = next {
            let (status, list) = played.get(&token, &played.api("confluence", &path)).await;
            assert_eq!(status, 200, "{list}");
            seen.extend(titles(&list).into_iter().map(str::to_owned));
            next = list["_links"]["next"]
                .as_str()
                .map(|link| format!("{prefix}{link}"));
            assert!(seen.len() <= whole.len());
        }
        assert_eq!(seen, whole);
    }
}

#[tokio::test]
async fn a_page_that_one_may_not_see_does_not_exist() {
    let played = Played::start().await;
    for (path, pointer, found) in [
        ("/wiki/rest/api/content/5341226", "/statusCode", 404),
        ("/wiki/api/v2/pages/5341226", "/errors/0/status", 404),
    ] {
        let url = played.api("confluence", path);
        assert_eq!(played.get(&played.user_token(JONAS), &url).await.0, 200);
        let (status, body) = played.get(&played.user_token(MIRA), &url).await;
        assert_eq!(
            (status, &body.pointer(pointer).unwrap().as_u64()),
            (404, &Some(found))
        );
    }
}

#[tokio::test]
async fn only_the_administrator_administers() {
    let played = Played::start().await;
    let user = played.api(
        "confluence",
        "/wiki/rest/api/user/current?expand=operations",
    );
    let jira = played.api("jira", "/rest/api/3/mypermissions?permissions=ADMINISTER");
    for (account, administers) in [(MIRA, true), (JONAS, false)] {
        let token = played.user_token(account);
        let me = played.get(&token, &user).await.1;
        assert_eq!(me["accountId"], account);
        let administer =
            serde_json::json!({"operation": "administer", "targetType": "application"});
        assert_eq!(
            me["operations"].as_array().unwrap().contains(&administer),
            administers
        );
        let mine = played.get(&token, &jira).await.1;
        assert_eq!(
            mine["permissions"]["ADMINISTER"]["havePermission"],
            administers
        );
    }
}

#[tokio::test]
async fn jira_keeps_a_secured_issue_to_those_it_is_for() {
    let played = Played::start().await;
    let (jonas, priya) = (played.user_token(JONAS), played.user_token(PRIYA));
    let secured = played.api("jira", "/rest/api/3/issue/QUA-18");
    assert_eq!(played.get(&jonas, &secured).await.1["key"], "QUA-18");
    let (status, body) = played.get(&priya, &secured).await;
    assert_eq!(status, 404);
    assert_eq!(
        body["errorMessages"][0],
        "Issue does not exist or you do not have permission to see it."
    );

    let search = played.api(
        "jira",
        "/rest/api/3/search/jql?jql=project%20%3D%20QUA&maxResults=2&fields=summary",
    );
    let first = played.get(&priya, &search).await.1;
    assert_eq!(first["isLast"], false);
    let token = first["nextPageToken"].as_str().unwrap();
    let second = played
        .get(&priya, &format!("{search}&nextPageToken={token}"))
        .await
        .1;
    assert_eq!(
        (
            second["isLast"].as_bool(),
            second["issues"].as_array().unwrap().len()
        ),
        (Some(true), 1)
    );
    let (status, body) = played
        .get(&priya, &played.api("jira", "/rest/api/3/mypermissions"))
        .await;
    assert_eq!((status, body["errors"].is_object()), (400, true));
    let me = played
        .get(&priya, &played.api("jira", "/rest/api/3/myself"))
        .await
        .1;
    assert_eq!(me["displayName"], "Priya Raman");
}

#[tokio::test]
async fn a_call_without_a_good_token_is_refused_in_the_gateways_words() {
    let played = Played::start().await;
    let url = played.api("confluence", "/wiki/rest/api/content");
    let fit = {
        let stage = &played.running.stage;
        let module = &stage.manifest.modules[0];
        stage
            .mint
            .ui(
                &stage.installed.last(),
                module,
                world::user(MIRA).unwrap(),
                &stage.session.get(),
            )
            .unwrap()
            .token
    };
    for token in ["rubbish", fit.expose()] {
        let (status, body) = played.get(token, &url).await;
        assert_eq!(status, 401);
        assert_eq!(
            body,
            serde_json::json!({"code": 401, "message": "Unauthorized"})
        );
    }
    assert_eq!(played.http.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(played.running.other_calls().len(), 3);
    assert_eq!(played.running.other_calls()[0].identity, Identity::Nobody);
}

#[tokio::test]
async fn an_expired_token_opens_nothing() {
    let clock = Clock::manual(crate::clock::Timestamp::from_unix(1_785_312_000));
    let own = clock.clone();
    let played = Played::with(Router::new(), |settings| settings.clock = own).await;
    let token = played.user_token(MIRA);
    let url = played.api("confluence", "/wiki/rest/api/content");
    assert_eq!(played.get(&token, &url).await.0, 200);
    clock.advance(Duration::from_hours(4));
    assert_eq!(played.get(&token, &url).await.0, 401);
}

#[tokio::test]
async fn another_cloud_id_and_an_unknown_api_are_told_apart() {
    let played = Played::start().await;
    let token = played.app_token();
    let good = played.api("confluence", "/wiki/rest/api/content");
    let other = good.replace(world::cloud_id(), "11111111-2222-3333-4444-555555555555");
    assert_eq!(played.get(&token, &other).await.0, 404);
    assert_eq!(
        played
            .get(&token, &good.replace("/ex/confluence", "/ex/compass"))
            .await
            .0,
        404
    );
    assert_eq!(
        played
            .get(&token, &played.api("confluence", "/wiki/api/v2/tasks"))
            .await
            .0,
        501
    );
}

#[tokio::test]
async fn no_refusal_is_anything_but_json() {
    let played = Played::start().await;
    let token = played.app_token();
    let url = played.api("confluence", "/wiki/rest/api/content");
    let (status, body) = played.get(&token, &format!("{url}?limit=1&limit=2")).await;
    assert_eq!((status, &body["code"]), (400, &serde_json::json!(400)));
    let sent = played
        .http
        .post(url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 405);
    assert_eq!(
        sent.json::<Value>().await.unwrap()["message"],
        "Method Not Allowed"
    );
}

#[tokio::test]
async fn bad_parameters_are_refused_in_the_products_own_shape() {
    let played = Played::start().await;
    let token = played.app_token();
    for (product, path, pointer) in [
        (
            "confluence",
            "/wiki/rest/api/content?limit=many",
            "/statusCode",
        ),
        (
            "confluence",
            "/wiki/rest/api/content?type=space",
            "/statusCode",
        ),
        ("confluence", "/wiki/api/v2/pages?limit=0", "/errors/0/code"),
        (
            "confluence",
            "/wiki/api/v2/pages?cursor=mine",
            "/errors/0/code",
        ),
        ("confluence", "/wiki/api/v2/pages/abc", "/errors/0/code"),
        ("jira", "/rest/api/3/search/jql?jql=", "/errorMessages/0"),
        (
            "jira",
            "/rest/api/3/search/jql?jql=key%3DQUA-1&maxResults=x",
            "/errorMessages/0",
        ),
    ] {
        let (status, body) = played.get(&token, &played.api(product, path)).await;
        assert_eq!(status, 400, "{path}");
        assert!(body.pointer(pointer).is_some(), "{path}: {body}");
    }
}
