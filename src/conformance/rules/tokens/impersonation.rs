//! The app's token exchanged for another account's: once, kept as long as it is good, and used
//! for that account alone.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::sleep;

use super::{must, should};
use crate::conformance::{
    check::{Door, Run},
    platform::{Bearer, ExchangeRules, Fault, Kind, On, Seen, Speaker, Tenant},
    rule::{Miss, Outcome, Rule, Turn},
    rules::trail::{count, nothing_for, page_of, since},
    wire::{Answer, Call},
};

const CACHING: &str = "Forge offline user impersonation: caching per installation and user";
const REQUEST: &str = "Forge offline user impersonation: the request";

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    must(
        "impersonation-exchanges-app-token",
        "What is exchanged is the app's token of the installation that the call is for.",
        REQUEST,
        "Send `x-forge-oauth-system` of the invocation to the gateway: a user's token is not exchanged.",
        |run| Box::pin(app_token(run)),
    ),
    must(
        "impersonation-acts-as-account",
        "What is done for an impersonated account is done with the token that was exchanged for it.",
        REQUEST,
        "Use the exchanged token for what follows, and neither the app's nor the caller's.",
        |run| Box::pin(as_account(run)),
    ),
    must(
        "impersonation-accounts-apart",
        "Each account is impersonated with a token of its own.",
        CACHING,
        "Keep exchanged tokens under installation and account id together.",
        |run| Box::pin(accounts(run)),
    ),
    must(
        "impersonation-tenants-apart",
        "The same account in two installations is impersonated with a token of each.",
        CACHING,
        "Keep exchanged tokens under installation and account id together.",
        |run| Box::pin(tenants(run)),
    ),
    should(
        "impersonation-cached",
        "An exchanged token is used again until it runs out.",
        CACHING,
        "Keep the token for its `ttl`, less a margin: the app may exchange a limited number a minute.",
        |run| Box::pin(cached(run)),
    ),
    should(
        "impersonation-exchanged-once",
        "Many calls at once for one account share an exchange.",
        CACHING,
        "Let the calls that need the same token wait for one exchange.",
        |run| Box::pin(once(run)),
    ),
    must(
        "impersonation-renewed",
        "An exchanged token is not used after its `ttl`, and another one is there then.",
        "Forge offline user impersonation: authToken.ttl in seconds",
        "Read `ttl` as seconds, and exchange again before it is over.",
        |run| Box::pin(renewed(run)),
    ),
    should(
        "impersonation-refused-token-replaced",
        "When a product refuses an exchanged token with 401, the next call has a new one.",
        "Forge offline user impersonation: limits; 401 from a product: drop the token, exchange once more",
        "Forget the exchanged token when a product answers 401 to it.",
        |run| Box::pin(replaced(run)),
    ),
    must(
        "impersonation-refusal-kept",
        "When the exchange is refused, nothing is done in anybody else's name, and the caller gets an error.",
        "Forge offline user impersonation: answers; success: false",
        "Look at `success` and at `errors` of the gateway's answer, and answer 403 instead of going on as the app.",
        |run| Box::pin(refused(run)),
    ),
    alone(should(
        "impersonation-limit-respected",
        "After a 429 of the gateway there is no storm of exchanges before `Retry-After` is over.",
        "Forge offline user impersonation: answers; rate limited",
        "Keep the time until which the gateway wants to be left alone, for all calls of the app.",
        |run| Box::pin(limit(run)),
    )),
];

/// The same when the others are done.
const fn alone(mut rule: Rule) -> Rule {
    rule.turn = Turn::Alone;
    rule
}

const NO_EXCHANGE: &str =
    "no --ui-path makes the remote impersonate an account (`{account}` in a path stands for one)";

/// The first door of a page that exchanges a token and answers 2xx.
async fn door(run: &Run) -> Result<&Door, Miss> {
    let doors = run.ui_doors().await?;
    let exchanges = doors.into_iter().find(|it| it.asked(Kind::Exchange));
    exchanges
        .map(|it| &it.door)
        .ok_or_else(|| Miss::not_exercised(NO_EXCHANGE))
}

/// Whether it was asked with an exchanged token.
fn is_exchanged(seen: &Seen) -> bool {
    matches!(
        &seen.bearer,
        Bearer::Of {
            speaker: Speaker::Account(_),
            ..
        }
    )
}

