//! Reads one setting after the other: each is checked, remembered with its origin,
//! and crossed off, so that what is left over at the end is unknown.

use std::{
    borrow::Cow, cmp::Ordering, collections::BTreeSet, fmt, fs::File, io::Read, str::FromStr,
};

use ::config::ValueKind;

use super::{
    changes::Mark,
    layers::{Layer, Leaf, Leaves, Origin},
};

/// One setting in force.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The dotted key.
    pub key: &'static str,
    /// The value as it may be shown: secrets are redacted.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
    pub(super) mark: Mark,
}

/// A setting that stops the start.
///
/// ```
/// use forge_remote::config::{Origin, Problem};
/// let problem = Problem {
///     key: "inbox.workers".to_owned(),
///     value: Some("0".to_owned()),
///     origin: Some(Origin::File("config/default.toml".to_owned())),
///     why: "must be at least 1".to_owned(),
/// };
/// assert_eq!(problem.to_string(), "inbox.workers = 0 (from config/default.toml): must be at least 1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key.
    pub key: String,
    /// The value as it may be shown, if there is one.
    pub value: Option<String>,
    /// Where it came from, if it is set.
    pub origin: Option<Origin>,
    /// What is wrong, and what is allowed.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        if let Some(origin) = &self.origin {
            write!(f, " (from {origin})")?;
        }
        write!(f, ": {}", self.why)
    }
}

/// Whether a value may be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    Plainly,
    Redacted,
}

/// No setting is longer than a file of that many bytes.
const LONGEST_FILE: u64 = 64 << 10;

pub(super) struct Reader {
    leaves: Leaves,
    known: BTreeSet<&'static str>,
    settings: Vec<Setting>,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(leaves: Leaves) -> Self {
        Self {
            leaves,
            known: BTreeSet::new(),
            settings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Every key that was asked for so far, sorted.
    pub(super) fn known(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().copied()
    }

    /// One value. `allowed` completes "expected …". Nothing is returned where it is
    /// not set or wrong; wrong ones are noted.
    pub(super) fn value<T>(
        &mut self,
        key: &'static str,
        show: Show,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let leaf = self.leaf(key)?;
        let text = scalar(&leaf.value);
        let shown = shown(&leaf.value, show);
        let value = text.as_deref().and_then(|text| parse(text.trim()));
        if value.is_some() {
            self.settings.push(Setting {
                key,
                mark: Mark::of(text.as_deref().unwrap_or_default()),
                value: shown,
                origin: leaf.origin,
            });
        } else {
            self.note(key, Some(&leaf), show, format!("expected {allowed}"));
        }
        value
    }

    /// A value with `FromStr` and a further condition.
    pub(super) fn parsed<T: FromStr>(
        &mut self,
        key: &'static str,
        allowed: &str,
        accepts: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        self.value(key, Show::Plainly, allowed, |text| {
            text.parse().ok().filter(accepts)
        })
    }

    /// Takes what stands in the file that `file_key` names, without the white space around it,
    /// for the value of `key`. As with any setting, what a lower layer says of either gives way;
    /// both in one layer are a mistake. False if there is a mistake, so that nobody complains of a missing value too.
    pub(super) fn read_file(&mut self, key: &'static str, file_key: &'static str) -> bool {
        let named_in = self.leaves.get(file_key).map(|leaf| leaf.layer);
        let path = self.parsed::<String>(file_key, "the path of a file", |_| true);
        let Some(path) = path else {
            return !self.is_noted(file_key);
        };
        let set_in = self.leaves.get(key).map(|leaf| leaf.layer);
        match set_in.cmp(&named_in) {
            Ordering::Greater => return true,
            Ordering::Equal => {
                let why = format!("`{key}` is set too: set one of the two");
                self.object(file_key, why);
                return false;
            }
            Ordering::Less => {}
        }
        match content(&path) {
            Ok(text) => {
                let leaf = Leaf {
                    value: ValueKind::String(text),
                    origin: Origin::File(path),
                    layer: Layer::Variables,
                };
                self.leaves.insert(key.to_owned(), leaf);
                true
            }
            Err(why) => {
                self.object(file_key, why);
                false
            }
        }
    }

    /// A list: an array in a file; a JSON array or comma-separated in the environment.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.list_of(key, Show::Plainly, allowed, parse)
    }

    /// A list of secrets.
    pub(super) fn secrets<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.list_of(key, Show::Redacted, allowed, parse)
    }

