//! Tokens that nobody signed, that somebody else signed, and that were changed since.

use aws_lc_rs::signature::{RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use serde_json::json;

use super::{GROUP, Scene};
use crate::conformance::{
    check::Run,
    platform::{Kind, segment},
    rule::{Miss, Outcome, Rule},
};

const STEPS: &str = "Forge Invocation Token: verification, steps 2 to 4";
const ALGORITHM: &str = "Forge Invocation Token: header, RS256";

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "fit-unsigned-refused",
        "A token with `alg: none` is refused with 401, however that is spelt.",
        ALGORITHM,
        "Allow RS256 alone when you verify: never take the algorithm from the token.",
        |run| Box::pin(unsigned(run)),
    ),
    GROUP.must(
        "fit-hmac-refused",
        "A token signed by HS256 with the public key for the secret is refused with 401.",
        ALGORITHM,
        "Allow RS256 alone when you verify: never take the algorithm from the token.",
        |run| Box::pin(hmac(run)),
    ),
    GROUP.must(
        "fit-other-algorithm-refused",
        "A token that the right key signed by RS512 or PS256 is refused with 401.",
        ALGORITHM,
        "Allow RS256 alone when you verify.",
        |run| Box::pin(other_algorithm(run)),
    ),
    GROUP.must(
        "fit-foreign-key-refused",
        "A token that another key signed under the platform's key id is refused with 401.",
        STEPS,
        "Verify the signature with the key that the set has under the token's `kid`.",
        |run| Box::pin(foreign(run)),
    ),
    GROUP.must(
        "fit-unknown-key-refused",
        "A token whose `kid` is in no set is refused with 401.",
        STEPS,
        "Answer 401 when the key id is unknown after the set was fetched again; that is no error of the server.",
        |run| Box::pin(unknown(run)),
    ),
    GROUP.should(
        "fit-without-key-id-refused",
        "A token without `kid`, or with one that is no text, is refused with 401.",
        STEPS,
        "Demand `kid`: do not try the keys of the set one after the other.",
        |run| Box::pin(without_kid(run)),
    ),
    GROUP.must(
        "fit-key-injection-refused",
        "A token that brings its own key (`jwk`, `jku`, `x5u`, `x5c`) is refused with 401, and nothing is fetched for it.",
        STEPS,
        "Take keys from the configured key set only; ignore key members of the token's header.",
        |run| Box::pin(injection(run)),
    ),
    GROUP.should(
        "fit-critical-header-refused",
        "A token with a `crit` that the remote does not understand is refused with 401.",
        "Forge Invocation Token: a JWS (RFC 7515, 4.1.11)",
        "Refuse any token whose header has `crit`.",
        |run| Box::pin(critical(run)),
    ),
    GROUP.must(
        "fit-tampered-refused",
        "A FIT of which anything was changed after it was signed is refused with 401.",
        STEPS,
        "Verify the signature over header and payload as they came, before any claim is used.",
        |run| Box::pin(tampered(run)),
    ),
    GROUP.must(
        "fit-cut-refused",
        "A token with too few or too many parts, or with an empty one, is refused with 401.",
        STEPS,
        "Answer 401 for whatever is no token of three parts; that is no error of the server.",
        |run| Box::pin(cut(run)),
    ),
    GROUP.should(
        "fit-loose-encoding-refused",
        "A token that is not base64url without padding is refused with 401.",
        "Forge Invocation Token: a JWS (RFC 7515, 2)",
        "Decode strictly: no padding, no other alphabet, no white space.",
        |run| Box::pin(loose(run)),
    ),
];

async fn unsigned(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    for name in ["none", "None", "NONE", "nOnE"] {
        let fit = scene.fit().header("alg", json!(name));
        let message = fit.message();
        scene
            .refuses(
                &format!("`alg: {name}` and no signature"),
                &format!("{message}."),
            )
            .await?;
        scene
            .refuses(
                &format!("`alg: {name}` and a signature of RS256"),
                &fit.token(),
            )
            .await?;
    }
    let message = scene.fit().message();
    scene
        .refuses("`alg: RS256` and no signature", &format!("{message}."))
        .await
}

async fn hmac(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let key = run.platform.keys().current();
    let fit = scene.fit().header("alg", json!("HS256"));
    let signature = key.hmac_of_public_pem(fit.message().as_bytes());
    let token = fit.with_signature(&signature);
    scene
        .refuses("HS256 by the public key's PEM", &token)
        .await?;
    let fit = scene.fit();
    let signature = key.hmac_of_public_pem(fit.message().as_bytes());
    let token = fit.with_signature(&signature);
    scene
        .refuses("`alg: RS256` and a signature of HS256", &token)
        .await
}

async fn other_algorithm(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let key = run.platform.keys().current();
    let fit = scene.fit().header("alg", json!("RS512"));
    let signature = key.sign_as(&RSA_PKCS1_SHA512, fit.message().as_bytes());
    scene
        .refuses("RS512 by the right key", &fit.with_signature(&signature))
        .await?;
    let fit = scene.fit().header("alg", json!("PS256"));
    let signature = key.sign_as(&RSA_PSS_SHA256, fit.message().as_bytes());
    scene
        .refuses("PS256 by the right key", &fit.with_signature(&signature))
        .await
}

async fn foreign(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let fit = scene.fit().forged_by(&run.platform.keys().foreign());
    scene
        .refuses(
            "a signature of another key under the platform's key id",
            &fit.token(),
        )
        .await
}

