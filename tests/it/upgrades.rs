//! Another key, another release: one replica after the other, while Forge goes on.

mod interrupted;
mod mixed;
mod rotation;
mod schema;

use std::{process::Output, time::Duration};

use forge_remote::{
    Secret,
    clock::Clock,
    config::{self, Environment},
    store::{
        self, Database,
        keys::{Cursor, Survey, Walk},
    },
};

use crate::{
    command::{APP, forge_remote},
    support::{
        place::{Place, STORE_KEY},
        remote::{Remote, Serve},
        traffic::Traffic,
    },
};

pub(crate) use self::interrupted::fill;

const OLD: &str = STORE_KEY;
const NEW: &str = "YmFzZTY0IG9mIHRoaXJ0eS10d28gYnl0ZXMgaGVyZSE=";
const STOP: Duration = Duration::from_secs(30);

/// Stops a replica as a platform does, and starts another in its place.
async fn restart(traffic: &Traffic, mut replica: Remote, serve: &Serve<'_>) -> Remote {
    traffic.remove(&replica).await;
    replica.terminate();
    let status = replica.ended(STOP).await;
    assert!(status.success(), "{status}");
    let fresh = serve.start().await;
    traffic.add(&fresh);
    fresh
}

async fn open(place: &Place, key: &str, additional: &[&str]) -> Database {
    let secret = |text: &str| Secret::new(text.to_owned());
    let settings = config::Store {
        url: place.url(),
        encryption_key: Some(secret(key)),
        additional_encryption_keys: additional.iter().map(|key| secret(key)).collect(),
    };
    let open = store::open(&settings, &Environment::Test, Clock::system());
    open.await.unwrap()
}

async fn survey(database: &Database, how: Walk) -> Survey {
    let mut survey = Survey::default();
    let mut cursor = Some(Cursor::START);
    while let Some(from) = cursor {
        let step = database.sealed.step(&from, how).await.unwrap();
        survey.add(&step.survey);
        cursor = step.next;
    }
    survey
}

/// A command beside the remotes.
fn command(place: &Place, arguments: &[&str], key: &str, additional: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let url = place.url();
    let mut variables = vec![
        ("FORGE_REMOTE__APP__IDS", APP),
        ("FORGE_REMOTE__STORE__URL", url.as_str()),
        ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", key),
    ];
    if !additional.is_empty() {
        variables.push((
            "FORGE_REMOTE__STORE__ADDITIONAL_ENCRYPTION_KEYS",
            additional,
        ));
    }
    forge_remote(folder.path(), arguments, &variables)
}
