//! A site with pages, as a remote in a process of its own sees it, and what it did there.

use std::{
    collections::{HashMap, HashSet},
    future::pending,
    time::{Duration, Instant},
};

use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::atlassian::{Atlassian, Call, exchanged, json_answer};

/// More than the shortest lease and the work after it, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// The played Atlassian with a page for every id, and with a storage that takes everything.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) atlassian: Atlassian,
    seen: watch::Sender<Seen>,
}

/// What the remotes did.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// By page.
    reads: HashMap<String, Vec<Read>>,
    /// Pages of which a change was written to storage.
    written: HashSet<String>,
    /// Pages that somebody waits for in vain, in the order in which they were asked for.
    pub(crate) held: Vec<String>,
    /// Exchanges of the app's token for an account's.
    pub(crate) exchanges: Vec<Instant>,
    to_hold: usize,
}

/// From the request's arrival to the answer, or to the end of whoever asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    pub(crate) begun: Instant,
    pub(crate) ended: Option<Instant>,
}

impl Site {
    /// One whose pages take `slowness` to read.
    pub(crate) async fn start(slowness: Duration) -> Self {
        let atlassian = Atlassian::start().await;
        let seen = watch::Sender::default();
        let site = Self { atlassian, seen };
        let inside = site.seen.clone();
        site.atlassian.answers_later(move |call| {
            let seen = inside.clone();
            Box::pin(async move { answer(&seen, &call, slowness).await })
        });
        site
    }

    /// The next `count` reads of a page get no answer.
    pub(crate) fn hold(&self, count: usize) {
        self.seen.send_modify(|seen| seen.to_hold += count);
    }

    pub(crate) fn seen(&self) -> watch::Ref<'_, Seen> {
        self.seen.borrow()
    }

    /// Waits until `is_so`, and fails if that takes too long.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let is_so = seen.wait_for(|seen| is_so(seen));
        let in_time = tokio::time::timeout(PATIENCE, is_so).await;
        assert!(in_time.is_ok(), "not so after {PATIENCE:?}: {what}");
    }
}

impl Seen {
    /// Whether the changes of all these pages have been written.
    pub(crate) fn has_all(&self, pages: &[String]) -> bool {
        pages.iter().all(|page| self.written.contains(page))
    }

    pub(crate) fn written(&self) -> usize {
        self.written.len()
    }

    pub(crate) fn reads(&self, page: &str) -> &[Read] {
        self.reads.get(page).map_or(&[], Vec::as_slice)
    }

    /// Pages that were read more than once, in order.
    pub(crate) fn read_again(&self) -> Vec<&str> {
        let again = self.reads.iter().filter(|(_, reads)| reads.len() > 1);
        let mut pages: Vec<_> = again.map(|(page, _)| page.as_str()).collect();
        pages.sort_unstable();
        pages
    }

    /// Pages that were being read when they were asked for again.
    pub(crate) fn read_by_two_at_once(&self) -> Vec<&str> {
        let overlap = |reads: &[Read]| {
            let mut pairs = reads.windows(2);
            pairs.any(|pair| pair[0].ended.is_none_or(|ended| ended > pair[1].begun))
        };
        let pages = self.reads.iter().filter(|(_, reads)| overlap(reads));
        pages.map(|(page, _)| page.as_str()).collect()
    }
}

/// A read under way. It ends when this is dropped, which it is too if the caller dies.
struct Reading<'a> {
    seen: &'a watch::Sender<Seen>,
    page: &'a str,
    at: usize,
    is_held: bool,
}

impl<'a> Reading<'a> {
    fn begin(seen: &'a watch::Sender<Seen>, page: &'a str) -> Self {
        let (mut at, mut is_held) = (0, false);
        seen.send_modify(|seen| {
            is_held = seen.to_hold > 0;
            if is_held {
                seen.to_hold -= 1;
                seen.held.push(page.to_owned());
            }
            let reads = seen.reads.entry(page.to_owned()).or_default();
            at = reads.len();
            reads.push(Read {
                begun: Instant::now(),
                ended: None,
            });
        });
        Self {
            seen,
            page,
            at,
            is_held,
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.seen.send_modify(|seen| {
            let reads = seen.reads.get_mut(self.page);
            if let Some(read) = reads.and_then(|reads| reads.get_mut(self.at)) {
                read.ended = Some(Instant::now());
            }
        });
    }
}

async fn answer(seen: &watch::Sender<Seen>, call: &Call, slowness: Duration) -> Response {
    if let Some((_, page)) = call.path.split_once("/wiki/api/v2/pages/") {
        let reading = Reading::begin(seen, page);
        if reading.is_held {
            pending::<()>().await;
        }
        tokio::time::sleep(slowness).await;
        return json_answer(200, json!({"id": page, "title": "Quarry"}));
    }
    match call.path.as_str() {
        "/forge/storage/kvs/v1/set" => {
            let body = call.json();
            if let Some(page) = body["key"]
                .as_str()
                .and_then(|it| it.strip_prefix("change:"))
            {
                seen.send_modify(|seen| {
                    seen.written.insert(page.to_owned());
                });
            }
            json_answer(200, Value::Null)
        }
        "/graphql" => {
            seen.send_modify(|seen| seen.exchanges.push(Instant::now()));
            exchanged(call, 3600)
        }
        path if path.ends_with("/wiki/rest/api/user/current") => json_answer(
            200,
            json!({"operations": [{"operation": "administer", "targetType": "application"}]}),
        ),
        path if path.ends_with("/wiki/rest/api/content") => {
            json_answer(200, json!({"results": []}))
        }
        _ => json_answer(404, json!({"message": "nothing played here"})),
    }
}
