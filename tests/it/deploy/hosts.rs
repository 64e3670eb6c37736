//! `deploy/hosts`, and `compose.yaml`.

use super::{at, json, list, named, settings, toml, word, yaml};

#[test]
fn fly_gets_settings_of_the_service_and_its_ports() {
    let fly = toml("deploy/hosts/fly/fly.toml");
    let mut variables = settings::table(at(&fly, "/env"));
    // `fly secrets set`, as docs/hosts/fly.md says.
    let key = "FORGE_REMOTE__STORE__ENCRYPTION_KEY";
    variables.insert(key.to_owned(), settings::of_secret(key).to_owned());
    let config = settings::accepted(variables);
    assert_eq!(
        at(&fly, "/http_service/internal_port"),
        config.server.listen.port()
    );
    for pointer in ["/checks/ready/port", "/metrics/port"] {
        assert_eq!(at(&fly, pointer), config.server.admin_listen.port());
    }
    let volume = word(&fly, "/mounts/destination");
    assert_eq!(volume, super::image::VOLUME);
    assert!(config.store.url.starts_with(&format!("sqlite://{volume}/")));
    // A machine that sleeps works on no event.
    assert_eq!(at(&fly, "/http_service/auto_stop_machines"), "off");
    assert_eq!(at(&fly, "/http_service/min_machines_running"), 1);
}

#[test]
fn cloud_run_gets_settings_of_the_service_and_its_ports() {
    let service = yaml("deploy/hosts/cloud-run/service.yaml");
    let container = at(&service, "/spec/template/spec/containers/0");
    let config = settings::accepted(settings::pairs(list(container, "/env")));
    assert_eq!(
        at(container, "/ports/0/containerPort"),
        config.server.listen.port()
    );
    for probe in ["startupProbe", "livenessProbe"] {
        let port = at(container, &format!("/{probe}/httpGet/port"));
        assert_eq!(port, config.server.admin_listen.port(), "{probe}");
    }
    for (name, value) in settings::pairs(list(container, "/env")) {
        if name.ends_with("_FILE") {
            let (folder, file) = value.rsplit_once('/').unwrap();
            let mounts = list(container, "/volumeMounts").iter();
            let mount = mounts.clone().find(|mount| mount["mountPath"] == folder);
            let volumes = list(&service, "/spec/template/spec/volumes");
            let volume = named(volumes, word(mount.unwrap(), "/name"));
            assert_eq!(at(volume, "/secret/items/0/path"), file, "{name}");
        }
    }
    let annotations = at(&service, "/spec/template/metadata/annotations");
    assert_eq!(annotations["run.googleapis.com/cpu-throttling"], "false");
    assert_ne!(annotations["autoscaling.knative.dev/minScale"], "0");
}

#[test]
fn fargate_gets_settings_of_the_service_and_its_ports() {
    let task = json("deploy/hosts/ecs/task-definition.json");
    let container = at(&task, "/containerDefinitions/0");
    let mut variables = settings::pairs(list(container, "/environment"));
    for secret in list(container, "/secrets") {
        let name = word(secret, "/name");
        variables.insert(name.to_owned(), settings::of_secret(name).to_owned());
    }
    let config = settings::accepted(variables);
    let ports = list(container, "/portMappings");
    assert_eq!(
        named(ports, "http")["containerPort"],
        config.server.listen.port()
    );
    let admin = config.server.admin_listen.port();
    assert_eq!(named(ports, "admin")["containerPort"], admin);
    let group = json("deploy/hosts/ecs/target-group.json");
    assert_eq!(group["HealthCheckPort"], admin.to_string());
    assert_eq!(group["Port"], config.server.listen.port());
    let service = json("deploy/hosts/ecs/service.json");
    assert_eq!(service["taskDefinition"], task["family"]);
    let balancer = at(&service, "/loadBalancers/0");
    assert_eq!(balancer["containerName"], container["name"]);
    assert_eq!(balancer["containerPort"], config.server.listen.port());
    assert_eq!(container["readonlyRootFilesystem"], true);
    assert_eq!(
        at(container, "/mountPoints/0/containerPath"),
        super::image::VOLUME
    );
    let command: Vec<_> = list(container, "/healthCheck/command")
        .iter()
        .filter_map(|part| part.as_str())
        .collect();
    assert_eq!(command, super::image::HEALTH);
}

#[tokio::test]
async fn hosts_ask_for_what_the_admin_listener_has() {
    let app = super::ready().await;
    let fly = toml("deploy/hosts/fly/fly.toml");
    let run = yaml("deploy/hosts/cloud-run/service.yaml");
    let group = json("deploy/hosts/ecs/target-group.json");
    for path in [
        word(&fly, "/checks/ready/path"),
        word(&fly, "/metrics/path"),
        word(
            &run,
            "/spec/template/spec/containers/0/startupProbe/httpGet/path",
        ),
        word(
            &run,
            "/spec/template/spec/containers/0/livenessProbe/httpGet/path",
        ),
        word(&group, "/HealthCheckPath"),
    ] {
        assert_eq!(app.operator().get(path).await.status, 200, "{path}");
    }
}

/// As they are on a laptop that has none of its variables set.
#[test]
fn compose_gives_both_replicas_settings_of_the_service() {
    let compose = yaml("compose.yaml");
    let mut listeners = Vec::new();
    for replica in ["replica-1", "replica-2"] {
        let environment = at(&compose, &format!("/services/{replica}/environment"));
        let variables = settings::table(environment)
            .into_iter()
            .map(|(name, value)| {
                let value = match value.split_once("${") {
                    None => value,
                    Some((before, rest)) => {
                        let (variable, after) = rest.split_once('}').unwrap();
                        let (_, default) = variable.split_once(":-").unwrap();
                        format!("{before}{default}{after}")
                    }
                };
                (name, value)
            });
        let config = settings::accepted(variables);
        assert!(config.store.url.starts_with("postgres://"));
        listeners.extend([config.server.listen, config.server.admin_listen]);
        let health = at(&compose, &format!("/services/{replica}/healthcheck/test"));
        assert_eq!(health.as_array().unwrap(), &super::image::HEALTH);
        let balanced = format!("server {};", config.server.listen);
        assert!(word(&compose, "/configs/balancer/content").contains(&balanced));
    }
    listeners.sort_unstable();
    listeners.dedup();
    assert_eq!(listeners.len(), 4);
}
