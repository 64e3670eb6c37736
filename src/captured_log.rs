//! The log lines of one test, for tests that look at them.
//!
//! One subscriber for the whole process, with a buffer for each thread that captures: a
//! subscriber of a thread's own misses lines when another thread, which has none, comes by
//! the same place in the code first and tracing remembers that nobody is interested there.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex, Once},
};

use tracing_subscriber::{
    Layer, filter::dynamic_filter_fn, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

type Lines = Arc<Mutex<Vec<u8>>>;

thread_local! {
    static LINES: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

/// The log lines of this thread, all levels, while it lives.
pub(crate) struct Logs(Lines);

impl Logs {
    pub(crate) fn capture() -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let lines = fmt::layer().with_ansi(false).with_writer(|| Writer);
            let captured = dynamic_filter_fn(|_, _| LINES.with_borrow(Option::is_some));
            registry().with(lines.with_filter(captured)).init();
        });
        let lines = Lines::default();
        LINES.set(Some(Arc::clone(&lines)));
        Self(lines)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// How many lines of that level hold that text.
    pub(crate) fn count(&self, level: &str, text: &str) -> usize {
        let holds = |line: &&str| line.contains(level) && line.contains(text);
        self.text().lines().filter(holds).count()
    }
}

/// Whatever a test looks for, no token stands in its log: those of the unit tests are called
/// `t0ken`, and a FIT is a JWT.
impl Drop for Logs {
    fn drop(&mut self) {
        LINES.set(None);
        if !std::thread::panicking() {
            let text = self.text();
            let shows = ["t0ken", "Bearer ", "eyJhbGciOi"].map(|mark| text.contains(mark));
            assert!(!shows.contains(&true), "a token in the log: {text}");
        }
    }
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow(|lines| {
            if let Some(lines) = lines {
                lines.lock().unwrap().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_thread_gets_its_own_lines_and_no_other() {
    fn log() {
        tracing::debug!("a line");
    }
    // Nobody captures yet: the place in the code is known before there is a listener.
    log();
    let logs = Logs::capture();
    std::thread::spawn(log).join().unwrap();
    assert_eq!(logs.count("DEBUG", "a line"), 0);
    log();
    assert_eq!(logs.count("DEBUG", "a line"), 1);
}
