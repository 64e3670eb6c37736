//! What a panic leaves in the log: where it was, and not what it said.

use std::panic::{self, PanicHookInfo};

/// Sends panics to the log, once there is one.
///
/// The standard hook prints the message, which may quote whatever a handler had in its hands:
/// a body, a name, a token. The place in the code is enough to find the bug, and in the
/// request's span stands the trace id.
pub(super) fn to_the_log() {
    panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let place = panic.location().map(tracing::field::display);
    tracing::error!(
        "panic.location" = place,
        "panic.thread" = thread.name(),
        "the program panicked: a bug at this place in the code"
    );
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_with_its_place_and_without_its_message() {
        let lines = Lines::default();
        let writer = lines.clone();
        let json = tracing_subscriber::fmt().json().flatten_event(true);
        let subscriber = json.with_writer(move || writer.clone()).finish();
        let before = panic::take_hook();
        to_the_log();
        let panicked = tracing::subscriber::with_default(subscriber, || {
            let token = "t0ken";
            panic::catch_unwind(|| panic!("no product takes {token}"))
        });
        panic::set_hook(before);
        assert!(panicked.is_err());
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "ERROR");
        let place = line["panic.location"].as_str().unwrap();
        assert!(place.starts_with(file!()), "{text}");
        assert!(!text.contains("t0ken"), "{text}");
    }
}
