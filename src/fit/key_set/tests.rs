use futures_util::future::join_all;
use http::StatusCode;
use tokio::task::JoinHandle;

use super::*;
use crate::fit::testing::{Answer, KID, KeyEndpoint, NOW, SigningKey, http, pass, until};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const BETWEEN_SEARCHES: Duration = Duration::from_secs(30);

fn set_of(endpoint: &KeyEndpoint) -> Arc<KeySet> {
    KeySet::new(
        SetName::Production,
        endpoint.url.clone(),
        http(),
        Clock::manual(NOW),
    )
}

async fn serving_a() -> (KeyEndpoint, Arc<KeySet>) {
    let endpoint = KeyEndpoint::serving(&[SigningKey::a().jwk(KID)]).await;
    let set = set_of(&endpoint);
    (endpoint, set)
}

/// The code it ends with.
async fn ask(set: &Arc<KeySet>, id: &str) -> &'static str {
    match set.key(id, Instant::now()).await {
        Ok(_) => "ok",
        Err(error) => error.code().as_str(),
    }
}

fn asking(set: &Arc<KeySet>, id: &str) -> JoinHandle<&'static str> {
    let (set, id) = (Arc::clone(set), id.to_owned());
    tokio::spawn(async move { ask(&set, &id).await })
}

async fn landed(set: &Arc<KeySet>) {
    until(|| set.flights().is_idle()).await;
}

