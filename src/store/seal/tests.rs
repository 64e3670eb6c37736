use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn installation(number: u128) -> InstallationId {
    Uuid::from_u128(number).into()
}

fn secret_key(byte: u8) -> Secret {
    Secret::new(STANDARD.encode([byte; 32]))
}

fn sealer(byte: u8) -> Sealer {
    Sealer::with_key(&secret_key(byte)).unwrap()
}

fn seal(sealer: &Sealer, owner: InstallationId, text: &str) -> Vec<u8> {
    let secret = Secret::new(text.to_owned());
    sealer.seal(Purpose::AppToken, owner, &secret).unwrap()
}

fn open(sealer: &Sealer, owner: InstallationId, blob: &[u8]) -> Result<String, SealError> {
    sealer
        .open(Purpose::AppToken, owner, blob)
        .map(|secret| secret.expose().to_owned())
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_again(text in ".{0,4000}", key: [u8; 32], owner: u128) {
        let sealer = Sealer::of(Key::new(&key).unwrap(), true);
        let owner = installation(owner);
        let blob = seal(&sealer, owner, &text);
        prop_assert_eq!(open(&sealer, owner, &blob), Ok(text));
    }

    #[test]
    fn one_flipped_bit_is_noticed_wherever_it_is(at: prop::sample::Index, bit in 0..8_u8) {
        let (sealer, owner) = (sealer(1), installation(1));
        let mut blob = seal(&sealer, owner, "some.app.token");
        let at = at.index(blob.len());
        blob[at] ^= 1 << bit;
        prop_assert!(open(&sealer, owner, &blob).is_err());
    }

    #[test]
    fn no_bytes_open_that_were_not_sealed(blob: Vec<u8>) {
        prop_assert!(open(&sealer(1), installation(1), &blob).is_err());
    }
}

#[test]
fn a_blob_cut_short_anywhere_does_not_open() {
    let (sealer, owner) = (sealer(1), installation(1));
    let blob = seal(&sealer, owner, "t");
    for length in 0..blob.len() {
        assert!(open(&sealer, owner, &blob[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_blob_does_not_open_in_another_row() {
    let sealer = sealer(1);
    let blob = seal(&sealer, installation(1), "t");
    assert_eq!(
        open(&sealer, installation(2), &blob),
        Err(SealError::Damaged)
    );
}

#[test]
fn another_key_is_told_from_damage() {
    let owner = installation(1);
    let blob = seal(&sealer(1), owner, "t");
    assert_eq!(open(&sealer(2), owner, &blob), Err(SealError::UnknownKey));
    let other = Sealer::for_this_process().unwrap();
    assert_eq!(open(&other, owner, &blob), Err(SealError::UnknownKey));
}

#[test]
fn the_same_secret_is_never_sealed_twice_the_same() {
    let (sealer, owner) = (sealer(1), installation(1));
    let (one, two) = (seal(&sealer, owner, "t"), seal(&sealer, owner, "t"));
    assert_ne!(one, two);
    assert_eq!(one[..HEADER_LEN], two[..HEADER_LEN]);
}

#[test]
fn a_key_is_taken_in_both_alphabets_padded_or_not() {
    let bytes = [0xfb; 32];
    let padded = STANDARD.encode(bytes);
    assert!(padded.contains('+') && padded.ends_with('='));
    let forms = [
        padded.clone(),
        padded.trim_end_matches('=').to_owned(),
        URL_SAFE.encode(bytes),
        URL_SAFE.encode(bytes).trim_end_matches('=').to_owned(),
        format!("{padded}\n"),
    ];
    let headers = forms.map(|text| Sealer::with_key(&Secret::new(text)).unwrap().primary.header);
    assert!(headers.iter().all(|header| *header == headers[0]));
}

#[test]
fn what_is_no_key_is_refused_without_repeating_it() {
    for (text, error) in [
        (String::new(), KeyError::Length(0)),
        (STANDARD.encode([7; 31]), KeyError::Length(31)),
        (STANDARD.encode([7; 33]), KeyError::Length(33)),
        ("7".repeat(64), KeyError::Length(48)),
        ("not base64!".to_owned(), KeyError::NotBase64),
    ] {
        let refused = Sealer::with_key(&Secret::new(text.clone())).unwrap_err();
        assert_eq!(refused, error);
        assert!(text.is_empty() || !refused.to_string().contains(&text));
    }
}

#[test]
fn debug_shows_nothing_of_the_key() {
    assert_eq!(format!("{:?}", sealer(1)), "Sealer { .. }");
}

#[test]
fn a_key_that_is_known_opens_and_does_not_seal() {
    let owner = installation(1);
    let known = [secret_key(2), secret_key(1), secret_key(2)];
    let both = sealer(1).knowing(&known).unwrap();
    assert_eq!(both.additional.len(), 1, "each key counts once");
    let (old, new) = (seal(&sealer(2), owner, "old"), seal(&both, owner, "new"));
    assert_eq!(open(&both, owner, &old).as_deref(), Ok("old"));
    assert_eq!(open(&sealer(1), owner, &new).as_deref(), Ok("new"));
    assert_eq!(open(&sealer(2), owner, &new), Err(SealError::UnknownKey));
    let third = seal(&sealer(3), owner, "t");
    assert_eq!(open(&both, owner, &third), Err(SealError::UnknownKey));
}

#[test]
fn a_blob_names_its_key() {
    let (sealer, owner) = (sealer(1), installation(1));
    let blob = seal(&sealer, owner, "t");
    assert_eq!(KeyId::of_blob(&blob), Some(sealer.primary()));
    assert_eq!(KeyId::of_blob(&blob[..HEADER_LEN]), Some(sealer.primary()));
    assert_eq!(KeyId::of_blob(&blob[..HEADER_LEN - 1]), None);
    assert_eq!(KeyId::of_blob(&[9; 40]), None);
    // SHA-256 of 32 bytes of 1 begins so: `printf '\1%.0s' {1..32} | sha256sum`.
    assert_eq!(sealer.primary().to_string(), "72cd6e8422c407fb");
}

#[test]
fn a_fresh_key_can_be_used_and_is_another_each_time() {
    let ((one, id), (other, _)) = (fresh_key().unwrap(), fresh_key().unwrap());
    assert_ne!(one.expose(), other.expose());
    assert_eq!(Sealer::with_key(&one).unwrap().primary(), id);
}
