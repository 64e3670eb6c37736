//! Bearer tokens, one type for each identity they speak for.
//!
//! A token of the wrong kind does not compile where another is wanted:
//!
//! ```compile_fail
//! # use forge_remote::token::{AppToken, UserToken};
//! fn exchange(app: &AppToken) {}
//! fn handler(user: &UserToken) {
//!     exchange(user);
//! }
//! ```
//!
//! Nor does an answer that holds one:
//!
//! ```compile_fail,E0277
//! # use forge_remote::token::UserToken;
//! fn answer(body: impl serde::Serialize) {}
//! fn handler(user: UserToken) {
//!     answer(user);
//! }
//! ```

use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, OnceLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderValue;

use crate::{clock::Timestamp, secret::Secret};

/// What is assumed of a token whose expiry cannot be read: earlier revisions of
/// the platform promised no more (Forge Remote essentials: "at least 55 minutes").
const UNREADABLE_LIFETIME: Duration = Duration::from_mins(55);

/// No token of Forge lives longer (Forge Remote essentials). Where one says so, somebody
/// else made it up, and it must not outlast those that are real.
const LONGEST_LIFETIME: Duration = Duration::from_hours(4);

/// A remembered token is kept for each installation: a browser must not decide how large.
const MOST_BYTES: usize = 16 * 1024;

/// Marks the app's own token, which acts as its bot account.
///
/// ```
/// use forge_remote::token::{Account, App, Token};
/// /// What an exchange does: no other token goes in, and none but an account's comes out.
/// type Exchange = fn(&Token<App>) -> Token<Account>;
/// ```
#[derive(Debug, Clone, Copy)]
pub enum App {}
/// Marks the token of the user in session.
#[derive(Debug, Clone, Copy)]
pub enum User {}
/// Marks the token of an account that the app impersonates.
#[derive(Debug, Clone, Copy)]
pub enum Account {}

/// `x-forge-oauth-system`: the app's token in one installation.
pub type AppToken = Token<App>;
/// `x-forge-oauth-user`: the token of the user in session.
pub type UserToken = Token<User>;
/// The result of an exchange: the token of an impersonated account.
///
/// ```
/// use forge_remote::{clock::Timestamp, token::AccountToken};
/// fn to_renew<'a>(held: &'a [AccountToken], now: Timestamp) -> impl Iterator<Item = &'a AccountToken> {
///     held.iter().filter(move |token| !token.lives_at(now))
/// }
/// ```
pub type AccountToken = Token<Account>;

/// What stands before a token in `Authorization`.
const SCHEME: &str = "Bearer ";

/// A bearer token with its expiry. `Debug` shows the expiry and never the token.
///
/// A clone shares the token, and so do the `Authorization` values made of it: there is one
/// copy of its text, and it is wiped when the last of them is dropped. What has been sent is
/// another matter: the buffers of the connection and of TLS hold it until they are used again.
///
/// ```
/// use std::time::Duration;
/// use forge_remote::{clock::Timestamp, token::{AppToken, InvalidToken, Token, User}};
///
/// let now = Timestamp::from_unix(1_760_000_000);
/// let opaque = AppToken::received("an-opaque-token".to_owned(), now)?;
/// assert_eq!(opaque.expires_at(), now.plus(Duration::from_mins(55)));
/// assert_eq!(opaque.secret().expose(), "an-opaque-token");
///
/// let user: Token<User> = Token::expiring("a-user-token".to_owned(), now.plus(Duration::from_mins(2)))?;
/// assert!(user.lives_at(now));
/// assert!(!user.lives_at(now.plus(Duration::from_mins(1))));
/// assert_eq!(user.authorization(), "Bearer a-user-token");
/// assert!(!format!("{user:?}").contains("a-user-token"));
///
/// assert_eq!(AppToken::received(String::new(), now).err(), Some(InvalidToken));
/// # Ok::<(), InvalidToken>(())
/// ```
pub struct Token<Kind> {
    bearer: Arc<Bearer>,
    kind: PhantomData<fn() -> Kind>,
}

