//! A disk that is full: nothing is acknowledged that is not on it, and when there is room
//! again the remote goes on.

use std::{path::Path, process::Command, sync::Arc};

use crate::{
    Place, load,
    played::{self, INSTALLATION, serve_keys, signing_key},
    remote::{Setup, Work},
};

pub(crate) async fn fill() {
    let key = signing_key();
    let keys = serve_keys(&key);
    let api = "http://127.0.0.1:9";
    let fit = played::sign(&key, &played::claims(api, INSTALLATION, 3600));
    let folder = tempfile::tempdir_in("target").unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    mount(&disk, "size=8m");
    let setup = Setup {
        place: &Place::Sqlite,
        folder: &disk,
        keys,
        api,
        work: Work::Count,
        settings: &[],
    };
    let remote = setup.start().await;
    let mut next = 0;
    let mut send = async |count: usize| {
        let events: Vec<_> = (next..next + count)
            .map(|id| load::event(&fit, id, "a"))
            .collect();
        next += count;
        load::run(remote.address, 16, Arc::new(events)).await
    };
    let mut kept = 0_u64;
    loop {
        let run = send(500).await;
        kept += run.accepted as u64;
        if run.refused > 0 {
            println!(
                "full: {} of 500 acknowledged, {} refused with 503",
                run.accepted, run.refused
            );
            break;
        }
    }
    let run = send(100).await;
    kept += run.accepted as u64;
    println!(
        "still full: {} of 100 acknowledged, p99 {:.1?}",
        run.accepted,
        run.quantile(0.99)
    );
    mount(&disk, "remount,size=64m");
    let run = send(1000).await;
    kept += run.accepted as u64;
    println!("with room again: {} of 1000 acknowledged", run.accepted);
    remote.open_gate().await;
    while remote.count().await < kept {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    println!(
        "{kept} acknowledged in all, {} handled",
        remote.count().await
    );
    drop(remote);
    run_command("umount", &[disk.to_str().unwrap()]);
}

fn mount(folder: &Path, options: &str) {
    let folder = folder.to_str().unwrap();
    run_command("mount", &["-t", "tmpfs", "-o", options, "tmpfs", folder]);
}

fn run_command(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}
