//! A disk without room. The limit of a file's size makes one for a single process, and
//! needs no rights: a write that passes it fails and leaves half of itself behind, as one
//! to a full disk does.

use std::time::Duration;

use forge_remote::store::jobs::JobId;
use serde_json::json;

use crate::support::{
    answer::Answer,
    kept::{Kept, acknowledged},
    load::updated,
    place::Place,
    remote::{Remote, Serve},
    site::Site,
};

/// A remote whose disk fills up, and what it has acknowledged.
struct Filling {
    remote: Remote,
    kept: Vec<JobId>,
}

impl Filling {
    fn page(&self) -> String {
        format!("p{}", self.kept.len())
    }

    /// Sends an event with so many bytes of text.
    async fn post(&self, size: usize) -> Answer {
        let mut event = updated(&self.page());
        event["text"] = json!("x".repeat(size));
        let forge = self.remote.as_platform();
        forge.json(&event).post("/forge/events").await
    }

    /// Sends events until there is no room for another.
    async fn fill(&mut self, size: usize) {
        for _ in 0..2000 {
            let answer = self.post(size).await;
            if answer.status != 202 {
                assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
                let _ = answer.refused(503, "store_unavailable");
                return;
            }
            self.kept.push(acknowledged(&answer).0);
        }
        panic!("{} events, and still not full", self.kept.len());
    }

    fn pages(&self) -> Vec<String> {
        let pages = 0..self.kept.len();
        pages.map(|page| format!("p{page}")).collect()
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_on_disk() {
    let place = Place::sqlite();
    let site = Site::start(Duration::from_millis(5)).await;
    let serve = Serve::new(&place, &site).largest_file(2 << 20);
    let mut filling = Filling {
        remote: serve.start().await,
        kept: Vec::new(),
    };
    filling.fill(100 << 10).await;
    filling.fill(10).await;
    assert!(filling.kept.len() > 2, "{:?}", filling.kept);
    let kept = Kept::at(&place).await;
    for id in &filling.kept {
        let _ = kept.job(*id).await;
    }

    filling.remote.gets_room();
    let (id, duplicate) = acknowledged(&filling.post(100 << 10).await);
    assert!(!duplicate && !filling.kept.contains(&id));
    filling.kept.push(id);
    let pages = filling.pages();
    site.until("the change of every acknowledged page is written", |seen| {
        seen.has_all(&pages)
    })
    .await;
}
