use std::collections::HashMap;

use super::*;

const APP: &str = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn load(folder: &std::path::Path, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let variables: HashMap<_, _> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::load_from(&Sources {
        folder: folder.to_owned(),
        variables,
    })
}

/// Settings from variables alone: no folder, the app id given.
fn with(variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let mut all = vec![("FORGE_REMOTE__APP__IDS", APP)];
    all.extend(variables);
    load("/nonexistent".as_ref(), &all)
}

fn message(result: Result<Loaded, ConfigError>) -> String {
    result
        .map(|loaded| loaded.settings)
        .unwrap_err()
        .to_string()
}

#[test]
fn the_binary_alone_starts_from_the_environment() {
    let config = with(&[]).unwrap().config;
    assert_eq!(
        config.app.ids[0].to_string(),
        format!("ari:cloud:ecosystem::app/{APP}")
    );
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.server.max_body_bytes, 5 << 20);
    assert_eq!(config.fit.issuer, "forge/invocation-token");
    assert_eq!(config.fit.leeway, Duration::from_secs(5));
    assert_eq!(
        config.atlassian.api_hosts,
        ["api.atlassian.com", "api.bitbucket.org"]
    );
    assert_eq!(config.impersonation.requests_per_minute, 10_000);
    assert_eq!(config.telemetry.format, LogFormat::Pretty);
}

#[test]
fn later_layers_win_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("default.toml"),
        format!("[app]\nids = [\"{APP}\"]\n[fit]\nleeway_seconds = 1\n[inbox]\nworkers = 3\n"),
    )
    .unwrap();
    std::fs::write(
        folder.path().join("staging.toml"),
        "[fit]\nleeway_seconds = 2\n",
    )
    .unwrap();
    let loaded = load(
        folder.path(),
        &[
            ("FORGE_REMOTE_ENV", "staging"),
            ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY),
            ("FORGE_REMOTE__SERVER__LISTEN", "127.0.0.1:1"),
        ],
    )
    .unwrap();
    let setting = |key| {
        loaded
            .settings
            .iter()
            .find(|setting| setting.key == key)
            .unwrap()
    };
    assert_eq!(loaded.config.fit.leeway, Duration::from_secs(2));
    assert!(
        matches!(&setting("fit.leeway_seconds").origin, Origin::File(f) if f.ends_with("staging.toml"))
    );
    assert!(
        matches!(&setting("inbox.workers").origin, Origin::File(f) if f.ends_with("default.toml"))
    );
    assert_eq!(
        setting("server.listen").origin,
        Origin::Variable("FORGE_REMOTE__SERVER__LISTEN".into())
    );
    assert_eq!(setting("fit.issuer").origin, Origin::Default);
    assert_eq!(setting("telemetry.format").value, "json");
    assert_eq!(setting("store.encryption_key").value, "[redacted]");
}

#[test]
fn lists_in_the_environment_are_json_or_comma_separated() {
    for text in [
        r#"["https://a.example", "https://*.b.example"]"#,
        "https://a.example, https://*.b.example",
    ] {
        let config = with(&[("FORGE_REMOTE__SERVER__CORS_ORIGINS", text)])
            .unwrap()
            .config;
        assert_eq!(config.server.cors_origins.len(), 2, "{text}");
    }
}

#[test]
fn a_mistake_names_key_value_origin_and_what_is_allowed() {
    let text = message(with(&[("FORGE_REMOTE__FIT__LEEWAY_SECONDS", "soon")]));
    assert_eq!(
        text,
        "a setting is wrong:\n  fit.leeway_seconds = soon (from environment variable \
         FORGE_REMOTE__FIT__LEEWAY_SECONDS): expected a whole number of seconds from 0 to 60"
    );
}

