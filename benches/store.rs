//! What a token costs that is sealed and opened, and an event that is kept: alone, and 64
//! that share a commit. The database is a file under `target/`, and every commit reaches it.
//!
//! `cargo bench --bench store`
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot start has nothing to say"
)]

use std::{path::Path, sync::Arc, time::Duration};

use divan::{Bencher, black_box, counter::ItemsCount};
use forge_remote::{
    Secret,
    clock::Clock,
    config,
    ids::InstallationId,
    store::{
        self, Sealing,
        jobs::{JobId, JobKind, Jobs, NewJob},
    },
    trace::TraceId,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// About as long as the app's token.
const TOKEN: usize = 1_500;

fn main() {
    divan::main();
}

fn owner() -> InstallationId {
    Uuid::from_u128(7).into()
}

#[divan::bench(sample_size = 100)]
fn seal_a_token(bencher: Bencher<'_, '_>) {
    let sealing = Sealing::with_key(&Secret::new(KEY.to_owned())).unwrap();
    let token = Secret::new("t".repeat(TOKEN));
    bencher.bench_local(|| sealing.seal(owner(), black_box(&token)).unwrap());
}

#[divan::bench(sample_size = 100)]
fn open_a_token(bencher: Bencher<'_, '_>) {
    let sealing = Sealing::with_key(&Secret::new(KEY.to_owned())).unwrap();
    let sealed = sealing
        .seal(owner(), &Secret::new("t".repeat(TOKEN)))
        .unwrap();
    bencher.bench_local(|| sealing.open(owner(), black_box(&sealed)).unwrap());
}

#[divan::bench(args = [1, 64], sample_count = 200, sample_size = 1)]
fn keep_events(bencher: Bencher<'_, '_>, together: usize) {
    let runtime = Runtime::new().unwrap();
    let (jobs, _folder) = runtime.block_on(fresh());
    bencher
        .counter(ItemsCount::new(together))
        .with_inputs(|| (0..together).map(|_| job()).collect::<Vec<_>>())
        .bench_local_refs(|batch| runtime.block_on(jobs.add(batch)).unwrap());
}

/// A database of its own, on a disk: `/tmp` may be memory.
async fn fresh() -> (Arc<dyn Jobs>, TempDir) {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let folder = TempDir::new_in(target).unwrap();
    let settings = config::Store {
        url: format!("sqlite://{}", folder.path().join("jobs.db").display()),
        encryption_key: Some(Secret::new(KEY.to_owned())),
        additional_encryption_keys: Vec::new(),
    };
    let open = store::open(&settings, &config::Environment::Test, Clock::system());
    (open.await.unwrap().jobs, folder)
}

/// An event of usual size, like no other.
fn job() -> NewJob {
    let id = Uuid::new_v4();
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(id.as_bytes());
    NewJob {
        id: JobId::from_uuid(id),
        installation: owner(),
        kind: JobKind::Event,
        name: "avi:confluence:updated:page".into(),
        digest,
        unless_within: Some(Duration::from_mins(10)),
        coalesces: false,
        remember_for: Duration::from_hours(24),
        order: None,
        payload: format!(r#"{{"id":"{id}","text":"{}"}}"#, "x".repeat(900)).into(),
        trace: TraceId::of_text("463ac35c9f6413ad"),
        app_token: None,
    }
}
