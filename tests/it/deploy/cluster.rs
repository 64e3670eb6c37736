//! `deploy/kubernetes`, and the regions that lie over it.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::{at, files, list, named, settings, text, word, yaml};

const FOLDER: &str = "deploy/kubernetes";

fn manifest(name: &str) -> Value {
    yaml(&format!("{FOLDER}/{name}.yaml"))
}

fn container() -> Value {
    let deployment = manifest("deployment");
    let containers = list(&deployment, "/spec/template/spec/containers");
    named(containers, "forge-remote").clone()
}

fn port(name: &str) -> u64 {
    let container = container();
    let port = named(list(&container, "/ports"), name);
    port["containerPort"].as_u64().unwrap()
}

/// What is not applied says so in its name.
#[test]
fn all_manifests_are_applied_together() {
    let listed = yaml(&format!("{FOLDER}/kustomization.yaml"));
    let listed: BTreeSet<_> = list(&listed, "/resources")
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    let there: BTreeSet<_> = files(FOLDER, "yaml")
        .into_iter()
        .filter(|name| name != "kustomization.yaml")
        .filter(|name| !name.contains(".example.") && !name.contains(".values."))
        .collect();
    assert_eq!(listed, there);
}

#[test]
fn the_settings_are_those_of_the_service() {
    let config = settings::accepted(settings::table(at(&manifest("settings"), "/data")));
    assert!(!config.environment.is_local());
    assert_eq!(u64::from(config.server.listen.port()), port("http"));
    assert_eq!(u64::from(config.server.admin_listen.port()), port("admin"));
    assert!(!config.server.admin_listen.ip().is_loopback());
    assert!(config.store.url.starts_with("postgres://"));
    assert!(config.store.encryption_key.is_some());
}

/// Each file that a setting names is a key of the Secret, where the pod has it.
#[test]
fn secrets_are_files_where_the_settings_look_for_them() {
    let deployment = manifest("deployment");
    let secret = manifest("secret.example");
    let container = container();
    let mount = named(list(&container, "/volumeMounts"), "secrets");
    let volume = named(list(&deployment, "/spec/template/spec/volumes"), "secrets");
    assert_eq!(
        at(volume, "/secret/secretName"),
        at(&secret, "/metadata/name")
    );
    assert_eq!(mount["readOnly"], true);
    let folder = word(mount, "/mountPath");
    let keys = settings::table(at(&secret, "/stringData"));
    let mut found = 0;
    for (name, value) in settings::table(at(&manifest("settings"), "/data")) {
        if name.ends_with("_FILE") {
            let file = value.strip_prefix(&format!("{folder}/"));
            assert!(keys.contains_key(file.unwrap()), "{name} = {value}");
            found += 1;
        }
    }
    assert_eq!(found, keys.len());
}

#[tokio::test]
async fn probes_and_scrapes_ask_for_what_the_admin_listener_has() {
    let app = super::ready().await;
    let container = container();
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let get = at(&container, &format!("/{probe}/httpGet"));
        assert_eq!(get["port"], "admin", "{probe}");
        let answer = app.operator().get(word(get, "/path")).await;
        assert_eq!(answer.status, 200, "{probe}");
    }
    let monitor = manifest("service-monitor.example");
    let admin = manifest("service-admin");
    let endpoint = at(&monitor, "/spec/endpoints/0");
    named(list(&admin, "/spec/ports"), word(endpoint, "/port"));
    assert_eq!(
        at(&monitor, "/spec/selector/matchLabels"),
        at(&admin, "/metadata/labels")
    );
    let answer = app.operator().get(word(endpoint, "/path")).await;
    assert_eq!(answer.status, 200);
}

#[test]
fn everything_finds_the_pods() {
    let labels = at(&manifest("deployment"), "/spec/template/metadata/labels").clone();
    assert_eq!(labels, json!({ "app.kubernetes.io/name": "forge-remote" }));
    for (name, pointer) in [
        ("deployment", "/spec/selector/matchLabels"),
        (
            "deployment",
            "/spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels",
        ),
        (
            "deployment",
            "/spec/template/spec/topologySpreadConstraints/1/labelSelector/matchLabels",
        ),
        ("service", "/spec/selector"),
        ("service-admin", "/spec/selector"),
        ("disruption-budget", "/spec/selector/matchLabels"),
        ("network-policy", "/spec/podSelector/matchLabels"),
    ] {
        assert_eq!(at(&manifest(name), pointer), &labels, "{name}: {pointer}");
    }
}

#[test]
fn names_of_one_manifest_are_there_in_the_other() {
    let deployment = manifest("deployment");
    let scaled = at(&manifest("autoscaler"), "/spec/scaleTargetRef").clone();
    assert_eq!(scaled["name"], deployment["metadata"]["name"]);
    assert_eq!(scaled["kind"], deployment["kind"]);
    assert!(
        deployment.pointer("/spec/replicas").is_none(),
        "the autoscaler's"
    );
    let account = at(&deployment, "/spec/template/spec/serviceAccountName");
    assert_eq!(account, at(&manifest("service-account"), "/metadata/name"));
    let from = at(&container(), "/envFrom/0/configMapRef/name").clone();
    assert_eq!(&from, at(&manifest("settings"), "/metadata/name"));
    for (name, of_pod) in [("service", "http"), ("service-admin", "admin")] {
        let service = manifest(name);
        assert_eq!(at(&service, "/spec/ports/0/targetPort"), of_pod);
        port(of_pod);
    }
    let ingress = manifest("ingress");
    let backend = at(&ingress, "/spec/rules/0/http/paths/0/backend/service");
    let service = manifest("service");
    assert_eq!(backend["name"], service["metadata"]["name"]);
    named(list(&service, "/spec/ports"), word(backend, "/port/name"));
    assert_eq!(
        at(&ingress, "/spec/tls/0/hosts/0"),
        at(&ingress, "/spec/rules/0/host")
    );
    for rule in list(&manifest("network-policy"), "/spec/ingress") {
        port(word(rule, "/ports/0/port"));
    }
}

