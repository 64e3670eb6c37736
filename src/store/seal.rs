//! Secrets at rest: AES-256-GCM, bound to the row they belong to.
//!
//! A sealed secret is `version (1) | key id (8) | nonce (12) | ciphertext and tag`. The
//! key id is the beginning of the key's SHA-256, so that another key can take over
//! while blobs of the old one are still around.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest,
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::zeroize::Zeroizing;

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

    /// What the secret belongs to beside the installation.
    const fn detail(&self) -> &[u8] {
        match self {
            Self::AppToken | Self::JobToken => &[],
            Self::AccountToken(subject) => subject,
        }
    }
}

/// Seals and opens secrets with one key.
pub(super) struct Sealer {
    key: RandomizedNonceKey,
    header: [u8; HEADER_LEN],
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

impl Sealer {
    /// Seals with the key of the settings.
    pub(super) fn with_key(base64: &Secret) -> Result<Self, KeyError> {
        let text = base64.expose().trim();
        // With room for all of it: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
        if STANDARD.decode_vec(text, &mut bytes).is_err() {
            bytes.clear();
            URL_SAFE
                .decode_vec(text, &mut bytes)
                .map_err(|_| KeyError::NotBase64)?;
        }
        Self::new(&bytes, true)
    }

    /// Seals with a key of its own, which is gone when the process ends.
    pub(super) fn for_this_process() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        // Not aws-lc's generator: it takes 40 ms to seed itself, and the start waits for this.
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| KeyError::Refused)?;
        Self::new(bytes.as_slice(), false)
    }

    fn new(key: &[u8], lasting: bool) -> Result<Self, KeyError> {
        if key.len() != KEY_LEN {
            return Err(KeyError::Length(key.len()));
        }
        let mut header = [VERSION; HEADER_LEN];
        let hash = digest::digest(&digest::SHA256, key);
        for (at, byte) in header.iter_mut().skip(1).zip(hash.as_ref()) {
            *at = *byte;
        }
        Ok(Self {
            key: RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| KeyError::Refused)?,
            header,
            lasting,
        })
    }

    /// Whether what is sealed today can be opened after a restart.
    pub(super) const fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// What everything that is sealed with this key begins with.
    pub(super) const fn header(&self) -> &[u8] {
        &self.header
    }

    pub(super) fn seal(
        &self,
        purpose: Purpose,
        owner: InstallationId,
        secret: &Secret,
    ) -> Result<Vec<u8>, SealError> {
        let text = secret.expose().as_bytes();
        // With room for the tag, or growing would leave a copy of the text behind.
        let mut sealed = Vec::with_capacity(text.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(text);
        // The nonce is 96 random bits: safe for some 2^32 secrets under one key.
        let nonce = self
            .key
            .seal_in_place_append_tag(self.bound_to(purpose, owner), &mut sealed)
            .map_err(|_| SealError::Failed)?;
        Ok([&self.header, nonce.as_ref().as_slice(), &sealed].concat())
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
        if header != self.header {
            return Err(SealError::UnknownKey);
        }
        let (nonce, sealed) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(SealError::Damaged)?;
        let mut text = sealed.to_vec();
        let length = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                self.bound_to(purpose, owner),
                &mut text,
            )
            .map_err(|_| SealError::Damaged)?
            .len();
        text.truncate(length);
        String::from_utf8(text)
            .map(Secret::new)
            .map_err(|_| SealError::Damaged)
    }

    /// Header and owner have a fixed length, and so has what comes after each label: no two
    /// bindings read the same.
    fn bound_to(&self, purpose: Purpose, owner: InstallationId) -> Aad<Vec<u8>> {
        let owner = owner.uuid();
        let begin = [self.header.as_slice(), owner.as_bytes()].concat();
        Aad::from([&begin, purpose.label(), purpose.detail()].concat())
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
