use super::*;

const GOOD: &str = r"
app:
  id: ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21
  compatibility: {jira: {required: false}, confluence: {required: true}}
modules:
  confluence:globalPage:
    - {key: page, title: Digest, route: digest, resource: ui, resolver: {endpoint: ui-endpoint}}
  jira:issuePanel:
    - {key: panel, title: {i18n: panel.title}, resource: ui, resolver: {endpoint: ui-endpoint}}
  endpoint:
    - {key: ui-endpoint, remote: backend, auth: {appSystemToken: {enabled: true}, appUserToken: {enabled: true}}}
remotes:
  - {key: backend, baseUrl: 'https://r.example', operations: [compute]}
permissions:
  scopes:
    read:app-system-token: {}
    read:app-user-token: {}
    read:confluence-content.all: {allowImpersonation: true}
    read:jira-work: {}
";

fn problems(text: &str) -> Vec<String> {
    match Manifest::parse(text) {
        Err(ManifestError::Problems(problems)) => problems,
        other => panic!("expected problems, got {other:?}"),
    }
}

fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}

#[test]
fn the_chain_from_module_to_remote_is_resolved() {
    let manifest = Manifest::parse(GOOD).unwrap();
    assert_eq!(manifest.products, [Product::Confluence, Product::Jira]);
    let page = manifest.module("page").unwrap();
    assert_eq!(
        (page.kind.as_str(), page.title.as_str()),
        ("confluence:globalPage", "Digest")
    );
    let auth = TokenSwitches {
        app: true,
        user: true,
    };
    let remote = "backend".to_owned();
    assert_eq!(
        page.endpoint,
        Some(UiEndpoint {
            remote,
            path: None,
            auth
        })
    );
    assert_eq!(manifest.module("panel").unwrap().title, "panel");
}

#[test]
fn only_flagged_scopes_can_be_impersonated() {
    let manifest = Manifest::parse(GOOD).unwrap();
    let granted: Vec<_> = manifest.scopes.granted().collect();
    assert_eq!(granted, ["read:confluence-content.all", "read:jira-work"]);
    let impersonable: Vec<_> = manifest.scopes.impersonable().collect();
    assert_eq!(impersonable, ["read:confluence-content.all"]);
}

#[test]
fn the_list_form_of_scopes_and_the_map_form_of_base_url_are_read() {
    let map = &GOOD[GOOD.find("  scopes:").unwrap()..];
    let text = GOOD
        .replace(
            map,
            "  scopes: [read:app-system-token, read:app-user-token, read:jira-work]\n",
        )
        .replace(
            "'https://r.example'",
            "{default: 'https://r.example', EU: 'https://eu.r.example'}",
        );
    let manifest = Manifest::parse(&text).unwrap();
    assert!(manifest.scopes.has("read:jira-work"));
    assert_eq!(manifest.scopes.impersonable().count(), 0);
}

#[test]
fn only_token_scopes_are_refused_in_the_linters_words() {
    let text = changed(
        "    read:confluence-content.all: {allowImpersonation: true}\n    read:jira-work: {}\n",
        "",
    );
    assert_eq!(
        problems(&text),
        [
            "Missing app scopes. If OAuth tokens are required, add valid scopes in addition to OAuth token config scopes (see https://go.atlassian.com/forgescopes). Otherwise, remove OAuth token config."
        ]
    );
}

#[test]
fn a_missing_token_scope_is_refused_in_the_linters_words() {
    assert_eq!(
        problems(&changed("    read:app-user-token: {}\n", "")),
        ["Endpoint module: 'ui-endpoint' requires 'read:app-user-token' scope."]
    );
}

#[test]
fn a_triggers_endpoint_needs_a_route_and_no_user_token() {
    let text = changed(
        "  endpoint:\n",
        "  trigger:\n    - {key: events, endpoint: ui-endpoint, events: [avi:forge:installed:app]}\n  endpoint:\n",
    );
    assert_eq!(
        problems(&text),
        [
            "Trigger module: 'events' using remote endpoint: 'ui-endpoint' only supports appSystemToken. Update appUserToken to false.",
            "Trigger module: 'events' using remote endpoint: 'ui-endpoint' requires 'route' parameter.",
        ]
    );
}

