//! OAuth tokens: the app's, the users', and those of impersonated accounts.
//!
//! They are JWTs with an `exp`, as the platform's are. What a token may do stands in
//! it, signed with a key that only the emulator has, so nothing has to be remembered.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{installation::Installed, world};
use crate::manifest::Scopes;
use crate::{
    clock::{Clock, Timestamp},
    ids::InstallationId,
    secret::Secret,
};

const ISSUER: &str = "forge/oauth-token";
/// How long ago a token lapsed that is sent on demand: longer than clocks differ.
const LAPSED_SINCE: Duration = Duration::from_mins(1);

/// On whose behalf a token speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    /// The app's bot account.
    App,
    /// The user in session.
    User,
    /// An account that the app impersonates.
    Impersonated,
}

/// What a token grants, once it is verified.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) kind: Kind,
    /// The account: the bot's for the app itself.
    pub(super) sub: String,
    pub(super) installation: InstallationId,
    /// Separated by spaces.
    scope: String,
    iss: String,
    iat: i64,
    exp: i64,
    pub(super) jti: String,
}

impl Grant {
    pub(super) fn carries(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|carried| carried == scope)
    }
}

/// A token that an API must not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadToken {
    #[error("no bearer token")]
    Missing,
    #[error("not a token of this emulator")]
    Forged,
    #[error("the token has expired")]
    Expired,
    #[error("the token is for another installation, or one that was removed")]
    OtherInstallation,
}

/// Whose token, of which kind, in which installation.
type Account = (InstallationId, Kind, String);

/// Makes tokens and checks them.
pub(super) struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    lifetime: Duration,
    impersonation_lifetime: Duration,
    clock: Clock,
    /// The token that is handed out until it nears its end: one entry for each account.
    current: Mutex<HashMap<Account, (Secret, Timestamp)>>,
    app_scopes: String,
    impersonation_scopes: String,
}

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetimes {
    pub(super) token: Duration,
    pub(super) impersonation: Duration,
}

impl Tokens {
    pub(super) fn new(secret: &[u8], scopes: &Scopes, lifetimes: Lifetimes, clock: Clock) -> Self {
        Self {
            signing: EncodingKey::from_secret(secret),
            verifying: DecodingKey::from_secret(secret),
            lifetime: lifetimes.token,
            impersonation_lifetime: lifetimes.impersonation,
            clock,
            current: Mutex::default(),
            app_scopes: scopes.granted().collect::<Vec<_>>().join(" "),
            impersonation_scopes: scopes.impersonable().collect::<Vec<_>>().join(" "),
        }
    }

    /// The app's token: the same string until less than half of its life is left.
    pub(super) fn for_app(&self, installation: InstallationId) -> Option<Secret> {
        self.current(installation, Kind::App, world::BOT)
    }

    /// The token of the user in session, kept and renewed like the app's.
    pub(super) fn for_user(
        &self,
        installation: InstallationId,
        account_id: &str,
    ) -> Option<Secret> {
        self.current(installation, Kind::User, account_id)
    }

    /// A token of the app, or of that user, that lapsed a minute ago.
    pub(super) fn lapsed(
        &self,
        installation: InstallationId,
        user: Option<&str>,
    ) -> Option<Secret> {
        let kind = user.map_or(Kind::App, |_| Kind::User);
        let account = (installation, kind, user.unwrap_or(world::BOT));
        let (now, life) = (self.clock.now(), LAPSED_SINCE + self.lifetime);
        let back = i64::try_from(life.as_secs()).unwrap_or_default();
        let begin = Timestamp::from_unix(now.unix() - back);
        self.sign(account, &self.app_scopes, begin, self.lifetime)
    }

    /// A new token for an account that the app may impersonate, and its lifetime in seconds.
    pub(super) fn impersonate(
        &self,
        installation: InstallationId,
        account_id: &str,
    ) -> Option<(Secret, u64)> {
        let lifetime = self.impersonation_lifetime;
        let scopes = &self.impersonation_scopes;
        let account = (installation, Kind::Impersonated, account_id);
        let token = self.sign(account, scopes, self.clock.now(), lifetime)?;
        Some((token, lifetime.as_secs()))
    }

