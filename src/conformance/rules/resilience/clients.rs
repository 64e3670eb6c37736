//! Clients that are slow, many, broken or gone.

use std::time::Duration;

use futures_util::future::join_all;

use super::{GROUP, serves};
use crate::conformance::{
    check::{Door, Run},
    platform::{Fault, On},
    rule::{Miss, Outcome, Rule, alone},
    wire::{Call, Line},
};

const REACHED: &str = "Forge request contract: a remote is a public server";

/// Connections that somebody holds without a good reason.
const HELD: usize = 150;
/// Bad FITs at once.
const FLOOD: usize = 300;

pub(super) static RULES: &[Rule] = &[
    GROUP.should(
        "slow-head-closed",
        "A client that sends its head byte by byte is not waited for longer than 65 s.",
        REACHED,
        "Set a time limit for the head of a request: ten seconds are plenty.",
        |run| Box::pin(slow_head(run)),
    ),
    GROUP.should(
        "slow-body-closed",
        "A client that stops in the middle of its body is not waited for longer than 65 s.",
        REACHED,
        "Set a time limit for the body of a request, or for pauses in it.",
        |run| Box::pin(slow_body(run)),
    ),
    alone(GROUP.must(
        "slow-senders-stop-nobody",
        "While 150 clients stopped in the middle of a request, good calls are answered within 5 s.",
        REACHED,
        "Give no thread or other scarce thing to a request before its head has come.",
        |run| Box::pin(slow_senders(run)),
    )),
    alone(GROUP.must(
        "idle-connections-stop-nobody",
        "While 150 connections are open without a word, good calls are answered within 5 s.",
        REACHED,
        "Give no thread to a connection that says nothing.",
        |run| Box::pin(idle(run)),
    )),
    alone(GROUP.must(
        "flood-of-bad-fits-stops-nobody",
        "During and after 300 bad FITs, good calls are answered with 2xx within 5 s.",
        "Forge Invocation Token: verification",
        "Refuse bad FITs cheaply, and let no count of them keep good ones out.",
        |run| Box::pin(flood(run)),
    )),
    alone(GROUP.should(
        "headers-too-large-refused",
        "A head of 1 MB is refused with a 4xx, or hung up on, and the remote lives on.",
        REACHED,
        "Bound the head of a request: 32 KB or 64 KB are usual.",
        |run| Box::pin(headers(run)),
    )),
    alone(GROUP.must(
        "garbage-harmless",
        "Bytes that are no HTTP, also behind a good request, are refused or hung up on, and the remote lives on.",
        REACHED,
        "Let a server of HTTP that is in wide use read the requests.",
        |run| Box::pin(garbage(run)),
    )),
    alone(GROUP.must(
        "clients-gone-harmless",
        "Sixty clients who leave before their answer keep no place of anybody else.",
        REACHED,
        "Give back what a request holds also when its client is gone.",
        |run| Box::pin(gone(run)),
    )),
];

/// Something that a client of `call` got instead of being served.
fn failed(call: &Call, came: impl Into<String>) -> Miss {
    Miss::failed(call.describe(), came)
}

async fn open(run: &Run, call: &Call) -> Result<Line, Miss> {
    let opened = run.wire.open().await;
    opened.map_err(|none| failed(call, none.to_string()))
}

async fn slow_head(run: &Run) -> Outcome {
    let call = run.good(run.door().await?, &run.tenant());
    let call = call.with("a head that comes byte by byte");
    let mut line = open(run, &call).await?;
    let bytes = call.bytes(&run.wire.host());
    let deadline = tokio::time::Instant::now() + run.limits.slow;
    for byte in bytes.iter().take(bytes.len() - 2).cycle() {
        // Whether it was answered with 408 or hung up on: it is over.
        if line.say(&[*byte]).await.is_err() || line.ends_within(run.limits.slow / 130).await {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            break;
        }
    }
    let came = format!("the connection was still open after {:?}", run.limits.slow);
    Err(failed(&call, came))
}

/// A door that takes a body.
fn reader(run: &Run) -> Result<&Door, Miss> {
    let mut doors = run.doors().iter();
    let door = doors.find(|door| door.method == "POST" || door.method == "PUT");
    door.ok_or_else(|| Miss::not_exercised("no path of the remote takes a body"))
}

/// A request of which the end of the body does not come.
fn stopping(run: &Run) -> Result<Call, Miss> {
    let call = run.good(reader(run)?, &run.tenant());
    let call = call.body("{").header("content-length", "100000");
    Ok(call.with("a body that stops after a byte"))
}

async fn slow_body(run: &Run) -> Outcome {
    let call = stopping(run)?;
    let mut line = open(run, &call).await?;
    let said = line.say(&call.bytes(&run.wire.host())).await;
    if said.is_err() || line.hear(run.limits.slow).await.is_ok() {
        return Ok(());
    }
    if line.ends_within(Duration::from_millis(10)).await {
        return Ok(());
    }
    let came = format!("neither an answer nor an end within {:?}", run.limits.slow);
    Err(failed(&call, came))
}

