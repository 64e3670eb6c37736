//! Where tokens are sent: to the platform's hosts, in `authorization`, and nowhere else.

use std::sync::Arc;

use serde_json::json;

use super::GROUP;
use crate::conformance::{
    check::{Probed, Run},
    platform::{Bearer, Fault, Kind, On, Seen, Tenant},
    rule::{Miss, Outcome, Rule},
    rules::trail::since,
    wire::Call,
};

const HOSTS: &str = "Forge product APIs: base URLs; only send a token to the hosts above";

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.must(
        "token-in-authorization-only",
        "Tokens go out in `authorization` and in no other header, query, path or body.",
        "Forge product APIs: base URLs; Authorization: Bearer <token>",
        "Build outgoing requests from nothing: do not copy the headers of the request that came in.",
        |run| Box::pin(authorization_only(run)),
    ),
    GROUP.must(
        "fit-not-forwarded",
        "The FIT is sent to nobody.",
        "Forge Invocation Token: it is not a token for calling APIs",
        "Use `x-forge-oauth-system` or `x-forge-oauth-user` for outgoing calls, and drop `authorization` of the request.",
        |run| Box::pin(fit_kept(run)),
    ),
    GROUP.must(
        "token-not-to-redirect",
        "A product's redirect to another host does not get a token.",
        HOSTS,
        "Follow no redirects of products, or drop the token whenever the host changes.",
        |run| Box::pin(redirects(run)),
    ),
    GROUP.must(
        "token-not-to-linked-host",
        "A link to another host in a product's answer does not get a token.",
        HOSTS,
        "Take only path and query of links to next pages, and join them to `apiBaseUrl`.",
        |run| Box::pin(links(run)),
    ),
    GROUP.should(
        "token-not-to-foreign-base",
        "An `apiBaseUrl` on a host that is not the platform's does not get a token.",
        "Forge product APIs: base URLs; validate apiBaseUrl against an allow-list",
        "Compare the host of `apiBaseUrl` with a list of your own before a token is sent there.",
        |run| Box::pin(foreign_base(run)),
    ),
];

/// The doors of pages that make the remote call somebody, even if that comes to nothing.
async fn calling(run: &Run) -> Result<Vec<&Probed>, Miss> {
    let doors = run.probed().await.iter();
    let doors: Vec<_> = doors
        .filter(|it| it.door.is_ui() && !it.calls.is_empty())
        .collect();
    if doors.is_empty() {
        let why = "no --ui-path makes the remote call the platform";
        return Err(Miss::not_exercised(why));
    }
    Ok(doors)
}

/// The doors of pages that make it call a product, of a remote that can reach the foreign host:
/// that is this machine under another name.
async fn product_doors(run: &Run) -> Result<Vec<&Probed>, Miss> {
    if !run.wire.is_here() {
        let why = "the remote runs on another machine, where the host that is to get nothing cannot be reached";
        return Err(Miss::not_exercised(why));
    }
    let doors = run.ui_doors().await?.into_iter();
    let doors: Vec<_> = doors.filter(|it| it.asked(Kind::Product)).collect();
    if doors.is_empty() {
        let why = "no --ui-path makes the remote call a product";
        return Err(Miss::not_exercised(why));
    }
    Ok(doors)
}

async fn authorization_only(run: &Run) -> Outcome {
    for probed in calling(run).await? {
        let tenant = run.tenant();
        let call = run.good(&probed.door, &tenant).with("a good FIT");
        run.answer(&call).await?;
        for seen in since(run, &tenant, 0) {
            if let Some(stray) = seen.strays.iter().find(|stray| !stray.is_fit) {
                let came = format!("a token in {} of {}", stray.place, seen.describe());
                return Err(Miss::failed(call.describe(), came));
            }
        }
    }
    Ok(())
}

async fn fit_kept(run: &Run) -> Outcome {
    for probed in calling(run).await? {
        let tenant = run.tenant();
        let call = run.good(&probed.door, &tenant).with("a good FIT");
        run.answer(&call).await?;
        // A request that a FIT is all the token of is nobody's; the trace tells whose it is.
        let trace = call.trace_id();
        let ours = |seen: &Seen| {
            seen.installation.as_deref() == Some(&tenant.installation())
                || seen.trace_id.is_some() && seen.trace_id == trace
        };
        for seen in run.platform.journal().filter(ours) {
            if let Some(stray) = seen.strays.iter().find(|stray| stray.is_fit) {
                let came = format!("the FIT in {} of {}", stray.place, seen.describe());
                return Err(Miss::failed(call.describe(), came));
            }
        }
    }
    Ok(())
}

/// Fails if a token of this tenant reached the foreign host.
fn nothing_away(run: &Run, call: &Call, tenant: &Tenant) -> Outcome {
    let carries = |seen: &Seen| {
        seen.kind == Kind::Foreign
            && (seen.bearer != Bearer::None || !seen.strays.is_empty())
            && (seen.path.contains(tenant.cloud_id())
                || seen.installation.as_deref() == Some(&tenant.installation()))
    };
    let arrived: Vec<Arc<Seen>> = run.platform.journal().filter(carries);
    match arrived.first() {
        Some(seen) => {
            let came = format!("on the foreign host {}: {}", seen.host, seen.describe());
            Err(Miss::failed(call.describe(), came))
        }
        None => Ok(()),
    }
}

async fn redirects(run: &Run) -> Outcome {
    for probed in product_doors(run).await? {
        for status in [301, 302, 303, 307, 308] {
            let fault = Fault::RedirectAway(status);
            let what = format!("a good FIT, while the product answers {status} to another host");
            away(run, probed, fault, &what).await?;
        }
    }
    Ok(())
}

async fn links(run: &Run) -> Outcome {
    for probed in product_doors(run).await? {
        let what = "a good FIT, while the links of the product lead to another host";
        away(run, probed, Fault::LinksAway, what).await?;
    }
    Ok(())
}

async fn away(run: &Run, probed: &Probed, fault: Fault, what: &str) -> Outcome {
    let tenant = run.tenant();
    tenant.fault(On::Products, fault);
    let call = run.good(&probed.door, &tenant).with(what);
    // Whatever comes back, or nothing: where the token went is what counts.
    drop(run.ask_within(&call, run.limits.ui).await);
    nothing_away(run, &call, &tenant)
}

async fn foreign_base(run: &Run) -> Outcome {
    for probed in product_doors(run).await? {
        let tenant = run.tenant();
        let foreign = |product: &str| {
            let origin = run.platform.foreign_origin();
            json!(format!(
                "{origin}/foreign/ex/{product}/{}",
                tenant.cloud_id()
            ))
        };
        let mut fit = run.fit(&probed.door, &tenant);
        fit = fit.claim("/app/apiBaseUrl", foreign(run.platform.primary()));
        for (index, product) in run.platform.products().iter().enumerate() {
            let pointer = format!("/app/installation/contexts/{index}/apiBaseUrl");
            fit = fit.claim(&pointer, foreign(product));
        }
        let call = run.call(&probed.door, &tenant).fit(&fit.token());
        let call = call.with("a FIT whose `apiBaseUrl` is on another host");
        drop(run.ask_within(&call, run.limits.ui).await);
        nothing_away(run, &call, &tenant)?;
    }
    Ok(())
}
