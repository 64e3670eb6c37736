use super::*;

fn member(jwk: &Value, name: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap()
}

#[test]
fn the_public_half_is_whole() {
    let jwk = Key::generate().unwrap().jwk();
    assert_eq!(member(&jwk, "n").len(), 256);
    assert_eq!(member(&jwk, "e"), [1, 0, 1]);
    let mut names: Vec<_> = jwk.as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
}

/// What a JWK of a private key would have, by the numbers of the key in PEM.
fn private_jwk(der: &[u8]) -> Value {
    let (info, _) = content(der, 0x30).unwrap();
    let (_, rest) = content(info, 0x02).unwrap();
    let (_, rest) = content(rest, 0x30).unwrap();
    let (key, _) = content(rest, 0x04).unwrap();
    let (numbers, _) = content(key, 0x30).unwrap();
    let (_, mut rest) = content(numbers, 0x02).unwrap();
    let mut jwk = json!({"kty": "RSA", "kid": "a/b"});
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let (number, after) = content(rest, 0x02).unwrap();
        let zeros = usize::from(number[0] == 0);
        jwk[name] = json!(URL_SAFE_NO_PAD.encode(&number[zeros..]));
        rest = after;
    }
    jwk
}

#[test]
fn a_key_is_read_from_pem_and_from_a_jwk() {
    let pem = include_str!("../../../../tests/keys/rsa-2048-a.pem");
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        let path = folder.path().join("key");
        std::fs::write(&path, text).unwrap();
        Key::read(&path)
    };
    let of_pem = read(&format!("kid: forge/one\n{pem}")).unwrap();
    assert_eq!(of_pem.kid, "forge/one");
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let of_jwk = read(&private_jwk(&STANDARD.decode(body).unwrap()).to_string()).unwrap();
    assert_eq!(of_jwk.kid, "a/b");
    assert_eq!(of_jwk.jwk()["n"], of_pem.jwk()["n"]);
    assert_eq!(of_jwk.sign(b"x"), of_pem.sign(b"x"));
    assert!(matches!(read(pem), Err(KeyFileError::NoKid(_))));
    assert!(matches!(
        read("kid: x\nno key"),
        Err(KeyFileError::NotAKey(_))
    ));
    assert!(matches!(
        read(r#"{"kty":"RSA","kid":"x"}"#),
        Err(KeyFileError::NotAKey(_))
    ));
}
