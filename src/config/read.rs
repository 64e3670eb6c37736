//! Every setting, its bounds, and what must hold between them.

use std::{net::SocketAddr, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use url::Url;

use super::{
    App, Atlassian, Config, Environment, Fit, Impersonation, Inbox, LogFormat, Server, Store,
    Telemetry,
    reader::{Reader, Show},
};
use crate::{
    cors::OriginPattern,
    ids::AppId,
    outbound::{
        ApiHosts, is_loopback,
        isolated::{PLACE, with_label},
    },
    secret::Secret,
    telemetry::level,
};

const STAGING_HOST: &str = "api.stg.atlassian.com";

/// Reads all sections. Nothing is returned where a value is missing or wrong; the
/// reader has noted it then.
pub(super) fn config(reader: &mut Reader, environment: Environment) -> Option<Config> {
    let app = app(reader);
    let server = server(reader, &environment);
    let fit = fit(reader, &environment);
    let staging = fit.as_ref().is_some_and(|fit| fit.accept_staging);
    let atlassian = atlassian(reader, &environment, staging);
    let impersonation = impersonation(reader);
    let store = store(reader, &environment);
    let inbox = inbox(reader);
    let telemetry = telemetry(reader, &environment);
    Some(Config {
        environment,
        app: app?,
        server: server?,
        fit: fit?,
        atlassian: atlassian?,
        impersonation: impersonation?,
        store: store?,
        inbox: inbox?,
        telemetry: telemetry?,
    })
}

fn app(reader: &mut Reader) -> Option<App> {
    let allowed = "app ids such as ari:cloud:ecosystem::app/<uuid> or bare UUIDs";
    let ids = reader.list("app.ids", allowed, |text| text.parse::<AppId>().ok());
    match ids {
        Some(ids) if !ids.is_empty() => Some(App { ids }),
        _ => {
            reader.require(
                "app.ids",
                "required: the id of your Forge app, as `app.id` in its manifest.yml has it. \
                 Set FORGE_REMOTE__APP__IDS or write it to config/default.toml",
            );
            None
        }
    }
}

fn server(reader: &mut Reader, environment: &Environment) -> Option<Server> {
    let address = "an address and port such as 0.0.0.0:8080";
    let local = environment.is_local();
    let listen = reader.parsed::<SocketAddr>("server.listen", address, |_| true);
    let admin_listen = reader.parsed::<SocketAddr>("server.admin_listen", address, |_| true);
    let max_body_bytes = reader.parsed::<usize>(
        "server.max_body_bytes",
        "a number of bytes from 1024 to 104857600",
        |bytes| (1024..=100 << 20).contains(bytes),
    );
    let max_in_flight = reader.parsed::<usize>(
        "server.max_in_flight",
        "a number from 1 to 100000",
        |count| (1..=100_000).contains(count),
    );
    let answer_within = reader.parsed::<u64>(
        "server.answer_within_ms",
        "a number of milliseconds from 100 to 25000",
        |millis| (100..=25_000).contains(millis),
    );
    let cors_origins = reader.list(
        "server.cors_origins",
        "origins such as https://quarry.atlassian.net, https://*.atlassian.net or https://*",
        |text| OriginPattern::parse(text, local),
    );
    Some(Server {
        listen: listen?,
        admin_listen: admin_listen?,
        max_body_bytes: max_body_bytes?,
        max_in_flight: max_in_flight?,
        answer_within: Duration::from_millis(answer_within?),
        cors_origins: cors_origins.unwrap_or_default(),
    })
}

fn fit(reader: &mut Reader, environment: &Environment) -> Option<Fit> {
    let local = environment.is_local();
    let jwks_url = secure_url(reader, "fit.jwks_url", local);
    let issuer = reader.parsed::<String>("fit.issuer", "a text", |_| true);
    let leeway = reader.parsed::<u64>(
        "fit.leeway_seconds",
        "a whole number of seconds from 0 to 60",
        |seconds| *seconds <= 60,
    );
    let accept_staging = reader.parsed::<bool>("fit.accept_staging", "true or false", |_| true);
    let isolated_cloud_jwks_url =
        isolated_cloud_template(reader, "fit.isolated_cloud_jwks_url", local);
    Some(Fit {
        jwks_url: jwks_url?,
        issuer: issuer?,
        leeway: Duration::from_secs(leeway?),
        accept_staging: accept_staging?,
        isolated_cloud_jwks_url,
    })
}

fn atlassian(reader: &mut Reader, environment: &Environment, staging: bool) -> Option<Atlassian> {
    let local = environment.is_local();
    let named = reader.list(
        "atlassian.api_hosts",
        "host names such as api.atlassian.com, without scheme, port or path",
        host_name,
    );
    let api_hosts = named.unwrap_or_else(|| {
        let mut hosts = vec![
            "api.atlassian.com".to_owned(),
            "api.bitbucket.org".to_owned(),
        ];
        hosts.extend(staging.then(|| STAGING_HOST.to_owned()));
        reader.derived("atlassian.api_hosts", format!("[{}]", hosts.join(", ")));
        hosts
    });
    let listed = ApiHosts::new(api_hosts.iter().map(String::as_str), local);
    let mut url = |key| {
        let url = secure_url(reader, key, local)?;
        if listed.check(url.clone()).is_ok() {
            return Some(url);
        }
        reader.object(
            key,
            "tokens go there, and its host is not in `atlassian.api_hosts` (or its port is not 443): \
             add the host there",
        );
        None
    };
    let (graphql_url, storage_url) = (url("atlassian.graphql_url"), url("atlassian.storage_url"));
    let isolated_cloud_storage_url =
        isolated_cloud_template(reader, "atlassian.isolated_cloud_storage_url", local);
    Some(Atlassian {
        api_hosts,
        graphql_url: graphql_url?,
        storage_url: storage_url?,
        isolated_cloud_storage_url,
    })
}

fn impersonation(reader: &mut Reader) -> Option<Impersonation> {
    let requests_per_minute = reader.parsed::<u32>(
        "impersonation.requests_per_minute",
        "a number from 1 to 1000000",
        |count| (1..=1_000_000).contains(count),
    );
    let max_cached_tokens = reader.parsed::<u64>(
        "impersonation.max_cached_tokens",
        "a number from 1 to 10000000",
        |count| (1..=10_000_000).contains(count),
    );
    Some(Impersonation {
        requests_per_minute: requests_per_minute?,
        max_cached_tokens: max_cached_tokens?,
    })
}

/// Keys that may be known beside the one that seals.
const MOST_ADDITIONAL_KEYS: usize = 8;

fn store(reader: &mut Reader, environment: &Environment) -> Option<Store> {
    reader.read_file("store.url", "store.url_file");
    let key_is_read = reader.read_file("store.encryption_key", "store.encryption_key_file");
    reader.read_file(
        "store.additional_encryption_keys",
        "store.additional_encryption_keys_file",
    );
    let url = reader.parsed::<String>(
        "store.url",
        "sqlite://<path> or postgres://<user>:<password>@<host>/<database>",
        |url| url.starts_with("sqlite:") || is_shared(url),
    );
    let primary = reader.value(
        "store.encryption_key",
        Show::Redacted,
        "32 bytes in base64, as `forge-remote keys new` prints them",
        encryption_key,
    );
    let additional_encryption_keys = reader.secrets(
        "store.additional_encryption_keys",
        "a list of keys, each 32 bytes in base64, as `forge-remote keys new` prints them",
        encryption_key,
    );
    let additional_encryption_keys = additional_encryption_keys.unwrap_or_default();
    let is_missing = primary.is_none() && key_is_read;
    if additional_encryption_keys.len() > MOST_ADDITIONAL_KEYS {
        reader.require(
            "store.additional_encryption_keys",
            "there may be eight at most: `forge-remote keys status` says which are still needed",
        );
    }
    if is_missing && !environment.is_local() {
        reader.require(
            "store.encryption_key",
            "required outside development: tokens are encrypted at rest. \
             Make one with `forge-remote keys new` and set FORGE_REMOTE__STORE__ENCRYPTION_KEY",
        );
    }
    if is_missing && !additional_encryption_keys.is_empty() {
        reader.require(
            "store.encryption_key",
            "required where there are `store.additional_encryption_keys`: those do not seal",
        );
    }
    let url = url?;
    if is_missing && environment.is_local() && is_shared(&url) {
        reader.require(
            "store.encryption_key",
            "required with PostgreSQL, the same for all replicas: each opens what the others \
             sealed. Make one with `forge-remote keys new` and set \
             FORGE_REMOTE__STORE__ENCRYPTION_KEY",
        );
    }
    Some(Store {
        url,
        encryption_key: primary,
        additional_encryption_keys,
    })
}

fn encryption_key(text: &str) -> Option<Secret> {
    let bytes = STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()?;
    (bytes.len() == 32).then(|| Secret::new(text.to_owned()))
}

/// Whether several replicas may use the store of that URL.
fn is_shared(url: &str) -> bool {
    ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

fn inbox(reader: &mut Reader) -> Option<Inbox> {
    let workers = reader.parsed::<usize>("inbox.workers", "a number from 1 to 256", |n| {
        (1..=256).contains(n)
    });
    let max_attempts = reader.parsed::<u32>("inbox.max_attempts", "a number from 1 to 100", |n| {
        (1..=100).contains(n)
    });
    let lease = reader.parsed::<u64>(
        "inbox.lease_seconds",
        "a whole number of seconds from 10 to 3600",
        |seconds| (10..=3600).contains(seconds),
    );
    Some(Inbox {
        workers: workers?,
        max_attempts: max_attempts?,
        lease: Duration::from_secs(lease?),
    })
}

fn telemetry(reader: &mut Reader, environment: &Environment) -> Option<Telemetry> {
    let format = reader.value(
        "telemetry.format",
        Show::Plainly,
        "pretty or json",
        |text| match text {
            "pretty" => Some(LogFormat::Pretty),
            "json" => Some(LogFormat::Json),
            _ => None,
        },
    );
    let format = format.unwrap_or_else(|| {
        let pretty = environment.is_local();
        reader.derived("telemetry.format", if pretty { "pretty" } else { "json" });
        if pretty {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        }
    });
    let level = reader.value(
        "telemetry.level",
        Show::Plainly,
        "trace, debug, info, warn, error or off, or directives such as info,forge_remote=debug",
        |text| {
            let valid = level::filter(text).is_ok();
            (valid && !text.contains(char::is_whitespace)).then(|| text.to_owned())
        },
    );
    let otlp_endpoint = reader.value(
        "telemetry.otlp_endpoint",
        Show::Plainly,
        "an http or https URL such as http://127.0.0.1:4318, without a user, a query or \
         `/v1/traces`: credentials go into OTEL_EXPORTER_OTLP_HEADERS",
        |text| Url::parse(text).ok().filter(is_collector),
    );
    let sample_ratio =
        reader.parsed::<f64>("telemetry.sample_ratio", "a number from 0 to 1", |ratio| {
            (0.0..=1.0).contains(ratio)
        });
    let service_name = reader.value(
        "telemetry.service_name",
        Show::Plainly,
        "a name of 1 to 255 characters",
        |text| (!text.is_empty() && text.chars().count() <= 255).then(|| text.to_owned()),
    );
    Some(Telemetry {
        format,
        level: level?,
        otlp_endpoint,
        sample_ratio: sample_ratio?,
        service_name,
        environment: environment.clone(),
    })
}

/// What is secret in it would be printed with the settings.
fn is_collector(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && !url.path().trim_end_matches('/').ends_with("/v1/traces")
}

fn secure_url(reader: &mut Reader, key: &'static str, local: bool) -> Option<Url> {
    let allowed = if local {
        "an https URL without a user in it, or http on loopback"
    } else {
        "an https URL without a user in it (http is for loopback in development and test)"
    };
    reader.parsed::<Url>(key, allowed, |url| is_secure(url, local))
}

fn is_secure(url: &Url, local: bool) -> bool {
    let bare = url.username().is_empty() && url.password().is_none();
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && local && is_loopback(url));
    bare && scheme
}

fn isolated_cloud_template(reader: &mut Reader, key: &'static str, local: bool) -> Option<String> {
    reader.value(
        key,
        Show::Plainly,
        "an https URL with {IC_LABEL} in it, in the host or the path",
        |text| {
            let example = with_label(text, &"label".parse().ok()?)?;
            (text.contains(PLACE) && is_secure(&example, local)).then(|| text.to_owned())
        },
    )
}

fn host_name(text: &str) -> Option<String> {
    let url = Url::parse(&format!("https://{text}/")).ok()?;
    let host = url.host_str()?;
    (host.eq_ignore_ascii_case(text)).then(|| host.to_owned())
}
