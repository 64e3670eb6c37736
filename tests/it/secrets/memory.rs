//! What the memory of a running remote holds of tokens that are of no use any more, as the
//! system shows it: also where nobody owns it any more.
//!
//! What a connection read or wrote stays in its buffers until they are used again: they
//! belong to the HTTP and TLS libraries. There, and nowhere else, a token is followed by the
//! end of its line. A copy that stands alone is ours.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use serde_json::json;

use crate::support::{
    caller::Fit,
    claims::now,
    load::updated,
    place::Place,
    remote::{Remote, Serve},
    site::Site,
};

/// What the last owner of a token may take to drop it: a job that is settled, a write that
/// is on its way.
const PATIENCE: Duration = Duration::from_mins(1);

/// Of a token, in bytes.
const SIZE: usize = 3000;

const AT_ONCE: usize = 32;

/// What is read of a process's memory at a time.
const PIECE: usize = 1 << 20;

/// A token that says how long it lives.
struct Marked {
    text: String,
    /// Its end, which no other token shares.
    end: String,
}

impl Marked {
    fn living(hours: i64) -> Self {
        let payload = json!({"exp": now() + hours * 3600}).to_string();
        let end = format!("{}-t0psecret", uuid::Uuid::new_v4().simple());
        let payload = URL_SAFE_NO_PAD.encode(payload);
        // As large as real ones: a small piece of memory is soon used again, which hides what
        // was left in it.
        let signature = "s".repeat(SIZE);
        let text = format!("e30.{payload}.{signature}{end}");
        Self { text, end }
    }
}

/// How many copies of `text` stand in the process's memory outside of its connections.
fn copies(remote: &Remote, text: &str) -> usize {
    let maps = fs::read_to_string(format!("/proc/{}/maps", remote.pid())).unwrap();
    let memory = File::open(format!("/proc/{}/mem", remote.pid())).unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw"));
    let copies = writable.map(|line| {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
        copies_between(&memory, from, to, text.as_bytes())
    });
    copies.sum()
}

fn copies_between(memory: &File, from: u64, to: u64, text: &[u8]) -> usize {
    let mut found = 0;
    let mut piece = vec![0; PIECE + text.len() + 2];
    for at in (from..to).step_by(PIECE) {
        // With the beginning of the next: a copy may lie across.
        let length = piece.len().min(usize::try_from(to - at).unwrap());
        let Ok(length) = memory.read_at(&mut piece[..length], at) else {
            // It may be gone since the list was read, or be the kernel's own.
            continue;
        };
        let bytes = &piece[..length];
        let starts = bytes.iter().enumerate().take(PIECE);
        let starts = starts.filter(|(_, byte)| **byte == text[0]);
        found += starts
            .filter(|(at, _)| bytes[*at..].starts_with(text))
            .filter(|(at, _)| !bytes[at + text.len()..].starts_with(b"\r\n"))
            .count();
    }
    found
}

/// Waits until no copy is left, while the remote has a little to do: its caches drop what
/// was replaced as they are used.
async fn is_gone(remote: &Remote, what: &str, text: &str) {
    let began = Instant::now();
    loop {
        let left = copies(remote, text);
        if left == 0 {
            return;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{left} copies of {what} are left"
        );
        for _ in 0..20 {
            let _ = remote
                .anybody()
                .with_fit()
                .get("/api/invocation")
                .await
                .ok();
        }
    }
}

/// An event with that FIT and that token of the app, handled to its end.
async fn event(remote: &Remote, site: &Site, fit: &str, token: &Marked, page: &str) {
    let forge = remote.anybody().token(fit);
    let forge = forge.header("x-forge-oauth-system", &token.text);
    let answer = forge.json(&updated(page)).post("/forge/events").await;
    assert_eq!(answer.status, 202);
    let pages = [page.to_owned()];
    site.until("the event is handled", |seen| seen.has_all(&pages))
        .await;
}

#[tokio::test]
async fn a_token_that_is_of_no_use_any_more_is_wiped() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let remote = Serve::new(&place, &site).start().await;
    let fit = || Fit::of(&site.atlassian.url()).of_platform().token();

    // Sealed for the job, unsealed for its handler, sent to the product, kept for later.
    let (first, second) = (Marked::living(1), Marked::living(2));
    event(&remote, &site, &fit(), &first, "p1").await;
    assert!(
        copies(&remote, &first.end) > 0,
        "the remote keeps the app's token"
    );
    // One that lives longer takes its place.
    event(&remote, &site, &fit(), &second, "p2").await;
    is_gone(&remote, "the app's former token", &first.end).await;
    assert!(
        copies(&remote, &second.end) > 0,
        "the remote keeps the app's token"
    );
}

#[tokio::test]
async fn neither_a_fit_nor_a_users_token_outlives_its_request() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let remote = Serve::new(&place, &site).start().await;
    let fit = Fit::of(&site.atlassian.url()).token();
    let signature = fit.rsplit('.').next().unwrap();
    let user = Marked::living(1);
    let forge = remote.anybody().token(&fit);
    let forge = forge.header("x-forge-oauth-user", &user.text);
    // Many at once: what one of them leaves behind is not used again at once by the next.
    let calls = (0..AT_ONCE).map(|_| forge.clone().get("/api/content"));
    for answer in join_all(calls).await {
        let _ = answer.ok();
    }
    is_gone(&remote, "the user's token", &user.end).await;
    is_gone(&remote, "the FIT", signature).await;
}