#[test]
fn every_impossible_value_stops_the_start() {
    for (name, value) in [
        ("SERVER__LISTEN", "8080"),
        ("SERVER__ADMIN_LISTEN", "localhost"),
        ("SERVER__MAX_BODY_BYTES", "0"),
        ("SERVER__MAX_IN_FLIGHT", "-1"),
        ("SERVER__ANSWER_WITHIN_MS", "30000"),
        ("SERVER__CORS_ORIGINS", "*"),
        ("APP__IDS", "my-app"),
        ("FIT__JWKS_URL", "http://keys.example/jwks.json"),
        ("FIT__ACCEPT_STAGING", "maybe"),
        (
            "FIT__ISOLATED_CLOUD_JWKS_URL",
            "https://keys.example/jwks.json",
        ),
        ("ATLASSIAN__API_HOSTS", "https://api.atlassian.com"),
        ("ATLASSIAN__API_HOSTS", "api.atlassian.com:443"),
        (
            "ATLASSIAN__GRAPHQL_URL",
            "https://elsewhere.example/graphql",
        ),
        (
            "ATLASSIAN__ISOLATED_CLOUD_STORAGE_URL",
            "https://api.atlassian.com/forge/storage/kvs",
        ),
        (
            "ATLASSIAN__ISOLATED_CLOUD_STORAGE_URL",
            "http://storage.{IC_LABEL}.example.net/kvs",
        ),
        (
            "ATLASSIAN__STORAGE_URL",
            "https://api.atlassian.com:8443/kvs",
        ),
        ("IMPERSONATION__REQUESTS_PER_MINUTE", "0"),
        ("IMPERSONATION__MAX_CACHED_TOKENS", "1e9"),
        ("STORE__URL", "mysql://x"),
        ("STORE__ENCRYPTION_KEY", "c2hvcnQ="),
        ("INBOX__WORKERS", "0"),
        ("INBOX__LEASE_SECONDS", "5"),
        ("TELEMETRY__FORMAT", "xml"),
        ("TELEMETRY__LEVEL", "very loud"),
        ("TELEMETRY__OTLP_ENDPOINT", "collector"),
    ] {
        let text = message(with(&[(&format!("FORGE_REMOTE__{name}"), value)]));
        let key = name.to_ascii_lowercase().replacen("__", ".", 1);
        assert!(text.contains(&key), "{key} = {value}: {text}");
        assert!(text.contains(&format!("FORGE_REMOTE__{name}")), "{text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_no_secret_is() {
    let text = message(load(
        "/nonexistent".as_ref(),
        &[
            ("FORGE_REMOTE_ENV", "production"),
            ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", "hunter2"),
            ("FORGE_REMOTE__STORE__ENCRYPTION_KEI", "hunter3"),
            ("FORGE_REMOTE__INBOX__WORKERS", "many"),
        ],
    ));
    for part in [
        "4 settings",
        "app.ids: required",
        "inbox.workers = many",
        "[redacted]",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(
        text.contains("did you mean `store.encryption_key`?"),
        "{text}"
    );
    assert!(!text.contains("hunter"), "{text}");
}

#[test]
fn production_needs_an_encryption_key_and_https() {
    let production = ("FORGE_REMOTE_ENV", "production");
    assert!(message(with(&[production])).contains("store.encryption_key: required"));
    let key = ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY);
    assert!(with(&[production, key]).is_ok());
    let plain = (
        "FORGE_REMOTE__FIT__JWKS_URL",
        "http://127.0.0.1:1/jwks.json",
    );
    assert!(with(&[plain]).is_ok());
    assert!(message(with(&[production, key, plain])).contains("expected an https URL"));
}

#[test]
fn a_key_of_digits_stays_a_text() {
    let issuer = with(&[("FORGE_REMOTE__FIT__ISSUER", "0123")])
        .unwrap()
        .config
        .fit
        .issuer;
    assert_eq!(issuer, "0123");
}

#[test]
fn a_variable_set_to_nothing_is_not_set() {
    let config = with(&[("FORGE_REMOTE__STORE__ENCRYPTION_KEY", "")])
        .unwrap()
        .config;
    assert!(config.store.encryption_key.is_none());
}

#[test]
fn a_broken_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("default.toml"), "[app\n").unwrap();
    assert!(message(load(folder.path(), &[])).contains("default.toml"));
}

#[test]
fn staging_brings_its_api_host() {
    let config = with(&[("FORGE_REMOTE__FIT__ACCEPT_STAGING", "true")])
        .unwrap()
        .config;
    assert!(
        config
            .atlassian
            .api_hosts
            .iter()
            .any(|host| host == "api.stg.atlassian.com")
    );
}

#[test]
fn the_files_of_the_project_load() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config");
    for environment in ["development", "production"] {
        let variables = [
            ("FORGE_REMOTE__APP__IDS", APP),
            ("FORGE_REMOTE_ENV", environment),
            ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY),
        ];
        load(folder.as_ref(), &variables).unwrap();
    }
}

#[test]
fn set_to_nothing_is_not_set() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!(
        "[app]\nids = [\"{APP}\"]\n[fit]\nissuer = \"\"\n[server]\nlisten = \"127.0.0.1:1\"\n"
    );
    std::fs::write(folder.path().join("default.toml"), file).unwrap();
    let variables = [
        ("FORGE_REMOTE__SERVER__LISTEN", ""),
        ("FORGE_REMOTE__SERVER__ADMIN_LISTEN", " "),
        ("FORGE_REMOTE__APP__IDS", ""),
    ];
    let config = load(folder.path(), &variables).unwrap().config;
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:1");
    assert_eq!(config.server.admin_listen.to_string(), "127.0.0.1:9090");
    assert_eq!(config.fit.issuer, "forge/invocation-token");
    assert_eq!(config.app.ids.len(), 1);
}

