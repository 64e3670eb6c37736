//! What an error says about trying again, wherever in its chain of causes it says so.

use std::{error::Error as StdError, io, iter::successors, sync::Arc, time::Duration};

use crate::{
    actor::ActorError,
    error::{Error, ErrorCode},
    impersonation::ImpersonationError,
    product::ProductError,
    secret::Secret,
    storage::StorageError,
};

type DynError<'a> = &'a (dyn StdError + 'static);

/// A chain is read no further: one that leads into itself must not hold up a worker.
const MOST_CAUSES: usize = 32;

/// What is kept of an error's text, and what a log line shows of it.
const MOST_TEXT: usize = 4 * 1024;

/// What an error and its causes say.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signs {
    /// There is no app token that lives.
    pub(super) no_app_token: bool,
    /// The platform refused what was presented to it: 401 or 403.
    pub(super) refused: bool,
    /// How long somebody asked to be left alone; zero if nobody did.
    pub(super) wait: Duration,
}

impl Signs {
    pub(super) fn of(error: DynError<'_>) -> Self {
        let mut signs = Self::default();
        for cause in causes(error) {
            signs.read(cause);
        }
        signs
    }

    fn read(&mut self, cause: DynError<'_>) {
        if let Some(error) = as_a::<Error>(cause) {
            match error.code() {
                ErrorCode::MissingAppToken => self.no_app_token = true,
                ErrorCode::UpstreamUnauthorized | ErrorCode::Forbidden => self.refused = true,
                _ => {}
            }
            self.waits(error.wait());
        } else if let Some(error) = as_a::<ProductError>(cause) {
            let refused = matches!(
                error,
                ProductError::Unauthorized(_) | ProductError::Forbidden(_)
            );
            self.refused |= refused;
            self.waits(error.retry_after());
        } else if let Some(error) = as_a::<StorageError>(cause) {
            let refused = matches!(
                error,
                StorageError::Unauthorized(_) | StorageError::Forbidden(_)
            );
            self.refused |= refused;
            self.waits(error.retry_after());
        } else if let Some(error) = as_a::<ImpersonationError>(cause) {
            match error {
                ImpersonationError::AppTokenRefused { .. } => self.refused = true,
                ImpersonationError::RateLimited { retry_after } => self.waits(Some(*retry_after)),
                _ => {}
            }
        } else if let Some(error) = as_a::<ActorError>(cause) {
            self.no_app_token |= *error == ActorError::MissingAppToken;
        }
    }

    fn waits(&mut self, wait: Option<Duration>) {
        self.wait = self.wait.max(wait.unwrap_or_default());
    }
}

/// The error and its causes in one line of at most 4 KiB, each said once. None of `secrets`
/// is in it, nor what a deserialiser quotes of its input.
pub(super) fn text<'s>(
    error: DynError<'_>,
    secrets: impl IntoIterator<Item = &'s Secret>,
) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for cause in causes(error) {
        let said = match as_a::<serde_json::Error>(cause) {
            Some(error) => place_in_json(error),
            None => cause.to_string(),
        };
        if said == last || text.len() > MOST_TEXT {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&said);
        last = said;
    }
    for secret in secrets {
        if text.contains(secret.expose()) {
            text = text.replace(secret.expose(), "[redacted]");
        }
    }
    text.truncate(text.floor_char_boundary(MOST_TEXT));
    text
}

/// serde's own words quote the value that does not fit: an event's body is not for the log.
pub(super) fn place_in_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let what = if error.is_data() {
        "JSON of another shape than was expected"
    } else {
        "no JSON"
    };
    match line {
        // Read from a value that was parsed already: there are no lines.
        0 => what.to_owned(),
        _ => format!("{what} at line {line}, column {column}"),
    }
}

