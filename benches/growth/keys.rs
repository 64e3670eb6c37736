//! Verifying with one of several keys in the set.

use std::time::Duration;

use aws_lc_rs::{rsa::PublicKeyComponents, signature::KeyPair};
use axum::{Json, Router, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use forge_remote::{clock::Clock, config, fit::Verifier, outbound};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{
    measure::{Table, median, thread_time},
    played::{APP, INSTALLATION, claims, sign, signing_key},
};

const ROUNDS: usize = 9;
const EACH: usize = 200;

pub(crate) fn measure(runtime: &Runtime) -> Table {
    let key = signing_key();
    // Each is verified once by each set's verifier: none can be known already.
    let tokens: Vec<_> = (0..=ROUNDS * EACH)
        .map(|number| {
            let mut claims = claims("https://api.atlassian.com", INSTALLATION, 3_600);
            claims["jti"] = number.to_string().into();
            sign(&key, &claims)
        })
        .collect();
    let public = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    let jwk = |kid: String| {
        json!({"kty": "RSA", "kid": kid, "alg": "RS256", "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(&public.n), "e": URL_SAFE_NO_PAD.encode(&public.e)})
    };
    let mut table = Table::new(
        "Verifying a distinct FIT with one of so many keys",
        &["keys", "ns"],
    );
    for count in [1, 8, 64] {
        let others = (1..count).map(|number| jwk(format!("other-{number}")));
        let keys: Vec<_> = others.chain([jwk("k".to_owned())]).collect();
        let verifier = runtime.block_on(verifier(json!({"keys": keys})));
        runtime.block_on(verifier.verify(&tokens[0])).unwrap();
        let mut rounds: Vec<_> = tokens[1..]
            .chunks(EACH)
            .map(|tokens| {
                let before = thread_time();
                for token in tokens {
                    verifier.verify(token).now_or_never().unwrap().unwrap();
                }
                f64::from(u32::try_from(thread_time() - before).unwrap())
                    / f64::from(u32::try_from(EACH).unwrap())
            })
            .collect();
        table.row([count.to_string(), format!("{:.0}", median(&mut rounds))]);
    }
    table
}

async fn verifier(keys: Value) -> Verifier {
    let router = Router::new().route("/jwks.json", get(async move || Json(keys)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = config::Fit {
        jwks_url: url.parse().unwrap(),
        issuer: "forge/invocation-token".to_owned(),
        leeway: Duration::from_secs(5),
        accept_staging: false,
        isolated_cloud_jwks_url: None,
    };
    let app = APP.parse().unwrap();
    Verifier::new(
        &settings,
        &[app],
        outbound::client().unwrap(),
        Clock::system(),
    )
}