#[tokio::test]
async fn the_first_callers_share_one_fetch() {
    let (endpoint, set) = serving_a().await;
    assert!(!set.is_loaded());
    let answers = join_all((0..100).map(|_| ask(&set, KID))).await;
    assert_eq!(answers, ["ok"; 100]);
    assert_eq!(endpoint.hits(), 1);
    assert!(set.is_loaded());
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_take_the_fetch_along() {
    let (endpoint, set) = serving_a().await;
    endpoint.close();
    let first = asking(&set, KID);
    endpoint.asked(1).await;
    let second = asking(&set, KID);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    endpoint.open();
    assert_eq!(second.await.unwrap(), "ok");
    assert_eq!(endpoint.hits(), 1);
}

#[tokio::test]
async fn a_fetch_goes_on_when_all_callers_have_gone() {
    let (endpoint, set) = serving_a().await;
    endpoint.close();
    let only = asking(&set, KID);
    endpoint.asked(1).await;
    only.abort();
    endpoint.open();
    until(|| set.is_loaded()).await;
    assert_eq!(endpoint.hits(), 1);
}

#[tokio::test]
async fn unknown_key_ids_cost_one_fetch_in_30_seconds() {
    let (endpoint, set) = serving_a().await;
    ask(&set, KID).await;
    let ids: Vec<_> = (0..300).map(|n| n.to_string()).collect();
    let answers = join_all(ids.iter().map(|id| ask(&set, id))).await;
    assert_eq!(answers, ["unknown_key"; 300]);
    assert_eq!(endpoint.hits(), 2);
    pass(SECOND * 29).await;
    assert_eq!(ask(&set, "other").await, "unknown_key");
    assert_eq!(endpoint.hits(), 2);
    pass(SECOND).await;
    assert_eq!(ask(&set, "other").await, "unknown_key");
    assert_eq!(endpoint.hits(), 3);
}

#[tokio::test]
async fn a_new_key_is_found_by_its_first_token() {
    let (endpoint, set) = serving_a().await;
    ask(&set, KID).await;
    let both = [SigningKey::a().jwk(KID), SigningKey::b().jwk("new")];
    endpoint.answer(Answer::keys(&both));
    assert_eq!(ask(&set, "new").await, "ok");
    assert_eq!(ask(&set, KID).await, "ok");
    assert_eq!(endpoint.hits(), 2);
}

#[tokio::test]
async fn known_keys_serve_while_a_search_is_under_way() {
    let (endpoint, set) = serving_a().await;
    ask(&set, KID).await;
    endpoint.close();
    let search = asking(&set, "other");
    endpoint.asked(2).await;
    assert_eq!(ask(&set, KID).await, "ok");
    endpoint.open();
    assert_eq!(search.await.unwrap(), "unknown_key");
}

#[tokio::test]
async fn without_a_set_a_failing_endpoint_is_asked_once_a_second() {
    let (endpoint, set) = serving_a().await;
    let good = Answer::keys(&[SigningKey::a().jwk(KID)]);
    endpoint.answer(Answer::status(StatusCode::SERVICE_UNAVAILABLE));
    let answers = join_all((0..100).map(|_| ask(&set, KID))).await;
    assert_eq!(answers, ["keys_unavailable"; 100]);
    assert_eq!(ask(&set, KID).await, "keys_unavailable");
    assert_eq!(endpoint.hits(), 1);
    endpoint.answer(good);
    assert_eq!(ask(&set, KID).await, "keys_unavailable");
    pass(SECOND).await;
    assert_eq!(ask(&set, KID).await, "ok");
    assert_eq!(endpoint.hits(), 2);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_given_up_after_5_seconds() {
    let (endpoint, set) = serving_a().await;
    endpoint.close();
    let caller = asking(&set, KID);
    endpoint.asked(1).await;
    pass(SECOND * 4).await;
    assert!(!caller.is_finished() && !set.flights().is_idle());
    pass(SECOND).await;
    assert_eq!(caller.await.unwrap(), "keys_unavailable");
}

#[tokio::test]
async fn only_so_many_callers_wait() {
    let (endpoint, set) = serving_a().await;
    endpoint.close();
    let waiting: Vec<_> = (0..MOST_WAITING).map(|_| asking(&set, KID)).collect();
    until(|| set.waiting.available_permits() == 0).await;
    assert_eq!(ask(&set, KID).await, "keys_unavailable");
    endpoint.open();
    for caller in waiting {
        assert_eq!(caller.await.unwrap(), "ok");
    }
    assert_eq!(set.waiting.available_permits(), MOST_WAITING);
}

#[tokio::test]
async fn answers_that_are_no_key_set_leave_the_last_good_one_in_place() {
    let (endpoint, set) = serving_a().await;
    ask(&set, KID).await;
    let mut oversized = Answer::keys(&[SigningKey::b().jwk(KID)]);
    oversized.body.resize(1024 * 1024 + 1, b' ');
    let mut redirect = Answer::keys(&[SigningKey::b().jwk(KID)]);
    redirect.status = StatusCode::FOUND;
    let mut partial = Answer::keys(&[SigningKey::b().jwk(KID)]);
    partial.status = StatusCode::NON_AUTHORITATIVE_INFORMATION;
    let mut html = Answer::keys(&[]);
    html.body = b"<html>".to_vec();
    let answers = [
        oversized,
        redirect,
        partial,
        html,
        Answer::keys(&[]),
        Answer::status(StatusCode::NOT_FOUND),
        Answer::status(StatusCode::INTERNAL_SERVER_ERROR),
    ];
    let key = set.key(KID, Instant::now()).await.unwrap();
    for (tries, answer) in answers.into_iter().enumerate() {
        endpoint.answer(answer);
        pass(BETWEEN_SEARCHES).await;
        assert_eq!(ask(&set, "other").await, "unknown_key");
        assert_eq!(endpoint.hits(), tries + 2);
        assert!(set.trusts(&key, Instant::now()), "{tries}");
    }
}

#[tokio::test]
async fn an_answer_of_just_1_mib_is_taken() {
    let (endpoint, set) = serving_a().await;
    let mut large = Answer::keys(&[SigningKey::a().jwk(KID)]);
    large.body.resize(1024 * 1024, b' ');
    endpoint.answer(large);
    assert_eq!(ask(&set, KID).await, "ok");
}

#[tokio::test]
async fn the_last_good_set_serves_for_a_week_while_the_endpoint_is_down() {
    let (endpoint, set) = serving_a().await;
    ask(&set, KID).await;
    endpoint.answer(Answer::status(StatusCode::SERVICE_UNAVAILABLE));
    for day in 1..7 {
        pass(HOUR * 24).await;
        assert_eq!(ask(&set, KID).await, "ok", "day {day}");
        landed(&set).await;
    }
    assert!(endpoint.hits() >= 7);
    pass(HOUR * 24).await;
    assert_eq!(ask(&set, KID).await, "keys_unavailable");
    assert!(!set.is_loaded());
    endpoint.answer(Answer::keys(&[SigningKey::a().jwk(KID)]));
    pass(SECOND).await;
    assert_eq!(ask(&set, KID).await, "ok");
}

#[tokio::test]
async fn a_key_that_left_the_set_is_not_trusted_after_the_next_refresh() {
    let (endpoint, set) = serving_a().await;
    let key = set.key(KID, Instant::now()).await.unwrap();
    endpoint.answer(Answer::keys(&[SigningKey::b().jwk("new")]));
    pass(HOUR / 5 * 4).await;
    // The old set serves this one call, and is refreshed for the next.
    assert_eq!(ask(&set, KID).await, "ok");
    landed(&set).await;
    assert!(!set.trusts(&key, Instant::now()));
    assert_eq!(ask(&set, KID).await, "unknown_key");
}

#[tokio::test]
async fn a_key_that_took_over_the_id_of_another_is_another_key() {
    let (endpoint, set) = serving_a().await;
    let key = set.key(KID, Instant::now()).await.unwrap();
    ask(&set, "other").await;
    assert!(
        set.trusts(&key, Instant::now()),
        "it was fetched again and is the same"
    );
    endpoint.answer(Answer::keys(&[SigningKey::b().jwk(KID)]));
    pass(BETWEEN_SEARCHES).await;
    ask(&set, "other").await;
    assert!(!set.trusts(&key, Instant::now()));
}

#[tokio::test]
async fn a_set_is_kept_fresh_when_nobody_uses_it() {
    let (endpoint, set) = serving_a().await;
    let keeper = tokio::spawn(Arc::clone(&set).keep_fresh());
    until(|| set.is_loaded()).await;
    landed(&set).await;
    pass(SECOND * 2879).await;
    assert_eq!(endpoint.hits(), 1);
    pass(SECOND).await;
    endpoint.asked(2).await;
    landed(&set).await;
    pass(HOUR / 5 * 4).await;
    endpoint.asked(3).await;
    keeper.abort();
}

#[tokio::test]
async fn a_keeper_tries_again_after_a_failure() {
    let (endpoint, set) = serving_a().await;
    endpoint.answer(Answer::status(StatusCode::BAD_GATEWAY));
    let keeper = tokio::spawn(Arc::clone(&set).keep_fresh());
    for tries in 1..=6 {
        endpoint.asked(tries).await;
        landed(&set).await;
        assert_eq!(endpoint.hits(), tries);
        pass(SECOND * 30).await;
    }
    endpoint.answer(Answer::keys(&[SigningKey::a().jwk(KID)]));
    until(|| set.flights().is_idle()).await;
    pass(SECOND * 30).await;
    until(|| set.is_loaded()).await;
    keeper.abort();
}

#[tokio::test]
async fn a_keeper_goes_on_with_a_search_that_failed() {
    let (endpoint, set) = serving_a().await;
    let keeper = tokio::spawn(Arc::clone(&set).keep_fresh());
    until(|| set.is_loaded()).await;
    landed(&set).await;
    endpoint.answer(Answer::status(StatusCode::BAD_GATEWAY));
    assert_eq!(ask(&set, "new").await, "unknown_key");
    endpoint.answer(Answer::keys(&[SigningKey::b().jwk("new")]));
    assert_eq!(ask(&set, "new").await, "unknown_key");
    assert_eq!(endpoint.hits(), 2);
    // Lets the keeper set its alarm before time passes.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    pass(SECOND).await;
    endpoint.asked(3).await;
    landed(&set).await;
    assert_eq!(ask(&set, "new").await, "ok");
    keeper.abort();
}
