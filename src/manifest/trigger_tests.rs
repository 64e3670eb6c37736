use std::time::Duration;

use super::*;

const GOOD: &str = r"
app:
  id: ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21
modules:
  confluence:globalPage:
    - {key: page, title: Digest, route: digest, resource: ui, resolver: {endpoint: ui-endpoint}}
  trigger:
    - {key: pages, endpoint: fired, events: [avi:confluence:created:page, avi:confluence:updated:page]}
    - {key: issues, endpoint: fired, events: [{eventType: avi:jira:updated:issue, filter: {ignoreSelf: true}}]}
    - {key: own, function: f, events: [avi:confluence:created:page]}
  scheduledTrigger:
    - {key: hourly, endpoint: fired, interval: hour}
  preUninstall:
    - {key: clean-up, endpoint: fired}
  migration:dataResidency:
    - {key: realm, remote: backend, path: /forge/migration/, maxMigrationDurationHours: 2.5}
  endpoint:
    - {key: ui-endpoint, remote: backend}
    - {key: fired, remote: backend, route: {path: /fired}, auth: {appSystemToken: {enabled: true}}}
remotes:
  - {key: backend, baseUrl: 'https://r.example', operations: [compute]}
permissions:
  scopes: [read:app-system-token, read:confluence-content.summary, read:jira-work]
";

fn problems(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    match Manifest::parse(&GOOD.replace(from, to)) {
        Err(ManifestError::Problems(problems)) => problems,
        other => panic!("expected problems, got {other:?}"),
    }
}

#[test]
fn what_the_platform_fires_is_resolved_to_its_endpoint() {
    let triggers = Manifest::parse(GOOD).unwrap().triggers;
    let keys: Vec<_> = triggers.events.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(
        keys,
        ["pages", "issues"],
        "a function's trigger is not the remote's"
    );
    assert_eq!(triggers.events[0].subscriptions.len(), 2);
    assert!(!triggers.events[0].subscriptions[0].ignores_self);
    assert!(triggers.events[1].subscriptions[0].ignores_self);
    let endpoint = &triggers.schedule("hourly").unwrap().endpoint;
    assert_eq!(
        (endpoint.key.as_str(), endpoint.path.as_str()),
        ("fired", "/fired")
    );
    assert!(endpoint.auth.app && !endpoint.auth.user);
    assert_eq!(triggers.schedules[0].interval, Interval::Hour);
    assert_eq!(&triggers.pre_uninstalls[0].endpoint, endpoint);
    let migration = &triggers.migrations[0];
    assert_eq!(migration.path, "/forge/migration");
    assert_eq!(migration.window, Duration::from_mins(150));
}

#[test]
fn an_event_needs_its_scope_in_the_linters_words() {
    assert_eq!(
        problems("read:confluence-content.summary, ", ""),
        [
            "Trigger event: 'avi:confluence:created:page' requires 'read:confluence-content.summary' scope",
            "Trigger event: 'avi:confluence:updated:page' requires 'read:confluence-content.summary' scope",
            "Trigger event: 'avi:confluence:created:page' requires 'read:confluence-content.summary' scope",
        ]
    );
}

#[test]
fn a_misspelt_event_is_named_and_a_new_one_is_let_through() {
    assert_eq!(
        problems(
            "[avi:confluence:created:page,",
            "[avi:confluence:create:page,"
        ),
        [
            "Trigger event: 'avi:confluence:create:page' is no event of the platform. Did you mean 'avi:confluence:created:page'?"
        ]
    );
    let new = GOOD.replace(
        "[avi:confluence:created:page,",
        "[avi:confluence:summarised:meeting,",
    );
    assert!(Manifest::parse(&new).is_ok());
}

#[test]
fn only_jira_events_ignore_what_the_app_caused_itself() {
    assert_eq!(
        problems("{key: pages,", "{key: pages, filter: {ignoreSelf: true},"),
        ["Trigger filtering with ignoreSelf works only with Jira events"; 2]
    );
}

