//! The remote whose time of day is set.

use std::{collections::HashMap, time::Duration};

use super::*;
use crate::{
    config::Sources,
    error::ErrorCode,
    fit::testing::{KID, KeyEndpoint, NOW, SigningKey, claims},
    token::AppToken,
};

const HOUR: Duration = Duration::from_hours(1);

async fn forge(keys: &KeyEndpoint, clock: &Clock) -> Forge {
    let app = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
    let settings = [
        ("FORGE_REMOTE_ENV", "test"),
        ("FORGE_REMOTE__APP__IDS", app),
        ("FORGE_REMOTE__FIT__JWKS_URL", keys.url.as_str()),
        ("FORGE_REMOTE__STORE__URL", "sqlite::memory:"),
    ];
    let variables = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let sources = Sources {
        folder: "/nonexistent".into(),
        variables: HashMap::from(variables),
    };
    let config = Config::load_from(&sources).unwrap().config;
    Forge::with_clock(config, clock.clone()).await.unwrap()
}

#[tokio::test]
async fn a_fit_is_judged_by_the_time_that_it_is_now() {
    let key = SigningKey::a();
    let keys = KeyEndpoint::serving(&[key.jwk(KID)]).await;
    let clock = Clock::manual(NOW);
    let forge = forge(&keys, &clock).await;
    let token = key.token(KID, &claims());
    let outcome = async || match forge.verifier().verify(&token).await {
        Ok(_) => "ok",
        Err(error) => error.code().as_str(),
    };
    // Each twice: what is remembered of a token counts no more than the token.
    let twice = async || [outcome().await, outcome().await];
    assert_eq!(twice().await, ["ok"; 2]);
    clock.set_back(HOUR);
    assert_eq!(twice().await, ["not_yet_valid"; 2]);
    clock.advance(HOUR);
    assert_eq!(twice().await, ["ok"; 2]);
    clock.advance(HOUR);
    assert_eq!(twice().await, ["expired"; 2]);
    clock.set_back(HOUR);
    assert_eq!(twice().await, ["ok"; 2]);
}

#[tokio::test]
async fn an_app_token_is_not_handed_out_past_its_life() {
    let keys = KeyEndpoint::serving(&[SigningKey::a().jwk(KID)]).await;
    let clock = Clock::manual(NOW);
    let forge = forge(&keys, &clock).await;
    let fit = {
        let token = SigningKey::a().token(KID, &claims());
        forge.verifier().verify(&token).await.unwrap()
    };
    let id = fit.app.installation_id;
    let remember = |text: &str| {
        let token = AppToken::received(text.to_owned(), clock.now()).unwrap();
        let record = crate::store::Installation {
            id,
            app_id: fit.app.id,
            ic_label: None,
            contexts: Vec::new(),
            api_base_url: "https://api.atlassian.com/ex/jira/1".into(),
            site_url: None,
            app_version: None,
            environment: None,
            environment_id: None,
            license_active: None,
        };
        forge.installations().remember(record, Some(token));
    };
    let code = async || {
        let known = forge.installation(&id).await.unwrap();
        known.as_app().err().map(|error| error.code())
    };
    remember("first");
    assert_eq!(code().await, None);
    clock.advance(HOUR);
    assert_eq!(code().await, Some(ErrorCode::MissingAppToken));
    remember("second");
    assert_eq!(code().await, None);
    // A token that came while the clock was ahead seems to live longer, by as much.
    clock.set_back(HOUR);
    remember("third");
    assert_eq!(code().await, None);
    clock.advance(HOUR * 2);
    assert_eq!(code().await, Some(ErrorCode::MissingAppToken));
}