async fn unknown(run: &Run) -> Outcome {
    let _in_order = run.keys_in_order.read().await;
    let scene = Scene::at(run).await?;
    let foreign = run.platform.keys().foreign();
    let fit = scene.fit().signed_by(&foreign);
    scene
        .refuses("a key id that is in no set", &fit.token())
        .await?;
    for kid in [
        "",
        "../../etc/passwd",
        "' OR '1'='1",
        "constructor",
        "__proto__",
        "forge/elliptic",
    ] {
        let fit = scene.fit().forged_by(&foreign).header("kid", json!(kid));
        scene
            .refuses(&format!("the key id {kid:?}"), &fit.token())
            .await?;
    }
    Ok(())
}

async fn without_kid(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    scene
        .refuses(
            "a FIT without `kid`",
            &scene.fit().without_header("kid").token(),
        )
        .await?;
    for kid in [
        json!(null),
        json!(1),
        json!([run.platform.keys().current().kid]),
    ] {
        let what = format!("a FIT whose `kid` is {kid}");
        scene
            .refuses(&what, &scene.fit().header("kid", kid).token())
            .await?;
    }
    Ok(())
}

async fn injection(run: &Run) -> Outcome {
    let _in_order = run.keys_in_order.read().await;
    let scene = Scene::at(run).await?;
    let foreign = run.platform.keys().foreign();
    let url = format!("{}/injected/{}", run.platform.origin(), scene.tenant.mark());
    let members = [
        ("jwk", foreign.jwk()),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!(["MIIB"])),
    ];
    for (name, value) in members {
        for fit in [
            scene.fit().forged_by(&foreign),
            scene.fit().signed_by(&foreign),
        ] {
            let fit = fit.header(name, value.clone());
            scene
                .refuses(
                    &format!("a foreign key and `{name}` in the header"),
                    &fit.token(),
                )
                .await?;
        }
    }
    let path = format!("/injected/{}", scene.tenant.mark());
    let fetched = run
        .platform
        .journal()
        .filter(|seen| seen.kind == Kind::Elsewhere && seen.path == path);
    match fetched.first() {
        Some(seen) => Err(Miss::failed(
            "a token with `jku` or `x5u` in its header",
            seen.describe(),
        )),
        None => Ok(()),
    }
}

async fn critical(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let fit = scene
        .fit()
        .header("crit", json!(["exp-of-tomorrow"]))
        .header("exp-of-tomorrow", json!(true));
    scene
        .refuses(
            "`crit` in the header of a FIT that is right otherwise",
            &fit.token(),
        )
        .await
}

async fn tampered(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let other = run.tenant();
    let token = scene.fit().token();
    let signature = token.rsplit('.').next().unwrap_or_default();
    let resigned =
        |fit: crate::conformance::platform::Fit| format!("{}.{signature}", fit.message());
    let changes = [
        (
            "another installation",
            scene
                .fit()
                .claim("/app/installationId", json!(other.installation())),
        ),
        ("another user", scene.fit().user(other.user())),
        (
            "a later end",
            scene.fit().claim("/exp", json!(4_102_444_800_i64)),
        ),
        ("another header", scene.fit().header("typ", json!("at+jwt"))),
    ];
    for (what, fit) in changes {
        scene
            .refuses(
                &format!("{what} under the signature of another FIT"),
                &resigned(fit),
            )
            .await?;
    }
    let mut flipped = run.platform.keys().current().sign(b"something else");
    let fit = scene.fit();
    scene
        .refuses(
            "the signature of another message",
            &fit.with_signature(&flipped),
        )
        .await?;
    flipped.fill(0);
    scene
        .refuses("a signature of zeros", &fit.with_signature(&flipped))
        .await
}

async fn cut(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let token = scene.fit().token();
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let half = &signature[..signature.len() / 2];
    for (what, token) in [
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{token}.{signature}")),
        ("an empty header", format!(".{payload}.{signature}")),
        ("an empty payload", format!("{header}..{signature}")),
        ("half a signature", format!("{header}.{payload}.{half}")),
        ("nothing but dots", "..".to_owned()),
        ("no token at all", "opaque".to_owned()),
    ] {
        scene.refuses(&format!("a token of {what}"), &token).await?;
    }
    Ok(())
}

async fn loose(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let token = scene.fit().token();
    let (message, signature) = token.rsplit_once('.').unwrap_or_default();
    // 256 bytes leave two bits in the last of 342 characters: the next one decodes to the same.
    let last = signature.chars().last().unwrap_or('A');
    let sibling = match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        _ => 'x',
    };
    let twin = format!("{}{sibling}", &signature[..signature.len() - 1]);
    let header =
        segment(json!({"alg": "RS256", "kid": run.platform.keys().current().kid}).to_string());
    let unpadded = token.split('.').nth(1).unwrap_or_default();
    let padded = format!("{header}=.{unpadded}.{signature}");
    for (what, token) in [
        ("padding after its signature", format!("{token}==")),
        ("padding after its header", padded),
        (
            "another last character of the signature, for the same bytes",
            format!("{message}.{twin}"),
        ),
        (
            "an asterisk inside",
            format!("{message}.*{}", &signature[1..]),
        ),
    ] {
        scene.refuses(&format!("a FIT with {what}"), &token).await?;
    }
    Ok(())
}