fn causes(error: DynError<'_>) -> impl Iterator<Item = DynError<'_>> {
    successors(Some(error), |&error| {
        // Such an error names the causes of what it holds, but not what it holds.
        let held = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        held.map(|held| held as DynError<'_>)
            .or_else(|| error.source())
    })
    .take(MOST_CAUSES)
}

/// The error if it is one, or a box or a shared pointer of one: those are errors too.
fn as_a<T: StdError + 'static>(error: DynError<'_>) -> Option<&T> {
    error
        .downcast_ref::<T>()
        .or_else(|| error.downcast_ref::<Box<T>>().map(|error| &**error))
        .or_else(|| error.downcast_ref::<Arc<T>>().map(|error| &**error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inbox::JobError, store::StoreError};

    /// As a program wraps what it gets from this crate.
    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Wrapped(&'static str, #[source] Box<dyn StdError + Send + Sync>);

    fn wrapped(error: impl Into<Box<dyn StdError + Send + Sync>>) -> JobError {
        JobError::from(Wrapped("outer", Box::new(Wrapped("inner", error.into()))))
    }

    fn signs(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Signs {
        let error = error.into();
        let plain = JobError::retry(error);
        let of_plain = Signs::of(plain.source());
        let JobError::Retry(error) = plain else {
            unreachable!()
        };
        assert_eq!(Signs::of(wrapped(error).source()), of_plain);
        of_plain
    }

    #[test]
    fn a_missing_app_token_is_seen_through_boxes_and_causes() {
        let signs_of_it = Signs {
            no_app_token: true,
            ..Signs::default()
        };
        assert_eq!(signs(ActorError::MissingAppToken), signs_of_it);
        assert_eq!(signs(Error::from(ActorError::MissingAppToken)), signs_of_it);
        let of_a_product = ProductError::Credentials(ActorError::MissingAppToken.into());
        assert_eq!(signs(of_a_product), signs_of_it);
        assert_eq!(signs(ActorError::MissingUserToken), Signs::default());
        assert_eq!(signs(std::fmt::Error), Signs::default());
    }

    #[test]
    fn an_error_is_seen_through_whatever_holds_it() {
        let missing = || ProductError::Credentials(ActorError::MissingAppToken.into());
        assert!(signs(Box::new(missing())).no_app_token);
        assert!(signs(Arc::new(missing())).no_app_token);
        assert!(signs(io::Error::other(missing())).no_app_token);
        assert!(signs(Box::new(Error::new(ErrorCode::Forbidden, "No."))).refused);
        let any = anyhow::Error::from(missing()).context("outer");
        assert!(Signs::of(JobError::retry(any).source()).no_app_token);
        let any = anyhow::Error::from(missing());
        assert!(Signs::of(JobError::retry(any).source()).no_app_token);
        let held = io::Error::other(Wrapped("outer", "inner".into()));
        assert_eq!(text(&held, []), "outer: inner");
    }

    #[test]
    fn refusals_are_seen() {
        for code in [ErrorCode::UpstreamUnauthorized, ErrorCode::Forbidden] {
            assert!(signs(Error::new(code, "No.")).refused);
        }
        let upstream_trace = None;
        assert!(signs(ImpersonationError::AppTokenRefused { upstream_trace }).refused);
        assert!(!signs(Error::new(ErrorCode::NotFound, "No.")).refused);
        assert!(!signs(Error::new(ErrorCode::ImpersonationDenied, "No.")).refused);
    }

    #[test]
    fn the_longest_wait_counts() {
        let wait = Duration::from_secs(7);
        let limited = ImpersonationError::RateLimited { retry_after: wait };
        assert_eq!(signs(limited.clone()).wait, wait);
        assert_eq!(signs(Error::from(limited.clone())).wait, wait);
        let longer = Error::new(ErrorCode::RateLimited, "Wait.")
            .retry_after(wait * 2)
            .caused_by(limited);
        assert_eq!(signs(longer).wait, wait * 2);
    }

    #[test]
    fn the_text_has_every_cause_once() {
        let error = Wrapped("outer", Box::new(Wrapped("outer", "root".into())));
        assert_eq!(text(&error, []), "outer: root");
        let error = Error::from(StoreError::Unavailable("locked".into()));
        let text = text(&error, []);
        assert!(text.starts_with("store_unavailable: "), "{text}");
        assert!(
            text.ends_with(": the store does not answer: locked"),
            "{text}"
        );
    }

    #[test]
    fn the_text_holds_neither_tokens_nor_bodies() {
        let secret = Secret::new("t0ken".to_owned());
        let error = Wrapped("sent t0ken", "and t0ken again".into());
        assert_eq!(
            text(&error, [&secret]),
            "sent [redacted]: and [redacted] again"
        );

        let error = serde_json::from_str::<u8>("\"Ada's page\"").unwrap_err();
        let said = text(&Wrapped("unreadable", error.into()), []);
        assert_eq!(
            said,
            "unreadable: JSON of another shape than was expected at line 1, column 12"
        );
    }

    #[test]
    fn the_text_is_cut() {
        let long = JobError::retry("ä".repeat(10_000));
        assert_eq!(text(long.source(), []).len(), MOST_TEXT);
        let long = wrapped("x".repeat(10_000));
        assert_eq!(text(long.source(), []).len(), MOST_TEXT);
    }

    #[test]
    fn an_endless_chain_ends() {
        #[derive(Debug)]
        struct Circle;
        impl std::fmt::Display for Circle {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("round")
            }
        }
        impl StdError for Circle {
            fn source(&self) -> Option<DynError<'_>> {
                Some(&Circle)
            }
        }
        assert_eq!(text(&Circle, []), "round");
        assert_eq!(Signs::of(&Circle), Signs::default());
    }
}