struct Bearer {
    secret: Secret,
    expiry: Expiry,
    /// When its text says that it lapses, if it does. Read when somebody asks: most invocations
    /// bring tokens that their handlers never use.
    said: OnceLock<Option<Timestamp>>,
    /// Made when it is first sent: a token of the cache is sent many times, and some never.
    authorization: OnceLock<HeaderValue>,
}

/// A token is empty, too large, or holds characters that no HTTP header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the token is empty, larger than {} KiB, or holds characters that an HTTP header cannot carry",
    MOST_BYTES / 1024
)]
pub struct InvalidToken;

/// When a token lapses.
#[derive(Clone, Copy)]
enum Expiry {
    Known(Timestamp),
    /// As its text says, or as is assumed of a token that came then.
    OfOneReceived(Timestamp),
}

impl<Kind> Token<Kind> {
    /// A token is not used in its last moments: it would lapse on the way.
    pub(crate) const EXPIRY_MARGIN: Duration = Duration::from_mins(1);

    /// A token as it was received at `now`.
    ///
    /// Its expiry is the integer `exp` of its payload if it is a JWT; any other
    /// token is opaque and is taken to live 55 minutes. Nothing else is read, and nothing
    /// is believed to live longer than the platform's four hours.
    ///
    /// # Errors
    /// [`InvalidToken`] if it is empty, larger than 16 KiB, or not made of visible ASCII.
    pub fn received(text: String, now: Timestamp) -> Result<Self, InvalidToken> {
        wiped(text, |text| Self::read(text, now))
    }

    /// As [`received`](Self::received), with the token copied out of a header.
    pub(crate) fn read(text: &str, now: Timestamp) -> Result<Self, InvalidToken> {
        Self::lasting(text, Expiry::OfOneReceived(now))
    }

    /// A token that is known to expire at `expires_at`.
    ///
    /// # Errors
    /// [`InvalidToken`] if it is empty, larger than 16 KiB, or not made of visible ASCII.
    pub fn expiring(text: String, expires_at: Timestamp) -> Result<Self, InvalidToken> {
        wiped(text, |text| Self::lasting(text, Expiry::Known(expires_at)))
    }

    /// As [`expiring`](Self::expiring), of a text that is a secret already.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the last owner wipes it, and that ought to be now"
    )]
    pub(crate) fn of_secret(secret: Secret, expires_at: Timestamp) -> Result<Self, InvalidToken> {
        Self::lasting(secret.expose(), Expiry::Known(expires_at))
    }

    fn lasting(text: &str, expiry: Expiry) -> Result<Self, InvalidToken> {
        let fits = (1..=MOST_BYTES).contains(&text.len());
        if !fits || !is_graphic(text) {
            return Err(InvalidToken);
        }
        let bearer = Bearer {
            secret: Secret::behind(SCHEME, text),
            expiry,
            said: OnceLock::new(),
            authorization: OnceLock::new(),
        };
        Ok(Self {
            bearer: Arc::new(bearer),
            kind: PhantomData,
        })
    }

    /// When the token lapses.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        match self.bearer.expiry {
            Expiry::Known(at) => at,
            Expiry::OfOneReceived(at) => self
                .bearer
                .said()
                .unwrap_or_else(|| at.plus(UNREADABLE_LIFETIME))
                .min(at.plus(LONGEST_LIFETIME)),
        }
    }

    /// Whether the token itself says when it lapses. Of any other it is assumed, from when it came.
    pub(crate) fn is_dated(&self) -> bool {
        self.bearer.said().is_some()
    }

    /// Whether the token can still be used, with a minute in hand.
    #[must_use]
    pub fn lives_at(&self, now: Timestamp) -> bool {
        now.plus(Self::EXPIRY_MARGIN) < self.expires_at()
    }

    /// The token's text.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.bearer.secret
    }

    /// `Bearer <token>`, marked sensitive so that no layer logs it. It is made once and
    /// shares the token's text.
    #[must_use]
    pub fn authorization(&self) -> HeaderValue {
        let made = || {
            // The constructor admits visible ASCII only, which every header value may hold.
            let mut value = HeaderValue::from_maybe_shared(self.bearer.secret.whole())
                .unwrap_or(HeaderValue::from_static("Bearer"));
            value.set_sensitive(true);
            value
        };
        self.bearer.authorization.get_or_init(made).clone()
    }
}

