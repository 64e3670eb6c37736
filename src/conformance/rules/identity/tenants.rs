//! Two tenants at once: neither sees anything of the other.

use futures_util::future::join_all;

use super::GROUP;
use crate::conformance::{
    check::{Door, Run},
    platform::{Kind, Tenant},
    rule::{Miss, Outcome, Rule},
    rules::trail::{count, names, nothing_for, page_of, since, stays_at_home, tells_none, words},
    wire::Answer,
};

const INSTALLATION: &str =
    "Forge Invocation Token: claims; app.installationId is the key for everything that is stored";

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.must(
        "identity-tenants-at-once",
        "A hundred calls of two installations at the same time: none sees or uses anything of the other's.",
        INSTALLATION,
        "Keep nothing of an invocation in a global or shared variable, and every cache under `app.installationId`.",
        |run| Box::pin(at_once(run)),
    ),
    GROUP.must(
        "identity-tenants-in-turn",
        "Two installations in turn on one connection: none sees or uses anything of the other's.",
        INSTALLATION,
        "Verify the FIT of every request and take the tenant from it: connections are shared by all of them.",
        |run| Box::pin(in_turn(run)),
    ),
    GROUP.must(
        "identity-storage-of-installation",
        "Forge storage is asked with the token of the installation that the call is for.",
        "Forge storage from a remote: data is per installation",
        "Take the app's token for storage from the invocation in hand, or from a store under `app.installationId`.",
        |run| Box::pin(storage(run)),
    ),
    GROUP.must(
        "identity-reinstall-is-new",
        "After a reinstall on the same site nothing of the old installation is used or shown.",
        "Forge Invocation Token: claims; app.installationId changes on reinstall",
        "Key tokens, caches and data by `app.installationId`, not by `cloudId`.",
        |run| Box::pin(reinstall(run)),
    ),
    GROUP.must(
        "identity-account-on-two-sites",
        "The same account on two sites is served with what belongs to the site it calls from.",
        INSTALLATION,
        "Key what you keep of a user by `app.installationId` and account id together: accounts are the same on all sites.",
        |run| Box::pin(two_sites(run)),
    ),
];

/// Calls of each of the two.
const EACH: usize = 50;

const NOTHING_SHOWN: &str =
    "no --ui-path shows for whom it works: none calls the platform, and no answer tells";

/// Everything that would give a tenant away.
fn all_of(tenant: &Tenant) -> Vec<String> {
    let mut texts = names(tenant).to_vec();
    texts.extend(words(tenant));
    texts
}

fn tells_any(answer: &Answer, texts: &[String]) -> bool {
    texts.iter().any(|text| answer.holds(text))
}

async fn at_once(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    let pair = [run.tenant(), run.tenant()];
    let calls = (0..2 * EACH).map(|turn| {
        let door = &doors[turn / 2 % doors.len()].door;
        let call = run.good(door, &pair[turn % 2]);
        async move { (turn % 2, run.ask(&call).await, call) }
    });
    let mut shown = false;
    for (index, answered, call) in join_all(calls).await {
        let call = call.with(format!(
            "a good FIT, one of {} by two installations at once",
            2 * EACH
        ));
        // That some are refused under load is another rule's business.
        if let Ok(answer) = answered {
            let others = run.platform.names_of_others(&pair[index]);
            tells_none(&call, &answer, &others, "another tenant")?;
            shown |= tells_any(&answer, &all_of(&pair[index]));
        }
    }
    for tenant in &pair {
        let seen = since(run, tenant, 0);
        let call = run.good(&doors[0].door, tenant);
        stays_at_home(&call.with("other calls at the same time"), &seen, tenant)?;
        shown |= !seen.is_empty();
    }
    if shown {
        Ok(())
    } else {
        Err(Miss::not_exercised(NOTHING_SHOWN))
    }
}

