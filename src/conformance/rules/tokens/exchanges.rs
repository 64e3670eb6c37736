//! How often the gateway is asked for an account's token: once, until that runs out or is refused.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::sleep;

use super::{
    GROUP,
    impersonation::{CACHING, broken, call_for, door, exchanges_of},
};
use crate::conformance::{
    check::Run,
    platform::{Bearer, ExchangeRules, Fault, On, Seen},
    rule::{Outcome, Rule, alone},
    rules::trail::{count, since},
    wire::Call,
};

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.should(
        "impersonation-cached",
        "An exchanged token is used again until it runs out.",
        CACHING,
        "Keep the token for its `ttl`, less a margin: the app may exchange a limited number a minute.",
        |run| Box::pin(cached(run)),
    ),
    GROUP.should(
        "impersonation-exchanged-once",
        "Many calls at once for one account share an exchange.",
        CACHING,
        "Let the calls that need the same token wait for one exchange.",
        |run| Box::pin(once(run)),
    ),
    GROUP.must(
        "impersonation-renewed",
        "An exchanged token is not used after its `ttl`, and another one is there then.",
        "Forge offline user impersonation: authToken.ttl in seconds",
        "Read `ttl` as seconds, and exchange again before it is over.",
        |run| Box::pin(renewed(run)),
    ),
    GROUP.should(
        "impersonation-refused-token-replaced",
        "When a product refuses an exchanged token with 401, the next call has a new one.",
        "Forge offline user impersonation: limits; 401 from a product: drop the token, exchange once more",
        "Forget the exchanged token when a product answers 401 to it.",
        |run| Box::pin(replaced(run)),
    ),
    alone(GROUP.should(
        "impersonation-limit-respected",
        "After a 429 of the gateway there is no storm of exchanges before `Retry-After` is over.",
        "Forge offline user impersonation: answers; rate limited",
        "Keep the time until which the gateway wants to be left alone, for all calls of the app.",
        |run| Box::pin(limit(run)),
    )),
];

async fn cached(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    let call = call_for(run, door, &tenant, &tenant.users()[3]);
    for _ in 0..12 {
        run.success(&call).await?;
    }
    let seen = since(run, &tenant, 0);
    exchanged_once(&call, &seen, "twelve calls in turn")
}

/// A remote may be several processes that share no memory: each may do once what is to be done
/// once.
const PROCESSES: usize = 4;

fn exchanged_once(call: &Call, seen: &[Arc<Seen>], what: &str) -> Outcome {
    match exchanges_of(seen).len() {
        1..=PROCESSES => Ok(()),
        times => broken(call, format!("{times} exchanges for {what}")),
    }
}

async fn once(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    // Long enough for all calls to be there before the first token is.
    tenant.fault(On::Exchange, Fault::Slow(Duration::from_millis(400)));
    let call = call_for(run, door, &tenant, &tenant.users()[3]);
    let calls = (0..20).map(|_| run.success(&call));
    for answered in join_all(calls).await {
        answered?;
    }
    let seen = since(run, &tenant, 0);
    exchanged_once(&call, &seen, "twenty calls at once")
}

async fn renewed(run: &Run) -> Outcome {
    const TTL: Duration = Duration::from_secs(2);
    let door = door(run).await?;
    let tenant = run.tenant();
    tenant.set_exchange_rules(ExchangeRules {
        ttl: TTL,
        refused: Vec::new(),
    });
    let call = call_for(run, door, &tenant, &tenant.users()[3]);
    run.success(&call).await?;
    sleep(TTL + Duration::from_millis(500)).await;
    let before = count(run, &tenant);
    let call = call.with("a good FIT, after the exchanged token ran out");
    run.success(&call).await?;
    let over = |it: &&Arc<Seen>| matches!(&it.bearer, Bearer::Of { good: false, .. });
    match since(run, &tenant, before).iter().find(over) {
        Some(seen) => broken(&call, seen.describe()),
        None => Ok(()),
    }
}

async fn replaced(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    let call = call_for(run, door, &tenant, &tenant.users()[3]);
    run.success(&call).await?;
    run.platform.revoke_exchanged(&tenant);
    let call = call.with("a good FIT, after the product refused the exchanged token");
    // The first may fail, as nobody could know: once in each process.
    for _ in 0..PROCESSES {
        if run.answer(&call).await?.is_success() {
            return Ok(());
        }
    }
    run.success(&call).await.map(drop)
}

/// What the gateway wants to be left alone for.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// How long what is on its way may still arrive.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

async fn limit(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    tenant.fault(On::Exchange, Fault::Limited(RETRY_AFTER.as_secs()));
    let call = call_for(run, door, &tenant, &tenant.users()[3]);
    let call = call.with("a good FIT, while the gateway answers 429");
    // Later than this nothing is on its way any more.
    let round = ON_ITS_WAY + ON_ITS_WAY / 5;
    let calls = (0..10_u32).map(|index| {
        let account = &tenant.users()[index as usize % 3 + 1];
        let call = call_for(run, door, &tenant, account);
        async move {
            // One call first, then three at a time.
            sleep(round * index.div_ceil(3)).await;
            // Whoever waits for the gateway is not waited for.
            run.ask_within(&call, RETRY_AFTER).await
        }
    });
    join_all(calls).await;
    let seen = since(run, &tenant, 0);
    tenant.fault(On::Exchange, Fault::None);
    sleep(RETRY_AFTER).await;
    let mut limited = None;
    let mut too_soon = 0;
    for exchange in exchanges_of(&seen) {
        let since_limited = limited.map(|at| exchange.at.saturating_duration_since(at));
        match since_limited {
            Some(after) if after <= ON_ITS_WAY => {}
            Some(after) if after + ON_ITS_WAY < RETRY_AFTER => too_soon += 1,
            _ => limited = Some(exchange.at),
        }
    }
    // Each process may have to hear it.
    if too_soon < PROCESSES {
        return Ok(());
    }
    let came = format!(
        "{too_soon} more exchanges within the {} s of `Retry-After` after a 429",
        RETRY_AFTER.as_secs()
    );
    broken(&call, came)
}
