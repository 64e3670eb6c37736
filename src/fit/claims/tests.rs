use serde_json::{Value, json};

use super::*;
use crate::fit::{
    testing::{CLOUD, PRINCIPAL, WORKSPACE, claims, claims_with},
    unverified::UnverifiedClaims,
};

fn read(claims: &Value) -> Claims {
    let json = claims.to_string();
    UnverifiedClaims::parse(json.as_bytes()).unwrap().claims
}

fn jira() -> Value {
    json!({"name": "jira", "cloudId": CLOUD,
        "apiBaseUrl": format!("https://api.atlassian.com/ex/jira/{CLOUD}")})
}

fn confluence() -> Value {
    json!({"name": "confluence", "cloudId": CLOUD,
        "apiBaseUrl": format!("https://api.atlassian.com/ex/confluence/{CLOUD}")})
}

fn bitbucket() -> Value {
    json!({"name": "bitbucket", "workspaceId": WORKSPACE, "apiBaseUrl": "https://api.bitbucket.org"})
}

fn installed_in(contexts: &[Value], base: &str) -> Claims {
    let mut claims = claims();
    claims["app"]["installation"]["contexts"] = json!(contexts);
    claims["app"]["apiBaseUrl"] = json!(base);
    read(&claims)
}

#[test]
fn the_primary_product_is_the_one_with_the_apps_base() {
    let all = [jira(), confluence(), bitbucket()];
    let primary = |base: &str| {
        installed_in(&all, base)
            .primary()
            .map(|context| context.name.clone())
    };
    let confluence = format!("https://api.atlassian.com/ex/confluence/{CLOUD}");
    assert_eq!(primary(&confluence), Some(Product::Confluence));
    assert_eq!(
        primary(&format!("{confluence}/")),
        Some(Product::Confluence)
    );
    assert_eq!(
        primary("https://api.bitbucket.org"),
        Some(Product::Bitbucket)
    );
    assert_eq!(primary("https://api.atlassian.com/graphql"), None);
}

#[test]
fn the_primary_product_is_told_by_the_path_if_no_base_is_equal() {
    let base = format!("https://api.other.example/ex/jira/{CLOUD}");
    let claims = installed_in(&[confluence(), jira()], &base);
    assert_eq!(claims.primary().unwrap().name, Product::Jira);
    let other_site = "https://api.other.example/ex/jira/1";
    assert!(installed_in(&[jira()], other_site).primary().is_none());
}

#[test]
fn every_product_is_found_by_name() {
    let claims = installed_in(&[confluence(), bitbucket()], "https://api.bitbucket.org");
    let workspace = claims.context_of(&Product::Bitbucket).unwrap();
    assert_eq!(workspace.workspace_id.as_ref().unwrap().as_str(), WORKSPACE);
    assert!(claims.context_of(&Product::Jira).is_none());
}

#[test]
fn claims_serialise_as_they_stand_in_the_token() {
    let mut sent = claims();
    let kept = serde_json::to_value(read(&sent)).unwrap();
    let sent = sent.as_object_mut().unwrap();
    // Not claims of the caller but of the token, and the same for all.
    sent.remove("aud");
    sent.remove("iss");
    sent["app"]["license"]
        .as_object_mut()
        .unwrap()
        .remove("supportEntitlementNumber");
    // The id is the last segment: both forms name the same environment.
    sent["app"]["environment"]["id"] =
        json!("ari:cloud:ecosystem::environment/f2a4c8d1-7b3e-4e59-8a60-1c9d2e7f4b38");
    assert_eq!(kept, json!(sent));
}

#[test]
fn an_event_serialises_without_what_it_lacks() {
    let mut event = claims_with("/app/module", json!({"type": "core:endpoint", "key": "e"}));
    for absent in ["context", "principal", "nbf", "jti"] {
        event.as_object_mut().unwrap().remove(absent);
    }
    let event = read(&event);
    assert!(event.app.module.is_endpoint());
    let kept = serde_json::to_value(event).unwrap();
    for absent in ["context", "principal", "icLabel", "nbf", "jti"] {
        assert!(kept.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn both_forms_of_an_environment_id_are_one() {
    let short = "ari:cloud:ecosystem::environment/f2a4c8d1-7b3e-4e59-8a60-1c9d2e7f4b38";
    let short = read(&claims_with("/app/environment/id", json!(short)));
    assert_eq!(short.app.environment, read(&claims()).app.environment);
}

#[test]
fn the_type_of_an_environment_is_read_in_any_case() {
    let kind = |text| EnvironmentKind::from(text);
    assert_eq!(kind("STAGING"), EnvironmentKind::Staging);
    assert_eq!(kind("development"), EnvironmentKind::Development);
}

#[test]
fn debug_shows_neither_the_user_nor_the_modules_data() {
    let sent = claims_with("/context/extension", json!({"issue": "QUA-17"}));
    let shown = format!("{:?}", read(&sent));
    assert!(shown.contains(CLOUD));
    for hidden in [PRINCIPAL, "QUA-17", "5b9e0c71"] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
}