/// Holds that many connections, on each of which `bytes` were said.
async fn hold(run: &Run, bytes: &[&[u8]]) -> Vec<Line> {
    let mut held = Vec::with_capacity(HELD);
    for bytes in bytes.iter().cycle().take(HELD) {
        // Whom the remote does not let in does not hold anything.
        let Ok(mut line) = run.wire.open().await else {
            continue;
        };
        if line.say(bytes).await.is_ok() {
            held.push(line);
        }
    }
    held
}

async fn slow_senders(run: &Run) -> Outcome {
    let tenant = run.tenant();
    run.door().await?;
    let body = stopping(run)
        .map(|call| call.bytes(&run.wire.host()))
        .unwrap_or_default();
    let held = hold(run, &[b"GET /api HTTP/1.1\r\nhos", &body]).await;
    for _ in 0..5 {
        serves(
            run,
            &tenant,
            "while 150 clients stopped in the middle of a request",
        )
        .await?;
    }
    drop(held);
    Ok(())
}

async fn idle(run: &Run) -> Outcome {
    let tenant = run.tenant();
    run.door().await?;
    let held = hold(run, &[b""]).await;
    for _ in 0..5 {
        serves(run, &tenant, "while 150 connections say nothing").await?;
    }
    drop(held);
    Ok(())
}

async fn flood(run: &Run) -> Outcome {
    let door = run.door().await?;
    let tenant = run.tenant();
    let fit = run.fit(door, &tenant);
    let bad = fit.forged_by(&run.platform.keys().foreign()).token();
    let call = run.call(door, &tenant).fit(&bad);
    let flood = join_all((0..FLOOD).map(|_| run.ask(&call)));
    let good = async {
        for _ in 0..5 {
            serves(run, &tenant, "during 300 bad ones").await?;
        }
        Ok(())
    };
    let (_, good) = tokio::join!(flood, good);
    good?;
    serves(run, &tenant, "after 300 bad ones").await
}

async fn headers(run: &Run) -> Outcome {
    let tenant = run.tenant();
    let door = run.door().await?;
    let call = run
        .good(door, &tenant)
        .header("x-large", &"v".repeat(1024 * 1024));
    let call = call.with("a header of 1 MB");
    match run.ask(&call).await {
        Ok(answer) if !(400..500).contains(&answer.status) => {
            return Err(failed(&call, answer.describe()));
        }
        Err(none @ crate::conformance::wire::NoAnswer::TimedOut(_)) => {
            return Err(failed(&call, none.to_string()));
        }
        Ok(_) | Err(_) => {}
    }
    serves(run, &tenant, "after a header of 1 MB").await
}

async fn garbage(run: &Run) -> Outcome {
    let tenant = run.tenant();
    let door = run.door().await?;
    let good = run.good(door, &tenant).header("connection", "keep-alive");
    let good = good.bytes(&run.wire.host());
    let mut behind = good.clone();
    behind.extend_from_slice(b"\0\x16\x03\x01 garbage\r\n\r\n");
    let mut bytes: Vec<u8> = (0..4096u32).map(|n| (n * 31 % 251) as u8).collect();
    bytes.extend_from_slice(b"\r\n\r\n");
    for (what, bytes) in [
        ("bytes at random", bytes),
        ("garbage behind a good request", behind),
        (
            "a TLS handshake",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        ),
        ("HTTP/9.9", b"GET / HTTP/9.9\r\nhost: x\r\n\r\n".to_vec()),
        (
            "two lengths",
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 5\r\n\r\nabcde"
                .to_vec(),
        ),
    ] {
        let call = run.call(door, &tenant).with(what);
        let mut line = open(run, &call).await?;
        // It may hang up in the middle.
        let _ = line.say(&bytes).await;
        while let Ok(answer) = line.hear(run.limits.silence).await {
            if answer.status >= 500 && !matches!(answer.status, 501 | 505) {
                return Err(failed(&call, answer.describe()));
            }
        }
        serves(run, &tenant, &format!("after {what}")).await?;
    }
    Ok(())
}

async fn gone(run: &Run) -> Outcome {
    let tenant = run.tenant();
    let door = match run.product_door().await {
        Ok(probed) => &probed.door,
        Err(_) => run.door().await?,
    };
    tenant.fault(On::Products, Fault::Slow(run.limits.event));
    let calls: Vec<_> = (0..60).map(|_| run.good(door, &tenant)).collect();
    let leaving = calls.iter().map(|call| async {
        if let Ok(mut line) = run.wire.open().await {
            let _ = line.say(&call.bytes(&run.wire.host())).await;
            let _ = line.hear(run.limits.silence / 3).await;
        }
    });
    join_all(leaving).await;
    tenant.fault(On::Products, Fault::None);
    let other = run.tenant();
    for _ in 0..5 {
        serves(run, &other, "after sixty clients left before their answer").await?;
    }
    Ok(())
}
