//! Where a PostgreSQL database is, and how it is spoken to.

use sqlx::postgres::PgConnectOptions;
use tracing::{Dispatch, dispatcher::with_default};
use url::Url;

/// What of a URL's query is taken. The rest would be ignored, and a misspelt `sslmode` must
/// not be.
const PARAMETERS: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// A place is its URL, credentials and all: it has no `Debug`.
pub(in crate::store) struct Place(PgConnectOptions);

impl Place {
    pub(in crate::store) fn of_url(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let known = |key: &str| PARAMETERS.contains(&key);
        if !matches!(url.scheme(), "postgres" | "postgresql")
            || !url.has_authority()
            || !url.query_pairs().all(|(key, _)| known(&key))
        {
            return None;
        }
        let named = url.query_pairs().any(|(key, _)| key == "application_name");
        // The driver logs a line of a password file that it cannot read, password and all.
        let options = with_default(&Dispatch::none(), || url.as_str().parse());
        let options: PgConnectOptions = options.ok()?;
        Some(Self(if named {
            options
        } else {
            options.application_name("forge-remote")
        }))
    }

    pub(super) fn into_options(self) -> PgConnectOptions {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_its_url() {
        for url in [
            "postgres://forge:hunter2@db/forge",
            "postgresql://forge@db:5433/forge?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgres:///forge?host=/run/postgresql&user=forge",
            "postgres://db",
        ] {
            assert!(Place::of_url(url).is_some(), "{url}");
        }
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        for url in [
            "mysql://forge:hunter2@db/forge",
            "postgres:",
            "postgres",
            "",
            "postgres://db/forge?ssl_mode=require",
            "postgres://db/forge?sslmode=very",
            "postgres://db/forge?pool=3",
            "postgres://db:none/forge",
        ] {
            let place = Place::of_url(url);
            assert!(place.is_none(), "{url}");
        }
    }

    #[test]
    fn a_program_may_have_a_name_of_its_own() {
        let name = |url| {
            let options = Place::of_url(url).unwrap().into_options();
            options.get_application_name().map(str::to_owned)
        };
        assert_eq!(name("postgres://db/forge").as_deref(), Some("forge-remote"));
        let named = "postgres://db/forge?application_name=blue";
        assert_eq!(name(named).as_deref(), Some("blue"));
    }
}
