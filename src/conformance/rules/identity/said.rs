//! What a page says of who it is for: in a query, in a header, in a body.

use serde_json::{Value, json};

use super::GROUP;
use crate::conformance::{
    check::{Door, Run},
    platform::Tenant,
    rule::{Miss, Outcome, Rule},
    rules::trail::{count, is_for, names, nothing_for, since, stays_at_home, tells_none, words},
    wire::{Answer, Call},
};

const CLAIMS: &str = "Forge Invocation Token: claims";

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.must(
        "identity-not-from-query",
        "Whom a query names changes nothing: installation, site and account come from the FIT.",
        CLAIMS,
        "Take `app.installationId`, `app.apiBaseUrl` and `principal` from the verified FIT, and no such thing from the query.",
        |run| Box::pin(query(run)),
    ),
    GROUP.must(
        "identity-not-from-headers",
        "Whom a header names changes nothing: installation, site and account come from the FIT.",
        "Forge request contract: request headers; the caller's own are untrusted",
        "Take `app.installationId`, `app.apiBaseUrl` and `principal` from the verified FIT: pages choose their headers freely.",
        |run| Box::pin(headers(run)),
    ),
    GROUP.must(
        "identity-not-from-body",
        "Whom a page's body names changes nothing: installation, site and account come from the FIT.",
        CLAIMS,
        "Take `app.installationId`, `app.apiBaseUrl` and `principal` from the verified FIT: pages choose their bodies freely.",
        |run| Box::pin(body(run)),
    ),
    GROUP.must(
        "identity-api-base-from-fit",
        "Products are called at the `apiBaseUrl` that stands in the FIT.",
        "Forge product APIs: base URLs",
        "Join `app.apiBaseUrl` (or the `apiBaseUrl` of the product's context) and the path as texts; build no base yourself.",
        |run| Box::pin(api_base(run)),
    ),
];

/// What a spoof says: another tenant, and another user of the same one.
fn claims(other: &Tenant, user: &str) -> Vec<(&'static str, String)> {
    vec![
        ("installationId", other.installation()),
        ("installation_id", other.installation()),
        ("installation", other.installation()),
        ("cloudId", other.cloud_id().to_owned()),
        ("cloud_id", other.cloud_id().to_owned()),
        ("tenant", other.cloud_id().to_owned()),
        ("accountId", user.to_owned()),
        ("account_id", user.to_owned()),
        ("principal", user.to_owned()),
        ("userId", user.to_owned()),
    ]
}

/// Sends each door what `spoil` made of a good call: nothing may come of it for anybody else.
async fn spoofed(
    run: &Run,
    doors: &[&Door],
    spoil: impl Fn(Call, &Tenant, &str) -> Call,
) -> Outcome {
    let mut shown = false;
    for door in doors {
        let (tenant, other) = (run.tenant(), run.tenant());
        let user = &tenant.users()[1];
        let call = spoil(run.good(door, &tenant), &other, user);
        let answer = run.answer(&call).await?;
        tells_none(&call, &answer, &words(&other), "another tenant")?;
        let seen = since(run, &tenant, 0);
        stays_at_home(&call, &seen, &tenant)?;
        nothing_for(run, &call, &other, 0)?;
        if let Some(seen) = seen.iter().find(|seen| is_for(seen, user)) {
            let came = format!(
                "the platform was asked for the account that was named: {}",
                seen.describe()
            );
            return Err(Miss::failed(call.describe(), came));
        }
        let told = keeps_telling(run, door, &tenant, &call, &answer).await?;
        shown |= told || !seen.is_empty();
    }
    if shown {
        return Ok(());
    }
    Err(Miss::not_exercised(
        "no path shows for whom it works: none calls the platform, and no answer tells",
    ))
}

/// Where a good answer names installation, site or user, a spoofed success names the same.
/// Tells whether it names one.
async fn keeps_telling(
    run: &Run,
    door: &Door,
    tenant: &Tenant,
    call: &Call,
    answer: &Answer,
) -> Result<bool, Miss> {
    let good = run.answer(&run.good(door, tenant)).await?;
    let [_, installation, cloud] = names(tenant);
    let known = [installation, cloud, tenant.user().to_owned()];
    let told: Vec<_> = known.iter().filter(|name| good.holds(name)).collect();
    if answer.is_success() && !told.iter().all(|name| answer.holds(name)) {
        let came = format!(
            "an answer that does not name whom a good call's names: {}",
            answer.describe()
        );
        return Err(Miss::failed(call.describe(), came));
    }
    Ok(!told.is_empty())
}