#[test]
fn a_line_that_cannot_be_parsed_is_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let broken = [
        format!("[store]\nencryption_key = \"{KEY}\n"),
        format!("[store]\nencryption_key = {KEY}\n"),
        format!("[store]\nencryption_key \"{KEY}\"\n"),
        format!("[store]\nencryption_key = \"{KEY}\"\nencryption_key = \"{KEY}\"\n"),
        format!("[store]\nencryption_key = \"\"\"{KEY}\n{KEY}\n"),
        format!("[store]\n{KEY}"),
    ];
    for text in broken {
        std::fs::write(folder.path().join("default.toml"), &text).unwrap();
        let error = load(folder.path(), &[]).unwrap_err();
        let message = format!("{error} {error:?}");
        assert!(!message.contains("MDEyMzQ1"), "{message}");
        assert!(message.contains("default.toml"), "{message}");
        assert!(message.contains("at line "), "{message}");
    }
}

#[test]
fn a_password_in_a_url_is_never_shown() {
    let key = ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY);
    for url in [
        "mysql://forge:hunter2@db/forge",
        "mysql://hunter2@db/forge",
        "mysql://forge:hunter2/x@db/forge",
        "mysql://forge:hun@ter2@db/forge?a=b@c",
        "mysql:///forge?host=/run&user=forge&password=hunter2",
    ] {
        let said = message(with(&[key, ("FORGE_REMOTE__STORE__URL", url)]));
        assert!(!said.contains("ter2"), "{said}");
        assert!(said.contains("[redacted]"), "{said}");
    }
    for key in ["FIT__JWKS_URL", "ATLASSIAN__GRAPHQL_URL"] {
        let name = format!("FORGE_REMOTE__{key}");
        let said = message(with(&[(
            &name,
            "https://forge:hunter2@api.atlassian.com/x",
        )]));
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.contains("without a user"), "{said}");
    }
}

#[test]
fn the_url_of_a_shared_store_is_taken_and_shown_without_credentials() {
    let folder = tempfile::tempdir().unwrap();
    for url in [
        "postgres://forge:hunter2@db/forge",
        "postgresql://forge:hunter2@db:5433/forge?sslmode=verify-full",
        "postgres:///forge?host=/run/postgresql&password=hunter2&user=forge",
    ] {
        let loaded = load(
            folder.path(),
            &[
                ("FORGE_REMOTE__APP__IDS", APP),
                ("FORGE_REMOTE__STORE__URL", url),
                ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY),
            ],
        );
        let loaded = loaded.unwrap();
        assert_eq!(loaded.config.store.url, url);
        let shown = format!("{:?} {:?}", loaded.config, loaded.settings);
        assert!(
            !shown.contains("hunter2") && !shown.contains("forge:"),
            "{shown}"
        );
        assert!(shown.contains("[redacted]"), "{shown}");
    }
}

#[test]
fn where_settings_are_looked_for_prints_without_what_they_hold() {
    let name = "FORGE_REMOTE__STORE__ENCRYPTION_KEY";
    let sources = Sources {
        folder: "config".into(),
        variables: HashMap::from([(name.to_owned(), KEY.to_owned())]),
    };
    let shown = format!("{sources:?}");
    assert!(shown.contains(name) && !shown.contains(KEY), "{shown}");
}