    fn list_of<T>(
        &mut self,
        key: &'static str,
        show: Show,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let leaf = self.leaf(key)?;
        let items = items(&leaf.value);
        let wrong = items
            .as_ref()
            .and_then(|items| items.iter().find(|item| parse(item).is_none()));
        match (&items, wrong) {
            (Some(items), None) => {
                let value = match show {
                    Show::Plainly => format!("[{}]", items.join(", ")),
                    Show::Redacted => "[redacted]".to_owned(),
                };
                self.settings.push(Setting {
                    key,
                    mark: Mark::of(&value),
                    value,
                    origin: leaf.origin,
                });
                Some(items.iter().filter_map(|item| parse(item)).collect())
            }
            (_, wrong) => {
                let which = wrong
                    .filter(|_| show == Show::Plainly)
                    .map(|item| format!("`{item}` is not it: "))
                    .unwrap_or_default();
                let why = format!("{which}expected {allowed}");
                self.note(key, Some(&leaf), show, why);
                None
            }
        }
    }

    /// Records a value that no layer gave and that follows from other settings.
    pub(super) fn derived(&mut self, key: &'static str, value: impl fmt::Display) {
        if !self.is_noted(key) {
            let value = value.to_string();
            self.settings.push(Setting {
                key,
                mark: Mark::of(&value),
                value,
                origin: Origin::Default,
            });
        }
    }

    /// Notes what only several settings together show.
    pub(super) fn object(&mut self, key: &'static str, why: impl Into<String>) {
        let leaf = self.leaves.get(key).cloned();
        self.note(key, leaf.as_ref(), Show::Plainly, why.into());
    }

    /// Notes that a setting without a default is not set.
    pub(super) fn require(&mut self, key: &'static str, why: &str) {
        if !self.is_noted(key) {
            self.note(key, None, Show::Plainly, why.to_owned());
        }
    }

    /// The settings in force, or all problems: those noted, and every key nobody asked for.
    pub(super) fn finish(mut self) -> Result<Vec<Setting>, Vec<Problem>> {
        let unknown: Vec<_> = self
            .leaves
            .iter()
            .filter(|(key, _)| !self.known.contains(key.as_str()))
            .map(|(key, leaf)| Problem {
                key: key.clone(),
                // A mistyped key may hold a secret.
                value: None,
                origin: Some(leaf.origin.clone()),
                why: self.nearest(key),
            })
            .collect();
        self.problems.extend(unknown);
        if self.problems.is_empty() {
            self.settings.sort_by_key(|setting| setting.key);
            Ok(self.settings)
        } else {
            Err(self.problems)
        }
    }

    fn nearest(&self, key: &str) -> String {
        let distance = |known: &str| {
            // `fit.leeway` is short for `fit.leeway_seconds`, however much is missing.
            if known.starts_with(key) {
                0
            } else {
                strsim::damerau_levenshtein(known, key)
            }
        };
        let close = self
            .known
            .iter()
            .map(|known| (distance(known), known))
            .min();
        match close {
            Some((0..=4, known)) => format!("there is no such setting; did you mean `{known}`?"),
            _ => "there is no such setting; config/default.toml lists them".to_owned(),
        }
    }

    fn leaf(&mut self, key: &'static str) -> Option<Leaf> {
        self.known.insert(key);
        self.leaves.get(key).cloned()
    }