async fn query(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    let doors: Vec<_> = doors.iter().map(|it| &it.door).collect();
    let spoil = |call: Call, other: &Tenant, user: &str| {
        let pairs = claims(other, user);
        let said = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish();
        let target = call.full_target().to_owned();
        let sign = if target.contains('?') { '&' } else { '?' };
        call.target(&format!("{target}{sign}{said}"))
            .with("a query that names another installation, site and account")
    };
    spoofed(run, &doors, spoil).await
}

async fn headers(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    let doors: Vec<_> = doors.iter().map(|it| &it.door).collect();
    let spoil = |mut call: Call, other: &Tenant, user: &str| {
        for name in [
            "x-forge-installation-id",
            "x-installation-id",
            "x-forge-installationid",
        ] {
            call = call.header(name, &other.installation());
        }
        for name in [
            "x-cloud-id",
            "x-atlassian-cloud-id",
            "x-forge-cloud-id",
            "x-tenant-id",
        ] {
            call = call.header(name, other.cloud_id());
        }
        for name in [
            "x-account-id",
            "x-atlassian-account-id",
            "x-forge-account-id",
            "x-forge-principal",
            "x-user-id",
            "x-forwarded-user",
            "remote-user",
        ] {
            call = call.header(name, user);
        }
        let (site, base) = (
            other.site_url(),
            run.platform.api_base(other, run.platform.primary()),
        );
        call.header("x-forwarded-host", site.trim_start_matches("https://"))
            .header(
                "forwarded",
                &format!("for=192.0.2.1;host={}", site.trim_start_matches("https://")),
            )
            .header("x-forge-api-base-url", &base)
            .header("origin", &site)
            .header("referer", &format!("{site}/wiki"))
            .header(
                "baggage",
                &format!("cloudId={},accountId={user}", other.cloud_id()),
            )
            .header(
                "cookie",
                &format!("cloudId={}; accountId={user}", other.cloud_id()),
            )
            .with("headers that name another installation, site and account")
    };
    spoofed(run, &doors, spoil).await
}

async fn body(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    let reads = |door: &&Door| matches!(&door.body, Some(Value::Object(_)));
    let doors: Vec<_> = doors.iter().map(|it| &it.door).filter(reads).collect();
    if doors.is_empty() {
        return Err(Miss::not_exercised(
            "no --ui-path has a JSON object as its body",
        ));
    }
    let spoil = |call: Call, other: &Tenant, user: &str| {
        let body = call.json_body().unwrap_or_default();
        call.json(&with_claims(body, other, user))
            .with("a body that names another installation, site and account")
    };
    spoofed(run, &doors, spoil).await
}

/// An object with the members of a spoof beside its own.
pub(super) fn with_claims(mut body: Value, other: &Tenant, user: &str) -> Value {
    if let Value::Object(members) = &mut body {
        for (name, value) in claims(other, user) {
            members.entry(name).or_insert_with(|| json!(value));
        }
        let context = json!({"cloudId": other.cloud_id(), "siteUrl": other.site_url()});
        members.entry("context").or_insert(context);
    }
    body
}

async fn api_base(run: &Run) -> Outcome {
    let door = &run.product_door().await?.door;
    let tenant = run.tenant();
    let mut fit = run.fit(door, &tenant);
    for (index, product) in run.platform.products().iter().enumerate() {
        let elsewhere = json!(
            run.platform
                .api_base(&tenant, &format!("{product}-elsewhere"))
        );
        if product == run.platform.primary() {
            fit = fit.claim("/app/apiBaseUrl", elsewhere.clone());
        }
        fit = fit.claim(
            &format!("/app/installation/contexts/{index}/apiBaseUrl"),
            elsewhere,
        );
    }
    let before = count(run, &tenant);
    let call = run.call(door, &tenant).fit(&fit.token());
    let call = call.with("another `apiBaseUrl` of the same host in the FIT");
    run.success(&call).await?;
    let seen = since(run, &tenant, before);
    let product =
        |seen: &&std::sync::Arc<crate::conformance::platform::Seen>| seen.path.starts_with("/ex/");
    match seen
        .iter()
        .filter(product)
        .find(|seen| !seen.path.contains("-elsewhere/"))
    {
        Some(seen) => Err(Miss::failed(call.describe(), seen.describe())),
        None => Ok(()),
    }
}
