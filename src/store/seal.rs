//! Secrets at rest: AES-256-GCM, bound to the row they belong to.
//!
//! A sealed secret is `version (1) | key id (8) | nonce (12) | ciphertext and tag`. The
//! key id is the beginning of the key's SHA-256, so that another key can take over
//! while blobs of the old one are still around: one key seals, and several may open.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest,
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use metrics::Counter;
use secrecy::zeroize::Zeroizing;

use super::keys::SealedKind;
use crate::{ids::InstallationId, secret::Secret};

const VERSION: u8 = 1;
const KEY_LEN: usize = 32;
const KEY_ID_LEN: usize = 8;
const HEADER_LEN: usize = 1 + KEY_ID_LEN;

const PADDED_OR_NOT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDED_OR_NOT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDED_OR_NOT);

/// What a secret is for. It is sealed in: a blob does not open for another purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "a purpose need not be a token's")]
pub(super) enum Purpose {
    AppToken,
    /// The app token that came with a job.
    JobToken,
    /// The token of the impersonated account with that hash.
    AccountToken([u8; 32]),
}

impl Purpose {
    const fn label(&self) -> &'static [u8] {
        match self {
            Self::AppToken => b"app token",
            Self::JobToken => b"app token of a job",
            Self::AccountToken(_) => b"account token",
        }
    }

    /// As metrics and commands name it.
    pub(super) const fn kind(&self) -> SealedKind {
        match self {
            Self::AppToken => SealedKind::AppToken,
            Self::JobToken => SealedKind::JobToken,
            Self::AccountToken(_) => SealedKind::AccountToken,
        }
    }

    /// What the secret belongs to beside the installation.
    const fn detail(&self) -> &[u8] {
        match self {
            Self::AppToken | Self::JobToken => &[],
            Self::AccountToken(subject) => subject,
        }
    }
}

/// Which key it is: the beginning of its SHA-256. It tells keys apart and nothing about them.
///
/// ```
/// use forge_remote::store::{KeyId, fresh_key};
///
/// let one: KeyId = fresh_key()?.1;
/// let other: KeyId = fresh_key()?.1;
/// assert_ne!(one, other);
/// # Ok::<(), forge_remote::store::KeyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_LEN]);

impl KeyId {
    /// The key that a blob says it was sealed with; none if it is no blob.
    pub(super) fn of_blob(blob: &[u8]) -> Option<Self> {
        let (version, rest) = blob.split_first()?;
        let id = rest.first_chunk().filter(|_| *version == VERSION)?;
        Some(Self(*id))
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Makes a key, as `store.encryption_key` takes it: 32 random bytes in base64.
///
/// ```
/// # fn main() -> Result<(), forge_remote::store::KeyError> {
/// let (key, id) = forge_remote::store::fresh_key()?;
/// assert_eq!(key.expose().len(), 44);
/// assert_eq!(id.to_string().len(), 16);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`KeyError::Refused`] if the system has no random bytes to give.
pub fn fresh_key() -> Result<(Secret, KeyId), KeyError> {
    let bytes = random()?;
    let id = Key::new(bytes.as_slice())?.id();
    Ok((Secret::new(STANDARD.encode(bytes.as_slice())), id))
}

/// Not from aws-lc's generator: it takes 40 ms to seed itself, and the start waits for this.
fn random() -> Result<Zeroizing<[u8; KEY_LEN]>, KeyError> {
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| KeyError::Refused)?;
    Ok(bytes)
}

/// One key.
struct Key {
    cipher: RandomizedNonceKey,
    header: [u8; HEADER_LEN],
}

/// Seals secrets with one key, and opens what that one or others have sealed.
pub(super) struct Sealer {
    primary: Key,
    additional: Vec<Key>,
    lasting: bool,
}

/// `store.encryption_key` is no key. The message does not repeat the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not base64.
    #[error("it is not base64, in the standard or the URL-safe alphabet")]
    NotBase64,
    /// It is too short or too long.
    #[error("it must be 32 bytes, not {0}")]
    Length(usize),
    /// The crypto library refused it.
    #[error("the crypto library refused it")]
    Refused,
}

/// A secret cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SealError {
    #[error("it was sealed with another key")]
    UnknownKey,
    #[error("it is damaged, or belongs to another row")]
    Damaged,
    #[error("the crypto library failed")]
    Failed,
}

impl SealError {
    /// Counts a value that was wanted and cannot be had: `forge_unseal_failures_total`.
    pub(super) fn count(self, purpose: Purpose) {
        self.counted(purpose.kind()).increment(1);
    }

    /// Shows all of them to be 0: a counter that appears with its first failure hides that
    /// failure from a rate.
    pub(super) fn count_none() {
        for kind in SealedKind::ALL {
            for cause in [Self::UnknownKey, Self::Damaged, Self::Failed] {
                cause.counted(kind).increment(0);
            }
        }
    }

    fn counted(self, kind: SealedKind) -> Counter {
        let cause = match self {
            Self::UnknownKey => "unknown_key",
            Self::Damaged => "damaged",
            Self::Failed => "failed",
        };
        metrics::counter!(
            "forge_unseal_failures_total", "kind" => kind.as_str(), "cause" => cause
        )
    }
}

