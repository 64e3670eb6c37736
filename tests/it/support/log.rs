//! The log of the whole suite, at debug level: every line is looked at for secrets.
//!
//! Tokens of the tests say so: FITs are JWTs, all others hold [`MARK`]. A line with
//! either ends the process at once, whatever test it belongs to.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex, Once},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Every opaque token of the suite has it in its text.
pub(crate) const MARK: &str = "t0psecret";

pub(crate) fn init() {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("debug"))
            .with_ansi(false)
            .with_writer(Watched)
            .init();
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

struct Watched;

impl<'a> MakeWriter<'a> for Watched {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

/// Ends the process if there is a secret in this line of a log.
#[expect(clippy::print_stderr, reason = "the last words of the process")]
pub(crate) fn watch(line: &str) {
    if secret_in(line).is_some() {
        eprintln!("A SECRET IN THE LOG: {line}");
        std::process::abort();
    }
}

impl io::Write for Watched {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        watch(&String::from_utf8_lossy(line));
        LINES.with_borrow(|lines| {
            if let Some(lines) = lines {
                lines.lock().unwrap().extend_from_slice(line);
            }
        });
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