async fn in_turn(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    let pair = [run.tenant(), run.tenant()];
    let mut line = None;
    let mut shown = false;
    for turn in 0..2 * EACH {
        let (tenant, other) = (&pair[turn % 2], &pair[1 - turn % 2]);
        let door = &doors[turn / 2 % doors.len()].door;
        let call = run.good(door, tenant).header("connection", "keep-alive");
        let call = call.with("a good FIT, in turn with another installation's");
        let (own, others) = (count(run, tenant), count(run, other));
        let failed = |none: crate::conformance::wire::NoAnswer| {
            Miss::failed(call.describe(), none.to_string())
        };
        let mut open = match line.take() {
            Some(open) => open,
            None => run.wire.open().await.map_err(failed)?,
        };
        let said = open.say(&call.bytes(&run.wire.host())).await;
        let answered = match said {
            Ok(()) => open.hear(run.limits.ui).await,
            Err(none) => Err(none),
        };
        // A connection may end whenever nobody speaks; the next call has a new one.
        let Ok(answer) = answered else {
            continue;
        };
        if answer.header("connection") != Some("close") {
            line = Some(open);
        }
        let strangers = run.platform.names_of_others(tenant);
        tells_none(&call, &answer, &strangers, "another tenant")?;
        nothing_for(run, &call, other, others)?;
        let seen = since(run, tenant, own);
        stays_at_home(&call, &seen, tenant)?;
        shown |= !seen.is_empty() || tells_any(&answer, &all_of(tenant));
    }
    if shown {
        Ok(())
    } else {
        Err(Miss::not_exercised(NOTHING_SHOWN))
    }
}

async fn storage(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    let mut shown = false;
    let pair = [run.tenant(), run.tenant()];
    for probed in &doors {
        for turn in 0..4 {
            let (tenant, other) = (&pair[turn % 2], &pair[1 - turn % 2]);
            let (own, before) = (count(run, tenant), count(run, other));
            let call = run.good(&probed.door, tenant);
            let call = call.with("a good FIT, after another installation's call");
            let answer = run.answer(&call).await?;
            let others = run.platform.names_of_others(tenant);
            tells_none(&call, &answer, &others, "another tenant")?;
            nothing_for(run, &call, other, before)?;
            let seen = since(run, tenant, own);
            shown |= seen.iter().any(|seen| seen.kind == Kind::Storage);
        }
    }
    if shown {
        return Ok(());
    }
    let why = "no --ui-path makes the remote ask Forge storage";
    Err(Miss::not_exercised(why))
}

async fn reinstall(run: &Run) -> Outcome {
    let mut shown = false;
    for probed in run.ui_doors().await? {
        let door = &probed.door;
        let old = run.tenant();
        let first = run.answer(&run.good(door, &old)).await?;
        let before = count(run, &old);
        let new = run.platform.reinstalled(&old);
        let call = run.good(door, &new);
        let call = call.with("a good FIT of a new installation on the same site");
        let answer = run.answer(&call).await?;
        let mut texts = words(&old);
        texts.push(old.installation_uuid());
        tells_none(&call, &answer, &texts, "the old installation")?;
        nothing_for(run, &call, &old, before)?;
        shown |= before > 0 || tells_any(&first, &texts);
    }
    if shown {
        Ok(())
    } else {
        Err(Miss::not_exercised(NOTHING_SHOWN))
    }
}

async fn two_sites(run: &Run) -> Outcome {
    let mut shown = false;
    for probed in run.ui_doors().await? {
        let door: &Door = &probed.door;
        let (first, second) = (run.tenant(), run.tenant());
        let account = first.user();
        let named = &first.users()[3];
        let call = page_of(run, door, &first, account, named);
        let answer = run.answer(&call).await?;
        let texts: Vec<String> = words(&first)
            .into_iter()
            .chain([first.installation_uuid(), first.cloud_id().to_owned()])
            .collect();
        shown |= tells_any(&answer, &texts);
        let before = count(run, &first);
        shown |= before > 0;
        let call = page_of(run, door, &second, account, named);
        let call = call.with("a good FIT of an account that has called from another site before");
        let answer = run.answer(&call).await?;
        tells_none(&call, &answer, &texts, "the other site")?;
        nothing_for(run, &call, &first, before)?;
        stays_at_home(&call, &since(run, &second, 0), &second)?;
    }
    if shown {
        Ok(())
    } else {
        Err(Miss::not_exercised(NOTHING_SHOWN))
    }
}