impl Key {
    fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != KEY_LEN {
            return Err(KeyError::Length(bytes.len()));
        }
        let mut header = [VERSION; HEADER_LEN];
        let hash = digest::digest(&digest::SHA256, bytes);
        for (at, byte) in header.iter_mut().skip(1).zip(hash.as_ref()) {
            *at = *byte;
        }
        Ok(Self {
            cipher: RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| KeyError::Refused)?,
            header,
        })
    }

    /// The key that the settings write so.
    fn of_text(base64: &Secret) -> Result<Self, KeyError> {
        let text = base64.expose().trim();
        // With room for all of it: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
        if STANDARD.decode_vec(text, &mut bytes).is_err() {
            bytes.clear();
            URL_SAFE
                .decode_vec(text, &mut bytes)
                .map_err(|_| KeyError::NotBase64)?;
        }
        Self::new(&bytes)
    }

    fn id(&self) -> KeyId {
        let [_, id @ ..] = self.header;
        KeyId(id)
    }

    /// Header and owner have a fixed length, and so has what comes after each label: no two
    /// bindings read the same.
    fn bound_to(&self, purpose: Purpose, owner: InstallationId) -> Aad<Vec<u8>> {
        let owner = owner.uuid();
        let begin = [self.header.as_slice(), owner.as_bytes()].concat();
        Aad::from([&begin, purpose.label(), purpose.detail()].concat())
    }
}

impl Sealer {
    /// Seals with the key of the settings.
    pub(super) fn with_key(base64: &Secret) -> Result<Self, KeyError> {
        Ok(Self::of(Key::of_text(base64)?, true))
    }

    /// Seals with a key of its own, which is gone when the process ends.
    pub(super) fn for_this_process() -> Result<Self, KeyError> {
        Ok(Self::of(Key::new(random()?.as_slice())?, false))
    }

    const fn of(primary: Key, lasting: bool) -> Self {
        Self {
            primary,
            additional: Vec::new(),
            lasting,
        }
    }

    /// Opens what was sealed with these keys too. One that is known already adds nothing.
    pub(super) fn knowing(mut self, base64: &[Secret]) -> Result<Self, KeyError> {
        for text in base64 {
            let key = Key::of_text(text)?;
            if self.key(&key.header).is_none() {
                self.additional.push(key);
            }
        }
        Ok(self)
    }

    /// Whether what is sealed today can be opened after a restart.
    pub(super) const fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// The key that seals.
    pub(super) fn primary(&self) -> KeyId {
        self.primary.id()
    }

    /// The keys that only open.
    pub(super) fn additional(&self) -> impl Iterator<Item = KeyId> {
        self.additional.iter().map(Key::id)
    }

    /// What everything that is sealed today begins with.
    pub(super) const fn header(&self) -> &[u8] {
        &self.primary.header
    }

    /// What everything that can be opened begins with.
    pub(super) fn headers(&self) -> impl Iterator<Item = &[u8]> {
        self.keys().map(|key| key.header.as_slice())
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.primary).chain(&self.additional)
    }

    fn key(&self, header: &[u8]) -> Option<&Key> {
        self.keys().find(|key| key.header == header)
    }

    pub(super) fn seal(
        &self,
        purpose: Purpose,
        owner: InstallationId,
        secret: &Secret,
    ) -> Result<Vec<u8>, SealError> {
        let key = &self.primary;
        let text = secret.expose().as_bytes();
        // With room for the tag, or growing would leave a copy of the text behind.
        let mut sealed = Vec::with_capacity(text.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(text);
        // The nonce is 96 random bits: safe for some 2^32 secrets under one key.
        let nonce = key
            .cipher
            .seal_in_place_append_tag(key.bound_to(purpose, owner), &mut sealed)
            .map_err(|_| SealError::Failed)?;
        Ok([&key.header, nonce.as_ref().as_slice(), &sealed].concat())
    }

    pub(super) fn open(
        &self,
        purpose: Purpose,
        owner: InstallationId,
        blob: &[u8],
    ) -> Result<Secret, SealError> {
        let (header, rest) = blob
            .split_at_checked(HEADER_LEN)
            .ok_or(SealError::Damaged)?;
        if header[0] != VERSION {
            return Err(SealError::Damaged);
        }
        let key = self.key(header).ok_or(SealError::UnknownKey)?;
        let (nonce, sealed) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(SealError::Damaged)?;
        let mut text = sealed.to_vec();
        let length = key
            .cipher
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                key.bound_to(purpose, owner),
                &mut text,
            )
            .map_err(|_| SealError::Damaged)?
            .len();
        text.truncate(length);
        String::from_utf8(text)
            .map(Secret::new)
            .map_err(|_| SealError::Damaged)
    }
}

/// Seals app tokens as the stores do, for the benchmarks alone.
#[doc(hidden)]
#[derive(Debug)]
pub struct Sealing(Sealer);

impl Sealing {
    /// Seals with a key as the settings hold it.
    ///
    /// # Errors
    /// [`KeyError`] if it is none.
    pub fn with_key(base64: &Secret) -> Result<Self, KeyError> {
        Sealer::with_key(base64).map(Self)
    }

    /// The sealed token; nothing if the crypto library fails.
    #[must_use]
    pub fn seal(&self, owner: InstallationId, token: &Secret) -> Option<Vec<u8>> {
        self.0.seal(Purpose::AppToken, owner, token).ok()
    }

    /// The token; nothing if it was not sealed for that installation.
    #[must_use]
    pub fn open(&self, owner: InstallationId, sealed: &[u8]) -> Option<Secret> {
        self.0.open(Purpose::AppToken, owner, sealed).ok()
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
