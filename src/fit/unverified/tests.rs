use serde_json::{Value, json};

use super::*;
use crate::{
    fit::{
        EnvironmentKind,
        testing::{
            APP, CLOUD, INSTALLATION, ISSUED, OTHER_APP, WORKSPACE, claims, claims_with,
            claims_without,
        },
    },
    ids::Product,
};

fn read(claims: &Value) -> Result<Claims, Malformed> {
    let json = claims.to_string();
    UnverifiedClaims::parse(json.as_bytes()).map(|unverified| unverified.claims)
}

fn is_malformed(claims: &Value) -> bool {
    matches!(read(claims), Err(Malformed::Claims { .. }))
}

fn parses(text: &str) -> bool {
    UnverifiedClaims::parse(text.as_bytes()).is_ok()
}

#[test]
fn a_ui_call_is_read_whole() {
    let claims = read(&claims()).unwrap();
    let app = &claims.app;
    assert_eq!(app.id, APP.parse().unwrap());
    assert_eq!(app.installation_id, INSTALLATION.parse().unwrap());
    assert_eq!(app.app_version.as_deref(), Some("4.2.0"));
    assert_eq!(app.version.as_deref(), Some("31"));
    assert_eq!(&*app.module.kind, "confluence:globalPage");
    assert_eq!(app.module.key.as_str(), "digest-page");
    assert!(app.license.as_ref().unwrap().is_active());
    assert_eq!(app.contexts[0].name, Product::Confluence);
    assert_eq!(app.contexts[0].cloud_id.as_ref().unwrap().as_str(), CLOUD);
    let environment = app.environment.as_ref().unwrap();
    assert_eq!(environment.kind, EnvironmentKind::Production);
    let context = claims.context.unwrap();
    assert_eq!(
        context.site_url.as_deref(),
        Some("https://quarry.atlassian.net")
    );
    assert_eq!(
        context.extension.unwrap().get(),
        r#"{"type":"confluence:globalPage"}"#
    );
    assert!(claims.principal.is_some());
    assert_eq!(claims.issued_at.unwrap().unix(), ISSUED);
    assert_eq!(claims.expires_at.unix(), ISSUED + 25);
    assert_eq!(claims.token_id.unwrap().len(), 40);
}

#[test]
fn what_may_be_absent_may_be_absent() {
    for pointer in [
        "/context",
        "/principal",
        "/iat",
        "/nbf",
        "/jti",
        "/app/version",
        "/app/appVersion",
        "/app/license",
        "/app/environment",
        "/app/installation/contexts",
        "/context/extension",
        "/context/cloudId",
    ] {
        assert!(read(&claims_without(pointer)).is_ok(), "{pointer}");
    }
    let nowhere = read(&claims_without("/app/installation/contexts")).unwrap();
    assert!(nowhere.app.contexts.is_empty());
}

#[test]
fn null_is_as_good_as_absent_where_absent_is_allowed() {
    for pointer in [
        "/context",
        "/principal",
        "/icLabel",
        "/jti",
        "/app/version",
        "/app/appVersion",
        "/app/license",
        "/app/environment",
        "/app/installation/contexts",
        "/context/extension",
        "/context/workspaceId",
    ] {
        assert!(
            read(&claims_with(pointer, Value::Null)).is_ok(),
            "{pointer}"
        );
    }
}

#[test]
fn what_is_not_known_does_no_harm() {
    for (pointer, value) in [
        ("/somethingNew", json!({"a": [1, {"b": null}]})),
        ("/app/somethingNew", json!(true)),
        ("/context/somethingNew", json!([])),
        ("/app/installation/somethingNew", json!(1)),
        ("/app/license/somethingNew", json!(1.5)),
        ("/app/module/type", json!("xen:somethingNew")),
        ("/app/environment/type", json!("SANDBOX")),
        ("/app/license/type", json!("BARTER")),
        ("/app/version", json!(31)),
        ("/sub", json!("somebody")),
    ] {
        assert!(read(&claims_with(pointer, value)).is_ok(), "{pointer}");
    }
    let sandbox = read(&claims_with("/app/environment/type", json!("SANDBOX"))).unwrap();
    assert_eq!(
        sandbox.app.environment.unwrap().kind,
        EnvironmentKind::Other("SANDBOX".into())
    );
}

#[test]
fn nobody_is_nobody_however_it_is_written() {
    for nobody in [json!("unidentified"), Value::Null] {
        assert_eq!(
            read(&claims_with("/principal", nobody)).unwrap().principal,
            None
        );
    }
    assert_eq!(read(&claims_without("/principal")).unwrap().principal, None);
}