    /// Checks who signed it, when it lapses and whether it belongs to what is installed.
    pub(super) fn verify(&self, token: &str, installed: &Installed) -> Result<Grant, BadToken> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        // By the emulator's own clock, below, so that a test can set the time.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let grant = jsonwebtoken::decode::<Grant>(token, &self.verifying, &validation)
            .map_err(|_| BadToken::Forged)?
            .claims;
        if self.clock.now().unix() >= grant.exp {
            return Err(BadToken::Expired);
        }
        if !installed.is_current(grant.installation) {
            return Err(BadToken::OtherInstallation);
        }
        Ok(grant)
    }

    /// Keeps no token of that installation any longer.
    pub(super) fn forget(&self, installation: InstallationId) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.retain(|(known, ..), _| *known != installation);
    }

    fn current(
        &self,
        installation: InstallationId,
        kind: Kind,
        account_id: &str,
    ) -> Option<Secret> {
        let now = self.clock.now();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (installation, kind, account_id.to_owned());
        if let Some((token, renew_at)) = current.get(&key)
            && now < *renew_at
        {
            return Some(token.clone());
        }
        let account = (installation, kind, account_id);
        let token = self.sign(account, &self.app_scopes, now, self.lifetime)?;
        // One that was asked for while its installation was removed.
        current.retain(|(known, ..), _| *known == installation);
        current.insert(key, (token.clone(), now.plus(self.lifetime / 2)));
        Some(token)
    }

    fn sign(
        &self,
        (installation, kind, account): (InstallationId, Kind, &str),
        scope: &str,
        now: Timestamp,
        life: Duration,
    ) -> Option<Secret> {
        let grant = Grant {
            kind,
            sub: account.to_owned(),
            installation,
            scope: scope.to_owned(),
            iss: ISSUER.to_owned(),
            iat: now.unix(),
            exp: now.plus(life).unix(),
            jti: world::random_uuid().simple().to_string(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &grant, &self.signing)
            .ok()
            .map(Secret::new)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::installation::Installation;
    use crate::manifest::Manifest;

    const HOUR: Duration = Duration::from_hours(1);

    fn tokens(secret: &[u8], clock: &Clock) -> Tokens {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml"));
        let manifest = Manifest::parse(&text.unwrap()).unwrap();
        let lifetimes = Lifetimes {
            token: 4 * HOUR,
            impersonation: HOUR,
        };
        Tokens::new(secret, &manifest.scopes, lifetimes, clock.clone())
    }

    fn installed() -> (Installed, InstallationId) {
        let app = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".parse().unwrap();
        let installation = Installation::of(&app, vec![]);
        let id = installation.id;
        (Installed::new(installation), id)
    }

    fn clock() -> Clock {
        Clock::manual(Timestamp::from_unix(1_785_312_000))
    }

    #[test]
    fn a_token_is_repeated_and_renewed_with_two_hours_left() {
        let clock = clock();
        let (installed, id) = installed();
        let tokens = tokens(b"secret", &clock);
        let first = tokens.for_app(id).unwrap();
        assert_eq!(first, tokens.for_app(id).unwrap());
        clock.advance(2 * HOUR);
        assert_ne!(first, tokens.for_app(id).unwrap());
        assert!(tokens.verify(first.expose(), &installed).is_ok());
    }

    #[test]
    fn every_account_and_every_kind_has_a_token_of_its_own() {
        let (installed, id) = installed();
        let tokens = tokens(b"secret", &clock());
        let (app, mira, jonas) = (
            tokens.for_app(id).unwrap(),
            tokens.for_user(id, world::MIRA).unwrap(),
            tokens.for_user(id, world::JONAS).unwrap(),
        );
        assert!(app != mira && mira != jonas && app != jonas);
        assert_eq!(
            tokens.verify(jonas.expose(), &installed).unwrap().sub,
            world::JONAS
        );
    }

    #[test]
    fn an_impersonated_token_carries_only_flagged_scopes() {
        let (installed, id) = installed();
        let tokens = tokens(b"secret", &clock());
        let (token, ttl) = tokens.impersonate(id, world::PRIYA).unwrap();
        let grant = tokens.verify(token.expose(), &installed).unwrap();
        assert_eq!((grant.kind, ttl), (Kind::Impersonated, 3600));
        assert!(grant.carries("read:confluence-content.all"));
        assert!(!grant.carries("read:confluence-user"));
        let user = tokens.for_user(id, world::PRIYA).unwrap();
        assert!(
            tokens
                .verify(user.expose(), &installed)
                .unwrap()
                .carries("read:confluence-user")
        );
    }

    #[test]
    fn tokens_that_lapsed_or_belong_elsewhere_are_refused() {
        let clock = clock();
        let (installed, id) = installed();
        let ours = tokens(b"secret", &clock);
        let token = ours.for_app(id).unwrap();
        let refused = |tokens: &Tokens, token: &str| tokens.verify(token, &installed).unwrap_err();
        assert_eq!(
            refused(&tokens(b"other", &clock), token.expose()),
            BadToken::Forged
        );
        assert_eq!(refused(&ours, "eyJ.opaque.token"), BadToken::Forged);
        assert!(ours.verify(token.expose(), &installed).is_ok());
        installed.remove(id);
        assert_eq!(refused(&ours, token.expose()), BadToken::OtherInstallation);
        clock.advance(4 * HOUR);
        assert_eq!(refused(&ours, token.expose()), BadToken::Expired);
    }

    #[test]
    fn a_token_can_be_read_as_one_with_an_expiry() {
        let clock = clock();
        let (_, id) = installed();
        let token = tokens(b"secret", &clock).for_app(id).unwrap();
        let read = crate::token::AppToken::received(token.expose().to_owned(), clock.now());
        assert_eq!(read.unwrap().expires_at(), clock.now().plus(4 * HOUR));
    }
}
