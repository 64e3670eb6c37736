//! An invocation's look at what is known of its installation, among ever more of them.

use std::{hint::black_box, sync::Arc};

use forge_remote::{
    clock::Clock,
    config,
    ids::{InstallationId, Product},
    store::{self, Installation, Installations, StoredContext},
    token::AppToken,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::{
    measure::{Table, nanoseconds, resident, shuffled, thousands},
    played::{APP, CLOUD},
};

/// About as long as the app's token of an installation.
const TOKEN: usize = 1_500;
const ASKED: usize = 200_000;
/// Remembered at most; the last curve brings half as many more.
const MOST: usize = 100_000;

pub(crate) fn measure(runtime: &Runtime, most: usize) -> Table {
    let mut table = Table::new(
        "An installation that is as it was known, among so many",
        &[
            "installations",
            "kept",
            "1 thread, ns",
            "2 threads, ns",
            "`remember`, ns",
            "bytes each, beside the token's",
        ],
    );
    let curves = [1, 1_000, MOST, MOST + MOST / 2].into_iter();
    // None is dropped: the next one would take its memory over and seem to take none.
    let mut memories = Vec::new();
    for count in curves.filter(|count| *count <= most) {
        memories.push(runtime.block_on(Filled::new(count)));
        if let Some(filled) = memories.last() {
            table.row(curve(filled, count));
        }
    }
    table
}

fn curve(filled: &Filled, count: usize) -> [String; 6] {
    let (installations, bytes) = (&filled.installations, filled.bytes);
    let kept = installations.in_memory();
    assert!(kept <= MOST, "{kept}");
    let there = (kept * 9 / 10).max(1);
    let nth = |thread, time| count - 1 - shuffled(thread, time, there);
    let expected = installation(0);
    let look = |threads| {
        let overhead = |thread, time| {
            black_box(id(nth(thread, time)));
        };
        let work = |thread, time| {
            let same = installations.look_at(&id(nth(thread, time)), |known| {
                known.installation.contexts == expected.contexts
                    && known.installation.site_url == expected.site_url
                    && known.installation.app_version == expected.app_version
                    && known.installation.environment == expected.environment
            });
            black_box(same);
        };
        nanoseconds(threads, ASKED, &overhead, &work)
    };
    let (one, two) = (look(1), look(2));
    let overhead = |thread, time| drop(black_box(installation(nth(thread, time))));
    let work = |thread, time| installations.remember(installation(nth(thread, time)), None);
    let remember = nanoseconds(1, ASKED, &overhead, &work);
    let each = if kept >= MOST / 2 {
        thousands((bytes / kept).saturating_sub(TOKEN))
    } else {
        "-".to_owned()
    };
    [
        thousands(count),
        thousands(kept),
        format!("{one:.0}"),
        format!("{two:.0}"),
        format!("{remember:.0}"),
        each,
    ]
}

/// Memory in front of a store that has all of them.
struct Filled {
    installations: Installations,
    /// What that memory takes.
    bytes: usize,
    /// Another one wrote them, so that the first holds nothing but its memory.
    _writer: Installations,
}

impl Filled {
    async fn new(count: usize) -> Self {
        let settings = config::Store {
            url: "sqlite::memory:".to_owned(),
            encryption_key: None,
            additional_encryption_keys: Vec::new(),
        };
        let opened = store::open(&settings, &config::Environment::Test, Clock::system());
        let store = opened.await.unwrap().installations;
        let writer = Installations::new(Arc::clone(&store), Clock::system());
        for number in 0..count {
            writer.remember(installation(number), Some(app_token()));
            if number % 10_000 == 9_999 {
                writer.flush().await;
            }
        }
        writer.flush().await;
        let before = resident();
        let installations = Installations::new(store, Clock::system());
        for number in 0..count {
            installations.find(&id(number)).await.unwrap().unwrap();
        }
        Self {
            installations,
            bytes: resident().saturating_sub(before),
            _writer: writer,
        }
    }
}

fn id(number: usize) -> InstallationId {
    Uuid::from_u128(number as u128).into()
}

fn app_token() -> AppToken {
    AppToken::received("t".repeat(TOKEN), Clock::system().now()).unwrap()
}

fn installation(number: usize) -> Installation {
    let base = format!("https://api.atlassian.com/ex/confluence/{CLOUD}");
    let mut installation = Installation::new(id(number), APP.parse().unwrap(), base.as_str());
    installation.contexts.push(StoredContext {
        product: Product::Confluence,
        cloud_id: Some(CLOUD.parse().unwrap()),
        workspace_id: None,
        api_base_url: base.into(),
    });
    installation.site_url = Some("https://quarry.atlassian.net".into());
    installation.app_version = Some("4.2.0".into());
    installation.environment = Some("PRODUCTION".into());
    installation.license_active = Some(true);
    installation
}
