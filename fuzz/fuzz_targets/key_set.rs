//! A key set: whatever it holds, only strong RSA keys come out of it, and not many.
#![no_main]

use forge_remote::fuzzing::fit;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| {
    let keys = fit::key_set(document);
    assert_eq!(
        keys,
        fit::key_set(document),
        "the same set, read differently"
    );
    let Some(keys) = keys else { return };
    assert!((1..=64).contains(&keys.len()));
    assert!(keys.windows(2).all(|two| two[0].id != two[1].id));
    for key in &keys {
        assert!((1..=256).contains(&key.id.chars().count()));
        let (modulus, exponent) = numbers(&key.der);
        let bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
        assert!((2048..=8192).contains(&bits), "a key of {bits} bits");
        assert_eq!(
            modulus.last().map(|byte| byte & 1),
            Some(1),
            "an even modulus"
        );
        assert!(
            exponent.len() <= 4 && *exponent != [1],
            "the exponent {exponent:?}"
        );
    }
    // What is not for FITs is passed over, wherever it stands.
    let text = str::from_utf8(document).expect("a set is text");
    let member = text.replacen('{', r#"{"x-unknown-to-all":{"keys":[]},"#, 1);
    assert_eq!(fit::key_set(member.as_bytes()).as_ref(), Some(&keys));
});

/// The numbers of an `RSAPublicKey`, alone or in a `SubjectPublicKeyInfo`.
fn numbers(der: &[u8]) -> (&[u8], &[u8]) {
    let (0x30, body, []) = element(der) else {
        panic!("no DER sequence");
    };
    let (tag, first, rest) = element(body);
    if tag == 0x02 {
        let (0x02, second, []) = element(rest) else {
            panic!("no second number");
        };
        return (positive(first), positive(second));
    }
    let (0x03, bits, []) = element(rest) else {
        panic!("no key in the key info");
    };
    numbers(&bits[1..])
}

fn positive(number: &[u8]) -> &[u8] {
    number.strip_prefix(&[0]).unwrap_or(number)
}

/// Tag and content of the first element, and what follows it.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (tag, length) = (der[0], usize::from(der[1]));
    if length < 0x80 {
        let (content, rest) = der[2..].split_at(length);
        return (tag, content, rest);
    }
    let (length, rest) = der[2..].split_at(length & 0x7f);
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let (content, rest) = rest.split_at(length);
    (tag, content, rest)
}