#[test]
fn replicas_want_a_key_also_in_development() {
    let url = (
        "FORGE_REMOTE__STORE__URL",
        "postgres://forge:hunter2@db/forge",
    );
    let said = message(with(&[url]));
    assert!(said.contains("store.encryption_key"), "{said}");
    assert!(said.contains("the same for all replicas"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

/// A file with a secret, as a container platform mounts one.
fn mounted(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn secrets_are_read_from_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let other = "YmFzZTY0IG9mIHRoaXJ0eS10d28gYnl0ZXMgaGVyZSE=";
    let url = mounted(&folder, "url", "postgres://forge:hunter2@db/forge\n");
    let key = mounted(&folder, "key", &format!("\n{KEY}\r\n"));
    let keys = mounted(&folder, "keys", &format!("{KEY}\n{other}\n"));
    let loaded = with(&[
        ("FORGE_REMOTE__STORE__URL_FILE", &url),
        ("FORGE_REMOTE__STORE__ENCRYPTION_KEY_FILE", &key),
        (
            "FORGE_REMOTE__STORE__ADDITIONAL_ENCRYPTION_KEYS_FILE",
            &keys,
        ),
    ])
    .unwrap();
    let store = &loaded.config.store;
    assert_eq!(store.url, "postgres://forge:hunter2@db/forge");
    assert_eq!(store.encryption_key.as_ref().unwrap().expose(), KEY);
    let more = store.additional_encryption_keys.iter();
    let more: Vec<_> = more.map(Secret::expose).collect();
    assert_eq!(more, [KEY, other]);
    let shown = format!("{:?} {:?}", loaded.settings, loaded.config);
    for secret in ["hunter2", KEY, other] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let of = |key: &str| loaded.settings.iter().find(|it| it.key == key).unwrap();
    assert_eq!(of("store.encryption_key").origin, Origin::File(key.clone()));
    assert_eq!(of("store.encryption_key_file").value, key);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let key = mounted(&folder, "key", &format!("\u{feff}{KEY}\r\n"));
    let loaded = with(&[("FORGE_REMOTE__STORE__ENCRYPTION_KEY_FILE", &key)]).unwrap();
    let read = loaded.config.store.encryption_key.unwrap();
    assert_eq!(read.expose(), KEY);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_of_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let (told, tells) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let path = pipe.to_str().unwrap();
        let read = message(with(&[("FORGE_REMOTE__STORE__ENCRYPTION_KEY_FILE", path)]));
        told.send(read).unwrap();
    });
    let read = tells.recv_timeout(std::time::Duration::from_secs(10));
    let read = read.expect("it waits for whoever writes into the pipe");
    assert!(read.contains("a pipe or a device"), "{read}");
}

#[test]
fn a_setting_and_its_file_are_one_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let key = mounted(&folder, "key", KEY);
    let told = message(with(&[
        ("FORGE_REMOTE__STORE__ENCRYPTION_KEY_FILE", &key),
        ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY),
    ]));
    assert!(
        told.contains("`store.encryption_key` is set too: set one of the two"),
        "{told}"
    );
    assert!(told.starts_with("a setting is wrong:"), "{told}");
    assert!(!told.contains(KEY), "{told}");
}

#[test]
fn a_secret_of_a_lower_layer_gives_way_to_the_file_that_a_higher_one_names() {
    let folder = tempfile::tempdir().unwrap();
    let url = mounted(&folder, "url", "sqlite://from-the-mount.db");
    let url_of = |variables: &[(&str, &str)]| {
        let mut all = vec![("FORGE_REMOTE__APP__IDS", APP)];
        all.extend(variables);
        load(folder.path(), &all).unwrap().config.store.url
    };
    let below = "[store]\nurl = \"sqlite://below.db\"";
    std::fs::write(folder.path().join("default.toml"), below).unwrap();
    let file = ("FORGE_REMOTE__STORE__URL_FILE", &*url);
    assert_eq!(url_of(&[file]), "sqlite://from-the-mount.db");
    let named = format!("[store]\nurl_file = \"{url}\"");
    std::fs::write(folder.path().join("development.toml"), named).unwrap();
    assert_eq!(url_of(&[]), "sqlite://from-the-mount.db");
    let above = ("FORGE_REMOTE__STORE__URL", "sqlite://above.db");
    assert_eq!(url_of(&[above]), "sqlite://above.db");
}

#[test]
fn a_file_that_gives_no_secret_is_named_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let name = "FORGE_REMOTE__STORE__ENCRYPTION_KEY_FILE";
    let nowhere = folder.path().join("nowhere").display().to_string();
    for (path, why) in [
        (nowhere, "the file cannot be read"),
        (
            folder.path().display().to_string(),
            "the file cannot be read",
        ),
        (mounted(&folder, "empty", " \n"), "the file is empty"),
        (
            mounted(&folder, "long", &"x".repeat(70_000)),
            "longer than 65536 bytes",
        ),
    ] {
        let told = message(with(&[("FORGE_REMOTE_ENV", "production"), (name, &path)]));
        assert!(told.contains(why), "{told}");
        assert!(told.starts_with("a setting is wrong:"), "{told}");
    }
    let path = mounted(&folder, "bad", "hunter2");
    let told = message(with(&[(name, &path)]));
    assert!(
        told.contains("[redacted]") && !told.contains("hunter2"),
        "{told}"
    );
}

#[test]
fn additional_keys_are_keys_and_few_and_not_alone() {
    let name = "FORGE_REMOTE__STORE__ADDITIONAL_ENCRYPTION_KEYS";
    let key = ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY);
    let told = message(with(&[key, (name, &format!("{KEY},hunter2"))]));
    assert!(
        told.contains("[redacted]") && !told.contains("hunter2"),
        "{told}"
    );
    let told = message(with(&[key, (name, &[KEY; 9].join(","))]));
    assert!(told.contains("eight at most"), "{told}");
    let told = message(with(&[(name, KEY)]));
    assert!(told.contains("store.encryption_key: required"), "{told}");
}