#[test]
fn events_include_five_entity_properties_at_most() {
    let paths = |count: usize| -> String {
        let paths: Vec<_> = (0..count)
            .map(|n| format!("\"issue.properties['p'].f{n}\""))
            .collect();
        format!(
            "payload: {{include: {{propertyPaths: [{}]}}}}",
            paths.join(", ")
        )
    };
    let line = "{key: issues, endpoint: fired, events: [{eventType: avi:jira:updated:issue, ";
    // Those of a trigger and those of its events count together, each once.
    let with = |of_event: usize, of_trigger: usize| {
        let one = line.replace(
            "{key: issues, ",
            &format!("{{key: issues, {}, ", paths(of_trigger)),
        );
        format!("{one}{}, ", paths(of_event))
    };
    assert!(Manifest::parse(&GOOD.replace(line, &with(5, 3))).is_ok());
    assert_eq!(
        problems(line, &with(2, 6)),
        ["An app's events include at most 5 entity property paths; these include 6."]
    );
}

#[test]
fn schedules_are_five_at_most_and_know_four_intervals() {
    let of = |schedules: &str| {
        problems(
            "- {key: hourly, endpoint: fired, interval: hour}",
            schedules,
        )
    };
    let many: Vec<_> = (0..6)
        .map(|at| format!("- {{key: s{at}, endpoint: fired, interval: day}}"))
        .collect();
    assert_eq!(
        of(&many.join("\n    ")),
        ["An app has at most 5 scheduled triggers; this one has 6."]
    );
    assert_eq!(
        of(
            "- {key: a, endpoint: fired, interval: fiveMinute}\n    - {key: b, endpoint: fired, interval: fiveMinute}"
        ),
        ["At most one scheduled trigger can have the interval 'fiveMinute'."]
    );
    assert_eq!(
        of("- {key: a, endpoint: fired, interval: minute}"),
        ["Scheduled trigger module: 'a' needs an 'interval' of fiveMinute, hour, day or week."]
    );
}

#[test]
fn a_migration_needs_a_remote_and_a_window_in_half_hours() {
    for hours in ["0", "0.25", "24.5", "1.7"] {
        let found = problems("Hours: 2.5", &format!("Hours: {hours}"));
        assert!(
            found[0].contains("from 0.5 to 24 in steps of 0.5"),
            "{found:?}"
        );
    }
    let found = problems(
        "{key: realm, remote: backend,",
        "{key: realm, remote: gone,",
    );
    assert!(found[0].contains("must name a remote"), "{found:?}");
}

#[test]
fn the_apps_own_manifest_has_everything_that_fires() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifest.yml");
    let triggers = Manifest::read(&path).unwrap().triggers;
    assert_eq!(triggers.events.len(), 2);
    assert_eq!(
        triggers.schedules[0].endpoint.path,
        "/forge/scheduled/digest-hourly"
    );
    assert_eq!(triggers.pre_uninstalls[0].endpoint.path, "/forge/uninstall");
}

#[test]
fn an_app_without_a_page_lives_where_its_events_come_from() {
    let page = GOOD.find("  confluence:globalPage").unwrap()..GOOD.find("  trigger:").unwrap();
    let mut text = GOOD.to_owned();
    text.replace_range(page, "");
    let manifest = Manifest::parse(&text).unwrap();
    assert!(manifest.modules.is_empty());
    assert_eq!(manifest.products, [Product::Confluence, Product::Jira]);
    let events = text.find("  trigger:").unwrap()..text.find("  scheduledTrigger:").unwrap();
    text.replace_range(events, "");
    match Manifest::parse(&text) {
        Err(ManifestError::Problems(problems)) => assert_eq!(problems, [lint::NO_PRODUCT]),
        other => panic!("accepted: {other:?}"),
    }
}