/// The strictest profile of Kubernetes, which the namespace enforces.
#[test]
fn a_pod_has_no_rights() {
    let deployment = manifest("deployment");
    let pod = at(&deployment, "/spec/template/spec/securityContext");
    assert_eq!(pod["runAsNonRoot"], true);
    assert_eq!(at(pod, "/seccompProfile/type"), "RuntimeDefault");
    assert_eq!(pod["runAsUser"].as_u64(), Some(super::image::user()));
    let container = container();
    let rights = at(&container, "/securityContext");
    assert_eq!(rights["allowPrivilegeEscalation"], false);
    assert_eq!(rights["readOnlyRootFilesystem"], true);
    assert_eq!(rights["capabilities"], json!({ "drop": ["ALL"] }));
    let token = at(
        &deployment,
        "/spec/template/spec/automountServiceAccountToken",
    );
    assert_eq!(token, false);
    let writable: Vec<_> = list(&container, "/volumeMounts")
        .iter()
        .filter(|mount| mount["readOnly"] != true)
        .map(|mount| &mount["mountPath"])
        .collect();
    assert_eq!(writable, [super::image::VOLUME]);
}

/// A pod gets the time that the service takes to stop, after the balancers have heard of it.
#[test]
fn a_pod_is_not_killed_while_it_drains() {
    let source = text("src/server/shutdown.rs");
    let (_, drain) = source
        .split_once("const DRAIN: Duration = Duration::from_secs(")
        .unwrap();
    let drain: u64 = drain.split_once(')').unwrap().0.parse().unwrap();
    let deployment = manifest("deployment");
    let grace = at(
        &deployment,
        "/spec/template/spec/terminationGracePeriodSeconds",
    );
    let pause = at(&container(), "/lifecycle/preStop/sleep/seconds").clone();
    // What is left to write is written after the drain.
    assert!(grace.as_u64().unwrap() >= pause.as_u64().unwrap() + drain + 10);
}

/// What it scales on is what the adapter gives, of metrics that the service has.
#[test]
fn the_autoscaler_asks_for_metrics_that_there_are() {
    let autoscaler = manifest("autoscaler");
    let wanted: BTreeSet<_> = list(&autoscaler, "/spec/metrics")
        .iter()
        .filter_map(|metric| metric.pointer("/pods/metric/name")?.as_str())
        .collect();
    let adapter = yaml(&format!("{FOLDER}/prometheus-adapter.values.yaml"));
    let rules = list(&adapter, "/rules/custom");
    let given: BTreeSet<_> = rules.iter().map(|rule| word(rule, "/name/as")).collect();
    assert!(wanted.len() > 1 && wanted == given, "{wanted:?}, {given:?}");
    let mut sources = String::new();
    sources_below(&Path::new(super::ROOT).join("src"), &mut sources);
    for rule in rules {
        let series = word(rule, "/seriesQuery").split('{').next().unwrap();
        assert!(sources.contains(&format!("\"{series}\"")), "{series}");
    }
    let connections = 10 * at(&autoscaler, "/spec/maxReplicas").as_u64().unwrap();
    assert!(connections <= 97, "what PostgreSQL takes by default");
    assert!(text("src/store/postgres.rs").contains("const CONNECTIONS: u32 = 10;"));
}

fn sources_below(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_below(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// A region changes the ingress' host, has a part of the quota, and what it patches is there.
#[test]
fn regions_share_one_quota_and_no_address() {
    let mut hosts = BTreeSet::new();
    let mut quota = 0;
    let whole = settings::table(at(&manifest("settings"), "/data"));
    let remotes = yaml("deploy/regions/manifest.yml");
    for region in ["eu", "us"] {
        let overlay = yaml(&format!("deploy/regions/{region}/kustomization.yaml"));
        for patch in list(&overlay, "/patches") {
            let kind = word(patch, "/target/kind");
            let target = match kind {
                "Ingress" => manifest("ingress"),
                "ConfigMap" => manifest("settings"),
                "Deployment" => manifest("deployment"),
                other => panic!("{other}"),
            };
            assert_eq!(target["kind"], kind);
            assert_eq!(at(&target, "/metadata/name"), at(patch, "/target/name"));
            let changes: Value = serde_saphyr::from_str(word(patch, "/patch")).unwrap();
            for change in changes.as_array().unwrap() {
                let path = word(change, "/path");
                if change["op"] == "replace" {
                    at(&target, path);
                }
                if path == "/spec/rules/0/host" {
                    hosts.insert(format!("https://{}", word(change, "/value")));
                }
                if let Some(name) = path.strip_prefix("/data/") {
                    let mut all = whole.clone();
                    all.insert(name.to_owned(), word(change, "/value").to_owned());
                    let config = settings::accepted(all);
                    quota += config.impersonation.requests_per_minute;
                }
            }
        }
    }
    let addresses = at(&remotes, "/remotes/0/baseUrl").as_object().unwrap();
    let addresses: BTreeSet<_> = addresses
        .values()
        .map(|address| address.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(addresses, hosts);
    assert_eq!(
        quota,
        settings::accepted(whole).impersonation.requests_per_minute
    );
}
