//! kill -9 at random moments under load: is every acknowledged event handled?

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Place,
    atlassian::Atlassian,
    load::{self, Connection},
    played::{self, INSTALLATION, serve_keys, signing_key},
    remote::{Remote, Setup, Work},
};

const ROUNDS: u64 = 20;
const SENDERS: usize = 16;
/// The lease of the settings below, and time to work on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

pub(crate) async fn rounds(place: &Place) {
    let key = signing_key();
    let keys = serve_keys(&key);
    let atlassian = Atlassian::start(Duration::from_millis(2)).await;
    let fit = played::sign(&key, &played::claims(&atlassian.url, INSTALLATION, 3600));
    let folder = tempfile::tempdir_in("target").unwrap();
    let setup = Setup {
        place,
        folder: folder.path(),
        keys,
        api: &atlassian.url,
        work: Work::ReadPage,
        settings: &[
            ("INBOX__LEASE_SECONDS", "10"),
            ("INBOX__MAX_ATTEMPTS", "100"),
        ],
    };
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let next = Arc::new(AtomicUsize::new(0));
    let mut remote = setup.start().await;
    for round in 0..ROUNDS {
        let senders = senders(&remote, &fit, &next, &acknowledged);
        // Any moment of the first second and a half.
        let wait = 100 + (u64::from(uuid::Uuid::new_v4().as_bytes()[0]) * 1400) / 255;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        remote.kill();
        for sender in senders {
            sender.await.unwrap();
        }
        let taken = acknowledged.lock().unwrap().len();
        println!("round {round:>2}: killed after {wait:>4} ms, {taken} acknowledged so far");
        remote = setup.start().await;
    }
    let began = Instant::now();
    let missing = loop {
        let missing = missing(&atlassian, &acknowledged);
        if missing == 0 || began.elapsed() > PATIENCE {
            break missing;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let seen = atlassian.seen.lock().unwrap();
    let twice = seen.reads.values().filter(|reads| reads.len() > 1).count();
    println!(
        "{} acknowledged, {missing} lost, {twice} handled more than once; \
         all was done {:.1?} after the last start",
        acknowledged.lock().unwrap().len(),
        began.elapsed()
    );
    assert_eq!(missing, 0);
}

fn missing(atlassian: &Atlassian, acknowledged: &Mutex<Vec<usize>>) -> usize {
    let seen = atlassian.seen.lock().unwrap();
    let acknowledged = acknowledged.lock().unwrap();
    acknowledged
        .iter()
        .filter(|id| !seen.reads.contains_key(id))
        .count()
}

fn senders(
    remote: &Remote,
    fit: &str,
    next: &Arc<AtomicUsize>,
    acknowledged: &Arc<Mutex<Vec<usize>>>,
) -> Vec<tokio::task::JoinHandle<()>> {
    (0..SENDERS)
        .map(|_| {
            let (address, fit) = (remote.address, fit.to_owned());
            let (next, acknowledged) = (Arc::clone(next), Arc::clone(acknowledged));
            tokio::spawn(async move {
                let Ok(mut connection) = Connection::open(address).await else {
                    return;
                };
                loop {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    let Ok((status, _)) = connection.send(&load::event(&fit, id, "a")).await else {
                        return;
                    };
                    if status == 202 {
                        acknowledged.lock().unwrap().push(id);
                    }
                }
            })
        })
        .collect()
}
