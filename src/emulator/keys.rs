//! The key that signs FITs: made once, kept in the state folder, published as a key set.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::{
    digest,
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, JwkSet, PublicKeyUse},
};
use uuid::Builder;

const FILE: &str = "signing-key.der";

/// The signing key and what is derived from it.
pub(super) struct SigningKey {
    pub(super) encoding: EncodingKey,
    /// `forge/invocation-token/<uuid>`: it has slashes, as the platform's key ids do.
    pub(super) kid: String,
    /// What a remote verifies with.
    pub(super) jwk: Jwk,
    /// Signs the OAuth tokens; derived, so that they outlive a restart as the FITs' key does.
    pub(super) oauth_secret: Vec<u8>,
}

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyError {
    #[error("{}: cannot be read or written; check the folder's owner and rights", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}: is no RSA key of 2048 bits; remove it, and a new one is made", .path.display())]
    NotAKey { path: PathBuf },
    #[error("the cryptographic library cannot make an RSA key")]
    Generation,
}

impl SigningKey {
    /// The key kept in `folder`, or a new one that is kept there from now on.
    pub(super) fn load_or_create(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(FILE);
        let pkcs8 = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = generate()?;
                keep(folder, &path, &bytes)?;
                bytes
            }
            Err(source) => return Err(KeyError::File { path, source }),
        };
        Self::from_pkcs8(&pkcs8).ok_or(KeyError::NotAKey { path })
    }

    /// A new key, which is kept nowhere.
    pub(super) fn generate() -> Result<Self, KeyError> {
        Self::from_pkcs8(&generate()?).ok_or(KeyError::Generation)
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = KeyPair::from_pkcs8(pkcs8).ok()?;
        if pair.public_modulus_len() != 256 {
            return None;
        }
        let encoding = EncodingKey::from_rsa_der(pkcs1_of(pkcs8)?);
        let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::RS256).ok()?;
        let kid = key_id(pkcs8);
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let mut oauth = digest::Context::new(&digest::SHA256);
        oauth.update(b"oauth tokens of the emulator\0");
        oauth.update(pkcs8);
        Some(Self {
            encoding,
            kid,
            jwk,
            oauth_secret: oauth.finish().as_ref().to_vec(),
        })
    }
}

/// The key that signs now, and the one that did before it as long as the key set has it.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) signing: Arc<SigningKey>,
    old: Option<Jwk>,
}

impl Keys {
    pub(super) fn of(key: SigningKey) -> Self {
        Self {
            signing: Arc::new(key),
            old: None,
        }
    }

    /// With a new key: one that was old already is in the key set no longer.
    pub(super) fn followed_by(&self, key: Arc<SigningKey>) -> Self {
        Self {
            signing: key,
            old: Some(self.signing.jwk.clone()),
        }
    }

    /// Without the old key.
    pub(super) fn alone(&self) -> Self {
        Self {
            signing: Arc::clone(&self.signing),
            old: None,
        }
    }

    /// The key set that a remote verifies with, the newest key first.
    pub(super) fn jwks(&self) -> JwkSet {
        let newest = std::iter::once(&self.signing.jwk);
        JwkSet {
            keys: newest.chain(&self.old).cloned().collect(),
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

fn generate() -> Result<Vec<u8>, KeyError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generation)?;
    let der = pair.as_der().map_err(|_| KeyError::Generation)?;
    Ok(der.as_ref().to_vec())
}

fn keep(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let failed = |source| KeyError::File {
        path: path.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|source| {
            // Half a key would stop every later start.
            let _ = fs::remove_file(path);
            failed(source)
        })
}

fn key_id(pkcs8: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, pkcs8);
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *byte = *from;
    }
    let uuid = Builder::from_custom_bytes(bytes).into_uuid();
    format!("forge/invocation-token/{uuid}")
}

/// The `RSAPrivateKey` inside a PKCS#8 `PrivateKeyInfo`: version, algorithm, then an octet string with it.
fn pkcs1_of(pkcs8: &[u8]) -> Option<&[u8]> {
    const INTEGER: u8 = 0x02;
    const OCTET_STRING: u8 = 0x04;
    const SEQUENCE: u8 = 0x30;
    let (info, _) = der_value(pkcs8, SEQUENCE)?;
    let (_version, rest) = der_value(info, INTEGER)?;
    let (_algorithm, rest) = der_value(rest, SEQUENCE)?;
    let (key, _) = der_value(rest, OCTET_STRING)?;
    Some(key)
}

/// Content of the DER value at the start, if it has that tag, and what follows it.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        let length = digits
            .iter()
            .fold(0_usize, |length, &digit| length << 8 | usize::from(digit));
        (length, rest)
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_kept_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let first = SigningKey::load_or_create(&state).unwrap();
        let second = SigningKey::load_or_create(&state).unwrap();
        assert_eq!(first.kid, second.kid);
        assert_eq!(first.jwk, second.jwk);
        assert_eq!(first.oauth_secret, second.oauth_secret);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(state.join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn the_key_set_has_no_private_part_and_a_key_id_with_slashes() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::load_or_create(folder.path()).unwrap();
        let json = serde_json::to_value(Keys::of(key).jwks()).unwrap();
        let mut fields: Vec<_> = json["keys"][0]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        fields.sort();
        assert_eq!(fields, ["alg", "e", "kid", "kty", "n", "use"]);
        assert_eq!(json["keys"][0]["alg"], "RS256");
        assert_eq!(json["keys"][0]["use"], "sig");
        let kid = json["keys"][0]["kid"].as_str().unwrap();
        assert!(kid.starts_with("forge/invocation-token/"));
    }

    #[test]
    fn anything_else_in_the_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), b"not a key").unwrap();
        let error = SigningKey::load_or_create(folder.path()).unwrap_err();
        assert!(matches!(error, KeyError::NotAKey { .. }), "{error}");
    }
}
