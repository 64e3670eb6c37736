//! A whole invocation, from the head of a request to the [`Invocation`] of a handler: verified,
//! its tokens taken, its installation compared with what is known of ever more of them.

use std::{collections::HashMap, path::Path};

use axum::extract::FromRequestParts;
use forge_remote::{
    Config, Forge, Invocation,
    clock::Clock,
    config::Sources,
    ids::InstallationId,
    store::{self, Installation, Installations},
};
use futures_util::FutureExt;
use http::{Request, header::AUTHORIZATION, request::Parts};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::{
    measure::{Table, median, thousands, thread_time},
    played::{APP, claims, serve_keys, sign, signing_key},
};

const ROUNDS: usize = 9;
const EACH: usize = 200;
/// Installations that call; all others are known and silent.
const CALLERS: usize = ROUNDS * EACH;

pub(crate) fn measure(runtime: &Runtime, most: usize) -> Table {
    let mut table = Table::new(
        "An invocation, where so many installations are known",
        &["installations", "first call, ns", "again, ns"],
    );
    let curves = [1, 1_000, 100_000].into_iter();
    for count in curves.filter(|count| *count <= most) {
        let (forge, _folder) = runtime.block_on(filled(count));
        let key = signing_key();
        // Of installations from all over the memory.
        let heads: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let id = id(caller * (count / CALLERS).max(1) % count).to_string();
                let mut claims = claims("https://api.atlassian.com", &id, 3_600);
                claims["jti"] = caller.to_string().into();
                sign(&key, &claims)
            })
            .collect();
        let once = sign(
            &key,
            &claims("https://api.atlassian.com", &id(0).to_string(), 3_600),
        );
        runtime.block_on(invoke(&forge, head(&once)));
        let _runtime = runtime.enter();
        let (first, again) = (rounds(&forge, &heads), rounds(&forge, &heads));
        table.row([
            thousands(count),
            format!("{first:.0}"),
            format!("{again:.0}"),
        ]);
    }
    table
}

/// Nanoseconds of an invocation, each of them made once.
fn rounds(forge: &Forge, tokens: &[String]) -> f64 {
    let mut rounds: Vec<_> = tokens
        .chunks(EACH)
        .map(|tokens| {
            let heads: Vec<_> = tokens.iter().map(|token| head(token)).collect();
            let before = thread_time();
            for head in heads {
                // With its key at hand a verification never waits.
                invoke(forge, head).now_or_never().unwrap();
            }
            let spent = u32::try_from(thread_time() - before).unwrap();
            f64::from(spent) / f64::from(u32::try_from(EACH).unwrap())
        })
        .collect();
    median(&mut rounds)
}

async fn invoke(forge: &Forge, mut head: Parts) {
    Invocation::from_request_parts(&mut head, forge)
        .await
        .unwrap();
}

fn head(token: &str) -> Parts {
    let request = Request::get("/api/content").header(AUTHORIZATION, format!("Bearer {token}"));
    request.body(()).unwrap().into_parts().0
}

fn id(number: usize) -> InstallationId {
    Uuid::from_u128(number as u128).into()
}

/// A remote that has all of them in its memory.
async fn filled(count: usize) -> (Forge, TempDir) {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let folder = TempDir::new_in(target).unwrap();
    let keys = serve_keys(&signing_key());
    let variables = [
        ("_ENV", "test".to_owned()),
        ("__APP__IDS", APP.to_owned()),
        ("__FIT__JWKS_URL", format!("http://{keys}/jwks.json")),
        (
            "__STORE__URL",
            format!("sqlite://{}/remote.db", folder.path().display()),
        ),
    ];
    let variables: HashMap<_, _> = variables
        .into_iter()
        .map(|(name, value)| (format!("FORGE_REMOTE{name}"), value))
        .collect();
    let sources = Sources {
        folder: "/nonexistent".into(),
        variables,
    };
    let config = Config::load_from(&sources).unwrap().config;
    let opened = store::open(&config.store, &config.environment, Clock::system());
    let installations = Installations::new(opened.await.unwrap().installations, Clock::system());
    let app = APP.parse().unwrap();
    for number in 0..count {
        let base = "https://api.atlassian.com";
        installations.remember(Installation::new(id(number), app, base), None);
        if number % 10_000 == 9_999 {
            installations.flush().await;
        }
    }
    installations.flush().await;
    drop(installations);
    let forge = Forge::from_config(config).await.unwrap();
    for number in 0..count {
        forge.installation(&id(number)).await.unwrap();
    }
    (forge, folder)
}
