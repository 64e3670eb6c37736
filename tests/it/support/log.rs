//! What the suite says, down to the last trace: every line is looked at for secrets.
//!
//! Tokens of the tests say so: FITs are JWTs, all others hold [`MARK`]. Wherever either is
//! seen that should not be, in a line of the log, a panic, an answer, the metrics, or a file,
//! the process ends at once, whatever test it belongs to: a test that failed in a task of its
//! own might go unnoticed. `secrets::net` shows that each of these is caught.

use std::{
    any::Any,
    cell::RefCell,
    fmt::{self, Write as _},
    io::{self, Write as _},
    panic,
    path::Path,
    sync::{Arc, Mutex, Once},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// Every opaque token of the suite has it in its text.
pub(crate) const MARK: &str = "t0psecret";

/// What a handler's panic begins with that has a secret in it because a test wants it so.
pub(crate) const ON_PURPOSE: &str = "on purpose:";

/// Watches what this process logs, and how it panics.
pub(crate) fn init() {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        tracing_subscriber::registry().with(Watched).init();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            watch_panic(info.payload());
            before(info);
        }));
    });
}

/// What gives a secret away: our mark, or the beginning of a JWT (`{"` in base64).
pub(crate) fn secret_in(text: &str) -> Option<&str> {
    let at = text.find(MARK).or_else(|| {
        text.match_indices("eyJ").map(|(at, _)| at).find(|at| {
            let rest = &text[*at..];
            let run = rest
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                .count();
            run >= 16 && rest[run..].starts_with('.')
        })
    })?;
    Some(&text[at..])
}

#[track_caller]
pub(crate) fn assert_no_secret(place: &str, text: &str) {
    assert!(secret_in(text).is_none(), "a secret in {place}: {text}");
}

type Lines = Arc<Mutex<Vec<u8>>>;

thread_local! {
    static LINES: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

/// The log lines of this thread while it lives: all of a service's that runs in one test.
pub(crate) struct Captured(Lines);

impl Captured {
    pub(crate) fn start() -> Self {
        init();
        let lines = Lines::default();
        LINES.set(Some(Arc::clone(&lines)));
        Self(lines)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

/// Ends the process if there is a secret in `text`, which was found in `place`.
pub(crate) fn watch(place: &str, text: &str) {
    if secret_in(text).is_some() {
        // Not by a macro: the test's runner would keep the words to itself.
        let _ = writeln!(io::stderr(), "A SECRET IN {place}: {text}");
        std::process::abort();
    }
}

fn watch_panic(payload: &dyn Any) {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    if let Some(text) = text.filter(|text| !text.starts_with(ON_PURPOSE)) {
        watch("A PANIC", text);
    }
}

/// Looks at every file of a service: its database, and what lies beside it.
pub(crate) fn watch_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            watch_files(&path);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let text = String::from_utf8_lossy(&bytes);
            watch(&format!("THE FILE {}", path.display()), &text);
        }
    }
}

/// Looks at every field of every span and line, of this crate and of all others. It writes
/// none of them: at this level that takes more time than the tests have.
struct Watched;

impl<S: Subscriber> Layer<S> for Watched {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        Fields::watch(|fields| span.record(fields));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        Fields::watch(|fields| values.record(fields));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        Fields::watch(|fields| event.record(fields));
    }
}

#[derive(Default)]
struct Fields(String);

impl Fields {
    fn watch(record: impl FnOnce(&mut Self)) {
        let mut fields = Self::default();
        record(&mut fields);
        watch("THE LOG", &fields.0);
        LINES.with_borrow(|lines| {
            if let Some(lines) = lines {
                let mut lines = lines.lock().unwrap();
                lines.extend_from_slice(fields.0.as_bytes());
                lines.push(b'\n');
            }
        });
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, "{}={value} ", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}

#[test]
fn the_watch_knows_a_secret_when_it_sees_one() {
    let fit = crate::support::caller::Fit::new().token();
    for text in [
        format!("authorization: Bearer {fit}"),
        format!("x {fit}"),
        crate::support::claims::APP_TOKEN.to_owned(),
        format!("{{\"token\":\"{}\"}}", crate::support::claims::USER_TOKEN),
    ] {
        assert!(secret_in(&text).is_some(), "{text}");
    }
    for text in [
        "",
        "eyJ",
        "listening on 127.0.0.1:1",
        "a eyJhbGciOiJSUzI1NiJ9 b",
    ] {
        assert!(secret_in(text).is_none(), "{text}");
    }
}
