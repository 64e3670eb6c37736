//! What differs between the settings of two moments.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use super::{Loaded, Setting};

/// Another one in each process: what it makes of a secret says nothing about it elsewhere.
static MARKS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Tells whether a value is another one, without keeping it: it may be a secret, and what is
/// shown of it may be the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Mark {
    pub(super) fn of(text: &str) -> Self {
        Self(MARKS.hash_one(text))
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark")
    }
}

impl Loaded {
    /// The keys of the settings that are others in `newer`, in their order.
    ///
    /// ```
    /// use forge_remote::{Config, config::Sources};
    ///
    /// let mut sources = Sources { folder: "no/such/folder".into(), variables: [
    ///     ("FORGE_REMOTE_ENV".to_owned(), "test".to_owned()),
    ///     ("FORGE_REMOTE__APP__IDS".to_owned(), "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".to_owned()),
    /// ].into() };
    /// let before = Config::load_from(&sources)?;
    /// sources.variables.insert("FORGE_REMOTE__TELEMETRY__LEVEL".to_owned(), "debug".to_owned());
    /// assert_eq!(before.changes(&Config::load_from(&sources)?), ["telemetry.level"]);
    /// # Ok::<(), forge_remote::config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn changes(&self, newer: &Self) -> Vec<&'static str> {
        let differs = |setting: &&Setting| {
            let other = newer.settings.iter().find(|other| other.key == setting.key);
            other.is_none_or(|other| other.mark != setting.mark)
        };
        let changed = self.settings.iter().filter(differs).map(|it| it.key);
        let is_new = |setting: &&Setting| self.settings.iter().all(|it| it.key != setting.key);
        let added = newer.settings.iter().filter(is_new).map(|it| it.key);
        changed.chain(added).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::config::{Config, Loaded, Sources};

    const KEYS: [&str; 2] = [
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=",
    ];

    fn loaded(variables: &[(&str, &str)]) -> Loaded {
        let app = ("APP__IDS", "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21");
        let variables: HashMap<_, _> = variables
            .iter()
            .chain([&app])
            .map(|(key, value)| (format!("FORGE_REMOTE__{key}"), (*value).to_owned()))
            .collect();
        let sources = Sources {
            folder: "nowhere".into(),
            variables,
        };
        Config::load_from(&sources).unwrap()
    }

    #[test]
    fn a_change_is_seen_also_where_it_is_not_shown() {
        let password = |it: &str| format!("postgres://forge:{it}@db/forge");
        let before = password("one");
        let after = password("two");
        let older = loaded(&[
            ("STORE__ENCRYPTION_KEY", KEYS[0]),
            ("STORE__URL", &before),
            ("TELEMETRY__SERVICE_NAME", "a"),
        ]);
        assert!(older.changes(&older.clone()).is_empty());
        let newer = loaded(&[
            ("STORE__ENCRYPTION_KEY", KEYS[1]),
            ("STORE__URL", &after),
            ("SERVER__CORS_ORIGINS", "https://a.example"),
        ]);
        let mut changes = older.changes(&newer);
        changes.sort_unstable();
        let expected = [
            "server.cors_origins",
            "store.encryption_key",
            "store.url",
            "telemetry.service_name",
        ];
        assert_eq!(changes, expected);
        let shown = format!("{newer:?}");
        assert!(
            !shown.contains(KEYS[1]) && !shown.contains("two"),
            "{shown}"
        );
    }
}
