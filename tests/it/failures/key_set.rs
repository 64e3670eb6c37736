//! The key set fails: who can be verified is, and everybody else is told in time.

use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::json;

use super::{BUFFERS, in_time, others_are_answered, setup};
use crate::support::{
    app::TestApp,
    caller::Fit,
    keys::{KEY, KID, OTHER_KEY, OTHER_KID, key_set},
    wire::{Line, TEN_GB, Wire, bomb, nobody, whole},
};

/// What is read of a key set.
const LIMIT: u64 = 1 << 20;
/// Between two searches for a key that is not in the set.
const BETWEEN_SEARCHES: Duration = Duration::from_secs(30);

/// A remote whose key set is at `url`, while all else is well. A fetch has 5 s: a caller has more.
async fn beside(url: &str) -> TestApp {
    let setup = setup().await.set("SERVER__ANSWER_WITHIN_MS", "25000");
    setup.set("FIT__JWKS_URL", url).start().await
}

fn good() -> String {
    key_set(&[KEY.jwk(KID)])
}

/// A token that needs a key which is not in the set.
fn of_another_key(app: &TestApp) -> String {
    let fit = Fit::of(&app.atlassian.url()).key(OTHER_KEY);
    fit.header("kid", OTHER_KID).token()
}

/// What an endpoint may say instead of a key set, again and again after a beginning.
fn wrong() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let ok = "HTTP/1.1 200 OK\r\n\r\n";
    let (packed, packed_block) = bomb(b' ');
    let once = |case, bytes: Vec<u8>| (case, bytes, Vec::new());
    let status = |line: &str| {
        let body = String::from_utf8(whole(&good())).unwrap();
        body.replace("HTTP/1.1 200 OK", line).into_bytes()
    };
    let half = good();
    let half = &half[..half.len() / 2];
    let large_key = json!({"keys": [{"kty": "RSA", "kid": KID, "alg": "RS256", "use": "sig",
        "n": "x".repeat(900 << 10), "e": "AQAB"}]});
    vec![
        once("HTML", whole("<html>Sign in</html>")),
        once("nothing", whole("")),
        once("no keys", whole(r#"{"keys":[]}"#)),
        once("no set", whole("[]")),
        once(
            "other keys",
            whole(&key_set(&[OTHER_KEY.jwk(OTHER_KID)]).replace("RSA", "EC")),
        ),
        once("half a set", whole(half)),
        once("half of what was told", whole(&good())[..200].to_vec()),
        once(
            "deep",
            whole(&format!("{{\"keys\":{}", "[".repeat(500_000))),
        ),
        once("a large key", whole(&large_key.to_string())),
        once("HTTP/0.9", good().into_bytes()),
        once("500", status("HTTP/1.1 500 Internal Server Error")),
        once("404", status("HTTP/1.1 404 Not Found")),
        once("203", status("HTTP/1.1 203 Non-Authoritative Information")),
        once("206", status("HTTP/1.1 206 Partial Content")),
        (
            "10 GB",
            format!("{ok}{{\"keys\":[").into(),
            vec![b' '; 64 << 10],
        ),
        (
            "10 GB with a length",
            format!("HTTP/1.1 200 OK\r\ncontent-length: {TEN_GB}\r\n\r\n").into(),
            vec![b' '; 64 << 10],
        ),
        (
            "a million keys",
            format!("{ok}{{\"keys\":[").into(),
            b"{\"kid\":\"k\"},".repeat(4096),
        ),
        (
            "a key of 100 MB",
            format!("{ok}{{\"keys\":[{{\"n\":\"").into(),
            vec![b'A'; 64 << 10],
        ),
        ("a bomb", packed, packed_block),
        (
            "a head without end",
            "HTTP/1.1 200 OK\r\n".into(),
            b"x-a: b\r\n".repeat(1024),
        ),
    ]
}

/// Says one of [`wrong`].
async fn say_wrong(line: &mut Line, start: &[u8], block: &[u8]) -> std::io::Result<()> {
    line.say(start).await?;
    if block.is_empty() {
        return Ok(());
    }
    line.flood(block).await
}

#[tokio::test]
async fn without_a_set_it_says_so_whatever_came_instead() {
    join_all(wrong().into_iter().map(async |(case, start, block)| {
        let wire = Wire::start(move |mut line| {
            let (start, block) = (start.clone(), block.clone());
            async move {
                line.request().await?;
                say_wrong(&mut line, &start, &block).await
            }
        })
        .await;
        let app = beside(&wire.url()).await;
        let answer = in_time(app.as_forge().get("/api/invocation")).await;
        let _ = answer.refused(503, "keys_unavailable");
        assert_eq!(answer.header("retry-after"), "1", "{case}");
        let ready = in_time(app.operator().get("/readyz")).await;
        assert_eq!(ready.json()["keys"], false, "{case}");
        let requests = u64::try_from(wire.requests()).unwrap();
        let sent = wire.seen().sent;
        assert!(sent < (LIMIT + BUFFERS) * requests, "{case}: {sent}");
    }))
    .await;
}

#[tokio::test]
async fn the_last_good_set_outlives_whatever_comes_instead() {
    join_all(wrong().into_iter().map(async |(case, start, block)| {
        let wire = Wire::start(move |mut line| {
            let (start, block) = (start.clone(), block.clone());
            async move {
                line.request().await?;
                line.say(&whole(&good())).await?;
                line.request().await?;
                say_wrong(&mut line, &start, &block).await
            }
        })
        .await;
        let app = beside(&wire.url()).await;
        others_are_answered(&app).await;
        let token = of_another_key(&app);
        let answer = in_time(app.anybody().token(&token).get("/api/invocation")).await;
        let _ = answer.refused(401, "unknown_key");
        assert!(wire.requests() >= 2, "{case}");
        others_are_answered(&app).await;
    }))
    .await;
}

#[tokio::test]
async fn everybody_who_waits_for_a_silent_endpoint_is_told_in_time() {
    let second = Duration::from_secs(1);
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{";
    for wire in [
        Wire::hanging().await,
        Wire::trickling(head, b' ', second).await,
    ] {
        let app = beside(&wire.url()).await;
        let calls = (0..100).map(|_| in_time(app.as_forge().get("/api/invocation")));
        for answer in join_all(calls).await {
            let _ = answer.refused(503, "keys_unavailable");
            assert!(answer.took < Duration::from_secs(20), "{:?}", answer.took);
        }
        assert_eq!(wire.requests(), 1);
        // What is no token needs no key set to be refused.
        let _ = in_time(app.anybody().token("abc").get("/api/invocation"))
            .await
            .refused(401, "malformed_token");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_told_at_once() {
    let app = beside(&nobody().await).await;
    for _ in 0..3 {
        let answer = in_time(app.as_forge().get("/api/invocation")).await;
        let _ = answer.refused(503, "keys_unavailable");
    }
}

#[tokio::test]
async fn no_redirect_leads_to_another_key_set() {
    let elsewhere = Wire::saying(whole(&good())).await;
    for status in [301, 302, 303, 307, 308] {
        let head = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: {}\r\n",
            elsewhere.url()
        );
        let wire = Wire::saying(format!("{head}content-length: 0\r\n\r\n")).await;
        let app = beside(&wire.url()).await;
        let answer = in_time(app.as_forge().get("/api/invocation")).await;
        let _ = answer.refused(503, "keys_unavailable");
    }
    assert_eq!(elsewhere.seen().connections, 0);
}

#[tokio::test]
async fn a_storm_of_unknown_keys_at_a_silent_endpoint_disturbs_nobody() {
    let wire = Wire::start(async |mut line: Line| {
        line.request().await?;
        line.say(&whole(&good())).await?;
        line.request().await?;
        line.hang().await
    })
    .await;
    let app = beside(&wire.url()).await;
    others_are_answered(&app).await;
    let fit = Fit::of(&app.atlassian.url());
    let storm = join_all((0..300).map(|number| {
        let kid = format!("unknown/{number}");
        let token = fit.clone().header("kid", kid).token();
        in_time(app.anybody().token(&token).get("/api/invocation"))
    }));
    let others = async {
        wire.until("the search is on its way", |seen| seen.requests.len() == 2)
            .await;
        others_are_answered(&app).await;
    };
    let (answers, ()) = join(storm, others).await;
    for answer in answers {
        let _ = answer.refused(401, "unknown_key");
    }
    others_are_answered(&app).await;
    // The search, and what the refresh tries again in the seconds that it took.
    assert!(wire.requests() <= 4, "{}", wire.requests());
}

#[tokio::test]
async fn keys_that_are_swapped_and_swapped_back_count_when_they_are_in_the_set() {
    let app = setup().await.start().await;
    let (old, new) = (Fit::of(&app.atlassian.url()).token(), of_another_key(&app));
    let verified = async |token: &str| {
        let call = app.anybody().token(token).get("/api/invocation");
        in_time(call).await
    };
    let sets = [[KEY.jwk(KID)], [OTHER_KEY.jwk(OTHER_KID)]];
    let tokens = [old.as_str(), new.as_str()];
    for turn in 0..4 {
        let (good, gone) = (turn % 2, 1 - turn % 2);
        app.atlassian.serves_keys(&sets[good]);
        pass(BETWEEN_SEARCHES).await;
        let _ = verified(tokens[good]).await.ok();
        // Twice: whatever is remembered of a token goes with its key.
        for _ in 0..2 {
            let answer = verified(tokens[gone]).await;
            let _ = answer.refused(401, "unknown_key");
            let _ = verified(tokens[good]).await.ok();
        }
    }
    assert_eq!(app.atlassian.key_set_fetches(), 5, "one for each turn");
}

/// Lets time pass that nobody has to wait for.
async fn pass(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}