#[test]
fn a_remote_that_stores_must_say_whose_data() {
    assert_eq!(
        problems(&changed("[compute]", "[compute, storage]")),
        [
            "missing storage.inScopeEUD in remote backend. storage.inScopeEUD is required if storage is present in operations."
        ]
    );
}

#[test]
fn keys_of_endpoints_and_remotes_have_23_characters_at_most() {
    let long = "k".repeat(24);
    for (key, words) in [("ui-endpoint", "Endpoint key"), ("backend", "Remote key")] {
        let problems = problems(&changed(key, &long));
        let expected = format!("{words} '{long}' must have 1 to 23 characters.");
        assert_eq!(problems, [expected]);
        assert!(Manifest::parse(&changed(key, &long[1..])).is_ok());
    }
}

#[test]
fn a_remote_needs_an_address() {
    assert_eq!(
        problems(&changed("baseUrl: 'https://r.example', ", "")),
        ["A remote must declare either baseUrl or configurable for backend"]
    );
    assert_eq!(
        problems(&changed("'https://r.example'", "{EU: 'https://r.example'}")),
        ["The baseUrl of remote backend lists regions and must have a 'default' among them."]
    );
}

#[test]
fn references_that_lead_nowhere_are_named() {
    let text = changed(
        "    - {key: ui-endpoint, remote: backend",
        "    - {key: other, remote: gone",
    );
    let problems = problems(&text);
    assert!(
        problems[0].contains("'page' names endpoint 'ui-endpoint'"),
        "{problems:?}"
    );
    assert!(
        problems
            .iter()
            .any(|p| p.contains("'other' names remote 'gone'")),
        "{problems:?}"
    );
}

#[test]
fn a_manifest_without_anything_to_invoke_is_refused() {
    let text = GOOD.replace(
        "resource: ui, resolver: {endpoint: ui-endpoint}",
        "function: f",
    );
    assert_eq!(problems(&text), [lint::NOTHING_TO_CALL]);
}

#[test]
fn a_page_without_an_endpoint_may_still_call_from_the_browser() {
    let text = GOOD.replace(
        "resolver: {endpoint: ui-endpoint}",
        "resolver: {function: f}",
    );
    let manifest = Manifest::parse(&text).unwrap();
    assert_eq!(manifest.module("page").unwrap().endpoint, None);
}

#[test]
fn a_bare_uuid_is_no_app_id() {
    assert_eq!(
        problems(&changed("ari:cloud:ecosystem::app/6b1f", "6b1f")),
        [lint::BAD_APP_ID]
    );
}

#[test]
fn broken_text_is_named_with_its_place_in_one_line() {
    for text in [
        changed("modules:\n", "modules: [\n"),
        changed("  id: ari", "  ident: ari"),
        changed("{enabled: true}", "{enabled: perhaps}"),
        changed("app:\n", "app: 7\napp:\n"),
        String::new(),
    ] {
        let Err(error @ ManifestError::Malformed(_)) = Manifest::parse(&text) else {
            panic!("accepted: {text}");
        };
        let message = error.to_string();
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.starts_with("line "), "{message}");
        println!("{message}");
    }
}

#[test]
fn the_apps_own_manifest_is_accepted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifest.yml");
    let manifest = Manifest::read(&path).unwrap();
    assert_eq!(manifest.modules.len(), 2);
    assert!(manifest.scopes.impersonable().count() > 0);
}

#[test]
fn a_file_that_is_missing_or_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.yml");
    assert!(matches!(
        Manifest::read(&path),
        Err(ManifestError::Unreadable(_))
    ));
    std::fs::write(&path, "#".repeat(201 * 1024)).unwrap();
    assert!(matches!(
        Manifest::read(&path),
        Err(ManifestError::TooLarge)
    ));
}
