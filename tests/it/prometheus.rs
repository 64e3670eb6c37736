//! The metrics, the dashboard and the alerts, as a real Prometheus sees them.

mod documented;
mod exported;
mod load;
mod server;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::Value;

use self::server::{PATIENCE, Prometheus, promtool, shipped};
use crate::support::{
    place::Place,
    remote::{Remote, Serve},
    site::Site,
};

/// What the dashboard asks for, without Grafana's variables.
fn dashboard() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&shipped("deploy/grafana/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    let mut queries = Vec::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().unwrap();
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        for target in panel["targets"].as_array().unwrap() {
            let query = without_variables(target["expr"].as_str().unwrap());
            queries.push((title.to_owned(), query));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        // label_values(METRIC, LABEL)
        let query = variable["definition"].as_str().unwrap_or_default();
        if let Some(inside) = query.strip_prefix("label_values(") {
            let (metric, label) = inside.trim_end_matches(')').rsplit_once(", ").unwrap();
            let metric = without_variables(metric);
            let query = format!("group by ({label}) ({metric})");
            queries.push((format!("variable {}", variable["name"]), query));
        }
    }
    queries
}

fn without_variables(query: &str) -> String {
    let query = query.replace("$__rate_interval", "20s");
    let query = query.replace("$job", ".*").replace("$instance", ".*");
    assert!(!query.contains('$'), "{query}");
    query
}

/// The names of the metrics in a query.
fn names(query: &str) -> BTreeSet<&str> {
    let words = query.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    words
        .filter(|word| word.starts_with("forge_") || word.starts_with("process_") || *word == "up")
        .collect()
}

/// Whether there is a number in it.
fn has_data(result: &[Value]) -> bool {
    result
        .iter()
        .any(|series| series["value"][1].as_str().is_some_and(|it| it != "NaN"))
}

#[test]
fn promtool_accepts_the_rules_and_their_tests() {
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["check", "rules", "alerts.yml"]);
    promtool(&["test", "rules", "alerts.test.yml"]);
}

#[test]
fn each_alert_has_a_case_for_it_and_one_against() {
    let (alerts, cases) = (
        shipped("deploy/prometheus/alerts.yml"),
        shipped("deploy/prometheus/alerts.test.yml"),
    );
    let names: Vec<_> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        for case in ["fires", "is quiet"] {
            let case = format!("- name: {name} {case}\n");
            assert!(cases.contains(&case), "{case}");
        }
    }
}

/// Also holds dashboard, alerts and documentation against what is exported, for the load has
/// to be the same.
#[tokio::test]
async fn every_query_of_dashboard_alerts_and_documentation_brings_data() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    load::is_well(&site.atlassian);
    let remote = Serve::new(&place, &site).start().await;
    let prometheus = Prometheus::scraping(remote.admin()).await;

    let rules = prometheus.rules().await;
    let mut wanted = dashboard();
    for rule in &rules {
        assert_eq!(rule["health"], "ok", "{rule:#}");
        let (name, query) = (rule["name"].as_str().unwrap(), rule["query"].as_str());
        // An alert that does not fire brings nothing: what it looks at has to be there.
        let _ = prometheus.query(query.unwrap()).await;
        let names = names(query.unwrap());
        assert!(!names.is_empty(), "{name}");
        let metrics = names.into_iter().map(|metric| (name.into(), metric.into()));
        wanted.extend(metrics);
    }
    let in_documentation = documented::queries();
    for (_, query) in &in_documentation {
        let _ = prometheus.query(query).await;
    }
    let own = in_documentation
        .into_iter()
        .filter(|(heading, _)| !heading.starts_with("ForgeRemote"));
    wanted.extend(own);

    let began = Instant::now();
    loop {
        load::a_little_of_everything(&remote).await;
        let mut missing = Vec::new();
        for (what, query) in wanted {
            if !has_data(&prometheus.query(&query).await) {
                missing.push((what, query));
            }
        }
        if missing.is_empty() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "no data: {missing:#?}");
        wanted = missing;
    }
    described_and_documented(&remote).await;
    alerts_are_documented(&rules);
}

/// What is exported is described, and documented with its type, labels and values; what is
/// documented is exported.
async fn described_and_documented(remote: &Remote) {
    let answer = remote.operator().get("/metrics").await;
    let text = String::from_utf8(answer.body).unwrap();
    let (exported, documented) = (exported::metrics(&text), documented::metrics());
    let names = |of: &BTreeSet<_>| of.iter().copied().cloned().collect::<Vec<String>>();
    let (left, right): (BTreeSet<_>, BTreeSet<_>) =
        (exported.keys().collect(), documented.keys().collect());
    assert_eq!(names(&left), names(&right), "exported, documented");
    for (name, metric) in exported {
        let known = &documented[&name];
        assert_eq!(metric.kind, known.kind, "{name}");
        assert!(!metric.help.is_empty(), "{name} is not described");
        for (label, values) in metric.labels {
            let listed = known.labels.get(&label);
            let listed = listed.unwrap_or_else(|| panic!("{name}: no label `{label}`"));
            if !listed.is_empty() {
                let strange: Vec<_> = values.difference(listed).collect();
                assert!(strange.is_empty(), "{name}: {label} {strange:?}");
            }
        }
    }
}

fn alerts_are_documented(rules: &[Value]) {
    let documented: BTreeMap<_, _> = documented::queries().into_iter().collect();
    let shipped = shipped("deploy/prometheus/alerts.yml");
    for rule in rules {
        let name = rule["name"].as_str().unwrap();
        let query = documented.get(name);
        let query = query.unwrap_or_else(|| panic!("docs/metrics.md has no `### {name}`"));
        // Prometheus shows a rule in its own way; the file has it in lines.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&shipped).contains(&words(query)), "{name}: {query}");
        let link = format!("docs/metrics.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook"], link.as_str());
        assert!(
            rule["annotations"]["description"].as_str().unwrap().len() > 60,
            "{name} says what to do"
        );
    }
}

#[tokio::test]
async fn alerts_fire_when_keys_are_missing_a_product_fails_and_the_remote_is_gone() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let atlassian = &site.atlassian;
    let keys =
        crate::support::keys::key_set(&[crate::support::keys::KEY.jwk(crate::support::keys::KID)]);
    atlassian.serves_key_set(StatusCode::INTERNAL_SERVER_ERROR, String::new());
    let mut remote = Serve::new(&place, &site).start().await;
    let prometheus = Prometheus::scraping(remote.admin()).await;
    let alert = prometheus.fires("ForgeRemoteKeysMissing").await;
    assert_eq!(alert["labels"]["severity"], "critical");
    assert_eq!(alert["labels"]["set"], "production");

    atlassian.serves_key_set(StatusCode::OK, keys);
    prometheus.calms("ForgeRemoteKeysMissing").await;

    load::fails(atlassian);
    let began = Instant::now();
    let content = || remote.anybody().with_fit().app_token().user_token();
    while !{ prometheus.firing().await }
        .iter()
        .any(|it| it["labels"]["alertname"] == "ForgeRemoteProductFailing")
    {
        let answer = content().get("/api/content").await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        assert!(began.elapsed() < PATIENCE, "the product's failure is seen");
    }
    let alert = prometheus.fires("ForgeRemoteProductFailing").await;
    assert_eq!(alert["labels"]["product"], "confluence");

    remote.kill();
    let alert = prometheus.fires("ForgeRemoteDown").await;
    let instance = alert["labels"]["instance"].as_str().unwrap();
    let summary = alert["annotations"]["summary"].as_str().unwrap();
    assert!(summary.contains(instance), "{summary}");
}