#[test]
fn ids_that_are_missing_or_malformed_are_refused() {
    for pointer in [
        "/app",
        "/app/id",
        "/app/installationId",
        "/app/apiBaseUrl",
        "/app/module",
        "/app/module/key",
        "/app/installation",
        "/app/installation/id",
        "/exp",
    ] {
        assert!(is_malformed(&claims_without(pointer)), "without {pointer}");
        assert!(
            is_malformed(&claims_with(pointer, Value::Null)),
            "{pointer}"
        );
        assert!(is_malformed(&claims_with(pointer, json!([]))), "{pointer}");
        assert!(is_malformed(&claims_with(pointer, json!(""))), "{pointer}");
    }
    for (pointer, value) in [
        ("/app/id", json!(INSTALLATION)),
        ("/app/installationId", json!("../etc")),
        ("/app/apiBaseUrl", json!("https://a b")),
        (
            "/app/apiBaseUrl",
            json!(format!("https://{}", "a".repeat(512))),
        ),
        ("/app/environment/id", json!("production")),
        ("/context/cloudId", json!("a/b")),
        ("/context/workspaceId", json!("{")),
        ("/context/moduleKey", json!("a\nb")),
        ("/principal", json!("a/b")),
        ("/principal", json!("")),
        ("/principal", json!(5)),
        ("/sub", json!(["somebody"])),
        ("/jti", json!(5)),
        ("/icLabel", json!("../x")),
        ("/icLabel", json!("")),
    ] {
        assert!(is_malformed(&claims_with(pointer, value)), "{pointer}");
    }
}

#[test]
fn a_claim_that_is_there_twice_is_refused() {
    let text = claims().to_string();
    assert!(parses(&text));
    for (once, twice) in [
        ("\"exp\":", "\"exp\":9999999999,\"exp\":"),
        ("\"aud\":", "\"aud\":null,\"aud\":"),
        ("\"iss\":", "\"iss\":\"x\",\"iss\":"),
        ("\"principal\":", "\"principal\":null,\"principal\":"),
        (
            "\"installationId\":",
            "\"installationId\":\"x\",\"installationId\":",
        ),
        ("\"siteUrl\":", "\"siteUrl\":null,\"siteUrl\":"),
    ] {
        let doubled = text.replacen(once, twice, 1);
        assert_ne!(doubled, text);
        assert!(!parses(&doubled), "{twice}");
    }
}

#[test]
fn only_one_json_object_is_claims() {
    for text in ["", "null", "[]", "\"x\"", "{}", "{", "{} {}", "\u{feff}{}"] {
        assert!(!parses(text), "{text:?}");
    }
    assert!(!parses(&format!("{}x", claims())));
    assert!(!parses(&format!("[{}]", claims())));
    assert!(parses(&format!(" \n{}\n ", claims())));
}

#[test]
fn times_are_whole_or_not_but_neither_negative_nor_boundless() {
    let exp = |value| read(&claims_with("/exp", value)).map(|claims| claims.expires_at.unix());
    assert_eq!(exp(json!(ISSUED)), Ok(ISSUED));
    assert_eq!(exp(json!(1_785_312_000.9)), Ok(ISSUED));
    assert_eq!(exp(json!(1.785_312e9)), Ok(ISSUED));
    assert_eq!(exp(json!(u64::MAX)), Ok(i64::MAX));
    let nbf = |value| read(&claims_with("/nbf", value)).map(|claims| claims.not_before.unwrap());
    assert_eq!(nbf(json!(1_785_312_000.1)).unwrap().unix(), ISSUED + 1);
    for odd in [
        json!(-1),
        json!(-0.5),
        json!(1e300),
        json!("1785312000"),
        json!(true),
        json!({}),
    ] {
        for pointer in ["/exp", "/nbf", "/iat"] {
            assert!(
                is_malformed(&claims_with(pointer, odd.clone())),
                "{pointer} {odd}"
            );
        }
    }
    assert!(is_malformed(&claims_with("/nbf", Value::Null)));
    let text = claims().to_string();
    assert!(!parses(&text.replace(&format!("{}", ISSUED + 25), "1e400")));
}

#[test]
fn the_audience_is_a_text_or_several() {
    let audience = |value| {
        let json = claims_with("/aud", value).to_string();
        let unverified = UnverifiedClaims::parse(json.as_bytes()).unwrap();
        unverified
            .audience
            .iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(audience(json!(APP)), [APP]);
    assert_eq!(audience(json!([OTHER_APP, APP])), [OTHER_APP, APP]);
    for nobody in [
        json!(null),
        json!(5),
        json!({}),
        json!([]),
        json!([APP, 5]),
        json!([[APP]]),
    ] {
        assert!(audience(nobody.clone()).is_empty(), "{nobody}");
    }
}

#[test]
fn a_workspace_is_the_same_with_and_without_braces() {
    let braced = claims_with("/context/workspaceId", json!(format!("{{{WORKSPACE}}}")));
    let context = read(&braced).unwrap().context.unwrap();
    assert_eq!(context.workspace_id.unwrap().as_str(), WORKSPACE);
}

#[test]
fn deep_nesting_is_passed_over_without_harm() {
    let deep = format!("{}{}", "[".repeat(6000), "]".repeat(6000));
    let text = claims().to_string();
    let unknown = text.replacen('{', &format!("{{\"x\":{deep},"), 1);
    assert!(parses(&unknown));
    let extension = text.replace(r#"{"type":"confluence:globalPage"}"#, &deep);
    assert_ne!(extension, text);
    assert!(parses(&extension));
}

#[test]
fn the_error_quotes_no_claim() {
    let error = read(&claims_with("/principal", json!(["secret"]))).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"));
}