impl Bearer {
    fn said(&self) -> Option<Timestamp> {
        *self
            .said
            .get_or_init(|| readable_expiry(self.secret.expose()))
    }
}

impl<Kind> Clone for Token<Kind> {
    fn clone(&self) -> Self {
        Self {
            bearer: Arc::clone(&self.bearer),
            kind: PhantomData,
        }
    }
}

impl<Kind> fmt::Debug for Token<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

/// Reads a token from a text of its own, which is then wiped.
fn wiped<T>(text: String, read: impl FnOnce(&str) -> T) -> T {
    read(Secret::new(text).expose())
}

/// Whether it is made of visible ASCII. Without a way out on the first byte that is not, which
/// lets the compiler look at many at once.
fn is_graphic(text: &str) -> bool {
    text.bytes()
        .fold(true, |all, byte| all & byte.is_ascii_graphic())
}

/// `exp` of a JWT, read without trust: three segments, base64url, an integer.
fn readable_expiry(token: &str) -> Option<Timestamp> {
    #[derive(serde::Deserialize)]
    struct Payload {
        exp: i64,
    }
    let mut segments = token.split('.');
    let (_, payload, _) = (segments.next()?, segments.next()?, segments.next()?);
    if segments.next().is_some() {
        return None;
    }
    let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let payload: Payload = serde_json::from_slice(&json).ok()?;
    (payload.exp > 0).then(|| Timestamp::from_unix(payload.exp))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_785_312_000);

    fn expiry_of(text: &str) -> i64 {
        AppToken::received(text.to_owned(), NOW)
            .unwrap()
            .expires_at()
            .unix()
            - NOW.unix()
    }

    fn jwt(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_jwt_lives_until_its_exp() {
        assert_eq!(expiry_of(&jwt(r#"{"exp":1785319200,"x":[]}"#)), 7200);
    }

    #[test]
    fn no_token_is_believed_to_live_longer_than_the_platforms() {
        for exp in ["1785326401", "9223372036854775807"] {
            assert_eq!(expiry_of(&jwt(&format!(r#"{{"exp":{exp}}}"#))), 4 * 3600);
        }
    }

    #[test]
    fn anything_unreadable_lives_55_minutes() {
        for text in [
            "opaque",
            "a.b",
            "a.b.c.d",
            "a.%%%.c",
            &jwt("{"),
            &jwt(r#"{"exp":"1785319200"}"#),
            &jwt(r#"{"exp":-1}"#),
            &jwt(r#"{"exp":1e400}"#),
        ] {
            assert_eq!(expiry_of(text), 3300, "{text}");
        }
    }

    #[test]
    fn a_token_is_no_larger_than_the_platforms() {
        let received = |bytes| AppToken::received("t".repeat(bytes), NOW);
        assert!(received(MOST_BYTES).is_ok());
        assert_eq!(received(MOST_BYTES + 1).unwrap_err(), InvalidToken);
    }

    #[test]
    fn what_no_header_can_carry_is_no_token() {
        for text in ["", "a b", "a\r\nx: y", "ü"] {
            assert!(
                AppToken::received(text.to_owned(), NOW).is_err(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_token_is_not_used_in_its_last_minute() {
        let token = AppToken::expiring("t".into(), NOW.plus(Duration::from_secs(61))).unwrap();
        assert!(token.lives_at(NOW));
        assert!(!token.lives_at(NOW.plus(Duration::from_secs(1))));
    }

    #[test]
    fn each_authorization_shares_the_text() {
        let token = AppToken::read("t0ken", NOW).unwrap();
        let first = token.authorization();
        let second = token.clone().authorization();
        drop(token);
        assert!(first.is_sensitive() && second.is_sensitive());
        assert_eq!(first.as_bytes(), b"Bearer t0ken");
        assert_eq!(first.as_bytes().as_ptr(), second.as_bytes().as_ptr());
    }

    #[test]
    fn nothing_prints_the_token() {
        let token = AppToken::expiring("t0ken".into(), NOW).unwrap();
        assert!(!format!("{token:?} {:?}", token.authorization()).contains("t0ken"));
        assert_eq!(token.authorization().to_str().unwrap(), "Bearer t0ken");
    }
}
