//! What holds of any settings: they are read or refused, and no password is shown.

use std::collections::HashMap;

use proptest::{prelude::*, sample::select};

use super::*;
use crate::config::{Config, Sources};

const APP: &str = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
const SECRET: &str = "hunter2";

fn keys() -> Vec<&'static str> {
    vec![
        "APP__IDS",
        "SERVER__LISTEN",
        "SERVER__MAX_BODY_BYTES",
        "SERVER__CORS_ORIGINS",
        "FIT__JWKS_URL",
        "FIT__LEEWAY_SECONDS",
        "FIT__ACCEPT_STAGING",
        "FIT__ISOLATED_CLOUD_JWKS_URL",
        "ATLASSIAN__API_HOSTS",
        "ATLASSIAN__GRAPHQL_URL",
        "ATLASSIAN__ISOLATED_CLOUD_STORAGE_URL",
        "IMPERSONATION__REQUESTS_PER_MINUTE",
        "STORE__URL",
        "STORE__ENCRYPTION_KEY",
        "INBOX__WORKERS",
        "TELEMETRY__FORMAT",
        "TELEMETRY__LEVEL",
        "TELEMETRY__OTLP_ENDPOINT",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,30}",
        "-?[0-9]{1,25}(\\.[0-9]{1,3})?",
        "\\[?(\"?[a-z./:*]{0,8}\"?,?){0,4}\\]?",
        "(https?|sqlite|postgres)://[a-z0-9@:/?#{}\\[\\].]{0,30}",
        "(true|false|TRUE|json|pretty|info)",
        "[A-Za-z0-9+/=]{43,45}",
    ]
}

fn load(variables: Vec<(String, String)>) -> Result<Vec<Setting>, String> {
    let mut all = HashMap::from([("FORGE_REMOTE__APP__IDS".to_owned(), APP.to_owned())]);
    all.extend(variables);
    let sources = Sources {
        folder: "/nonexistent".into(),
        variables: all,
    };
    match Config::load_from(&sources) {
        Ok(loaded) => Ok(loaded.settings),
        Err(error) => Err(error.to_string()),
    }
}

/// A password that nobody encoded, with the secret in it, and around it what URLs are made of.
fn password() -> impl Strategy<Value = String> {
    ("[a-z@:/?#&=%.]{0,4}", "[a-z@:/?#&=%.]{0,4}").prop_map(|(a, b)| format!("{a}{SECRET}{b}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_settings_are_read_or_refused(
        values in prop::collection::vec((select(keys()), text()), 1..5),
    ) {
        let variables = values
            .iter()
            .map(|(key, value)| (format!("FORGE_REMOTE__{key}"), value.clone()));
        match load(variables.collect()) {
            Ok(settings) => {
                prop_assert!(settings.windows(2).all(|two| two[0].key < two[1].key));
            }
            Err(message) => {
                // It names a setting that was given, or one that those given make wrong.
                let sections = ["app.", "server.", "fit.", "atlassian.", "impersonation.", "store.",
                    "inbox.", "telemetry."];
                prop_assert!(sections.iter().any(|section| message.contains(section)), "{}", message);
            }
        }
    }

    #[test]
    fn a_setting_that_nobody_knows_is_named_and_its_value_is_not(name in "[A-Z]{3,12}") {
        let variable = format!("FORGE_REMOTE__STORE__X{name}");
        let message = load(vec![(variable, SECRET.to_owned())]).unwrap_err();
        let key = format!("store.x{}", name.to_lowercase());
        prop_assert!(message.contains(&key), "{}", message);
        prop_assert!(!message.contains(SECRET), "{}", message);
    }
}

#[test]
fn credentials_are_taken_out_and_the_host_is_kept() {
    for (url, shown) in [
        ("postgres://u:p@db/forge", "postgres://[redacted]@db/forge"),
        (
            "postgres://db/forge?sslmode=require",
            "postgres://db/forge?sslmode=require",
        ),
        (
            "postgres://u:p@db/f?user=u&password=p",
            "postgres://[redacted]@db/f?[redacted]",
        ),
        // Not encoded: the end of a password must not be taken for a host.
        (
            "postgres://u:a@hunter2/b@db/forge",
            "postgres://[redacted]@db/forge",
        ),
        (
            "postgres://db/forge?password=a@hunter2",
            "postgres://[redacted]",
        ),
        (
            "postgres://u:p@db/forge?passwrd=hunter2",
            "postgres://[redacted]@db/forge?[redacted]",
        ),
        (
            "postgres://db/forge?sslmode=require&p%61ssword=hunter2",
            "postgres://db/forge?[redacted]",
        ),
        (
            "postgres://db/forge?hunter2",
            "postgres://db/forge?[redacted]",
        ),
        (
            "postgres://u:hunter2?user=@db/forge",
            "postgres://[redacted]",
        ),
    ] {
        assert_eq!(without_credentials(url), shown);
    }
}

proptest! {
    #[test]
    fn no_password_before_a_host_is_shown(
        scheme in "(postgres|https|x)",
        user in "[a-z]{0,5}",
        password in password(),
        place in "[a-z.]{1,9}(:[0-9]{1,4})?(/[a-z]{0,5})?(\\?[a-z]{1,4}=[a-z@]{0,4})?",
    ) {
        let url = format!("{scheme}://{user}:{password}@{place}");
        let shown = without_credentials(&url);
        prop_assert!(!shown.contains(SECRET), "{} of {}", shown, url);
    }

    #[test]
    fn no_password_in_a_query_is_shown(
        place in "(u@)?[a-z.]{0,9}(/[a-z]{0,5})?",
        before in "(sslmode=prefer&|user=[a-z@]{0,4}&)?",
        password in password(),
        after in "(&user=[a-z]{1,4}|&host=/run/postgresql)?",
    ) {
        let url = format!("postgres://{place}?{before}password={password}{after}");
        let shown = without_credentials(&url);
        prop_assert!(!shown.contains(SECRET), "{} of {}", shown, url);
    }

    #[test]
    fn what_is_no_url_is_shown_as_it_is(text in "[^:]{0,40}") {
        prop_assert_eq!(without_credentials(&text), text.as_str());
    }
}