/// A call that has `account` impersonated, by the tenant's first user.
fn call_for(run: &Run, door: &Door, tenant: &Tenant, account: &str) -> Call {
    page_of(run, door, tenant, tenant.user(), account).with("a good FIT")
}

fn exchanges_of(seen: &[Arc<Seen>]) -> Vec<&Arc<Seen>> {
    seen.iter().filter(|it| it.kind == Kind::Exchange).collect()
}

fn broken(call: &Call, came: impl Into<String>) -> Outcome {
    Err(Miss::failed(call.describe(), came))
}

async fn app_token(run: &Run) -> Outcome {
    // With a wrong token the exchange is refused, and the door answers no 2xx.
    let mut doors = run.probed().await.iter();
    let exchanges = doors.find(|it| it.door.is_ui() && it.asked(Kind::Exchange));
    let Some(probed) = exchanges else {
        return Err(Miss::not_exercised(NO_EXCHANGE));
    };
    let tenant = run.tenant();
    let call = call_for(run, &probed.door, &tenant, &tenant.users()[3]);
    run.answer(&call).await?;
    let seen = since(run, &tenant, 0);
    match exchanges_of(&seen)
        .iter()
        .find(|it| !it.spoke(&Speaker::App))
    {
        Some(seen) => broken(&call, seen.describe()),
        None => Ok(()),
    }
}

async fn as_account(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    let account = &tenant.users()[3];
    let call = call_for(run, door, &tenant, account);
    run.success(&call).await?;
    after_exchange(run, &tenant, &call, account)
}

/// Whatever was asked of products after an exchange was asked as this account, and something was.
fn after_exchange(run: &Run, tenant: &Tenant, call: &Call, account: &str) -> Outcome {
    let seen = since(run, tenant, 0);
    let exchanged = seen.iter().position(|it| it.kind == Kind::Exchange);
    let after = seen.iter().skip(exchanged.unwrap_or_default());
    let after: Vec<_> = after.filter(|it| it.kind == Kind::Product).collect();
    let speaker = Speaker::Account(account.to_owned());
    if let Some(seen) = after.iter().find(|it| !it.spoke(&speaker)) {
        return broken(call, format!("after the exchange {}", seen.describe()));
    }
    if after.is_empty() {
        return broken(call, "no call of a product after the exchange");
    }
    Ok(())
}

async fn accounts(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    for account in [1, 2, 3, 1, 2, 3].map(|index: usize| &tenant.users()[index]) {
        let before = count(run, &tenant);
        let call = call_for(run, door, &tenant, account);
        run.success(&call).await?;
        let wrong =
            |it: &&Arc<Seen>| is_exchanged(it) && !it.spoke(&Speaker::Account(account.clone()));
        if let Some(seen) = since(run, &tenant, before).iter().find(wrong) {
            return broken(&call, format!("for {account}: {}", seen.describe()));
        }
    }
    Ok(())
}

async fn tenants(run: &Run) -> Outcome {
    let door = door(run).await?;
    let (first, second) = (run.tenant(), run.tenant());
    let account = &first.users()[3];
    run.success(&call_for(run, door, &first, account)).await?;
    let before = count(run, &first);
    let call = call_for(run, door, &second, account);
    let call = call.with("a good FIT, for an account that another installation has impersonated");
    run.success(&call).await?;
    nothing_for(run, &call, &first, before)
}

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

async fn refused(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    let account = tenant.users()[3].clone();
    tenant.set_exchange_rules(ExchangeRules {
        ttl: Duration::from_hours(1),
        refused: vec![account.clone()],
    });
    let call = call_for(run, door, &tenant, &account);
    let call = call.with("a good FIT, while the gateway refuses to exchange");
    let answer: Answer = run.answer(&call).await?;
    let seen = since(run, &tenant, 0);
    let exchanged = seen.iter().position(|it| it.kind == Kind::Exchange);
    let mut after = seen.iter().skip(exchanged.unwrap_or_default());
    if let Some(seen) = after.find(|it| it.kind == Kind::Product) {
        return broken(&call, format!("after the refusal {}", seen.describe()));
    }
    if answer.is_success() || answer.status == 401 {
        return broken(&call, answer.describe());
    }
    Ok(())
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