    fn is_noted(&self, key: &str) -> bool {
        self.problems.iter().any(|problem| problem.key == key)
    }

    fn note(&mut self, key: &str, leaf: Option<&Leaf>, show: Show, why: String) {
        self.problems.push(Problem {
            key: key.to_owned(),
            value: leaf.map(|leaf| shown(&leaf.value, show)),
            origin: leaf.map(|leaf| leaf.origin.clone()),
            why,
        });
    }
}

/// What stands in a file.
fn content(path: &str) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("the file cannot be read: {error}");
    // A pipe that nobody writes into would keep the start waiting for ever.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("the file cannot be read: it is a folder, a pipe or a device".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let read = file.take(LONGEST_FILE + 1).read_to_string(&mut text);
    read.map_err(unreadable)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LONGEST_FILE) {
        return Err(format!("the file is longer than {LONGEST_FILE} bytes"));
    }
    // Some editors begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("the file is empty".to_owned());
    }
    Ok(text.to_owned())
}

fn scalar(value: &ValueKind) -> Option<String> {
    match value {
        ValueKind::Boolean(value) => Some(value.to_string()),
        ValueKind::I64(value) => Some(value.to_string()),
        ValueKind::U64(value) => Some(value.to_string()),
        ValueKind::Float(value) => Some(value.to_string()),
        ValueKind::String(value) => Some(value.clone()),
        _ => None,
    }
}

fn items(value: &ValueKind) -> Option<Vec<String>> {
    match value {
        ValueKind::Array(values) => values.iter().map(|value| scalar(&value.kind)).collect(),
        ValueKind::String(text) if text.trim_start().starts_with('[') => {
            serde_json::from_str(text).ok()
        }
        ValueKind::String(text) => Some(
            text.split([',', '\n'])
                .map(|item| item.trim().to_owned())
                .filter(|item| !item.is_empty())
                .collect(),
        ),
        _ => None,
    }
}

fn shown(value: &ValueKind, show: Show) -> String {
    if show == Show::Redacted {
        return "[redacted]".to_owned();
    }
    let text = match value {
        ValueKind::Array(_) => items(value).map_or_else(
            || "[…]".to_owned(),
            |items| format!("[{}]", items.join(", ")),
        ),
        ValueKind::Table(_) => "{…}".to_owned(),
        other => other.to_string(),
    };
    // A mistake may be long; a message is not.
    without_credentials(&text).chars().take(200).collect()
}

/// What is shown of a query: a password may stand behind any other name, a misspelt one too.
const SHOWN_IN_A_QUERY: [&str; 10] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
];

/// The text with `user:password@` of a URL taken out, and its query, unless all in it is known
/// to be no secret.
///
/// A password that was not encoded may hold any sign of a URL, `@` and `?` among them: what
/// stands before the last `@` is not shown, and nothing at all where that is in the query.
pub(super) fn without_credentials(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Cow::Borrowed(text);
    };
    let is_shown = |pair: &str| {
        let key = pair.split_once('=').map(|(key, _)| key);
        key.is_some_and(|key| SHOWN_IN_A_QUERY.contains(&key))
    };
    let may_hide = |query: &str| !query.split('&').all(is_shown);
    match rest.split_once('?').filter(|(_, query)| may_hide(query)) {
        Some((_, query)) if query.contains('@') => Cow::Owned(format!("{scheme}://[redacted]")),
        Some((place, _)) => {
            let place = place.rfind('@').map_or(place, |at| &place[at..]);
            let user = if place.starts_with('@') {
                "[redacted]"
            } else {
                ""
            };
            Cow::Owned(format!("{scheme}://{user}{place}?[redacted]"))
        }
        None => match rest.rfind('@') {
            Some(at) => Cow::Owned(format!("{scheme}://[redacted]{}", &rest[at..])),
            None => Cow::Borrowed(text),
        },
    }
}

#[cfg(test)]
mod properties;
